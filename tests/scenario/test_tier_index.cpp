// Where a tier's index lives: who is asked, who is told, and whose cores it takes.
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "models/scenario/census.hpp"
#include "models/scenario/pace.hpp"
#include "models/scenario/tier_index.hpp"
#include "models/scenario/tier_times.hpp"
#include "tests/scenario/one_request.hpp"
#include "tests/scenario/small_scenario.hpp"

using namespace tiercast;
using Words = std::vector<std::string>;

namespace {

constexpr const char* kText = R"(
name: indices
cluster:
  node: {use: dgx-h100, dpus: [{use: bluefield-3, count: 2}]}
  nodes: 2
  storage:
    context: {enclosure: {use: cmx-bf4, dpus: {tenant_check: 0ns}}, count: 3}
    external: {service: file-store-tcp, count: 2}
model: llama-3.1-8b
engine: {tp: 4, block_tokens: 16}
workload:
  open: {arrivals: {rate: 4/s}, input_tokens: {fixed: {value: 1000}},
         output_tokens: {fixed: {value: 100}}}
run: {duration: 1min}
)";

struct Made {
  scenario::Scenario scenario;
  scenario::World world;
  const tiering::TierSetSpec& set() const { return *world.cluster.tiers; }
};

Made made(const std::string& tiers, const Words& sets = {}) {
  Words all = {"tiers=[hbm, " + tiers + "]"};
  all.insert(all.end(), sets.begin(), sets.end());
  Made made{tests::good(kText, all), {}};
  made.world = tests::world_of(made.scenario);
  return made;
}

uint64_t link_rate(const tiering::TierSetSpec& set, const std::string& name) {
  const auto found = std::find_if(set.links.begin(), set.links.end(),
                                  [&](const auto& link) { return link.name == name; });
  REQUIRE(found != set.links.end());
  return found->bytes_per_s;
}

using Asked = std::vector<uint32_t>;
using Told = std::vector<std::vector<uint32_t>>;

}  // namespace

TEST_CASE("An index with the engines costs nothing, wherever it could be", "[scenario][index]") {
  for (const std::string tier : {"dram", "nvme", "context"}) {
    const std::string drives = "cluster.node.drives=[{use: solidigm-d7-ps1010, count: 2}]";
    const Made plain = made(tier, {drives});
    const Made said = made("{kind: " + tier + ", index: client}", {drives});
    CHECK(plain.set().stations.empty());
    CHECK(said.set().stations.empty());
    CHECK(said.set().tiers[0].index.asked.empty());
  }
}

