// What a scenario's tiers come to: defaults, pools by scope, and warnings. What is refused is in
// tests/bad_input.
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "models/scenario/load.hpp"
#include "models/scenario/world.hpp"
#include "tests/support/paths.hpp"

using namespace tiercast;
using scenario::Scenario;
using Words = std::vector<std::string>;

namespace {

constexpr const char* kScenario = R"(name: tiers
cluster:
  node: {use: dgx-h100, drives: [{use: solidigm-d7-ps1010, count: 8}]}
  nodes: 8
  pod_nodes: 2
  storage: {context: {enclosure: cmx-bf4, count: 4}}
model: llama-3.1-8b
engine: {tp: 8}
tiers: [hbm, dram, nvme, context]
workload:
  open: {requests: 1, arrivals: {rate: 1/s}, input_tokens: {fixed: {value: 100}}, output_tokens: {fixed: {value: 10}}}
)";

Scenario good(const Words& sets) {
  Diagnostics found;
  const std::string configs = (tests::source_dir() / "configs").string();
  const auto document = scenario::parse_scenario(kScenario, "s.yaml", {configs, sets, {}}, found);
  REQUIRE(document);
  std::optional<Scenario> read = scenario::load_scenario(*document, "s.yaml", configs, found);
  INFO(found.render());
  REQUIRE(read);
  return std::move(*read);
}

scenario::World world_of(const Words& sets, Diagnostics& found) {
  const Scenario read = good(sets);
  auto world = scenario::build_world(read.spec, read.kernels, read.resolved, found);
  INFO(found.render());
  REQUIRE(world);
  return std::move(*world);
}

tiering::TierSetSpec tiers_of(const Words& sets) {
  Diagnostics found;
  return *world_of(sets, found).cluster.tiers;
}

std::vector<std::string> warnings(const Words& sets) {
  Diagnostics found;
  world_of(sets, found);
  std::vector<std::string> messages;
  for (const Diagnostic& one : found.sorted()) messages.push_back(one.message);
  return messages;
}

}  // namespace

TEST_CASE("A stack without a name starts from the one that its absence means", "[scenario]") {
  const std::string bare = good({"tiers.2.stack.efficiency=50%"}).hash;
  CHECK(bare == good({"tiers.2.stack={use: gds, efficiency: 50%}"}).hash);
  CHECK(bare != good({}).hash);
  CHECK(good({"tiers.2.stack={}"}).hash == good({}).hash);
  const std::string split = "disaggregation={prefill_instances: 1, stack: {";
  CHECK(good({split + "setup: 9us}}"}).hash ==
        good({split + "use: mooncake-te, setup: 9us}}"}).hash);
}

TEST_CASE("A storage service is spoken to as its protocol says", "[scenario]") {
  const auto stack = [](const std::string& service, const Words& more = {}) {
    Words sets = {"cluster.storage.external=" + service, "tiers=[hbm, external]"};
    sets.insert(sets.end(), more.begin(), more.end());
    return good(sets).spec.tiers[1].stack->use;
  };
  CHECK(stack("{service: file-store-tcp}") == "nfs-tcp");
  CHECK(stack("{service: file-store-rdma}") == "nfs-rdma");
  CHECK(stack("{service: object-store-tcp}") == "s3-tcp");
  CHECK(stack("{service: {use: object-store-rdma, read_latency: 1ms}}") == "s3-rdma");
  CHECK(stack("{service: {use: object-store-rdma, protocol: s3-tcp}}") == "s3-tcp");
  CHECK(stack("{service: object-store-tcp}", {"tiers.1.stack.setup=1ms"}) == "s3-tcp");
  CHECK(stack("{service: file-store-tcp}", {"tiers.1.stack=nfs-rdma"}) == "nfs-rdma");
  // What a stack is not known to reach may be said of it.
  CHECK(stack("{service: file-store-tcp}",
              {"tiers.1.stack={use: s3-tcp, reaches: [file-service]}"}) == "s3-tcp");
}

TEST_CASE("Pods share the enclosures evenly, whether or not an engine is in them", "[scenario]") {
  // Eight nodes in pods of two, an engine on each node; then the first two nodes alone have one.
  const tiering::TierSetSpec all = tiers_of({});
  const tiering::TierSetSpec two = tiers_of({"engine.instances=2"});
  const tiering::TierSpec& full = all.tiers.back();
  CHECK(full.pools.size() == 4);
  CHECK(full.pool_of == std::vector<uint32_t>{0, 0, 1, 1, 2, 2, 3, 3});
  CHECK(two.tiers.back().pool_of == std::vector<uint32_t>{0, 0});
  CHECK(two.tiers.back().capacity_blocks == full.capacity_blocks);
  // All four enclosures in one pool hold what the four pools hold, rounded down to blocks each.
  const uint64_t site = tiers_of({"tiers.3.scope=site"}).tiers.back().capacity_blocks;
  CHECK(site / 4 == full.capacity_blocks);
}

