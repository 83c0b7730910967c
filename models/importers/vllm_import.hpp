#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "models/importers/engine_fragment.hpp"

namespace tiercast::importers {

/// A launch line of vLLM (`vllm serve MODEL --flag value ...`, with or without what stands before
/// its arguments) as a piece of a scenario. Nothing after reporting values that cannot be.
/// Source: vllm/engine/arg_utils.py, vllm/config; defaults are of vLLM 0.25 to 0.29.
std::optional<std::string> import_vllm(std::string_view text, const LaunchContext& context,
                                       Diagnostics& found);

}  // namespace tiercast::importers
