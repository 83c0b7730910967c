#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "models/policy/parameters.hpp"
#include "models/policy/tier_list.hpp"
#include "models/policy/tierpolicy.h"

namespace tiercast::policy {

inline constexpr std::array<std::string_view, 4> kFetchRules{"load-all", "recompute-all",
                                                             "load-or-recompute", "bidirectional"};

/// How a prompt's blocks come that lower tiers hold. With T_load(a, b) = the latest of the tiers'
/// latency + (queued + bytes) / bandwidth for blocks [a, b), and T_compute likewise:
///
/// load-all and recompute-all say it.
/// load-or-recompute: the leading s runs load, for which T_load(0, s) + T_compute(s, n) is least.
/// Inside a run the time to compute a block grows with its depth while that to load it does not, so
/// the sum is concave there and least at an end.
/// bidirectional: blocks from s on load while those before are computed, for which the later of
/// T_compute(0, s) and T_load(s, n) is least (Cake: loads from the tail and computes from the head
/// until they meet). T_compute is the parabola through what the host knows: nothing, half and all.
/// Where the engine cannot do it, or somebody else is already loading a part: load-or-recompute.
class FetchRule {
 public:
  static constexpr Parameter kRule = choice_of(
      "fetch", kFetchRules,
      "what becomes of blocks that lower tiers hold: all load, all are computed again, the leading "
      "ones load as far as that is sooner, or the tail loads while the head is computed");
  static constexpr Parameter kMinLoad{
      "min_load", "blocks", ParameterKind::integer, 1, 1, 1e6, "shorter finds are computed again"};

  explicit FetchRule(const ParameterValues& values)
      : rule_(static_cast<Rule>(values.integer("fetch"))), min_load_(values.integer("min_load")) {}

  /// Blocks [first, end) of the prompt; none where they are equal.
  struct Range {
    uint32_t first;
    uint32_t end;
  };
  /// What of the runs is loaded. Blocks before it are computed at the same time, those behind it
  /// afterwards.
  Range loaded(const tp_fetch& fetch, const TierList& tiers) const;

 private:
  enum class Rule : uint32_t { load_all, recompute_all, load_or_recompute, bidirectional };

  Range best(const tp_fetch& fetch, const TierList& tiers) const;
  static Range leading_runs(const tp_fetch& fetch, const TierList& tiers);
  static Range meeting(const tp_fetch& fetch, const TierList& tiers);

  Rule rule_;
  uint32_t min_load_;
};

}  // namespace tiercast::policy