TEST_CASE("What a tier holds in a simulation is bounded over all its pools", "[scenario]") {
  const tiering::TierSetSpec set = tiers_of({"cluster.nodes=4096", "cluster.pod_nodes=4096"});
  for (const tiering::TierSpec& tier : set.tiers) {
    INFO(tier.name);
    CHECK(uint64_t{tier.simulated_blocks} * tier.pools.size() <= uint64_t{1} << 29);
    CHECK(tier.simulated_blocks <= tier.capacity_blocks);
    CHECK(tier.simulated_blocks > 0);
  }
}

TEST_CASE("Host cores that copies need are a link of the node where they could bind",
          "[scenario]") {
  // Of 64 cores serving keeps 10; the others move 1 GB/s each.
  const auto cores = [](const Words& sets) {
    Words all = {"tiers=[hbm, dram]", "cluster.node.host.cores=64", "tiers.1.stack.core_time=0s"};
    all.insert(all.end(), sets.begin(), sets.end());
    std::vector<uint64_t> rates;
    for (const tiering::TierLinkSpec& link : tiers_of(all).links) {
      if (link.name == "node0.cores.dram") rates.push_back(link.bytes_per_s);
    }
    return rates;
  };
  CHECK(cores({"tiers.1.stack.core_bandwidth=1GB/s"}) == std::vector<uint64_t>{54'000'000'000});
  CHECK(cores({"tiers.1.stack.core_bandwidth=1TB/s"}).empty());
  CHECK(cores({}).empty());
  const tiering::TierSpec dram =
      tiers_of({"tiers.1.stack.core_time=0s", "tiers.1.stack.core_bandwidth=1GB/s",
                "tiers.1.stack.gpu_interference=6%"})
          .tiers.front();
  CHECK(dram.load.core_fs_per_byte == 1'000'000);
  CHECK(dram.store.interference_ppm == 60'000);
}

TEST_CASE("Who checks the tenant pays for it", "[scenario]") {
  const auto external = [](const std::string& at) {
    return tiers_of({"cluster.storage.external={service: file-store-tcp, count: 1}",
                     "cluster.storage.external.service.metadata_time=30us",
                     "cluster.storage.external.service.metadata_operations=2",
                     "cluster.storage.external.service.tenant_check=7us",
                     "cluster.storage.external.service.tenant_check_at=" + at,
                     "tiers=[hbm, external]"});
  };
  const tiering::TierSetSpec data = external("data");
  const tiering::TierSetSpec metadata = external("metadata");
  CHECK(data.stations[0].operation_ns == 2 * 30'000);
  CHECK(metadata.stations[0].operation_ns == 2 * 37'000);
  // Each sum is rounded up by itself.
  const auto waits = [](int64_t one, int64_t other) { return one - other - 7'000; };
  const tiering::TierSpec& one = data.tiers[0];
  const tiering::TierSpec& other = metadata.tiers[0];
  CHECK(std::abs(waits(one.load.before_ns, other.load.before_ns)) <= 1);
  CHECK(std::abs(waits(one.store.before_ns, other.store.before_ns)) <= 1);

  // Cards behind the context tier: twice the time an operation, half as many.
  const auto context = [](const std::string& check) {
    return tiers_of({"cluster.storage.context.enclosure.dpus.operation_time=1us",
                     "cluster.storage.context.enclosure.dpus.tenant_check=" + check});
  };
  const tiering::TierSetSpec without = context("0ns");
  const tiering::TierSetSpec with = context("1us");
  const auto cores = [](const tiering::TierSetSpec& set) {
    for (const tiering::TierLinkSpec& link : set.links) {
      if (link.name == "context0.cores") return link.bytes_per_s;
    }
    return uint64_t{0};
  };
  CHECK(cores(without) > 0);
  CHECK(cores(with) == cores(without) / 2);
  // Each is rounded up by itself.
  const int64_t wait_ns =
      with.tiers.back().load.before_ns - without.tiers.back().load.before_ns - 1'000;
  CHECK(std::abs(wait_ns) <= 1);
}

TEST_CASE("Settings with nothing to act on are warned of, and run", "[scenario]") {
  CHECK(warnings({}).empty());
  const Words read_only = {"tiers.1.read_only=true", "tiers.2.read_only=true"};
  CHECK(warnings(read_only).empty());
  Words all = read_only;
  all.emplace_back("tiers.3.read_only=true");
  CHECK(warnings(all) ==
        Words{"`tiers`: every tier below GPU memory is read-only, so none holds anything"});
  CHECK(warnings({"policy.placement.prefetch=true"}).empty());
  CHECK(warnings({"policy.placement.prefetch=true", "tiers=[hbm, nvme, context]"}).size() == 1);
  CHECK(warnings({"policy.placement.demote=true"}).empty());
  CHECK(warnings({"policy.placement.demote=true", "tiers=[hbm, dram]"}).size() == 1);
}

TEST_CASE("what a scenario says of late indices reaches the cluster", "[scenario]") {
  Diagnostics found;
  const scenario::World late =
      world_of({"tiers.3.index_delay=5ms", "router={policy: prefix, index_delay: 2us}"}, found);
  CHECK(late.cluster.router_index_delay_ns == 2'000);
  std::vector<int64_t> delays_ns;
  for (const tiering::TierSpec& tier : late.cluster.tiers->tiers) {
    delays_ns.push_back(tier.index_delay_ns);
  }
  CHECK(delays_ns == std::vector<int64_t>{0, 0, 5'000'000});
}
