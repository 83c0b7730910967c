// Joules of whole runs, counted twice. One side: a scenario run as ever, its links' and pools'
// counters made meters, and those a bill by the ledger. The other: the same run step by step with
// gauges of the test's own on every way, the log, and watts times time over all boxes.
#include <algorithm>
#include <cstdlib>
#include <map>
#include <string>

#include <catch2/catch.hpp>

#include "models/workload/demand_source.hpp"
#include "reports/summarise.hpp"
#include "tests/ledger/naive_accounts.hpp"
#include "tests/ledger/own_meters.hpp"

using namespace tiercast;
using namespace tiercast::tests;
using ledger::Meters;
using ledger::Traffic;
using serving::Outcome;
using serving::RequestRecord;

namespace {

Outcome run(const RandomSite& site, const serving::ClusterSpec& cluster) {
  Diagnostics found;
  const auto source = workload::make_source(
      site.spec.workload, {site.spec.run.seed, site.spec.engine.block_tokens}, found);
  REQUIRE(source);
  return serving::Cluster(cluster, site.world.steps, *source).run();
}

uint64_t preemptions(const Outcome& outcome) {
  uint64_t sum = 0;
  for (const RequestRecord& r : outcome.log) sum += r.preemptions;
  return sum;
}

// A run whose log says which tokens were computed behind which others.
Outcome plain_run(RandomSite& site) {
  Outcome outcome = run(site, site.world.cluster);
  if (preemptions(outcome) == 0) return outcome;
  LinearCosts costs = site.costs;
  costs.kv_ticks = costs.pair_ticks = 0;
  RandomSites::set_costs(site, costs);
  return run(site, site.world.cluster);
}

double seconds_of(llm::Int128 ticks) {
  return static_cast<double>(ticks) / llm::kTicksPerNs * 1e-9;
}

// What of the own side does not come from gauges.
void add_time(const RandomSite& site, const Outcome& outcome, Meters& meters) {
  int64_t first_ns = outcome.start_ns;
  if (first_ns == 0) first_ns = outcome.log.empty() ? outcome.end_ns : outcome.log[0].arrival_ns;
  const llm::Int128 steps = own_step_ticks(site, outcome);
  llm::Int128 slowed = 0;  // by copies; it draws nothing of its own
  for (const serving::InstanceOutcome& instance : outcome.instances) {
    slowed += instance.counts.slowed_ticks;
  }
  const double busy_s = seconds_of(steps + slowed);
  const double gpus = site.spec.engine.tp;
  meters.duration = seconds(static_cast<double>(outcome.end_ns - first_ns) * 1e-9);
  meters.gpu_dynamic = joules(seconds_of(steps) * static_cast<double>(site.costs.power_mw) * 1e-3);
  meters.gpu_occupied = seconds(busy_s * gpus);
  meters.host_core_time += seconds(busy_s * (gpus + 2));
}

// Cards and drives of several kinds share bytes by bandwidth, and each share is rounded down, as
// operations are. Anything else is whole from the start.
constexpr double kRounded = 1;
constexpr double kWhole = 0;

template <class Number>
void check_count(const char* what, Number told, Number own, double apart) {
  CAPTURE(what, told, own);
  const double more = static_cast<double>(told) - static_cast<double>(own);
  REQUIRE(std::abs(more) <= apart + 1e-9 * apart * static_cast<double>(own));
}

void check_traffic(const char* what, const Traffic& told, const Traffic& own, double apart) {
  INFO(what);
  check_count("read", told.read.value(), own.read.value(), apart);
  check_count("written", told.written.value(), own.written.value(), apart);
  check_count("operations", told.operations, own.operations, kRounded);
}

void check_amount(const char* what, double told, double own, double apart = 0) {
  CAPTURE(what, told, own, apart);
  REQUIRE(std::abs(told - own) <= 1e-9 * own + apart);
}

// What copying one byte takes of a core is kept in whole fs.
double rounded_core_s(const OwnMeters& meters) {
  return 0.5e-15 * static_cast<double>(meters.copied_bytes);
}

void check_meters(const Meters& told, const OwnMeters& own) {
  check_amount("duration", told.duration.value(), own.duration.value());
  check_amount("GPU joules", told.gpu_dynamic.value(), own.gpu_dynamic.value());
  check_amount("GPU time", told.gpu_occupied.value(), own.gpu_occupied.value());
  check_amount("cores", told.host_core_time.value(), own.host_core_time.value(),
               rounded_core_s(own));
  check_count("host memory", told.dram_bytes.value(), own.dram_bytes.value(), kWhole);
  check_count("switches", told.switched.value(), own.switched.value(), kWhole);
  check_traffic("context", told.context, own.context, kWhole);
  check_traffic("external", told.external, own.external, kWhole);
  REQUIRE(told.nic_bytes.size() == own.nic_bytes.size());
  for (size_t i = 0; i < own.nic_bytes.size(); ++i) {
    // Traffic of both fabrics on the same cards is rounded twice.
    check_count("NIC", told.nic_bytes[i].value(), own.nic_bytes[i].value(), 2 * kRounded);
  }
  REQUIRE(told.drives.size() == own.drives.size());
  for (size_t i = 0; i < own.drives.size(); ++i) {
    check_traffic("drives", told.drives[i], own.drives[i], kRounded);
  }
  REQUIRE(told.dpus.size() == own.dpus.size());
  for (size_t i = 0; i < own.dpus.size(); ++i) {
    check_traffic("DPU", told.dpus[i], own.dpus[i], kRounded);
  }
}

// What was rounded down, at its most.
OwnMeters rounded_up(OwnMeters meters) {
  const auto up = [](Traffic& traffic) {
    traffic.read += bytes(1), traffic.written += bytes(1);
    ++traffic.operations;
  };
  for (Bytes& nic : meters.nic_bytes) nic += bytes(2);
  for (Traffic& drives : meters.drives) up(drives);
  for (Traffic& dpu : meters.dpus) up(dpu);
  up(meters.context);
  meters.host_core_time += Seconds{rounded_core_s(meters)};
  return meters;
}

// Joules, and how far rounded meters may move them.
struct Counted {
  double own = 0;
  double apart = 0;

