// Switches between nodes: which cables a transfer crosses, what they carry, how long they delay.
#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "models/ledger/provision.hpp"
#include "models/scenario/tier_fabric.hpp"
#include "models/scenario/tier_times.hpp"
#include "models/serving/cluster.hpp"
#include "models/tiering/routes.hpp"
#include "models/workload/demand_source.hpp"
#include "sim/base/random.hpp"
#include "tests/scenario/small_scenario.hpp"

using namespace tiercast;
using tiering::kNone;
using tiering::RouteEnds;
using tiering::TierKind;
using Words = std::vector<std::string>;

namespace {

constexpr const char* kScenario = R"(name: switched
cluster:
  node: {use: dgx-h100, drives: [{use: solidigm-d7-ps1010, count: 2}]}
  nodes: 8
  pod_nodes: 2
  fabric: {switch: sn5600}
  storage:
    context: {enclosure: cmx-bf4, count: 4}
    external: {service: file-store-rdma, count: 3}
model: llama-3.1-8b
engine: {tp: 8, block_tokens: 64, memory: {kv_blocks: 600}}
router: round-robin
tiers: [hbm, {kind: dram, capacity: 20GB}, peer, nvme, context, {kind: external, capacity: 1TB}]
policy: {placement: {fetch: load-all}}
workload:
  open:
    arrivals: {rate: 40/s}
    requests: 150
    shared_prefix: {groups: 40, tokens: {fixed: {value: 6000}}, zipf: 1}
    input_tokens: {fixed: {value: 200}}
    output_tokens: {fixed: {value: 10}}
)";

tiering::TierSetSpec tiers_of(const Words& sets) {
  return *tests::world_of(tests::good(kScenario, sets)).cluster.tiers;
}

uint32_t index_of(const tiering::TierSetSpec& set, TierKind kind) {
  for (uint32_t t = 0; t < set.tiers.size(); ++t) {
    if (set.tiers[t].kind == kind) return t;
  }
  return kNone;
}

// A cable between a leaf and a spine, read from its name `leaf<n>.<network>.<way><number>`.
struct Cable {
  uint32_t leaf = 0;
  std::string network;
  bool up = false;
  std::optional<uint32_t> number;  // without one: all of the leaf together
};

std::optional<Cable> cable(const std::string& name) {
  if (!name.starts_with("leaf")) return std::nullopt;
  Cable cable;
  const size_t dot = name.find('.');
  const size_t second = name.find('.', dot + 1);
  cable.leaf = static_cast<uint32_t>(std::stoul(name.substr(4, dot - 4)));
  cable.network = name.substr(dot + 1, second - dot - 1);
  const std::string way = name.substr(second + 1);
  cable.up = way.starts_with("up");
  const std::string number = way.substr(cable.up ? 2 : 4);
  if (!number.empty()) cable.number = static_cast<uint32_t>(std::stoul(number));
  return cable;
}

std::vector<Cable> cables(const tiering::TierSetSpec& set, const std::vector<uint32_t>& links) {
  std::vector<Cable> found;
  for (const uint32_t link : links) {
    if (const auto one = cable(set.links[link].name)) found.push_back(*one);
  }
  return found;
}

// Nodes in order, each leaf as many as the next or one less.
uint32_t naive_leaf(uint32_t node, uint32_t nodes, uint32_t leaves) {
  uint32_t leaf = 0;
  while (uint64_t{node} * leaves >= uint64_t{leaf + 1} * nodes) ++leaf;
  return leaf;
}

std::string text(uint64_t number) { return std::to_string(number); }

}  // namespace

