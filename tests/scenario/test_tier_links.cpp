// Links that tiers share: the engines' buses, host cores, drives of several kinds. By hand.
#include <algorithm>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "models/hardware/transfer_time.hpp"
#include "models/scenario/tier_times.hpp"
#include "models/tiering/routes.hpp"
#include "tests/scenario/small_scenario.hpp"

using namespace tiercast;
using scenario::Scenario;
using scenario::TierTimes;
using tests::good;
using tests::world_of;
using Words = std::vector<std::string>;

namespace {

constexpr const char* kScenario = R"(name: links
cluster:
  node: {use: dgx-h100, drives: [{use: solidigm-d7-ps1010, count: 8}]}
  storage: {context: {enclosure: cmx-bf4, count: 2}}
model: llama-3.1-8b
engine: {tp: 8}
tiers: [hbm, dram, nvme, context]
workload: {trace: {file: t.csv, format: csv}}
)";

tiering::TierSetSpec tiers_of(const Words& sets) {
  return *world_of(good(kScenario, sets)).cluster.tiers;
}

TierTimes last_of(const Words& sets) {
  const Scenario scenario = good(kScenario, sets);
  return tier_times(scenario.spec, world_of(scenario)).back();
}

// Of a load by the first engine.
Words links_of(const tiering::TierSetSpec& set, uint32_t tier) {
  tiering::RouteFinder finder(set, 1);
  Words names;
  for (const uint32_t link : finder.find({0, tier, 0, tiering::kNone, tiering::kNone}, 0).links) {
    names.push_back(set.links[link].name);
  }
  return names;
}

double rate_of(const tiering::TierSetSpec& set, const std::string& name) {
  for (const tiering::TierLinkSpec& link : set.links) {
    if (link.name == name) return static_cast<double>(link.bytes_per_s);
  }
  return 0;
}

}  // namespace

TEST_CASE("One tier's stack does not slow down what another's moves", "[scenario][tiers]") {
  const Words wide = {"engine.tp=1", "cluster.node.host.dram_bandwidth=10TB/s"};
  const auto rate = [&](const std::string& tiers) {
    Words sets = wide;
    sets.push_back("tiers=" + tiers);
    return last_of(sets).load.bytes_per_s;
  };
  const uint64_t alone = rate("[hbm, context]");
  CHECK(rate("[hbm, dram, context]") == alone);
  CHECK(rate("[hbm, {kind: dram, stack: {efficiency: 30%}}, context]") == alone);
  CHECK(rate("[hbm, {kind: dram, stack: {efficiency: 30%}}, nvme, context]") == alone);
  const uint64_t copies = rate("[hbm, {kind: dram, stack: {efficiency: 30%}}]");
  CHECK(rate("[hbm, {kind: dram, stack: {efficiency: 30%}}, context]") == alone);
  CHECK(copies < alone);
}

TEST_CASE("Copies on a node cross the bus itself only where others do, too", "[scenario][tiers]") {
  const Words sets = {"cluster.node.gpu.host_link=50GB/s", "tiers.1.stack.efficiency=60%",
                      "tiers.1.stack.duplex=1.5"};
  const auto with = [&](const std::string& last) {
    Words all = sets;
    all.insert(all.begin(), "tiers=[hbm, dram" + last + "]");
    return tiers_of(all);
  };
  const tiering::TierSetSpec alone = with("");
  CHECK(links_of(alone, 0) == Words{"node0.memory", "engine0.copy.up", "engine0.copy.both"});
  CHECK(rate_of(alone, "engine0.copy.up") == Approx(8 * 50e9 * 0.6));
  CHECK(rate_of(alone, "engine0.copy.down") == Approx(8 * 50e9 * 0.6));
  CHECK(rate_of(alone, "engine0.copy.both") == Approx(8 * 50e9 * 0.6 * 1.5));
  const tiering::TierSetSpec beside = with(", context");
  CHECK(links_of(beside, 0) ==
        Words{"node0.memory", "engine0.copy.up", "engine0.copy.both", "engine0.pcie.up"});
  CHECK(rate_of(beside, "engine0.copy.up") == rate_of(alone, "engine0.copy.up"));
  CHECK(rate_of(beside, "engine0.pcie.up") == Approx(8 * 50e9));
  const Words context = links_of(beside, 1);
  CHECK(std::count(context.begin(), context.end(), "engine0.pcie.up") == 1);
  CHECK(std::count(context.begin(), context.end(), "engine0.copy.up") == 0);
}

