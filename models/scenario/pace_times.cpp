#include "models/scenario/pace_times.hpp"

#include <algorithm>
#include <utility>

namespace tiercast::scenario {

namespace {

constexpr uint32_t kTold = 32 << 10;  // tokens of the prefix that parts are compared by

// What a prefix takes alone, by every way there is.
struct AloneTimes {
  uint32_t tokens = 0;
  std::vector<std::optional<int64_t>> loads;
  std::vector<int64_t> others;  // hand-offs, computing

  AloneTimes(const ScenarioSpec& spec, const World& world) {
    const serving::EngineSpec& engine = world.cluster.engine;
    tokens = std::min(kTold, engine.max_model_tokens);
    for (const TierTimes& tier : tier_times(spec, world, kTold)) {
      const bool told = tier.usable && !tier.prefixes.empty();
      loads.push_back(told ? std::optional(tier.prefixes.back().load_ns) : std::nullopt);
      if (told) tokens = tier.prefixes.back().tokens;
    }
    for (const HandOffTimes& way : handoff_times(spec, world, kTold)) {
      if (!way.prompts.empty()) others.push_back(way.prompts.back().total_ns);
    }
    others.push_back(prefill_ns(world, tokens));
  }
};

Span span_of(int64_t given, int64_t fast, int64_t slow) {
  return {std::min({given, fast, slow}), std::max({given, fast, slow})};
}

double relative(const Span& span, int64_t given) {
  if (!span.is_wide() || given <= 0) return 0;
  return static_cast<double>(span.width()) / static_cast<double>(given);
}

PartSpan span_of(const PacedPart& part, const AloneTimes& given, const AloneTimes& fast,
                 const AloneTimes& slow) {
  PartSpan span{part, given.tokens, {}, 0};
  for (size_t t = 0; t < given.loads.size(); ++t) {
    std::optional<Span>& load = span.loads.emplace_back();
    if (!given.loads[t] || !fast.loads[t] || !slow.loads[t]) continue;
    load = span_of(*given.loads[t], *fast.loads[t], *slow.loads[t]);
    span.widest = std::max(span.widest, relative(*load, *given.loads[t]));
  }
  for (size_t i = 0; i < given.others.size(); ++i) {
    const Span other = span_of(given.others[i], fast.others[i], slow.others[i]);
    span.widest = std::max(span.widest, relative(other, given.others[i]));
  }
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
  std::stable_sort(spans.begin(), spans.end(),
                   [](const PartSpan& a, const PartSpan& b) { return a.widest > b.widest; });
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
    TierBand band{{}, fast[t].break_even_tokens(), slow[t].break_even_tokens()};
    bool wide = false;
    for (size_t i = 0; i < times[t].prefixes.size(); ++i) {
      band.loads.push_back(span_of(times[t].prefixes[i].load_ns, fast[t].prefixes[i].load_ns,
                                   slow[t].prefixes[i].load_ns));
      wide = wide || band.loads.back().is_wide();
    }
    if (wide) bands.tiers[t] = std::move(band);
  }
  return bands;
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