TEST_CASE("A transfer crosses one uplink and one downlink, or none inside a leaf", "[scenario]") {
  constexpr Purpose kDraws{"test.fabric"};
  uint32_t inside = 0;
  uint32_t across = 0;
  for (uint64_t round = 0; round < 20; ++round) {
    Stream draw(1, kDraws, round);
    const auto pods = static_cast<uint32_t>(draw.between(1, 4));
    const auto pod_nodes = static_cast<uint32_t>(draw.between(1, 12));
    const uint32_t nodes = pods * pod_nodes;
    const auto ports = static_cast<uint32_t>(draw.between(20, 80));
    const std::string routing =
        std::vector<std::string>{"ecmp", "adaptive", "shortest"}[draw.below(3)];
    const scenario::Scenario scenario = tests::good(
        kScenario,
        {"cluster.nodes=" + text(nodes), "cluster.pod_nodes=" + text(pod_nodes),
         "cluster.storage.context.count=" + text(2 * pods),
         "cluster.fabric.switch={use: sn5600, bandwidth: 1Tbit/s, ports: " + text(ports) + "}",
         "cluster.fabric.oversubscription=" + text(draw.between(1, 4)),
         "cluster.fabric.routing=" + routing});
    Diagnostics found;
    const auto world =
        scenario::build_world(scenario.spec, scenario.kernels, scenario.resolved, found);
    if (!world) {
      INFO(found.render());
      REQUIRE(found.render().find("cannot be wired") != std::string::npos);
      continue;
    }
    const tiering::TierSetSpec& set = *world->cluster.tiers;
    const scenario::ClusterSection& cluster = scenario.spec.cluster;
    const ledger::PortsUsed used = ledger::ports_used(
        scenario::boxes_of(cluster), cluster.fabric->switches.port_bandwidth.value);
    const auto storage = *ledger::fabric_size(*cluster.fabric, used.storage, pods);
    const auto gpus = *ledger::fabric_size(*cluster.fabric, used.east_west, pods);
    INFO(nodes << " nodes in " << pods << " pods, " << routing << ", leaves " << storage.leaves
               << " and " << gpus.leaves);
    tiering::RouteFinder finder(set, 1);
    const uint32_t host = index_of(set, TierKind::dram);
    std::vector<uint32_t> links;
    for (uint64_t n = 0; n < 200; ++n) {
      const auto node = static_cast<uint32_t>(draw.below(nodes));  // one engine each
      const auto other = static_cast<uint32_t>(draw.below(nodes));
      const auto t = static_cast<uint32_t>(draw.below(set.tiers.size()));
      const TierKind kind = set.tiers[t].kind;
      const bool peer = kind == TierKind::peer;
      if (peer && node == other) continue;
      const bool store = !peer && draw.below(2) == 0;
      const uint32_t pool = peer ? other : set.tiers[t].pool_of[node];
      RouteEnds ends{node, t, pool, kNone, kNone};
      if (store) ends = {node, kNone, kNone, t, pool};
      if (draw.below(3) == 0 && t != host) {  // between the tier and host memory
        ends = store ? RouteEnds{node, host, node, t, pool} : RouteEnds{node, t, pool, host, node};
      }
      const tiering::TransferPlan plan = finder.find(ends, n);
      links.assign(plan.links.begin(), plan.links.end());
      REQUIRE(std::set<uint32_t>(links.begin(), links.end()).size() == links.size());
      const std::vector<Cable> crossed = cables(set, links);
      if (!peer && kind != TierKind::context && kind != TierKind::external) {
        REQUIRE(crossed.empty());
        continue;
      }
      const ledger::FabricSize& size = peer ? gpus : storage;
      const uint32_t here = naive_leaf(node, nodes, size.leaves);
      if (crossed.empty()) {
        ++inside;
        if (peer) REQUIRE(here == naive_leaf(other, nodes, size.leaves));
        continue;
      }
      ++across;
      REQUIRE(crossed.size() == 2);
      const Cable& up = crossed[0].up ? crossed[0] : crossed[1];
      const Cable& down = crossed[0].up ? crossed[1] : crossed[0];
      REQUIRE(up.up);
      REQUIRE_FALSE(down.up);
      REQUIRE(up.leaf != down.leaf);
      REQUIRE(up.network == (peer ? "fabric" : "storage"));
      REQUIRE(down.network == up.network);
      REQUIRE((store ? up : down).leaf == here);
      const uint32_t there = (store ? down : up).leaf;
      if (peer) REQUIRE(there == naive_leaf(other, nodes, size.leaves));
      if (kind == TierKind::context) {  // the leaves of the pod
        REQUIRE(there / (size.leaves / pods) == node / pod_nodes);
      }
      REQUIRE(up.number.has_value() == (routing != "adaptive"));
      if (up.number) REQUIRE(*up.number % size.spines == *down.number % size.spines);
      if (routing == "shortest") REQUIRE(*up.number == 0);
    }
  }
  CHECK(inside > 200);
  CHECK(across > 200);
}

