#pragma once

#include "models/importers/engine_fragment.hpp"

namespace tiercast::importers {

/// Policy of SGLang's radix cache; tiers and placement of HiCache or LMCache behind it.
/// Source: python/sglang/srt/mem_cache/hiradix_cache.py, memory_pool_host.py; defaults of
/// arg_groups/fields/memory.py (2026).
void set_hicache(LaunchValues& values, const Degrees& degrees, const LaunchContext& context,
                 EngineFragment& out);

}  // namespace tiercast::importers
