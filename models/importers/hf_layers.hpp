#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/importers/hf_config.hpp"
#include "models/importers/hf_families.hpp"
#include "models/llm/model_spec.hpp"

namespace tiercast::importers {

enum class Mixer : uint8_t { full, window, linear };

/// What a model's layers are, one by one.
struct LayerPlan {
  std::vector<Mixer> mixers;
  std::string from;  ///< the key that told
  uint32_t window = 0;
  std::string window_from;
  /// Where layers are either a mixer or an MLP: how many are MLPs, and experts among them.
  std::optional<uint32_t> mlps;
  uint32_t expert_mlps = 0;

  uint32_t count(Mixer mixer) const;
};

/// Kinds of layer that are not known are reported by name.
LayerPlan read_layers(HfConfig& config, const Family& family);

/// Sets `window`, `linear` and `shared_kv` of a model that has its layers and context already.
/// `from` gets the words behind each field.
void apply_layers(HfConfig& config, const Family& family, const LayerPlan& plan,
                  llm::ModelSpec& model, std::vector<Told<std::string>>& from);

}  // namespace tiercast::importers
