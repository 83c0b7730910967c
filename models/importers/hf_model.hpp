#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "models/importers/hf_config.hpp"
#include "models/importers/quantisation.hpp"
#include "models/llm/model_spec.hpp"

namespace tiercast::importers {

/// A model's shape with the words behind each field, by its path in a catalogue entry.
struct HfModel {
  llm::ModelSpec spec;
  std::vector<Told<std::string>> from;
  Quantisation format;
  std::vector<std::string> remarks;  ///< what the shape leaves out

  /// Empty where nothing was said.
  std::string words(std::string_view field) const;
};

/// `assume`: "llama" reads a model of unknown type as one, where it has no other fields.
std::optional<HfModel> read_hf_model(HfConfig& config, const std::string& assume);

}  // namespace tiercast::importers
