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
#include "reports/thresholds.hpp"

namespace tiercast::reports {

/// What a scenario knows and a run does not.
struct SummaryInput {
  std::string scenario;
  std::string scenario_hash;
  uint64_t seed = 0;
  std::string build;
  ModelFacts model;
  uint32_t block_tokens = 1;
  uint64_t block_bytes = 0;  ///< KV of one block on all GPUs of an instance
  std::optional<Site> site;  ///< absent: no energy, no cost, no figures per GPU
  ServiceLimits limits;
  std::vector<Threshold> thresholds;
  Provenance provenance;
};

/// Pure: equal facts give equal results. Counts, hit ratios and attribution are of completed
/// requests and made from exact sums; cost is linear in the number of requests.
///
/// Bottlenecks are `gpu` (busy: share of the instances' time with a step under way; adds what
/// requests wait for one another inside steps), `queue` (adds the wait until first admitted) and
/// `kv_blocks` (adds the wait after preemption for want of blocks), by what they add.
Result summarise(const serving::Outcome& outcome, const SummaryInput& input);

}  // namespace tiercast::reports