TEST_CASE("Flows hashed over uplinks leave as many idle as balls leave bins", "[scenario]") {
  const tiering::TierSetSpec set =
      tiers_of({"cluster.fabric.routing=ecmp", "cluster.nodes=16", "cluster.pod_nodes=8",
                "cluster.storage.context.count=2"});
  uint32_t n = 0;
  for (const tiering::TierLinkSpec& link : set.links) {
    n += link.name.starts_with("leaf0.fabric.up") ? 1 : 0;
  }
  REQUIRE(n == 32);  // eight nodes with eight NICs of half a port each
  const uint32_t t = index_of(set, TierKind::peer);
  constexpr int kTrials = 400;
  for (const uint32_t k : {8u, 32u, 64u}) {
    double used = 0;
    double slowest = 0;
    for (uint64_t seed = 0; seed < kTrials; ++seed) {
      tiering::RouteFinder finder(set, seed);
      std::vector<uint32_t> links;
      std::map<uint32_t, uint32_t> flows;  // by uplink
      for (uint32_t i = 0; i < k; ++i) {   // each pair of nodes on different leaves once
        const tiering::TransferPlan plan = finder.find({8 + i / 8, t, i % 8, kNone, kNone}, i);
        links.assign(plan.links.begin(), plan.links.end());
        for (const Cable& one : cables(set, links)) {
          if (one.up) ++flows[*one.number];
        }
      }
      used += static_cast<double>(flows.size()) / kTrials;
      uint32_t most = 0;
      for (const auto& [uplink, count] : flows) most = std::max(most, count);
      slowest += static_cast<double>(most) / kTrials;
    }
    const double idle = std::pow(1 - 1.0 / n, k);
    const double idle_pairs = std::pow(1 - 2.0 / n, k);
    const double variance = n * (n - 1) * idle_pairs + n * idle - n * n * idle * idle;
    INFO(k << " flows");
    CHECK(std::abs(used - n * (1 - idle)) < 4 * std::sqrt(variance / kTrials));
    CHECK(slowest > std::ceil(k / double(n)));  // sprayed, none would wait for another
  }
}

TEST_CASE("Each switch on the way adds its latency, twice for what asks and is answered",
          "[scenario]") {
  const Words wide = {"cluster.fabric.switch={use: sn5600, latency: 700ns}"};
  const Words none = {"cluster.fabric.switch={use: sn5600, latency: 0ns}"};
  const tiering::TierSetSpec slow = tiers_of(wide);
  const tiering::TierSetSpec fast = tiers_of(none);
  tiering::RouteFinder with(slow, 1);
  tiering::RouteFinder without(fast, 1);
  const uint32_t external = index_of(slow, TierKind::external);
  const uint32_t peer = index_of(slow, TierKind::peer);
  const uint32_t context = index_of(slow, TierKind::context);
  const uint32_t drives = index_of(slow, TierKind::nvme);
  const uint32_t host = index_of(slow, TierKind::dram);
  for (uint64_t n = 0; n < 20; ++n) {
    for (const RouteEnds& ends :
         {RouteEnds{0, external, 0, kNone, kNone}, RouteEnds{0, kNone, kNone, external, 0},
          RouteEnds{0, peer, 1, kNone, kNone}, RouteEnds{0, peer, 2, kNone, kNone},
          RouteEnds{0, context, 0, host, 0}, RouteEnds{0, host, 0, context, 0},
          RouteEnds{0, drives, 0, kNone, kNone}, RouteEnds{0, context, 0, external, 0}}) {
      const tiering::TransferPlan found = with.find(ends, n);
      const tiering::TransferPlan bare = without.find(ends, n);
      const std::vector<uint32_t> links(found.links.begin(), found.links.end());
      REQUIRE(links == std::vector<uint32_t>(bare.links.begin(), bare.links.end()));
      const tiering::TransferCost& cost = found.cost;
      const tiering::TransferCost& plain = bare.cost;
      const bool local = ends.from == drives;
      const int64_t one_way = local ? 0 : (cables(slow, links).empty() ? 1 : 3) * 700;
      const bool store = ends.from == kNone || (ends.to != kNone && ends.to > ends.from);
      CHECK(cost.before_ns - plain.before_ns == (store ? one_way : 2 * one_way));
      CHECK(cost.after_ns - plain.after_ns == (store ? one_way : 0));
      CHECK(cost.rate_cap == plain.rate_cap);
    }
  }
  // What is told beforehand counts them too.
  const scenario::Scenario told = tests::good(kScenario, wide);
  const scenario::Scenario bare = tests::good(kScenario, none);
  const auto times = tier_times(told.spec, tests::world_of(told));
  const auto plain = tier_times(bare.spec, tests::world_of(bare));
  CHECK(times[host].load.before_ns() == plain[host].load.before_ns());
  CHECK(times[drives].load.before_ns() == plain[drives].load.before_ns());
  CHECK(times[peer].load.before_ns() == plain[peer].load.before_ns() + 2 * 700);
  CHECK(times[context].load.before_ns() == plain[context].load.before_ns() + 2 * 700);
  CHECK(times[context].store->fixed_ns() == plain[context].store->fixed_ns() + 2 * 700);
}

