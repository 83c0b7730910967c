// What is told of switches before a run: as many leaves and uplinks as are wired, or that nothing
// goes by them.
#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "models/scenario/tier_fabric.hpp"
#include "tests/scenario/small_scenario.hpp"

using namespace tiercast;
using Words = std::vector<std::string>;

namespace {

constexpr const char* kScenario = R"(name: switched
cluster:
  node: {use: dgx-h100}
  nodes: 2
  fabric: {switch: sn5600}
  storage: {context: {enclosure: cmx-bf4, count: 1}}
model: llama-3.1-8b
engine: {tp: 8, block_tokens: 64}
tiers: [hbm, {kind: dram, capacity: 20GB}, peer, context]
workload: {trace: {file: t.csv, format: csv}}
)";

}  // namespace

TEST_CASE("What is told of a fabric is what is wired", "[scenario]") {
  for (const char* routing : {"adaptive", "ecmp"}) {
    const scenario::Scenario scenario = tests::good(
        kScenario, {"cluster.nodes=24", "cluster.pod_nodes=8", "cluster.storage.context.count=3",
                    std::string("cluster.fabric.routing=") + routing});
    const tiering::TierSetSpec set = *tests::world_of(scenario).cluster.tiers;
    const std::vector<scenario::FabricNetwork> networks = scenario::fabric_networks(scenario.spec);
    REQUIRE(networks.size() == 2);
    REQUIRE(set.fabrics.size() == 2);
    for (const scenario::FabricNetwork& network : networks) {
      CHECK(network.storage == (network.name == "storage"));
      CHECK(network.gpus == (network.name == "fabric"));
      CHECK(network.has_uplinks());  // no leaf serves two pods
      // Uplinks are named leaf<n>.<network>.up<k>, and those that are one link alike without k.
      std::set<std::string> leaves;
      uint64_t uplinks = 0;
      uint64_t bytes_per_s = 0;
      for (const tiering::TierLinkSpec& link : set.links) {
        const size_t dot = link.name.find("." + network.name + ".up");
        if (!link.name.starts_with("leaf") || dot == std::string::npos) continue;
        leaves.insert(link.name.substr(0, dot));
        ++uplinks;
        bytes_per_s += link.bytes_per_s;
      }
      CHECK(leaves.size() == network.size.leaves);
      const uint64_t all = uint64_t{network.size.leaves} * network.size.uplinks;
      CHECK(uplinks == (std::string(routing) == "ecmp" ? all : leaves.size()));
      CHECK(double(bytes_per_s) == Approx(double(all) * 100e9));  // 800 Gbit/s a port
    }
    CHECK(scenario::fabric_caveat(scenario.spec).empty());
  }
}

TEST_CASE("A fabric whose routing changes nothing says so", "[scenario]") {
  const auto caveat = [](const Words& sets) {
    const scenario::Scenario scenario = tests::good(kScenario, sets);
    const std::vector<std::string> all = tests::world_of(scenario).caveats;
    const std::string one = scenario::fabric_caveat(scenario.spec);
    CHECK(std::count(all.begin(), all.end(), one) == (one.empty() ? 0 : 1));
    return one;
  };
  CHECK_THAT(caveat({}), Catch::Contains("one leaf of 64 ports joins all"));
  CHECK(caveat({"cluster.nodes=24"}).empty());
  CHECK(caveat({"cluster.fabric.kind=flat"}).empty());
  CHECK_THAT(caveat({"cluster.fabric.kind=flat", "cluster.fabric.routing=ecmp"}),
             Catch::Contains("a flat fabric is one switch"));
  CHECK(caveat({"tiers=[hbm, {kind: dram, capacity: 20GB}]"}).empty());  // nothing crosses it
  // One node without storage: nothing to join.
  CHECK_THAT(caveat({"cluster.nodes=1", "cluster.storage={}", "tiers=[hbm]", "engine.tp=4",
                     "disaggregation=1"}),
             Catch::Contains("it joins fewer than two boxes"));
  scenario::Scenario without = tests::good(kScenario);
  without.spec.cluster.fabric.reset();
  CHECK(scenario::fabric_caveat(without.spec).empty());
}
