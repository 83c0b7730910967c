// What the terminal report says of tiers and links.
#pragma once

#include <string>
#include <vector>

#include "reports/result.hpp"

namespace tiercast::reports {

/// When a tier first evicted, in the words that follow "first eviction"; times count from the start
/// of the timed window. Empty: it did not.
std::string eviction_text(const TierUse& tier, const Warmup& warmup);

/// A table: a row of headings, and a row a tier.
std::vector<std::string> tier_table(const Result& result);

/// A line for each tier whose blocks lie on some of its drives: how evenly these were used.
std::vector<std::string> device_lines(const Result& result);

/// The links that carried anything, the busiest first, as far as they fit a line or two.
std::string links_text(const std::vector<Bottleneck>& bottlenecks);

}  // namespace tiercast::reports
