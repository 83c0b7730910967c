// What tiers of the hierarchy and the links between them did, from the facts of a run.
#pragma once

#include <cstdint>
#include <vector>

#include "models/serving/outcome.hpp"
#include "reports/result.hpp"

namespace tiercast::reports {

/// Name under which loads from another engine's GPU memory are shown.
inline constexpr const char* kOtherEngines = "other_hbm";

struct TierInput {
  uint64_t block_bytes = 0;    ///< as engines hold a block
  uint64_t cached_tokens = 0;  ///< of the input of completed requests, found anywhere
  uint64_t loaded_tokens = 0;  ///< of those, fetched into GPU memory
  int64_t span_ns = 0;         ///< of the window
};

/// HBM, then the tiers in the order of lookup. Their hit_tokens sum to `cached_tokens` exactly:
/// loaded tokens are split in proportion to the blocks that were fetched from each tier.
std::vector<TierUse> tier_uses(const serving::Outcome& outcome, const TierInput& input);

/// Mean time of loading by tier, in ms, over `count` > 0 requests, from the sums that instances
/// keep
/// (`sums`: ttft_load or e2e_load). Another engine's memory comes first, where any load was from
/// there; each tier is named. Nothing without tiers.
std::vector<LoadTime> mean_loads(const serving::Outcome& outcome,
                                 std::vector<serving::TierTime> serving::InstanceCounts::*sums,
                                 uint64_t count);

/// The busiest link of each group: links whose names differ in numbers only, `nvme0.read` and
/// `nvme1.read` as `nvme.read`. busy = bytes carried / (bytes/s x window). What comes before the
/// first dot names the tier, and `node.memory` is of dram; each of a tier's groups shows the whole
/// mean load wait of that tier (`loads`, of the time to the last token), so these do not add up.
/// Links that several tiers share, as an engine's bus, are nobody's and add nothing here.
std::vector<Bottleneck> link_bottlenecks(const serving::Outcome& outcome,
                                         const std::vector<LoadTime>& loads, int64_t span_ns);

/// Stations grouped in the same way: busy = operations x time of one / (servers x window), and what
/// a job waited beyond its time alone.
std::vector<ServersUse> servers_uses(const serving::Outcome& outcome, int64_t span_ns);

}  // namespace tiercast::reports
