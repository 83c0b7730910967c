#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "models/importers/engine_fragment.hpp"

namespace tiercast::importers {

/// A launch line of SGLang (`python -m sglang.launch_server --model-path MODEL ...`, with or
/// without what stands before its arguments) as a piece of a scenario. Nothing after reporting
/// values that cannot be. Source: python/sglang/srt/server_args.py, arg_groups/memory_hook.py,
/// arg_groups/fields/memory.py of 2026 (0.5).
std::optional<std::string> import_sglang(std::string_view text, const LaunchContext& context,
                                         Diagnostics& found);

/// What SGLang sets --mem-fraction-static by, where nothing is said.
struct StaticNeeds {
  Bytes gpu{};
  int64_t chunk = 0;  ///< tokens of a prefill step
  int64_t tp = 1;
  int64_t pp = 1;
  int64_t attention_dp = 1;
  std::optional<int64_t> graph_batch{};  ///< --cuda-graph-max-bs
  bool latent = false;
};
/// All of a GPU's memory but what prompts, CUDA graphs and many GPUs need.
double default_static_share(const StaticNeeds& needs);

}  // namespace tiercast::importers
