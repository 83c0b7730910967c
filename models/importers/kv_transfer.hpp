#pragma once

#include <string>

#include "models/importers/engine_fragment.hpp"
#include "sim/base/node.hpp"

namespace tiercast::importers {

/// Tiers and policy of vLLM's --kv-transfer-config and --kv-offloading-size, and of LMCache's
/// environment. A connector that is not known is refused by name; what hands prompts over between
/// engines is told.
/// Source: vllm/config/vllm.py, vllm/config/cache.py, vllm/v1/kv_offload; lmcache/v1/config.py.
void set_offloading(LaunchValues& values, const Degrees& degrees, EngineFragment& out);

}  // namespace tiercast::importers
