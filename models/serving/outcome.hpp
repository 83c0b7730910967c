#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/serving/instance_counts.hpp"
#include "models/serving/request_log.hpp"
#include "models/serving/worker_views.hpp"
#include "models/tiering/block_pool.hpp"
#include "models/tiering/tier_manager.hpp"
#include "sim/base/histogram.hpp"

namespace tiercast::serving {

/// Facts of one instance over the whole run.
struct InstanceOutcome {
  InstanceCounts counts;
  tiering::PoolCounts pool;
  uint32_t pool_capacity_blocks = 0;
  uint32_t pool_present_blocks = 0;  ///< at the end
};

/// Facts of one tier below GPU memory, over all its pools.
struct TierOutcome {
  std::string name;
  tiering::TierKind kind = tiering::TierKind::dram;
  bool cut = false;  ///< its pools are larger than what of them is simulated
  uint32_t pools = 0;
  uint64_t block_bytes = 0;      ///< of one block as it is stored there
  uint64_t capacity_blocks = 0;  ///< of all pools
  uint64_t present_blocks = 0;   ///< at the end
  int64_t index_delay_ns = 0;
  tiering::TierCounts counts;
  tiering::TierPoolCounts pool_counts;         ///< sums; the first eviction of any
  uint64_t cache_blocks = 0;                   ///< of memory before its devices, in all pools
  std::vector<tiering::DeviceCounts> devices;  ///< of all pools, where they are told apart
};

/// Facts of one link of the hierarchy.
struct LinkOutcome {
  std::string name;
  uint64_t bytes_per_s = 0;
  uint64_t carried_bytes = 0;
  uint64_t started_bytes = 0;
};

/// Facts of one station that indices run on.
struct StationOutcome {
  std::string name;
  tiering::StationPlace place = tiering::StationPlace::service;
  uint32_t servers = 1;
  int64_t operation_ns = 1;
  tiering::IndexServers::Counts counts;
};

/// Everything a run established: plain data, from which results are derived. What describes the
/// simulation rather than the simulated (events, calls) is kept apart in `effort`.
struct Outcome {
  RequestLog log;
  std::vector<InstanceOutcome> instances;
  Histogram itl_ns;           ///< gaps between tokens; counts and extremes
  llm::Int128 itl_ticks = 0;  ///< their exact sum
  std::vector<TierOutcome> tiers;
  std::vector<LinkOutcome> links;
  std::vector<StationOutcome> stations;
  llm::Int128 copy_core_fs = 0;  ///< time of host cores for transfers and indices, in 10^-15 s
  RouterCounts router;           ///< of the timed window
  int64_t start_ns = 0;          ///< of the timed window; before it, warm-up
  uint64_t warmed_requests = 0;  ///< that passed through the caches in warm-up
  int64_t end_ns = 0;            ///< last completion, or the last arrival if later
  uint64_t truncated = 0;
  uint64_t rejected_too_long = 0;   ///< beyond the engine's maximum length
  uint64_t rejected_too_large = 0;  ///< KV would not fit the pool
  std::string digest;               ///< of domain facts, 32 hexadecimal digits
  struct Effort {
    uint64_t events = 0;
    uint64_t steps = 0;
    uint64_t advances = 0;
    uint64_t policy_calls = 0;
    uint64_t transfers = 0;
    uint64_t solves = 0;          ///< of link shares
    uint64_t bundles_solved = 0;  ///< over all solves
  } effort;
};

/// Digest of request stamps in canonical order, pool transitions and meter totals. Instances add up
/// without order, so relabelling them does not show; neither do counters of effort. `tier_digest`:
/// of the tiers below GPU memory, 0 where there are none.
std::string digest_of(const Outcome& outcome, const std::vector<uint64_t>& pool_digests,
                      uint64_t tier_digest = 0);

}  // namespace tiercast::serving
