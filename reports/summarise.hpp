// From the facts of a run to its result.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/serving/outcome.hpp"
#include "reports/economics.hpp"
#include "reports/metrics.hpp"
#include "reports/result.hpp"

namespace tiercast::reports {

/// What a scenario knows and a run does not.
struct SummaryInput {
  std::string scenario;
  std::string scenario_hash;
  uint64_t seed = 0;
  std::string build;
  ModelFacts model;
  uint32_t block_tokens = 1;
  uint64_t block_bytes = 0;        ///< KV of one block on all GPUs of an instance
  uint32_t prefill_instances = 0;  ///< of instances that prefill only, the first ones; 0: none
  std::optional<Site> site;        ///< absent: no energy, no cost, no figures per GPU
  ServiceLimits limits;
  Provenance provenance;
};

/// Pure: equal facts give equal results. Bands and thresholds come after it: they may take further
/// runs. Counts, hit ratios and attribution are of completed
/// requests and made from exact sums; cost is linear in the number of requests.
///
/// Bottlenecks, by what they add to the mean request: `gpu` (busy: share of the instances' time
/// with a step under way; adds what requests wait for one another inside steps), and the queue by
/// what its head waits for: `step` (the end of the one under way), `max_sequences`,
/// `max_batched_tokens`, `kv_blocks`. The queue's add up to the mean wait. With tiers, the groups
/// of links (tiers.hpp) are among them; of two that add the same, the busier comes first.
Result summarise(const serving::Outcome& outcome, const SummaryInput& input);

}  // namespace tiercast::reports
