// What cache policies are told of requests: one session by hand, and that nothing of it depends on
// how steps are fused.
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "models/serving/request_view.hpp"
#include "tests/serving/outcome_difference.hpp"
#include "tests/serving/random_tiers.hpp"
#include "tests/serving/small_cluster.hpp"
#include "tests/serving/test_demand.hpp"
#include "tests/support/told_cache.hpp"

using namespace tiercast;
using namespace tiercast::tests;
using serving::ClusterSpec;
using serving::Outcome;

namespace {

using Lines = std::vector<std::string>;

// The same demand, as sessions of which so many turns are known to come, each of which runs next
// once another has had its turn.
class Sessions : public workload::DemandSource {
 public:
  Sessions(std::unique_ptr<workload::DemandSource> inner, uint32_t turns)
      : inner_(std::move(inner)), turns_(turns) {}

  bool peek(int64_t& arrival_ns) override { return inner_->peek(arrival_ns); }
  bool next(workload::Request& request) override {
    if (!inner_->next(request)) return false;
    request.turn = turn_of_[request.session]++;
    request.ends_session = request.turn + 1 == turns_;
    request.outlook = {true, 1000, 2300};
    request.priority = 10 + request.turn;
    session_of_.push_back(request.session);
    return true;
  }
  void completed(uint64_t id, int64_t now_ns) override {
    inner_->completed(id, now_ns);
    steps_ = {{session_of_[id], 2}};
  }
  std::span<const workload::StepsToRun> steps_to_run() const override { return steps_; }
  bool ended() override { return inner_->ended(); }

 private:
  std::unique_ptr<workload::DemandSource> inner_;
  uint32_t turns_;
  std::map<uint64_t, uint32_t> turn_of_;
  std::vector<uint64_t> session_of_;  // by request
  std::vector<workload::StepsToRun> steps_;
};

// Host memory below one engine: 1,000 B a block at 10 GB/s, every prompt stored as it is complete.
tiering::TierSetSpec host_memory(const ClusterSpec& spec) {
  tiering::TierSetSpec set;
  set.block_tokens = spec.engine.block_tokens;
  set.block_bytes = spec.block_bytes;
  set.node_of = {0};
  set.engine_fabric.resize(1);
  set.links = {{"up", 10'000'000'000, false}, {"down", 10'000'000'000, false}};
  set.placement = tp_find_builtin_placement("through");
  set.placement_config = "output=0\n";
  tiering::TierSpec tier;
  tier.name = "dram";
  tier.block_bytes = spec.block_bytes;
  tier.capacity_blocks = tier.simulated_blocks = 100;
  tier.eviction = told_cache();
  tier.eviction_config = "label=dram\n";
  tier.pools.push_back({0, {}});
  tier.pool_of = {0};
  tier.to_engine.push_back({{0}, {1}});
  tier.to_node.resize(1);
  set.tiers.push_back(tier);
  return set;
}

}  // namespace

// A step costs 100 ns, 10 a new token, 5 a sample, 7 a chunk and 1 a token that a decode reads.
TEST_CASE("a session of two turns, call by call", "[serving][feeds]") {
  ClusterSpec spec = small_cluster();
  spec.block_bytes = 1000;
  spec.id_tokens = 4;
  spec.engine.first_token_limit_ns = 5000;
  spec.eviction = told_cache();
  spec.eviction_config = "label=gpu\nstrict=1\n";
  spec.tiers = host_memory(spec);
  const llm::StepTable table = make_linear_table(2000, 64, hand_costs());
  Sessions source(
      std::make_unique<LoopSource>(std::vector<std::vector<LoopSource::Turn>>{
          {{request_of(0, 8, 2, 4, {1, 2}), 0}, {request_of(0, 12, 1, 4, {1, 2, 3}), 1000}}}),
      2);
  told_calls();
  const Outcome out = serving::Cluster(spec, table, source).run();
  CHECK(out.log[0].first_token_ns == 192);
  CHECK(out.log[1].finished_ns == 1468);
  // Computing a block of 4 tokens alone: 100 + 40 + 7.
  CHECK(told_calls() ==
        Lines{"gpu 0 arrive by 0 session 1 turn 0 prompt 8 at 0",
              "dram 0 arrive by 0 session 1 turn 0 prompt 8 at 0", "gpu 0 schedule by 0",
              "dram 0 schedule by 0",
              "gpu 0 lookup by 0 hits 0 [1/0 p- s1 t1 c147] [2/1 p- s1 t1 c147]",
              "gpu 192 insert by 0 [1/0 slot 0 p- s1 t1 c147] [2/1 slot 1 p0 s1 t1 c147]",
              "dram 192 lookup by 0 hits 0 [1/0 p- s1 t1 c147] [2/1 p- s1 t1 c147]",
              "dram 192 admit by 0 [1/0] [2/1]",
              // The answer is complete: the session will go on, one does not know when.
              "gpu 316 hints hint 2=1000 hint 3=2300 of session 1",
              "dram 316 hints hint 2=1000 hint 3=2300 of session 1",
              "gpu 316 finish by 0 hint 2=1000 hint 3=2300",
              "dram 316 finish by 0 hint 2=1000 hint 3=2300",
              "gpu 316 call by 0 hint 2=1000 hint 3=2300",
              "dram 316 call by 0 hint 2=1000 hint 3=2300",
              // Everybody hears a nanosecond later when it runs again.
              "gpu 317 hints hint 1=2 of session 1", "dram 317 hints hint 1=2 of session 1",
              // Two blocks have moved in 200 ns.
              "dram 392 insert by 0 [1/0 slot 0 p- s1 t1 c147] [2/1 slot 1 p0 s1 t1 c147]",
              "dram 392 unpin 0 1", "gpu 392 unpin 0 1",
              "gpu 1316 arrive by 1 session 1 turn 1 prompt 12 at 1316",
              "dram 1316 arrive by 1 session 1 turn 1 prompt 12 at 1316", "gpu 1316 resume by 1",
              "dram 1316 resume by 1", "gpu 1316 schedule by 1", "dram 1316 schedule by 1",
              "gpu 1316 pin 0 1",
              "gpu 1316 lookup by 1 hits 2 [1/0 p- s1 t1 c147] [2/1 p0 s1 t1 c147] "
              "[3/2 p1 s1 t1 c147]",
              "gpu 1316 touch by 1 0 1", "gpu 1468 insert by 1 [3/2 slot 3 p1 s1 t1 c147]",
              "dram 1468 touch by 1 0 1", "dram 1468 lookup by 1 hits 0 [3/2 p1 s1 t1 c147]",
              "dram 1468 admit by 1 [3/2]", "gpu 1468 hints hint 4=1 of session 1",
              "dram 1468 hints hint 4=1 of session 1", "gpu 1468 finish by 1 hint 4=1",
              "dram 1468 finish by 1 hint 4=1", "gpu 1469 hints hint 1=2 of session 1",
              "dram 1469 hints hint 1=2 of session 1", "dram 1568 insert by 1 [3/2 slot 2 p1 s1 t1 c147]",
              "dram 1568 unpin 2", "gpu 1568 unpin 0 1 3"});
}

