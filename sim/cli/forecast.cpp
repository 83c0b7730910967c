#include "sim/cli/forecast.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string>
#include <sys/resource.h>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "models/scenario/census.hpp"
#include "models/scenario/pace_times.hpp"
#include "models/serving/cluster.hpp"
#include "models/tiering/run_fault.hpp"
#include "models/workload/demand_source.hpp"
#include "reports/bands.hpp"
#include "reports/figures.hpp"
#include "reports/summarise.hpp"
#include "sim/base/field_table.hpp"
#include "sim/cli/build_info.hpp"
#include "sim/cli/threshold_checks.hpp"

namespace tiercast::cli {

namespace {

std::string build_text() {
  const BuildInfo build = build_info();
  std::string text(build.version);
  if (!build.revision.empty()) text += " " + std::string(build.revision);
  return text + " " + std::string(build.compiler) + " " + std::string(build.build_type);
}

reports::SummaryInput summary_input(const scenario::Scenario& scenario,
                                    const scenario::World& world) {
  reports::SummaryInput input;
  input.scenario = scenario.spec.name;
  input.scenario_hash = scenario.hash;
  input.seed = scenario.spec.run.seed;
  input.build = build_text();
  input.model = {scenario.spec.model.name.title, name_of_choice(world.weights),
                 name_of_choice(world.kv), static_cast<uint64_t>(world.kv_bytes_per_token),
                 world.cluster.engine.kv_blocks};
  input.block_tokens = world.cluster.engine.block_tokens;
  input.block_bytes = static_cast<uint64_t>(world.block_bytes);
  input.prefill_instances = world.cluster.prefill_instances;
  const scenario::ClusterSection& cluster = scenario.spec.cluster;
  input.site = {
      cluster.node,    cluster.facility, cluster.nodes,           world.gpus_per_instance,
      cluster.pricing, cluster.fabric,   cluster.storage.context, cluster.storage.external,
      cluster.pods()};
  constexpr double kMsPerNs = 1e-6;
  const scenario::LimitsSection& limits = scenario.spec.limits;
  if (limits.ttft) input.limits.ttft_ms = static_cast<double>(limits.ttft->value()) * kMsPerNs;
  if (limits.tpot) input.limits.tpot_ms = static_cast<double>(limits.tpot->value()) * kMsPerNs;
  const scenario::FigureCensus census = scenario::count_figures(scenario);
  input.provenance.weakest = census.weakest;
  input.provenance.counts_by_kind.assign(census.counts_by_kind.begin(),
                                         census.counts_by_kind.end());
  input.provenance.sensitive_to = census.estimates;
  input.provenance.caveats = world.caveats;
  for (const scenario::UsedPlugin& used : world.plugins) {
    input.provenance.plugins.push_back(
        {used.place, used.name, used.version, used.plugin->file(), used.plugin->hash()});
  }
  return input;
}

/// What the process has used so far; the only place a run meets a real clock.
class Stopwatch {
 public:
  void stop(reports::RunEffort& effort) const {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds_of = [](const timeval& time) {
      return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
    };
    effort.cpu_s = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
    effort.wall_s =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    effort.peak_rss_mb = static_cast<double>(usage.ru_maxrss) * 1024e-6;  // ru_maxrss is in KiB
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// One run, without limits on its result.
std::optional<Forecast> simulate(const scenario::Scenario& scenario, const scenario::World& world,
                                 Diagnostics& found, tiering::Tapes* tapes = nullptr) {
  const auto source = workload::make_source(
      scenario.spec.workload, {scenario.spec.run.seed, world.cluster.engine.block_tokens}, found);
  if (source == nullptr) return std::nullopt;
  serving::ClusterSpec spec = world.cluster;
  spec.tapes = tapes;
  serving::Cluster cluster(spec, world.steps, *source);
  serving::Outcome outcome = cluster.run();
  for (const scenario::UsedPlugin& used : world.plugins) used.plugin->check_end();
  workload::explain(source->report(), found);
  if (source->report().failed) return std::nullopt;
  reports::SummaryInput input = summary_input(scenario, world);
  const uint64_t bad_lines = source->report().bad_lines;
  if (bad_lines > 0) {
    input.provenance.caveats.push_back(std::to_string(bad_lines) +
                                       " bad lines of the trace were left out");
  }
  Forecast forecast;
  forecast.result = reports::summarise(outcome, input);
  forecast.log = std::move(outcome.log);
  forecast.start_ns = outcome.start_ns;
  return forecast;
}

/// The same demand at one pace; nothing where that does not run, and `problem` says why.
std::optional<reports::Result> paced_result(const scenario::Scenario& scenario, scenario::Pace pace,
                                            std::string& problem) {
  const auto moved = scenario::paced_world(scenario, pace, problem);
  if (!moved) return std::nullopt;
  Diagnostics aside;  // the run before has told what there is to tell
  try {
    std::optional<Forecast> run = simulate(moved->scenario, moved->world, aside);
    if (run) return std::move(run->result);
    problem = "its workload could not be read again";
  } catch (const tiering::RunFault& fault) {
    problem = fault.what();
  }
  return std::nullopt;
}

/// The parts' paths, by about how far each moves the mean time to the first token: its share of a
/// prefix's times alone, of what those came to in the run.
std::vector<std::string> by_effect(const std::vector<scenario::PartSpan>& spans,
                                   const reports::Result& result) {
  const reports::TimeSplit split = result.attribution.ttft_ms.value_or(reports::TimeSplit{});
  const std::vector<reports::TierUse>& tiers = result.cache.by_tier;  // GPU memory first
  std::vector<std::pair<double, std::string>> moved;
  for (const scenario::PartSpan& span : spans) {
    double ms = span.prefill_by * split.prefill + span.handoffs_by * split.handoff +
                span.lookups_by * split.metadata;
    for (const reports::LoadTime& load : split.load) {
      for (size_t t = 0; t < span.loads_by.size(); ++t) {
        if (tiers.at(t + 1).tier == load.tier) ms += span.loads_by[t] * (load.wait + load.move);
      }
    }
    moved.emplace_back(ms, span.part.path);
  }
  std::stable_sort(moved.begin(), moved.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<std::string> paths;
  for (const auto& [ms, path] : moved) paths.push_back(path);
  return paths;
}

/// Two more runs, where the scenario rests on figures with a range and they are wanted.
void add_bands(const Prepared& prepared, reports::Result& result) {
  const scenario::Scenario& scenario = prepared.scenario;
  const scenario::BandRuns wanted = scenario.spec.run.band;
  if (wanted == scenario::BandRuns::never || result.requests.completed == 0) return;
  const size_t parts = scenario::paced_parts(scenario).size();
  if (parts == 0) return;
  std::vector<std::string>& caveats = result.provenance.caveats;
  const bool limited = std::any_of(
      prepared.thresholds.begin(), prepared.thresholds.end(),
      [](const reports::Threshold& threshold) { return threshold.path.starts_with("bands."); });
  if (wanted == scenario::BandRuns::automatic && !limited &&
      result.requests.offered > scenario::kBandedRequests) {
    caveats.push_back(
        fmt::format("latency and throughput rest on estimates of {} part{}, and for more than {} "
                    "requests no band is made: `--set run.band=always` makes it, in three runs",
                    parts, parts == 1 ? "" : "s", reports::show_count(scenario::kBandedRequests)));
    return;
  }
  const auto* trace = std::get_if<workload::TraceSpec>(&scenario.spec.workload);
  if (trace != nullptr && !std::filesystem::is_regular_file(trace->file)) {  // a pipe
    caveats.push_back(
        "latency and throughput have no band, for it takes three runs, and the trace can be read "
        "but once");
    return;
  }
  std::string problem;
  const auto paced = [&](scenario::Pace pace, const char* which) {
    std::optional<reports::Result> made = paced_result(scenario, pace, problem);
    if (!made) {
      caveats.push_back(fmt::format(
          "latency and throughput have no band, for with every estimate at its {} end: {}", which,
          problem));
    }
    return made;
  };
  const auto fast = paced(scenario::Pace::fast, "fast");
  if (!fast) return;
  const auto slow = paced(scenario::Pace::slow, "slow");
  if (!slow) return;
  result.bands = reports::bands_of(result, *fast, *slow);
  result.bands->rests_on = by_effect(scenario::part_spans(scenario, prepared.world), result);
  reports::widen_bands(*fast, *slow, result);
}

}  // namespace

std::optional<Prepared> prepare(const std::string& file, const scenario::LoadOptions& options,
                                Checks checks, Diagnostics& found) {
  const std::optional<Node> document = scenario::read_scenario(file, options, found);
  if (!document) return std::nullopt;
  std::vector<reports::Threshold> thresholds = thresholds_of(*document, found);
  std::optional<scenario::Scenario> scenario =
      scenario::load_scenario(*document, file, options.configs, found);
  if (!scenario) return std::nullopt;
  check_thresholds(*scenario, thresholds, found);
  std::unique_ptr<CallWatchdog> watchdog;
  const int64_t call_limit_ns = scenario->spec.policy.call_limit.value();
  if (call_limit_ns > 0 && scenario::trusts_plugins(scenario->spec)) {
    watchdog = std::make_unique<CallWatchdog>(call_limit_ns);
  }
  std::optional<scenario::World> world =
      scenario::build_world(scenario->spec, scenario->kernels, scenario->resolved, found);
  const auto* trace = std::get_if<workload::TraceSpec>(&scenario->spec.workload);
  if (checks == Checks::scenario_and_trace && trace != nullptr) {
    workload::check_trace(*trace, found);
  }
  if (!world || found.has_errors()) return std::nullopt;
  return Prepared{std::move(watchdog), std::move(*scenario), std::move(*world),
                  std::move(thresholds)};
}

std::optional<Forecast> forecast(const Prepared& prepared, Diagnostics& found,
                                 tiering::Tapes* tapes) {
  const Stopwatch watch;
  std::optional<Forecast> forecast = simulate(prepared.scenario, prepared.world, found, tapes);
  if (!forecast) return std::nullopt;
  reports::Result& result = forecast->result;
  add_bands(prepared, result);
  result.thresholds = reports::evaluate(prepared.thresholds, result);
  watch.stop(result.run);
  return forecast;
}

}  // namespace tiercast::cli