TEST_CASE("A storage service opens objects, and answers for its index unless that is elsewhere",
          "[scenario][index]") {
  const Made storage = made("external");
  const tiering::IndexSpec& there = storage.set().tiers[0].index;
  REQUIRE(storage.set().stations.size() == 1);
  CHECK(storage.set().stations[0].place == tiering::StationPlace::storage);
  CHECK(there.asked == Asked{0, 0, 0, 0});
  CHECK(there.told == Told{{0}});
  CHECK(there.opens_as_asked);

  const Made client = made("{kind: external, index: client}");
  const tiering::IndexSpec& known = client.set().tiers[0].index;
  CHECK(client.set().stations.size() == 1);
  CHECK(known.asked.empty());
  CHECK(known.opened == 0);
  CHECK_FALSE(known.opens_as_asked);
  CHECK(known.told == Told{{0}});

  const Made service = made("{kind: external, index: {at: service, servers: 3, round_trip: 80us}}");
  const tiering::IndexSpec& apart = service.set().tiers[0].index;
  REQUIRE(service.set().stations.size() == 2);
  CHECK(service.set().stations[1].servers == 3);
  CHECK(apart.asked == Asked{1, 1, 1, 1});
  CHECK(apart.told == Told{{0, 1}});
  CHECK(apart.round_trip_ns == 80'000);
  CHECK(apart.told_trip_ns == 80'000);
  CHECK(known.told_trip_ns == 0);
}

TEST_CASE("What an index section leaves out is as without it", "[scenario][index]") {
  const Made external = made("{kind: external, index: {sharing: fair}}");
  CHECK(external.set().tiers[0].index.opens_as_asked);
  CHECK(external.set().stations[0].turns);
  CHECK(made("{kind: context, index: {}}").set().stations.empty());
  // Nothing is found or stored where objects are of no use, so nobody is asked.
  const Made useless = made("{kind: context, index: dpu, objects: {kv: fp8, mismatch: miss}}");
  CHECK(useless.set().stations.empty());
  CHECK(scenario::enclosure_index_cores(useless.scenario.spec) == 0);
}

TEST_CASE("The policy sees what opening objects takes", "[scenario][index]") {
  const auto asked = [](const std::string& time) {
    return tests::run_one_request("[hbm, {kind: external, capacity: 1TiB, index: client}]",
                                  {"policy.placement.fetch=load-or-recompute",
                                   "cluster.storage.external.service.metadata_time=" + time});
  };
  for (const std::string time : {"20us", "20ms"}) {
    INFO(time);
    const tests::OneRequest one = asked(time);
    const scenario::PrefixTimes told =
        tier_times(one.scenario.spec, one.world).back().prefixes.at(1);
    REQUIRE(told.tokens == tests::kPrefixTokens);
    const bool loads = told.load_ns < told.recompute_ns;
    CHECK(loads == (time == "20us"));
    CHECK(one.outcome.log.front().loaded_tokens == (loads ? tests::kPrefixTokens : 0));
  }
}

TEST_CASE("Objects that asking opened are not opened again", "[scenario][index]") {
  const auto times = [](const Made& made) {
    return tier_times(made.scenario.spec, made.world).front();
  };
  const Made asked = made("external");
  const Made known = made("{kind: external, index: client}");
  const scenario::TierTimes one = times(asked);
  const scenario::TierTimes other = times(known);
  for (size_t i = 0; i < one.prefixes.size(); ++i) {
    CHECK(one.prefixes[i].opening_ns == 0);
    CHECK(other.prefixes[i].lookup_ns == 0);
    CHECK(other.prefixes[i].opening_ns > 0);
    // The same servers and the same round trips, asked earlier or later; each sum is rounded up.
    CHECK(std::abs(one.prefixes[i].load_ns - other.prefixes[i].load_ns) <= 2);
    CHECK(*one.prefixes[i].store_ns == *other.prefixes[i].store_ns);
  }
}

TEST_CASE("An index on DPUs takes cores of each card, and its pool's cards answer",
          "[scenario][index]") {
  const Words pods = {"cluster.pod_nodes=1", "cluster.storage.context.count=4",
                      "cluster.storage.context.enclosure.dpus.operation_time=2us"};
  const Made without = made("context", pods);
  const Made with = made("{kind: context, index: {at: dpu, servers: 16}}", pods);
  const hardware::DpuSpec& card = with.scenario.spec.cluster.storage.context->enclosure->dpus;
  REQUIRE(card.cores == 64);
  // Two enclosures a pool.
  REQUIRE(with.set().stations.size() == 2);
  CHECK(with.set().stations[0].servers == 16 * 2 * card.count);
  CHECK(with.set().stations[0].operation_ns == 2'000);
  CHECK(with.set().stations[1].name == "context1.index");
  CHECK(with.set().tiers[0].index.asked == Asked{0, 0, 1, 1});
  CHECK(with.set().tiers[0].index.told == Told{{0}, {1}});
  const double left = static_cast<double>(link_rate(with.set(), "context0.cores")) /
                      static_cast<double>(link_rate(without.set(), "context0.cores"));
  CHECK(left == Approx(48.0 / 64));
}

TEST_CASE("An index of a node's drives lives on its host or its DPUs", "[scenario][index]") {
  const Words drives = {"cluster.node.drives=[{use: solidigm-d7-ps1010, count: 2}]"};
  const Made host =
      made("{kind: nvme, index: {at: node, servers: 2, operation_time: 7us}}", drives);
  REQUIRE(host.set().stations.size() == 2);
  CHECK(host.set().stations[1].name == "node1.index.nvme");
  CHECK(host.set().stations[1].servers == 2);
  CHECK(host.set().stations[1].place == tiering::StationPlace::node);
  CHECK(host.set().tiers[0].index.asked == Asked{0, 0, 1, 1});
  CHECK(host.set().tiers[0].index.round_trip_ns == 0);
  CHECK(scenario::host_index_cores(host.scenario.spec) == 2);

  const Made dpu = made("{kind: nvme, index: {at: dpu, servers: 3}}, context", drives);
  CHECK(dpu.set().stations[0].servers == 3 * 2);
  CHECK(dpu.set().stations[0].place == tiering::StationPlace::node_dpu);
  CHECK(scenario::node_dpu_index_cores(dpu.scenario.spec) == 3);
  const Made plain = made("nvme, context", drives);
  const double left = static_cast<double>(link_rate(dpu.set(), "node0.dpu")) /
                      static_cast<double>(link_rate(plain.set(), "node0.dpu"));
  // Its figures bear on time though nothing goes over the network.
  const Made alone = made("{kind: nvme, index: dpu}", drives);
  const std::string time = "cluster.node.dpus.0.operation_time";
  const auto counts = [&](const scenario::Scenario& scenario) {
    const std::vector<std::string> estimates = scenario::count_figures(scenario).estimates;
    return std::count(estimates.begin(), estimates.end(), time);
  };
  CHECK(counts(alone.scenario) == 1);
  CHECK(counts(made("nvme", drives).scenario) == 0);
  const auto parts = scenario::paced_parts(alone.scenario);
  CHECK(std::any_of(parts.begin(), parts.end(), [](const scenario::PacedPart& part) {
    return part.path == "cluster.node.dpus.0";
  }));
  const double cores = plain.scenario.spec.cluster.node.dpus.front().cores;
  CHECK(left == Approx((cores - 3) / cores));
}

TEST_CASE("What host memory stores is told to the index that peers ask", "[scenario][index]") {
  const Made peers =
      made("dram, {kind: peer, index: {at: service, round_trip: 30us, operation_time: 9us}}");
  REQUIRE(peers.set().stations.size() == 1);
  const tiering::TierSpec& host = peers.set().tiers[0];
  CHECK(host.index.asked.empty());
  CHECK(host.index.told == Told{{0}, {0}});
  CHECK(peers.set().tiers[1].index.asked == Asked{0, 0, 0, 0});
  CHECK(host.index.told_trip_ns == 30'000);
  CHECK(peers.set().tiers[1].index.told_trip_ns == 0);
}

TEST_CASE("A guess of an index's speed is told as one, and servers nobody pays for too",
          "[scenario][index]") {
  const Made guessed = made("{kind: context, index: service}");
  const std::vector<std::string> estimates = scenario::count_figures(guessed.scenario).estimates;
  CHECK(std::count(estimates.begin(), estimates.end(), "tiers.1.index.operation_time") == 1);
  CHECK(guessed.set().stations[0].operation_ns == 5'000);
  const std::string caveat = scenario::index_caveat(guessed.scenario.spec, 1);
  CHECK(std::count(guessed.world.caveats.begin(), guessed.world.caveats.end(), caveat) == 1);
  CHECK(caveat.find("not counted") != std::string::npos);
  CHECK(scenario::index_caveat(made("{kind: context, index: dpu}").scenario.spec, 1).empty());
}