  void add(double joules, double more) {
    own += joules;
    apart += std::abs(more);
  }
};

struct Bill {
  std::map<std::string, Counted> by_component;
  Counted total;
};

Bill bill(const ledger::Provision& boxes, const OwnMeters& meters) {
  Bill bill;
  const std::vector<PowerLine> lines = power_lines(boxes, meters);
  const std::vector<PowerLine> most = power_lines(boxes, rounded_up(meters));
  for (size_t i = 0; i < lines.size(); ++i) {
    const double joules = lines[i].joules();
    const double more = most[i].joules() - joules;
    const double loss = lines[i].loss;
    bill.by_component[lines[i].component].add(joules, more);
    bill.by_component["fans_and_supply"].add(joules * loss, more * loss);
    bill.total.add(joules * (1 + loss), more * (1 + loss));
  }
  return bill;
}

ledger::Provision own_boxes(const RandomSite& site) {
  const scenario::ClusterSection& cluster = site.spec.cluster;
  ledger::Provision boxes;
  boxes.node = cluster.node;
  boxes.nodes = cluster.nodes;
  boxes.fabric = cluster.fabric;
  // Storage on one; the nodes on another, where there are several.
  if (boxes.fabric) boxes.switches = cluster.nodes > 1 ? 2 : 1;
  boxes.context = cluster.storage.context;
  boxes.external = cluster.storage.external;
  return boxes;
}

void check_joules(const RandomSite& site, const Outcome& outcome, const OwnMeters& own) {
  reports::SummaryInput input;
  input.site = site.site();
  const reports::Result result = reports::summarise(outcome, input);
  const reports::EnergyUse& told = *result.energy;
  const ledger::Provision boxes = own_boxes(site);
  Bill expected = bill(boxes, own);
  const auto check = [](const std::string& what, double told_j, const Counted& own_j) {
    CAPTURE(what, told_j, own_j.own, own_j.apart);
    REQUIRE(std::abs(told_j - own_j.own) <= 1e-9 * own_j.own + own_j.apart);
  };
  double sum = 0;
  for (const auto& [name, joules] : told.by_component) {
    check(name, joules, expected.by_component[name]);
    sum += joules;
  }
  REQUIRE(expected.by_component.size() == told.by_component.size());
  check("sum of components", sum, {told.scope.node_and_fabric_j});
  check("GPUs", told.scope.gpu_j, expected.by_component["gpu"]);
  check("node and fabric", told.scope.node_and_fabric_j, expected.total);
  const double pue = site.spec.cluster.facility.pue.value;
  check("facility", told.scope.facility_j / pue, expected.total);
  if (!told.j_per_task) return;
  uint64_t tasks = 0;
  for (const RequestRecord& r : outcome.log) {
    if (r.state == serving::RequestState::completed && r.ends_session) ++tasks;
  }
  check("tasks", *told.j_per_task * static_cast<double>(tasks), expected.total);
}

// To tasks by their use and by the GPU time they occupied, and what is nobody's.
void check_split(const RandomSite& site, const Outcome& outcome, const OwnMeters& own) {
  const reports::Site told = site.site();
  const ledger::Provision boxes = told.provision();
  const Meters meters = reports::meters_of(outcome, told);
  const ledger::Energy energy = ledger::energy(boxes, told.facility, meters);
  const ledger::EnergySplit split = ledger::split(energy, boxes, meters);
  const double whole_j = energy.node_and_fabric.value();
  const double parts_j = (split.dynamic + split.occupied + split.unoccupied).value();
  REQUIRE(std::abs(parts_j - whole_j) <= 1e-9 * whole_j);
  const double gpu_s = own.duration.value() * boxes.nodes * boxes.node.gpus;
  const double idle_j = energy.idle.value();
  REQUIRE(std::abs(split.occupied.value() - idle_j * own.gpu_occupied.value() / gpu_s) <=
          1e-9 * idle_j);
  OwnMeters nothing;
  nothing.duration = own.duration;
  nothing.nic_bytes.resize(boxes.node.nics.size());
  nothing.drives.resize(boxes.node.drives.size());
  nothing.dpus.resize(boxes.node.dpus.size());
  REQUIRE(std::abs(idle_j - bill(own_boxes(site), nothing).total.own) <= 1e-9 * idle_j);
}

// How many runs put each meter to use.
using Coverage = std::map<std::string, int>;

void cover(const RandomSite& site, const Outcome& outcome, const OwnMeters& own,
           Coverage& coverage) {
  const auto seen = [&](const char* what, bool holds) { coverage[what] += holds ? 1 : 0; };
  const auto any = [](const std::vector<Traffic>& all) {
    return std::any_of(all.begin(), all.end(), [](const Traffic& t) {
      return t.read.value() > 0 && t.written.value() > 0;
    });
  };
  const bool slowed =
      std::any_of(outcome.instances.begin(), outcome.instances.end(),
                  [](const auto& instance) { return instance.counts.slowed_ticks > 0; });
  const uint32_t pod = site.spec.cluster.pod_nodes.value_or(site.spec.cluster.nodes);
  seen("host memory", own.dram_bytes.value() > 0);
  seen("drives", any(own.drives));
  seen("two kinds of drives", own.drives.size() > 1 && any(own.drives));
  seen("DPUs", any(own.dpus));
  seen("two kinds of DPUs", own.dpus.size() > 1 && any(own.dpus));
  seen("context", any({own.context}));
  seen("pods", site.spec.cluster.nodes > pod && any({own.context}));
  seen("external", any({own.external}));
  seen("switches", own.switched.value() > 0);
  seen("one switch each", own.switched.value() > 0 && site.spec.cluster.nodes > 1);
  seen("handed over", site.hands_over() && !outcome.log.empty());
  seen("slowed", slowed);
  seen("warm-up", outcome.start_ns > 0);
  seen("preempted", preemptions(outcome) > 0);
  seen("attention", site.costs.kv_ticks > 0 && site.costs.pair_ticks > 0);
  seen("tasks", outcome.log.size() > 20);
}

void check_site(const RandomSites& sites, uint64_t number, Coverage& coverage) {
  INFO("site " << number);
  RandomSite site = sites.make(number);
  const Outcome told = plain_run(site);
  serving::ClusterSpec gauged = site.world.cluster;
  gauged.engine.fuse = false;
  const Gauges gauges = add_gauges(*gauged.tiers);
  const Outcome outcome = run(site, gauged);
  REQUIRE(told.digest == outcome.digest);
  OwnMeters own = own_meters(site, outcome, gauges);
  add_time(site, outcome, own);
  check_meters(reports::meters_of(told, site.site()), own);
  check_joules(site, told, own);
  check_split(site, told, own);
  cover(site, outcome, own, coverage);
}

void check_coverage(const Coverage& coverage) {
  for (const auto& [what, runs] : coverage) {
    INFO(what);
    CHECK(runs > 0);
  }
}

}  // namespace

TEST_CASE("random sites: every meter and every joule, counted twice", "[ledger][property]") {
  const RandomSites sites;
  Coverage coverage;
  for (uint64_t number = 0; number < 1000; ++number) check_site(sites, number, coverage);
  check_coverage(coverage);
}

TEST_CASE("many random sites: every meter and every joule, counted twice",
          "[ledger][property][slow]") {
  const RandomSites sites;
  Coverage coverage;
  for (uint64_t number = 1000; number < 10'000; ++number) check_site(sites, number, coverage);
  check_coverage(coverage);
}
