#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sim/base/diagnostics.hpp"

namespace tiercast::importers {

struct HfOptions {
  std::string file = "config.json";  ///< names the text in messages and in the result
  bool catalogue = false;            ///< an entry of configs/models, not a piece of a scenario
  std::string assume{};              ///< see read_hf_model
};

/// The text of a Hugging Face config.json as a model: YAML in which each value names the key it
/// comes from. Nothing after reporting what is missing, contradictory or not understood.
/// Source: the files' own classes, see hf_families.cpp.
std::optional<std::string> import_hf(std::string_view text, const HfOptions& options,
                                     Diagnostics& found);

}  // namespace tiercast::importers
