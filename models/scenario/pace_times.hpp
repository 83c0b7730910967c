// How far the times of one request alone lie apart over the ranges of the figures behind them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "models/scenario/load.hpp"
#include "models/scenario/pace.hpp"
#include "models/scenario/tier_times.hpp"
#include "models/scenario/world.hpp"

namespace tiercast::scenario {

/// The scenario at one pace, ready to run.
struct PacedWorld {
  Scenario scenario;
  World world;
};
/// Nothing where it does not read or build; `problem` says why.
std::optional<PacedWorld> paced_world(const Scenario& scenario, Pace pace, std::string& problem,
                                      std::string_view part = {});

struct Span {
  int64_t low_ns = 0;
  int64_t high_ns = 0;
  int64_t width() const { return high_ns - low_ns; }
  /// By more than the nanosecond or two that a sum of rounded parts may be off.
  bool is_wide() const { return width() > 2; }
};

/// What the figures of one part do by themselves: the times of a prefix of 32Ki tokens, or the
/// longest told below, with the part fast and with it slow.
struct PartSpan {
  PacedPart part;
  uint32_t tokens = 0;
  std::vector<std::optional<Span>> loads;  ///< by tier; absent where nothing can be loaded
  // Widths over the time as given; 0 where there is none.
  std::vector<double>
      loads_by;           ///< by tier: a load, lookup aside, with what slow devices add to it
  double lookups_by = 0;  ///< of the longest lookup
  double handoffs_by = 0;
  double prefill_by = 0;
};

/// By part. One whose moved scenario does not work has no effect.
std::vector<PartSpan> part_spans(const Scenario& scenario, const World& world);

/// Of one tier with every part fast, and slow.
struct TierBand {
  std::vector<Span> loads;       ///< of TierTimes::prefixes
  std::vector<Span> recomputes;  ///< of the same
  TierTimes fast;
  TierTimes slow;
};

struct TierBands {
  std::vector<PartSpan> parts;
  /// By tier; absent where no figure changes a load.
  std::vector<std::optional<TierBand>> tiers;
  std::string problem;  ///< why there are none
};
/// `times` as tier_times tells.
TierBands tier_bands(const Scenario& scenario, const World& world,
                     const std::vector<TierTimes>& times);

/// Of hand-offs as handoff_times tells them, of each all prompts; empty where no figure has a
/// range, or where an end does not work.
std::vector<std::vector<Span>> handoff_spans(const Scenario& scenario,
                                             const std::vector<HandOffTimes>& given);

/// Those that change the loads of tier `t`, the one that changes them most first.
std::vector<PartSpan> parts_of_tier(const TierBands& bands, size_t t);

}  // namespace tiercast::scenario
