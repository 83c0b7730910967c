// Limits a result must meet: `ttft_ms.p99 < 2000`, `energy.j_per_output_token < 500mJ`.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reports/result.hpp"
#include "sim/base/diagnostics.hpp"

namespace tiercast::reports {

enum class Comparison { less, at_most, greater, at_least };

struct Threshold {
  std::string expr;  ///< as written
  std::string path;  ///< in full
  Comparison comparison = Comparison::less;
  double limit = 0;  ///< in the unit of the path
};

/// Every number of a result's JSON that a threshold may name, in the order of the schema, with dots
/// between the keys; items of lists go by their tier or resource: `cache.by_tier.hbm.fill`.
/// `run` is left out: it tells of the simulator.
const std::vector<std::string>& numeric_paths();

/// The tier below GPU memory that a number of the list is of: `nvme`.
std::optional<std::string> tier_of(std::string_view path);

/// Reads `<path> <op> <number[unit]>`, op one of < <= > >=. A bare number is in the unit of the
/// path; a number with a unit is converted to it. `metrics.` may be left away. What is wrong is
/// reported at `place`.
std::optional<Threshold> parse_threshold(std::string_view text, const Place& place,
                                         Diagnostics& found);

/// Holds the result against the limits, in their order. A number that the result does not have
/// (no request completed, demand without sessions) breaches: nothing shows that the limit is met.
std::vector<ThresholdOutcome> evaluate(const std::vector<Threshold>& thresholds,
                                       const Result& result);

}  // namespace tiercast::reports
