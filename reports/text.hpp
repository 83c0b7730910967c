// The report of a run for the terminal.
#pragma once

#include <string>

#include "reports/result.hpp"

namespace tiercast::reports {

/// What was run, in a scenario's own words; a line that is empty is left out.
struct RunSetting {
  std::string hardware;
  std::string engine;
  std::string policy;
  std::string workload;
  std::string kv_blocks;  ///< where their number comes from, or that it is pinned
};

struct TextOptions {
  bool color = false;
  RunSetting setting;
};

/// One screen: what was run, the figures asked for first, percentiles, where the time went, cache,
/// warnings, limits, and what identifies the run. Figures are rounded to three digits; the JSON has
/// them in full.
std::string to_text(const Result& result, const TextOptions& options);

}  // namespace tiercast::reports