TEST_CASE("A first rank has its part of the bus, and of the copies over it", "[scenario][tiers]") {
  const tiering::TierSetSpec set =
      tiers_of({"model=deepseek-v3", "cluster.node.gpu.use=h200-sxm", "tiers=[hbm, dram, context]",
                "cluster.node.gpu.host_link=50GB/s", "tiers.1.stack.efficiency=60%"});
  CHECK(rate_of(set, "engine0.copy.first.down") == Approx(50e9 * 0.6));
  CHECK(rate_of(set, "engine0.pcie.first.down") == Approx(50e9));
}

TEST_CASE("Tiers share the cores of a node as they could use them", "[scenario][tiers]") {
  // Of 64 cores serving keeps 10. Host memory moves 200 GB/s each way, a core 1 GB/s of it: 400
  // cores. The drive moves 50 GB/s up, as both ways together bound it, and 40 GB/s down, a core 2
  // GB/s: 45 cores.
  const Words sets = {"tiers=[hbm, dram, nvme]",
                      "cluster.node.host.cores=64",
                      "cluster.node.host.dram_bandwidth=10TB/s",
                      "cluster.node.gpu.host_link=50GB/s",
                      "cluster.node.drives.0={use: solidigm-d7-ps1010, count: 1, read: 60GB/s, "
                      "write: 40GB/s, mixed: 100GB/s, read_iops: 100M/s, write_iops: 100M/s}",
                      "tiers.1.stack.efficiency=50%",
                      "tiers.1.stack.duplex=2",
                      "tiers.1.stack.core_time=0s",
                      "tiers.1.stack.core_bandwidth=1GB/s",
                      "tiers.2.stack.efficiency=50%",
                      "tiers.2.stack.duplex=2",
                      "tiers.2.stack.core_time=0s",
                      "tiers.2.stack.core_bandwidth=2GB/s"};
  const tiering::TierSetSpec set = tiers_of(sets);
  CHECK(rate_of(set, "node0.cores.dram") == Approx(54.0 * 400 / 445 * 1e9));
  CHECK(rate_of(set, "node0.cores.nvme") == Approx(54.0 * 45 / 445 * 2e9));
  // Drive by drive it is the same.
  Words striped = sets;
  striped.emplace_back("tiers.2.striping=1");
  CHECK(rate_of(tiers_of(striped), "node0.cores.nvme") == rate_of(set, "node0.cores.nvme"));
  // Each would have enough for itself, and 446 are enough for both.
  Words many = sets;
  many.emplace_back("cluster.node.host.cores=456");
  CHECK(rate_of(tiers_of(many), "node0.cores.dram") == 0);
  CHECK(rate_of(tiers_of(many), "node0.cores.nvme") == 0);
  many.emplace_back("cluster.node.host.cores=454");
  CHECK(rate_of(tiers_of(many), "node0.cores.dram") == Approx(444.0 * 400 / 445 * 1e9));
}

TEST_CASE("The order of kinds of drives makes no difference", "[scenario][tiers]") {
  const std::string one =
      "{use: solidigm-d7-ps1010, count: 3, tail_probability: 1%, tail_latency: 2ms, "
      "queue_latency: 400us}";
  const std::string other =
      "{use: solidigm-d5-p5336, count: 1, tail_probability: 5%, tail_latency: 9ms, "
      "queue_latency: 300us}";
  const std::string drives = "cluster.node.drives=[";
  for (const std::string& both : {one + ", " + other, other + ", " + one}) {
    const tiering::TierSetSpec set = tiers_of({"tiers=[hbm, nvme]", drives + both + "]"});
    const tiering::TransferCost& load = set.tiers[0].load;
    CHECK(load.tail_ppm == (3 * 10'000 + 50'000) / 4);
    CHECK(load.tail_ns == 9'000'000);
    CHECK(load.device_wait_ns == 400'000);
    CHECK(set.tiers[0].to_nearer.tail_ppm == load.tail_ppm);
    CHECK(set.tiers[0].store.tail_ppm == 0);
  }
  // A tail that no read meets lengthens none.
  const std::string never = "{use: solidigm-d5-p5336, tail_probability: 0, tail_latency: 20ms}";
  const tiering::TierSetSpec set =
      tiers_of({"tiers=[hbm, nvme]", drives + one + ", " + never + "]"});
  CHECK(set.tiers[0].load.tail_ns == 2'000'000);
}
