#pragma once

#include <optional>
#include <string>

#include "models/importers/hf_config.hpp"
#include "models/llm/model_spec.hpp"

namespace tiercast::importers {

/// Formats a model is published in.
struct Quantisation {
  llm::WeightFormat weights = llm::WeightFormat::bf16;
  std::string weights_from;
  std::optional<llm::KvFormat> kv;
  std::string kv_from;
};

/// What `quantization_config` and the data type say. A method that is not known is refused by name;
/// 8-bit integers are timed as 8-bit floats, with a warning.
Quantisation read_quantisation(HfConfig& config);

/// The format that an engine's `--quantization NAME` asks for; empty where the name does not tell.
std::optional<llm::WeightFormat> format_of_method(const std::string& name);

}  // namespace tiercast::importers
