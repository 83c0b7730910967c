// What storage boxes do to a load: every overhead shows, once.
#include <cstdint>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "models/scenario/tier_times.hpp"
#include "tests/scenario/small_scenario.hpp"

using namespace tiercast;
using Words = std::vector<std::string>;

namespace {

constexpr const char* kScenario = R"(name: boxes
cluster:
  node: {use: dgx-h100, gpus: 2}
  storage:
    context: {enclosure: cmx-bf4, count: 1}
    external: {service: object-store-tcp, count: 1}
model: llama-3.1-8b
engine: {tp: 1, block_tokens: 16}
tiers: [hbm, context, external]
workload: {trace: {file: t.csv, format: csv}}
)";

tiering::TierSetSpec tiers_of(const Words& sets) {
  return *tests::world_of(tests::good(kScenario, sets)).cluster.tiers;
}

uint64_t rate_of(const tiering::TierSetSpec& set, const std::string& name) {
  for (const tiering::TierLinkSpec& link : set.links) {
    if (link.name == name) return link.bytes_per_s;
  }
  return 0;
}

}  // namespace

TEST_CASE("A DPU's time for an operation delays a load and bounds the box", "[scenario]") {
  const auto with = [](const std::string& time) {
    return tiers_of({"cluster.storage.context.enclosure.dpus.operation_time=" + time});
  };
  const tiering::TierSetSpec fast = with("1us");
  const tiering::TierSetSpec slow = with("10ms");
  // Each sum is rounded up by itself.
  const int64_t later_ns = slow.tiers[0].load.before_ns - fast.tiers[0].load.before_ns;
  CHECK(std::abs(later_ns - (10'000'000 - 1'000)) <= 1);
  // In pieces of max_operation, a core for each: four cards of 64 cores.
  const auto half = tiers_of({"cluster.storage.context.enclosure.dpus.operation_time=10ms",
                              "cluster.storage.context.enclosure.dpus.max_operation=64KiB"});
  const uint64_t bytes_per_s = rate_of(slow, "context0.cores");
  CHECK(bytes_per_s > 0);
  CHECK(bytes_per_s % (64 * 100 * 131'072) == 0);
  CHECK(rate_of(half, "context0.cores") == bytes_per_s / 2);
}

TEST_CASE("The order of tiers over the network does not change a node's own DPU", "[scenario]") {
  const std::string dpu = "cluster.node.dpus=[{use: bluefield-3, count: 1}]";
  const uint64_t one = rate_of(tiers_of({dpu}), "node0.dpu");
  CHECK(one > 0);
  CHECK(rate_of(tiers_of({dpu, "tiers=[hbm, external]"}), "node0.dpu") == one);
  const auto storage = [&](const std::string& pcie) {
    return rate_of(
        tiers_of({"cluster.node.dpus=[{use: bluefield-3, count: 1, pcie: " + pcie + "}]"}),
        "node0.storage.up");
  };
  CHECK(storage("1GB/s") < storage("60GB/s") / 10);
}

TEST_CASE("A service's copies take memory bandwidth, its protection drives and capacity",
          "[scenario]") {
  const auto set = [](const Words& sets) {
    Words all;
    for (const std::string& word : sets) all.push_back("cluster.storage.external.service." + word);
    return tiers_of(all);
  };
  const auto memory = [&](const std::string& copies) {
    return rate_of(set({"memory_bandwidth=1.2TB/s", "server_copies=" + copies}),
                   "external0.memory");
  };
  CHECK(memory("0") == 600'000'000'000);
  CHECK(memory("2") == 200'000'000'000);
  const tiering::TierSetSpec as_told = set({"read=80GB/s", "server_copies=2"});
  CHECK(rate_of(as_told, "external0.read") == 80'000'000'000);
  const auto drives = [&](const std::string& copies) {
    return set({"write=900GB/s", "write_iops=9M/s", "capacity=5PB", "drives.write=6GB/s",
                "drives.count=96", "write_copies=" + copies});
  };
  CHECK(rate_of(drives("2"), "external0.write") == 288'000'000'000);
  CHECK(rate_of(drives("3"), "external0.write") == 192'000'000'000);
  const auto blocks = [&](const std::string& copies) {
    return static_cast<double>(drives(copies).tiers[1].capacity_blocks);
  };
  CHECK(blocks("2") / blocks("3") == Approx(1.5).epsilon(1e-6));
}

TEST_CASE("A load opens its objects once, where it looks them up, and a store where it writes",
          "[scenario]") {
  const auto times = [](const std::string& latency) {
    const scenario::Scenario scenario =
        tests::good(kScenario, {"tiers.2.stack.metadata_latency=" + latency});
    return scenario::tier_times(scenario.spec, tests::world_of(scenario)).at(1);
  };
  const scenario::TierTimes near = times("1ms");
  const scenario::TierTimes far = times("3ms");
  const scenario::PrefixTimes& one = near.prefixes.front();
  const scenario::PrefixTimes& other = far.prefixes.front();
  CHECK(other.load_ns - one.load_ns == 2'000'000);
  CHECK(other.lookup_ns - one.lookup_ns == 2'000'000);
  REQUIRE((near.store && far.store));
  CHECK(far.store->before_ns() - near.store->before_ns() == 2'000'000);
}
