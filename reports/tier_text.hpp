// What the terminal report says of tiers and links.
#pragma once

#include <string>
#include <vector>

#include "reports/result.hpp"

namespace tiercast::reports {

/// When a tier first evicted, in the words that follow "first eviction"; times count from the start
/// of the timed window. Empty: it did not.
std::string eviction_text(const TierUse& tier, const Warmup& warmup);

/// What one pool of a tier holds; `-` for a tier that holds nothing of its own.
std::string pool_text(const TierUse& tier);

/// A table: a row of headings, and a row a tier.
std::vector<std::string> tier_table(const Result& result);

/// Of each tier what no column tells: what its late index came to, what memory before its devices
/// gave, how long its drives last, and how evenly devices were used.
std::vector<std::string> tier_notes(const Result& result);

/// The links that carried anything, the busiest first, as far as they fit a line or two.
std::string links_text(const std::vector<Bottleneck>& bottlenecks);

/// What servers of indices did, where any were asked.
std::string indices_text(const std::vector<ServersUse>& indices);

}  // namespace tiercast::reports
