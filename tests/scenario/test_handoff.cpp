// Prompts handed over inside a node and between nodes.
#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "models/hardware/transfer_time.hpp"
#include "models/scenario/tier_times.hpp"
#include "models/serving/cluster.hpp"
#include "models/tiering/routes.hpp"
#include "models/workload/demand_source.hpp"
#include "tests/scenario/small_scenario.hpp"

using namespace tiercast;
using tiering::kNone;

namespace {

constexpr const char* kScenario = R"(name: handed over
cluster: {node: dgx-h100}
model: llama-3.1-8b
engine: {tp: 4}
disaggregation: 1
workload:
  open: {requests: 50, arrivals: {rate: 50/s}, input_tokens: {fixed: {value: 1000}}, output_tokens: {fixed: {value: 10}}}
)";

std::vector<std::string> names(const tiering::TierSetSpec& set, const tiering::TransferPlan& plan) {
  std::vector<std::string> names;
  for (const uint32_t link : plan.links) names.push_back(set.links[link].name);
  return names;
}

}  // namespace

TEST_CASE("A hand-off inside a node goes over NVLink alone, one between nodes over NICs",
          "[scenario]") {
  using Names = std::vector<std::string>;
  const scenario::Scenario scenario = tests::good(kScenario, {"cluster.nodes=2"});
  const scenario::World world = tests::world_of(scenario);
  const tiering::TierSetSpec& set = *world.cluster.tiers;
  tiering::RouteFinder finder(set, 1);
  const auto from = [&](uint32_t giver, uint32_t taker) {
    return finder.find({taker, kNone, giver, kNone, kNone}, 0);
  };
  const tiering::TransferPlan inside = from(0, 1);
  CHECK(names(set, inside) == Names{"engine0.nvlink.down", "engine1.nvlink.up"});
  const hardware::StackSpec& stack = scenario.spec.disaggregation->node_stack;
  const double rate = scenario.spec.cluster.node.gpu.nvlink->value.value() * 4;
  CHECK(double(set.links[inside.links[0]].bytes_per_s) == Approx(rate * stack.efficiency.value));
  // The first operation alone, less what it adds to those before it in a full pipeline.
  const hardware::KvLayout layout{tokens(16), 32, bytes(2 * 8 * 128 * 2 / 4)};
  const Bytes operation = hardware::operation_bytes(stack, layout);
  const auto before_ns = [&](BytesPerSecond link) {
    const Seconds lane = stack.operation_time.value;
    const Seconds move = operation / (link * stack.efficiency.value);
    const Seconds alone = lane + stack.operation_latency.value + move;
    const Seconds spacing = std::max({lane / stack.lanes, move, alone / stack.depth});
    return ceil_to_ns(stack.setup.value + alone - spacing).value();
  };
  CHECK(inside.cost.before_ns == before_ns(scenario.spec.cluster.node.gpu.nvlink->value));
  const Names across = names(set, from(0, 2));
  CHECK(across ==
        Names{"engine0.pcie.down", "node0.fabric.down", "node1.fabric.up", "engine2.pcie.up"});
  CHECK(from(2, 0).cost.before_ns > inside.cost.before_ns);

  // An accelerator without NVLink: over the host links of both, the stack's set-up alike.
  scenario::Scenario without = scenario;
  without.spec.cluster.node.gpu.nvlink.reset();
  const scenario::World bare = tests::world_of(without);
  tiering::RouteFinder pcie(*bare.cluster.tiers, 1);
  const tiering::TransferPlan plan = pcie.find({1, kNone, 0, kNone, kNone}, 0);
  CHECK(names(*bare.cluster.tiers, plan) == Names{"engine0.pcie.down", "engine1.pcie.up"});
  CHECK(plan.cost.before_ns == before_ns(scenario.spec.cluster.node.gpu.host_link.value));
  CHECK(plan.cost.rate_cap < inside.cost.rate_cap);
}

TEST_CASE("A node that hands over inside itself needs no NIC and uses none", "[scenario]") {
  for (const char* nics : {"cluster.node.nics=[]", "cluster.nodes=1"}) {
    const scenario::Scenario scenario = tests::good(kScenario, {nics});
    const scenario::World world = tests::world_of(scenario);
    Diagnostics found;
    const auto source = workload::make_source(
        scenario.spec.workload, {scenario.spec.run.seed, world.cluster.engine.block_tokens}, found);
    REQUIRE(source != nullptr);
    const serving::Outcome outcome = serving::Cluster(world.cluster, world.steps, *source).run();
    std::map<std::string, uint64_t> carried;
    for (const serving::LinkOutcome& link : outcome.links) carried[link.name] = link.carried_bytes;
    CHECK(carried.at("engine0.nvlink.down") > 50ull * 900 * 131'072);
    CHECK(carried.at("engine0.nvlink.down") == carried.at("engine1.nvlink.up"));
    for (const auto& [name, bytes] : carried) {
      if (name.find("nvlink") == std::string::npos) CHECK(bytes == 0);
    }
  }
}

TEST_CASE("Hand-offs are explained by the way that the simulation takes", "[scenario]") {
  const scenario::Scenario scenario = tests::good(kScenario, {"cluster.nodes=2"});
  const scenario::World world = tests::world_of(scenario);
  const tiering::TierSetSpec& set = *world.cluster.tiers;
  const std::vector<scenario::HandOffTimes> ways = handoff_times(scenario.spec, world);
  REQUIRE(ways.size() == 2);
  for (const scenario::HandOffTimes& way : ways) {
    tiering::RouteFinder finder(set, 1);
    const uint32_t taker = way.inside_node ? 1 : 2;
    const tiering::TransferPlan plan = finder.find({taker, kNone, 0, kNone, kNone}, 0);
    CHECK(way.links == names(set, plan));
    CHECK(way.way.fixed_ns() == plan.cost.before_ns + plan.cost.after_ns);
    uint64_t rate = plan.cost.rate_cap;
    for (const uint32_t link : plan.links) rate = std::min(rate, set.links[link].bytes_per_s);
    CHECK(way.way.bytes_per_s == rate);
    REQUIRE(way.prompts.size() == 4);
    for (const scenario::HandOffTimes::Prompt& prompt : way.prompts) {
      CHECK(prompt.bytes == prompt.tokens * 131'072ull);
      CHECK(double(prompt.moving_ns) == Approx(double(prompt.bytes) / double(rate) * 1e9));
      CHECK(prompt.total_ns == way.way.fixed_ns() + prompt.moving_ns);
    }
  }
  CHECK(ways[0].inside_node);
  CHECK(ways[0].stack == scenario.spec.disaggregation->node_stack.use);
  CHECK(ways[1].stack == scenario.spec.disaggregation->stack.use);

  const scenario::Scenario one_node = tests::good(kScenario);
  CHECK(handoff_times(one_node.spec, tests::world_of(one_node)).size() == 1);
  scenario::Scenario together = one_node;
  together.spec.disaggregation.reset();
  CHECK(handoff_times(together.spec, tests::world_of(together)).empty());
}