TEST_CASE("Waits behind others are at the source's drives and before the cables crossed",
          "[scenario]") {
  const tiering::TierSetSpec set =
      tiers_of({"cluster.fabric.switch={use: sn5600, queue_latency: 7us}",
                "cluster.node.drives.0.queue_latency=80us",
                "cluster.storage.context.enclosure.drives.queue_latency=90us"});
  tiering::RouteFinder finder(set, 1);
  const uint32_t peer = index_of(set, TierKind::peer);
  const uint32_t drives = index_of(set, TierKind::nvme);
  const uint32_t context = index_of(set, TierKind::context);
  const auto names = [&](std::span<const uint32_t> links) {
    std::set<std::string> found;
    for (const uint32_t link : links) found.insert(set.links[link].name);
    return found;
  };
  const tiering::TransferPlan local = finder.find({0, drives, 0, kNone, kNone}, 0);
  CHECK(names(local.devices) == std::set<std::string>{"nvme0.read", "nvme0.both"});
  CHECK(local.cost.device_wait_ns == 80'000);
  CHECK(local.cables.empty());
  const tiering::TransferPlan pod = finder.find({0, context, 0, kNone, kNone}, 0);
  CHECK(names(pod.devices) == std::set<std::string>{"context0.drives.read", "context0.drives.both",
                                                    "context0.cores", "context0.port.up"});
  CHECK(pod.cost.device_wait_ns == 90'000);
  const tiering::TransferPlan far = finder.find({0, peer, 7, kNone, kNone}, 0);
  CHECK(far.cost.device_wait_ns == 0);
  CHECK(far.cost.switch_wait_ns == 7'000);
  CHECK(names(far.cables) == std::set<std::string>{"leaf3.fabric.up", "leaf0.fabric.down"});
  const tiering::TransferPlan store = finder.find({0, kNone, kNone, drives, 0}, 0);
  CHECK(store.cost.device_wait_ns == 0);
}

TEST_CASE("A trunk of sprayed uplinks carries what they carry one by one", "[scenario]") {
  for (const std::string oversubscription : {"1", "1.5", "4"}) {
    const std::string over = "cluster.fabric.oversubscription=" + oversubscription;
    const auto by_leaf = [&](const std::string& routing) {
      std::map<std::string, uint64_t> sums;
      for (const tiering::TierLinkSpec& link :
           tiers_of({"cluster.fabric.routing=" + routing, over}).links) {
        const auto one = cable(link.name);
        if (!one) continue;
        CHECK(one->number.has_value() == (routing != "adaptive"));
        sums[text(one->leaf) + one->network + (one->up ? "up" : "down")] += link.bytes_per_s;
      }
      return sums;
    };
    const auto trunks = by_leaf("adaptive");
    CHECK(trunks.size() == 4 * 2 * 2);  // a leaf a pod, two networks, two ways
    CHECK(trunks == by_leaf("ecmp"));
    CHECK(trunks == by_leaf("shortest"));
  }
}

TEST_CASE("One switch has no cables, and no fabric no switch", "[scenario]") {
  for (const Words& sets : {Words{"cluster.pod_nodes=8", "cluster.nodes=8"},
                            Words{"cluster.fabric.kind=flat", "cluster.nodes=4"}}) {
    const tiering::TierSetSpec set = tiers_of(sets);
    REQUIRE(set.fabrics.size() == 2);
    for (const tiering::SwitchedFabric& fabric : set.fabrics) {
      CHECK(fabric.topology.nodes().size() == 1);
      CHECK(fabric.switch_ns == 600);
    }
    for (const tiering::TierLinkSpec& link : set.links) CHECK_FALSE(cable(link.name));
  }
}

TEST_CASE("What enters a leaf leaves it", "[scenario]") {
  for (const std::string routing : {"ecmp", "adaptive", "shortest"}) {
    const scenario::Scenario scenario =
        tests::good(kScenario, {"cluster.fabric.routing=" + routing, "run.warmup.functional=2s"});
    const scenario::World world = tests::world_of(scenario);
    Diagnostics found;
    const auto source = workload::make_source(
        scenario.spec.workload, {scenario.spec.run.seed, world.cluster.engine.block_tokens}, found);
    REQUIRE(source != nullptr);
    const serving::Outcome outcome = serving::Cluster(world.cluster, world.steps, *source).run();
    std::map<uint32_t, int64_t> kept;  // bytes in less bytes out, by leaf of the GPU network
    int64_t between = 0;
    int64_t storage = 0;
    for (const serving::LinkOutcome& link : outcome.links) {
      const auto bytes = static_cast<int64_t>(link.carried_bytes);
      if (const auto one = cable(link.name)) {
        if (one->network == "storage") {
          storage += one->up ? bytes : -bytes;
          continue;
        }
        between += one->up ? bytes : 0;
        kept[one->leaf] += one->up ? -bytes : bytes;
      }
      if (!link.name.starts_with("node")) continue;
      const auto node = static_cast<uint32_t>(std::stoul(link.name.substr(4)));
      if (link.name.ends_with(".fabric.down")) kept[node / 2] += bytes;
      if (link.name.ends_with(".fabric.up")) kept[node / 2] -= bytes;
    }
    INFO(routing);
    CHECK(kept.size() == 4);
    CHECK(between > 100'000'000);
    for (const auto& [leaf, bytes] : kept) CHECK(bytes == 0);
    CHECK(storage == 0);
  }
}
