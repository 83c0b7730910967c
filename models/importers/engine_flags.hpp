#pragma once

#include "models/importers/launch_line.hpp"

namespace tiercast::importers {

/// Flags of `vllm serve` (0.10 to 0.28). Source: vllm/engine/arg_utils.py,
/// vllm/entrypoints/openai/cli_args.py.
const EngineFlags& vllm_flags();

/// Flags of SGLang's server (0.5). Source: python/sglang/srt/server_args.py,
/// docs/advanced_features/server_arguments.md.
const EngineFlags& sglang_flags();

}  // namespace tiercast::importers
