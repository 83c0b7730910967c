#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/serving/instance_counts.hpp"
#include "models/serving/request_log.hpp"
#include "models/tiering/block_pool.hpp"
#include "sim/base/histogram.hpp"

namespace tiercast::serving {

/// Facts of one instance over the whole run.
struct InstanceOutcome {
  InstanceCounts counts;
  tiering::PoolCounts pool;
  uint32_t pool_capacity_blocks = 0;
  uint32_t pool_present_blocks = 0;  ///< at the end
};

/// Everything a run established: plain data, from which results are derived. What describes the
/// simulation rather than the simulated (events, calls) is kept apart in `effort`.
struct Outcome {
  RequestLog log;
  std::vector<InstanceOutcome> instances;
  Histogram itl_ns;         ///< gaps between tokens; counts and extremes
  llm::Int128 itl_ticks = 0;  ///< their exact sum
  int64_t end_ns = 0;       ///< last completion, or the last arrival if later
  uint64_t truncated = 0;
  uint64_t rejected_too_long = 0;    ///< beyond the engine's maximum length
  uint64_t rejected_too_large = 0;   ///< KV would not fit the pool
  std::string digest;  ///< of domain facts, 32 hexadecimal digits
  struct Effort {
    uint64_t events = 0;
    uint64_t steps = 0;
    uint64_t advances = 0;
    uint64_t policy_calls = 0;
  } effort;
};

/// Digest of request stamps in canonical order, pool transitions and meter totals. Instances add up
/// without order, so relabelling them does not show; neither do counters of effort.
std::string digest_of(const Outcome& outcome, const std::vector<uint64_t>& pool_digests);

}  // namespace tiercast::serving
