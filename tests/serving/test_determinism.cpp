// What must not change a run: doing it again, naming instances otherwise, looking at it.
#include <algorithm>
#include <array>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "models/serving/content.hpp"
#include "sim/base/hash.hpp"
#include "sim/base/random.hpp"
#include "tests/serving/naive_cluster.hpp"
#include "tests/serving/outcome_difference.hpp"
#include "tests/serving/random_scenario.hpp"
#include "tests/serving/small_cluster.hpp"
#include "tests/serving/test_demand.hpp"

using namespace tiercast;
using namespace tiercast::tests;
using serving::ClusterSpec;
using serving::Outcome;
using serving::RequestRecord;
using workload::Request;

namespace {

constexpr Purpose kLanes{"test.determinism.lanes"};
constexpr Purpose kLooks{"test.determinism.looks"};

Outcome run(const RandomScenario& scenario) {
  return serving::Cluster(scenario.spec, scenario.table, *scenario.demand()).run();
}

}  // namespace

TEST_CASE("the same run again gives the same facts", "[serving][determinism]") {
  for (uint64_t number = 0; number < 50; ++number) {
    const RandomScenario scenario = make_random_scenario(number);
    REQUIRE(difference(run(scenario), run(scenario)) == "");
  }
}

TEST_CASE("other demand gives another digest", "[serving][determinism]") {
  const Outcome one = run_small(small_cluster(), {request_of(0, 20, 4), request_of(9, 8, 3)});
  const Outcome other = run_small(small_cluster(), {request_of(0, 20, 4), request_of(10, 8, 3)});
  CHECK(one.digest != other.digest);
  CHECK(one.digest.size() == 32);
}

// Printed so that compilers and build types can be held against each other.
TEST_CASE("one digest stands for many clusters", "[serving][determinism][slow]") {
  StreamHash hash;
  StreamHash naive;
  for (uint64_t number = 0; number < 2000; ++number) {
    const RandomScenario scenario = make_random_scenario(number);
    hash.add_text(run(scenario).digest);
    naive.add_text(run_naive(scenario.spec, scenario.table, *scenario.demand()).digest);
  }
  CHECK(hash.digest64() == naive.digest64());
  std::cout << "digest of 2000 random clusters: " << std::hex << hash.digest64() << std::dec
            << "\n";
}

namespace {

constexpr uint32_t kInstances = 4;
using Lanes = std::array<uint32_t, kInstances>;  // lane of the k-th arrival of a round

// Rounds of simultaneous arrivals, one a lane. Round robin gives lane l to one instance throughout:
// which one is decided by the order within the rounds alone.
std::vector<Request> rounds(const Lanes& order) {
  std::vector<Request> requests;
  std::array<uint64_t, kInstances> system{};
  for (uint32_t lane = 0; lane < kInstances; ++lane) system[lane] = 100 + lane % 2;
  for (int64_t round = 0; round < 60; ++round) {
    for (const uint32_t lane : order) {
      Stream draw(1, kLanes, static_cast<uint64_t>(round), lane);
      const auto input = static_cast<uint32_t>(draw.between(20, 60));
      const auto output = static_cast<uint32_t>(draw.between(1, 40));
      const std::vector<uint64_t> ids{system[lane], 200 + draw.below(3), 1000 + draw.below(4)};
      Request request = request_of(round * 1500, input, output, 4, ids);
      request.last_id_tokens = 4;
      request.session = static_cast<uint64_t>(round) * kInstances + lane;
      requests.push_back(request);
    }
  }
  return requests;
}

Outcome run_lanes(const Lanes& order, const char* policy) {
  ClusterSpec spec = small_cluster();
  spec.instances = kInstances;
  spec.engine.kv_blocks = 40;
  spec.id_tokens = 4;
  spec.eviction = tp_find_builtin_cache(policy);
  return run_small(spec, rounds(order));
}

// The same facts with instance `lane` under the name of its lane, records by session.
Outcome unlabelled(Outcome out, const Lanes& order) {
  std::vector<serving::InstanceOutcome> by_lane(kInstances);
  for (uint32_t k = 0; k < kInstances; ++k) by_lane[order[k]] = out.instances[k];
  out.instances = by_lane;
  for (RequestRecord& r : out.log) {
    r.instance = order[r.instance];
    r.id = r.session;
  }
  std::sort(out.log.begin(), out.log.end(),
            [](const RequestRecord& a, const RequestRecord& b) { return a.id < b.id; });
  out.digest.clear();
  return out;
}

}  // namespace

TEST_CASE("how instances are named changes nothing", "[serving][determinism]") {
  const Lanes straight{0, 1, 2, 3};
  for (const char* policy : {"lru", "fifo", "s3fifo"}) {
    const Outcome plain = run_lanes(straight, policy);
    CHECK(plain.instances[0].pool.evicted > 0);
    for (const Lanes& order : {Lanes{1, 2, 3, 0}, Lanes{3, 2, 1, 0}, Lanes{2, 0, 3, 1}}) {
      const Outcome renamed = run_lanes(order, policy);
      REQUIRE(difference(unlabelled(plain, straight), unlabelled(renamed, order)) == "");
    }
  }
}

TEST_CASE("the digest does not know the order of instances", "[serving][determinism]") {
  Outcome out = run_lanes({0, 1, 2, 3}, "lru");
  std::vector<uint64_t> pools{11, 22, 33, 44};
  const std::string digest = serving::digest_of(out, pools);
  std::rotate(out.instances.begin(), out.instances.begin() + 1, out.instances.end());
  CHECK(serving::digest_of(out, pools) != digest);  // pools of other instances
  std::rotate(pools.begin(), pools.begin() + 1, pools.end());
  CHECK(serving::digest_of(out, pools) == digest);
}

