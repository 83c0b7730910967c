#include "models/scenario/pace_times.hpp"

#include <algorithm>
#include <utility>

namespace tiercast::scenario {

namespace {

constexpr uint32_t kTold = 32 << 10;  // tokens of the prefix that parts are compared by

// What a prefix takes alone, by every way there is.
struct AloneTimes {
  uint32_t tokens = 0;
  std::vector<std::optional<int64_t>> loads;  // by tier
  std::vector<double> expected;               // the same without lookups, with tails; 0: no load
  int64_t lookup_ns = 0;
  int64_t handoff_ns = 0;  // the longest
  int64_t prefill = 0;

  AloneTimes(const ScenarioSpec& spec, const World& world) {
    tokens = std::min(kTold, world.cluster.engine.max_model_tokens);
    for (const TierTimes& tier : tier_times(spec, world, kTold)) {
      const bool told = tier.usable && !tier.prefixes.empty();
      loads.emplace_back();
      expected.push_back(0);
      if (!told) continue;
      const PrefixTimes& prefix = tier.prefixes.back();
      tokens = prefix.tokens;
      loads.back() = prefix.load_ns;
      expected.back() = static_cast<double>(prefix.load_ns - prefix.lookup_ns) +
                        prefix.tail_probability * static_cast<double>(tier.load.tail_ns);
      lookup_ns = std::max(lookup_ns, prefix.lookup_ns);
    }
    for (const HandOffTimes& way : handoff_times(spec, world, kTold)) {
      if (!way.prompts.empty()) handoff_ns = std::max(handoff_ns, way.prompts.back().total_ns);
    }
    prefill = prefill_ns(world, tokens);
  }
};

Span span_of(int64_t given, int64_t fast, int64_t slow) {
  return {std::min({given, fast, slow}), std::max({given, fast, slow})};
}

double relative(double given, double fast, double slow) {
  constexpr double kRounding = 2;  // ns that sums of rounded parts may be off
  const double width = std::max({given, fast, slow}) - std::min({given, fast, slow});
  return given > 0 && width > kRounding ? width / given : 0;
}

PartSpan span_of(const PacedPart& part, const AloneTimes& given, const AloneTimes& fast,
                 const AloneTimes& slow) {
  PartSpan span{part, given.tokens, {}, {}};
  const auto by = [&](int64_t AloneTimes::*time) {
    return relative(static_cast<double>(given.*time), static_cast<double>(fast.*time),
                    static_cast<double>(slow.*time));
  };
  for (size_t t = 0; t < given.loads.size(); ++t) {
    std::optional<Span>& load = span.loads.emplace_back();
    span.loads_by.push_back(relative(given.expected[t], fast.expected[t], slow.expected[t]));
    if (!given.loads[t] || !fast.loads[t] || !slow.loads[t]) continue;
    load = span_of(*given.loads[t], *fast.loads[t], *slow.loads[t]);
  }
  span.lookups_by = by(&AloneTimes::lookup_ns);
  span.handoffs_by = by(&AloneTimes::handoff_ns);
  span.prefill_by = by(&AloneTimes::prefill);
  return span;
}

}  // namespace

std::optional<PacedWorld> paced_world(const Scenario& scenario, Pace pace, std::string& problem,
                                      std::string_view part) {
  Diagnostics found;
  std::optional<Scenario> moved = at_pace(scenario, pace, found, part);
  std::optional<World> world;
  if (moved) world = build_world(moved->spec, moved->kernels, moved->resolved, found);
  if (world && !found.has_errors()) return PacedWorld{std::move(*moved), std::move(*world)};
  for (const Diagnostic& diagnostic : found.sorted()) {
    if (diagnostic.severity == Severity::error && problem.empty()) problem = diagnostic.message;
  }
  return std::nullopt;
}

std::vector<PartSpan> part_spans(const Scenario& scenario, const World& world) {
  std::vector<PartSpan> spans;
  const std::vector<PacedPart> parts = paced_parts(scenario);
  if (parts.empty()) return spans;
  const AloneTimes given(scenario.spec, world);
  for (const PacedPart& part : parts) {
    std::string ignored;
    const auto times = [&](Pace pace) {
      const std::optional<PacedWorld> moved = paced_world(scenario, pace, ignored, part.path);
      return moved ? AloneTimes(moved->scenario.spec, moved->world) : given;
    };
    spans.push_back(span_of(part, given, times(Pace::fast), times(Pace::slow)));
  }
  return spans;
}

TierBands tier_bands(const Scenario& scenario, const World& world,
                     const std::vector<TierTimes>& times) {
  TierBands bands;
  bands.tiers.resize(times.size());
  if (times.empty() || paced_parts(scenario).empty()) return bands;
  const auto paced = [&](Pace pace) -> std::vector<TierTimes> {
    const std::optional<PacedWorld> moved = paced_world(scenario, pace, bands.problem);
    if (!moved) return {};
    return tier_times(moved->scenario.spec, moved->world);
  };
  const std::vector<TierTimes> fast = paced(Pace::fast);
  const std::vector<TierTimes> slow = paced(Pace::slow);
  if (fast.empty() || slow.empty()) return bands;
  bands.parts = part_spans(scenario, world);
  for (size_t t = 0; t < times.size(); ++t) {
    TierBand band{{}, {}, fast[t], slow[t]};
    bool wide = false;
    for (size_t i = 0; i < times[t].prefixes.size(); ++i) {
      const auto span = [&](int64_t PrefixTimes::*time) {
        return span_of(times[t].prefixes[i].*time, fast[t].prefixes[i].*time,
                       slow[t].prefixes[i].*time);
      };
      band.loads.push_back(span(&PrefixTimes::load_ns));
      band.recomputes.push_back(span(&PrefixTimes::recompute_ns));
      wide = wide || band.loads.back().is_wide() || band.recomputes.back().is_wide();
    }
    if (wide) bands.tiers[t] = std::move(band);
  }
  return bands;
}

std::vector<std::vector<Span>> handoff_spans(const Scenario& scenario,
                                             const std::vector<HandOffTimes>& given) {
  if (given.empty() || paced_parts(scenario).empty()) return {};
  std::string ignored;  // a run says it
  const auto paced = [&](Pace pace) -> std::vector<HandOffTimes> {
    const std::optional<PacedWorld> moved = paced_world(scenario, pace, ignored);
    if (!moved) return {};
    return handoff_times(moved->scenario.spec, moved->world);
  };
  const std::vector<HandOffTimes> fast = paced(Pace::fast);
  const std::vector<HandOffTimes> slow = paced(Pace::slow);
  if (fast.empty() || slow.empty()) return {};
  std::vector<std::vector<Span>> spans(given.size());
  for (size_t w = 0; w < given.size(); ++w) {
    for (size_t i = 0; i < given[w].prompts.size(); ++i) {
      spans[w].push_back(span_of(given[w].prompts[i].total_ns, fast[w].prompts[i].total_ns,
                                 slow[w].prompts[i].total_ns));
    }
  }
  return spans;
}

std::vector<PartSpan> parts_of_tier(const TierBands& bands, size_t t) {
  std::vector<PartSpan> parts;
  for (const PartSpan& part : bands.parts) {
    if (part.loads[t] && part.loads[t]->is_wide()) parts.push_back(part);
  }
  std::stable_sort(parts.begin(), parts.end(), [t](const PartSpan& a, const PartSpan& b) {
    return a.loads[t]->width() > b.loads[t]->width();
  });
  return parts;
}

}  // namespace tiercast::scenario
