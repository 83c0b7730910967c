// Samples of a run made into means and percentiles.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "models/serving/outcome.hpp"
#include "reports/result.hpp"

namespace tiercast::reports {

/// Index, from 0, of the nearest rank ceil(per_mille x count / 1000) in a sorted sample.
inline size_t nearest_rank(size_t count, size_t per_mille) {
  const size_t rank = (count * per_mille + 999) / 1000;
  return rank == 0 ? 0 : rank - 1;
}

/// Percentiles of a sample (not empty; left in another order) whose mean is known, all divided by
/// `unit`. Linear time: each selection starts where the one before it ended.
template <typename Number>
Distribution distribution_of(std::vector<Number>& values, double mean, double unit) {
  constexpr std::array<size_t, 5> kPerMille = {500, 900, 950, 990, 999};
  std::array<double, kPerMille.size()> picked{};
  auto from = values.begin();
  for (size_t i = 0; i < kPerMille.size(); ++i) {
    const auto at =
        values.begin() + static_cast<std::ptrdiff_t>(nearest_rank(values.size(), kPerMille[i]));
    std::nth_element(from, at, values.end());
    picked[i] = static_cast<double>(*at) / unit;
    from = at;
  }
  const auto largest = static_cast<double>(*std::max_element(from, values.end()));
  return {mean / unit, picked[0], picked[1],      picked[2],
          picked[3],   picked[4], largest / unit, std::nullopt};
}

/// What counts as good service; each is absent or must be met.
struct ServiceLimits {
  std::optional<double> ttft_ms;
  std::optional<double> tpot_ms;  ///< of requests with more than one output token
};

struct Tasks {
  /// First arrival to last completion, in the order of session numbers: sessions that ended, all of
  /// whose calls completed.
  std::vector<int64_t> times_ns;
  uint64_t cut_short = 0;  ///< sessions that the end of demand kept from ending
};

struct MetricsInput {
  TokenCounts tokens;
  int64_t start_ns = 0;  ///< of the time that rates are over: window_start_ns()
  uint32_t gpus = 0;     ///< provisioned
  ServiceLimits limits;
  std::vector<int64_t> tasks_ns;  ///< Tasks::times_ns
};

/// Where the time begins that rates and shares are over: the end of warm-up, or without one the
/// first arrival, so that a trace that starts late pays for no wait. It lasts to the end of the
/// run.
int64_t window_start_ns(const serving::Outcome& outcome);

/// Latencies and rates of the completed requests. There are no rates where no time passed.
Metrics metrics_of(const serving::Outcome& outcome, MetricsInput input);

/// Tasks are sessions. Empty where no session has two calls: then tasks are requests.
Tasks tasks_of(const serving::RequestLog& log);

}  // namespace tiercast::reports