namespace {

tiering::BlockPool make_pool(const ClusterSpec& spec, kvstore::PrefixStore& store) {
  tp_pool pool{};
  pool.size = sizeof(tp_pool);
  pool.capacity_blocks = spec.engine.kv_blocks;
  pool.block_tokens = spec.engine.block_tokens;
  pool.block_bytes = spec.block_bytes;
  std::string error;
  std::optional<tiering::CheckedCache> cache =
      tiering::CheckedCache::create(*spec.eviction, pool, "", spec.seed, error);
  REQUIRE(cache.has_value());
  return {store, std::move(*cache), spec.engine.block_tokens, spec.block_bytes};
}

// Facts of one instance served directly; `looks` > 0 asks it so often before each event.
struct Served {
  serving::RequestLog log;
  uint64_t pool_digest = 0;
  uint64_t policy_hash = 0;
  uint64_t advances = 0;
  Int128 busy_ticks = 0;
  Int128 dynamic_energy = 0;
  uint64_t seen = 0;  // what the looks read, so that they read something
};

class Lookout {
 public:
  Lookout(const RandomScenario& scenario, uint64_t looks) : scenario_(&scenario), looks_(looks) {}

  Served serve() {
    const ClusterSpec& spec = scenario_->spec;
    const serving::ContentMap map(spec.id_tokens, spec.engine.block_tokens);
    kvstore::PrefixStore store(map.blocks_per_id());
    Served served;
    serving::Instance instance(spec.engine, scenario_->table, store, make_pool(spec, store),
                               served.log);
    const std::unique_ptr<workload::DemandSource> source = scenario_->demand();
    std::vector<uint64_t> completed;
    int64_t now_ns = 0;
    int64_t not_before_ns = 0;
    for (;;) {
      int64_t arrival_ns = 0;
      const bool arrives = source->peek(arrival_ns);
      arrival_ns = std::max(arrival_ns, not_before_ns);
      const int64_t boundary_ns = instance.next_boundary_ns();
      if (!arrives && boundary_ns == serving::kNever) break;
      const int64_t next_ns = arrives ? std::min(arrival_ns, boundary_ns) : boundary_ns;
      look(instance, now_ns, next_ns, served.seen);
      now_ns = next_ns;
      if (arrives && arrival_ns <= boundary_ns) {
        arrive(instance, *source, map, now_ns, served.log);
      } else {
        completed.clear();
        instance.boundary(now_ns, completed);
        for (const uint64_t done : completed) source->completed(served.log[done].id, now_ns);
        if (!completed.empty()) not_before_ns = now_ns + 1;
      }
    }
    served.pool_digest = instance.pool().digest();
    served.policy_hash = instance.pool().policy_hash();
    served.advances = instance.counts().advances;
    served.busy_ticks = instance.counts().busy_ticks;
    served.dynamic_energy = instance.counts().dynamic_energy;
    return served;
  }

 private:
  void look(serving::Instance& instance, int64_t from_ns, int64_t to_ns, uint64_t& seen) {
    Stream draw(17, kLooks, scenario_->number, part_++);
    std::vector<int64_t> times;
    for (uint64_t k = 0; k < looks_; ++k) times.push_back(draw.between(from_ns, to_ns));
    std::sort(times.begin(), times.end());
    for (const int64_t at_ns : times) {
      instance.sync(at_ns);
      seen += instance.pool().digest() + instance.pool().busy_blocks() +
              instance.outstanding_requests() + instance.counts().steps;
    }
  }

  void arrive(serving::Instance& instance, workload::DemandSource& source,
              const serving::ContentMap& map, int64_t now_ns, serving::RequestLog& log) {
    Request request;
    source.next(request);
    const serving::EngineSpec& engine = scenario_->spec.engine;
    RequestRecord record;
    record.id = request.id;
    record.arrival_ns = request.arrival_ns;
    record.input_tokens = request.input_tokens;
    record.output_tokens = request.output_tokens;
    log.push_back(record);
    const uint64_t tokens = uint64_t{request.input_tokens} + request.output_tokens;
    const bool fits = tokens <= engine.max_model_tokens &&
                      (tokens + engine.block_tokens - 2) / engine.block_tokens <= engine.kv_blocks;
    if (fits) {
      instance.arrive(now_ns, log.size() - 1, map.content(request));
    } else {
      source.completed(request.id, now_ns);
    }
  }

  const RandomScenario* scenario_;
  uint64_t looks_;
  uint32_t part_ = 0;
};

}  // namespace

TEST_CASE("an observer changes nothing", "[serving][determinism]") {
  uint64_t looked = 0;
  for (uint64_t number = 0; number < 300; ++number) {
    const RandomScenario scenario = make_random_scenario(number);
    INFO(scenario.describe());
    const Served alone = Lookout(scenario, 0).serve();
    const Served watched = Lookout(scenario, 3).serve();
    REQUIRE(alone.log.size() == watched.log.size());
    for (size_t i = 0; i < alone.log.size(); ++i) {
      REQUIRE(alone.log[i].finished_ns == watched.log[i].finished_ns);
      REQUIRE(alone.log[i].first_token_ns == watched.log[i].first_token_ns);
      REQUIRE(alone.log[i].cached_tokens == watched.log[i].cached_tokens);
    }
    REQUIRE(alone.pool_digest == watched.pool_digest);
    REQUIRE(alone.policy_hash == watched.policy_hash);
    REQUIRE(alone.advances == watched.advances);
    REQUIRE(to_text(alone.busy_ticks) == to_text(watched.busy_ticks));
    REQUIRE(to_text(alone.dynamic_energy) == to_text(watched.dynamic_energy));
    looked += watched.seen != 0 ? 1 : 0;
  }
  CHECK(looked > 250);
}
