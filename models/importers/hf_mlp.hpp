#pragma once

#include <string>
#include <vector>

#include "models/importers/hf_config.hpp"
#include "models/importers/hf_families.hpp"
#include "models/importers/hf_layers.hpp"
#include "models/llm/model_spec.hpp"

namespace tiercast::importers {

/// Sets `mlp_layers`, `gated`, `intermediate` and `moe` of a model that has its layers already.
void apply_mlps(HfConfig& config, const Family& family, const LayerPlan& plan,
                llm::ModelSpec& model, std::vector<Told<std::string>>& from);

}  // namespace tiercast::importers