TEST_CASE("views of a request say what the host knows and no more", "[serving][feeds]") {
  serving::RequestRecord record;
  record.id = 4;
  record.session = 2;
  record.tenant = 0;
  record.turn = 3;
  record.priority = 60;
  record.retain_ns = 5000;
  record.arrival_ns = 700;
  record.input_tokens = 90;
  serving::EngineSpec engine;
  const tp_request open = serving::request_view(record, engine);
  CHECK(open.id == 4);
  CHECK(open.session == 3);
  CHECK(open.tenant == 1);
  CHECK(open.turn == 3);
  CHECK(open.priority == 60);
  CHECK(open.retain_ns == 5000);
  CHECK(open.prompt_tokens == 90);
  CHECK(open.deadline_ns == INT64_MAX);
  CHECK(open.hint_count == 0);
  engine.first_token_limit_ns = 300;
  CHECK(serving::request_view(record, engine).deadline_ns == 1000);

  serving::HintRoom room;
  record.ends_session = true;  // says nothing without sessions
  CHECK(serving::session_hints(record, room).empty());
  record.outlook.has_session = true;
  CHECK(serving::session_hints(record, room).size() == 1);
  CHECK(room[0].kind == TP_HINT_SESSION_ENDS);
  record.ends_session = false;
  CHECK(serving::session_hints(record, room).empty());  // nobody knows when
}

namespace {

Outcome run_told(const RandomScenario& scenario, bool fuse, ToldSums& sums) {
  ClusterSpec spec = scenario.spec;
  spec.engine.fuse = fuse;
  // About a step, now and then.
  const std::string config =
      "moody=1\ntick=" + std::to_string(1 + 997 * (scenario.number % 40)) + "\n";
  spec.eviction = told_cache();
  spec.eviction_config = config + "strict=1\n";
  if (spec.tiers) {
    for (tiering::TierSpec& tier : spec.tiers->tiers) {
      tier.eviction = told_cache();
      tier.eviction_config = config + (scenario.number % 3 == 0 ? "refuse=2\n" : "");
    }
  }
  told_sums();
  Sessions source(scenario.demand(), 2 + static_cast<uint32_t>(scenario.number % 3));
  Outcome out = serving::Cluster(spec, scenario.table, source).run();
  sums = told_sums();
  return out;
}

}  // namespace

// Victims follow from every call so far, with its time: had fusing changed one, outcomes would
// part.
TEST_CASE("a policy that hears all hears the same whether steps are fused or not",
          "[serving][feeds][property]") {
  ToldSums all;
  uint64_t evicted = 0;
  for (uint64_t number = 0; number < 300; ++number) {
    RandomScenario scenario = make_random_scenario(number);
    if (number % 3 != 1) add_random_tiers(scenario);
    INFO(scenario.describe());
    ToldSums fused, unfused;
    const Outcome a = run_told(scenario, true, fused);
    const Outcome b = run_told(scenario, false, unfused);
    REQUIRE(difference(a, b) == "");
    REQUIRE(a.digest == b.digest);
    REQUIRE(fused == unfused);
    all.ticks += fused.ticks;
    all.lookups += fused.lookups;
    all.known_parents += fused.known_parents;
    all.requests += fused.requests;
    all.hints += fused.hints;
    all.refused += fused.refused;
    all.inherited += fused.inherited;
    all.orphaned += fused.orphaned;
    for (const serving::InstanceOutcome& instance : a.instances) evicted += instance.pool.evicted;
  }
  CHECK(all.ticks > 1000);
  CHECK(all.lookups > 1000);
  CHECK(all.known_parents > 1000);
  CHECK(all.requests > 1000);
  CHECK(all.hints > 1000);
  CHECK(all.refused > 1000);
  CHECK(all.inherited > 100);  // moved down as they left the pool above
  CHECK(all.orphaned == 0);
  CHECK(evicted > 1000);
}
