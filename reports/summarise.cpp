#include "reports/summarise.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "models/ledger/band.hpp"
#include "models/ledger/wear.hpp"
#include "reports/roles.hpp"
#include "reports/steady.hpp"
#include "reports/tiers.hpp"

namespace tiercast::reports {

namespace {

using serving::RequestRecord;
using serving::RequestState;
using serving::TimeParts;

constexpr double kNsPerMs = 1e6;

/// Exact sums over the parts of many requests.
struct PartSums {
  Int128 route = 0;
  Int128 queue = 0;
  Int128 metadata = 0;
  Int128 prefill = 0;
  Int128 interference = 0;
  Int128 handoff = 0;
  Int128 decode = 0;
  Int128 engine = 0;

  void add(const TimeParts& parts) {
    route += parts.route_ns;
    queue += parts.queue_ns;
    metadata += parts.metadata_ns;
    prefill += parts.prefill_ns;
    interference += parts.interference_ns;
    handoff += parts.handoff_ns;
    decode += parts.decode_ns;
    engine += parts.engine_ns;
  }
};

/// What one pass over the log finds.
struct LogSums {
  RequestCounts requests;
  TokenCounts tokens;
  uint64_t loaded_tokens = 0;
  uint64_t hit_blocks = 0;
  uint64_t whole_blocks = 0;
  PartSums ttft;
  PartSums e2e;
};

void add_completed(const RequestRecord& record, uint32_t block_tokens, LogSums& sums) {
  ++sums.requests.completed;
  sums.tokens.input += record.input_tokens;
  sums.tokens.input_cached += record.cached_tokens;
  sums.loaded_tokens += record.loaded_tokens;
  sums.tokens.input_computed += record.computed_tokens;
  sums.tokens.output += record.output_tokens;
  sums.hit_blocks += record.cached_tokens / block_tokens;
  sums.whole_blocks += record.input_tokens / block_tokens;
  sums.ttft.add(record.ttft);
  sums.e2e.add(record.e2e);
}

LogSums sums_of(const serving::RequestLog& log, uint32_t block_tokens) {
  LogSums sums;
  sums.requests.offered = log.size();
  for (const RequestRecord& record : log) {
    sums.requests.truncated += record.truncated ? 1 : 0;
    sums.requests.preempted += record.preemptions > 0 ? 1 : 0;
    sums.requests.preemptions += record.preemptions;
    if (record.state == RequestState::completed) {
      add_completed(record, block_tokens, sums);
    } else if (record.state == RequestState::rejected) {
      ++sums.requests.rejected;
    } else {
      ++sums.requests.failed;
    }
  }
  return sums;
}

std::optional<double> ratio(double part, double whole) {
  if (whole == 0) return std::nullopt;
  return part / whole;
}

std::optional<double> mean_ms(Int128 sum_ns, uint64_t count) {
  return ratio(static_cast<double>(sum_ns) / kNsPerMs, static_cast<double>(count));
}

TimeSplit split_of(const PartSums& sums, std::vector<LoadTime> loads, uint64_t count) {
  const auto mean = [count](Int128 sum) { return *mean_ms(sum, count); };
  TimeSplit split;
  split.route = mean(sums.route);
  split.queue = mean(sums.queue);
  split.metadata = mean(sums.metadata);
  split.load = std::move(loads);
  split.prefill = mean(sums.prefill);
  split.interference = mean(sums.interference);
  split.handoff = mean(sums.handoff);
  split.decode = mean(sums.decode);
  split.engine = mean(sums.engine);
  return split;
}

Attribution attribution_of(const serving::Outcome& outcome, const LogSums& sums) {
  const uint64_t count = sums.requests.completed;
  if (count == 0) return {};
  using serving::InstanceCounts;
  return {split_of(sums.ttft, mean_loads(outcome, &InstanceCounts::ttft_load, count), count),
          split_of(sums.e2e, mean_loads(outcome, &InstanceCounts::e2e_load, count), count)};
}

CacheUse cache_of(const serving::Outcome& outcome, const LogSums& sums, const SummaryInput& input,
                  int64_t span_ns) {
  CacheUse cache;
  cache.token_hit_ratio =
      ratio(static_cast<double>(sums.tokens.input_cached), static_cast<double>(sums.tokens.input));
  cache.block_hit_ratio =
      ratio(static_cast<double>(sums.hit_blocks), static_cast<double>(sums.whole_blocks));
  cache.by_tier = tier_uses(
      outcome, {input.block_bytes, sums.tokens.input_cached, sums.loaded_tokens, span_ns});
  cache.indices = servers_uses(outcome, span_ns);
  return cache;
}

std::vector<Bottleneck> bottlenecks_of(const serving::Outcome& outcome, const LogSums& sums,
                                       const Attribution& attribution, int64_t span_ns) {
  const uint64_t count = sums.requests.completed;
  const RoleUse all = use_of(outcome.instances, count, span_ns);
  std::vector<Bottleneck> bottlenecks = {
      {"gpu", all.gpu_busy, mean_ms(sums.e2e.interference, count)}};
  for (const auto& [cause, wait_ms] : all.waits_ms) {
    bottlenecks.push_back({cause, std::nullopt, wait_ms});
  }
  const std::vector<Bottleneck> links = link_bottlenecks(
      outcome, attribution.e2e_ms ? attribution.e2e_ms->load : std::vector<LoadTime>{}, span_ns);
  bottlenecks.insert(bottlenecks.end(), links.begin(), links.end());
  std::stable_sort(bottlenecks.begin(), bottlenecks.end(),
                   [](const Bottleneck& a, const Bottleneck& b) {
                     return std::tie(a.adds_ms, a.busy) > std::tie(b.adds_ms, b.busy);
                   });
  return bottlenecks;
}

void add_wear(const ledger::WearByTier& wear, const serving::Outcome& outcome, CacheUse& cache) {
  for (const serving::TierOutcome& tier : outcome.tiers) {
    const std::optional<ledger::Wear>& of_tier =
        tier.kind == tiering::TierKind::nvme      ? wear.node_drives
        : tier.kind == tiering::TierKind::context ? wear.context
                                                  : wear.external;
    const bool has_drives = tier.kind == tiering::TierKind::nvme ||
                            tier.kind == tiering::TierKind::context ||
                            tier.kind == tiering::TierKind::external;
    if (!has_drives || !of_tier) continue;
    for (TierUse& use : cache.by_tier) {
      if (use.tier == tier.name) use.wear_years = of_tier->wear_years;
    }
  }
}

void add_economics(const serving::Outcome& outcome, const Site& site, uint64_t tasks,
                   Result& result) {
  const ledger::Meters meters = meters_of(outcome, site);
  const Output output{meters.duration, result.tokens, tasks};
  const ledger::Provision boxes = site.provision();
  const ledger::Energy energy = ledger::energy(boxes, site.facility, meters);
  result.energy = energy_use(energy, output);
  result.energy->carbon_kg = ledger::carbon(site.facility, energy.facility).value();
  const ledger::EnergySplit split = ledger::split(energy, boxes, meters);
  result.energy->split = {split.dynamic.value(), split.occupied.value(), split.unoccupied.value()};
  add_wear(ledger::wear(boxes, meters), outcome, result.cache);
  const auto tokens = static_cast<double>(result.tokens.output);
  const auto per = [](const ledger::Band& band, double count) -> std::optional<Interval> {
    if (count <= 0) return std::nullopt;
    return Interval{band.low / count, band.high / count};
  };
  const ledger::Band joule_band = ledger::energy_band(boxes, site.facility, meters);
  result.energy->band_j_per_output_token = per(joule_band, tokens);
  result.energy->band_j_per_task = per(joule_band, static_cast<double>(tasks));
  if (result.tokens.output > 0) {
    const double joules = energy.node_and_fabric.value();
    result.provenance.band = per(joule_band, joules);
  }
  const ledger::Cost cost =
      ledger::cost(boxes, site.facility, site.pricing, meters.duration, energy);
  result.cost = cost_use(cost, site.pricing, output);
  const ledger::Band dollars = ledger::cost_band(boxes, site.facility, site.pricing, meters);
  result.cost->band_usd_per_million_output_tokens = per(dollars, tokens / 1e6);
  result.cost->band_usd_per_task = per(dollars, static_cast<double>(tasks));
  const std::vector<std::string> idle = unused_storage(outcome, site, energy, cost);
  std::vector<std::string>& caveats = result.provenance.caveats;
  caveats.insert(caveats.end(), idle.begin(), idle.end());
}

void add_caveats(const Tasks& tasks, uint64_t ended, Result& result) {
  std::vector<std::string>& caveats = result.provenance.caveats;
  if (tasks.cut_short > 0) {
    caveats.push_back(std::to_string(tasks.cut_short) + " of " +
                      std::to_string(tasks.cut_short + ended) +
                      " tasks were cut short by the end of the run: times are of those that ended, "
                      "which favours short ones; energy and cost per task carry all");
  }
  const double e2e_ms = result.metrics.e2e_ms ? result.metrics.e2e_ms->mean : 0;
  const std::string of_role = role_caveat(result.roles, e2e_ms);
  if (!of_role.empty()) caveats.push_back(of_role);
}

}  // namespace

Result summarise(const serving::Outcome& outcome, const SummaryInput& input) {
  const LogSums sums = sums_of(outcome.log, input.block_tokens);
  const int64_t window_ns = window_start_ns(outcome);
  const int64_t span_ns = outcome.end_ns - window_ns;
  Result result;
  result.scenario = input.scenario;
  result.scenario_hash = input.scenario_hash;
  result.seed = input.seed;
  result.digest = outcome.digest;
  result.build = input.build;
  result.simulated_s = static_cast<double>(outcome.end_ns - outcome.start_ns) / 1e9;
  result.warmup.functional_s = static_cast<double>(outcome.start_ns) / 1e9;
  result.steady = steadiness_of(outcome);
  result.model = input.model;
  result.requests = sums.requests;
  result.requests.too_long = outcome.rejected_too_long;
  result.requests.too_large = outcome.rejected_too_large;
  result.tokens = sums.tokens;
  Tasks tasks = tasks_of(outcome.log);
  const uint64_t ended = tasks.times_ns.size();
  const uint32_t gpus = input.site ? input.site->gpus() : 0;
  result.metrics =
      metrics_of(outcome, {sums.tokens, window_ns, gpus, input.limits, std::move(tasks.times_ns)});
  result.attribution = attribution_of(outcome, sums);
  result.cache = cache_of(outcome, sums, input, span_ns);
  if (const serving::RouterCounts& router = outcome.router; router.requests > 0) {
    result.router =
        RouterUse{router.requests, router.stale_hit_blocks, router.misrouted, router.missed_blocks};
  }
  result.bottlenecks = bottlenecks_of(outcome, sums, result.attribution, span_ns);
  result.roles = role_uses(outcome, input.prefill_instances, sums.requests.completed, span_ns);
  result.provenance = input.provenance;
  if (input.site) add_economics(outcome, *input.site, ended, result);
  add_caveats(tasks, ended, result);
  const serving::Outcome::Effort& effort = outcome.effort;
  result.run.events = effort.events;
  result.run.steps = effort.steps;
  result.run.advances = effort.advances;
  result.run.policy_calls = effort.policy_calls;
  result.run.transfers = effort.transfers;
  result.run.solves = effort.solves;
  result.run.bundles_solved = effort.bundles_solved;
  return result;
}

}  // namespace tiercast::reports
