// Routers by hand, and that what they are told is true to the ns.
#include <array>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "models/serving/router.hpp"
#include "tests/serving/small_cluster.hpp"

using namespace tiercast;
using namespace tiercast::tests;
using serving::ClusterSpec;
using serving::InstanceLoad;
using serving::make_router;
using serving::Outcome;
using serving::RouterKind;

TEST_CASE("round robin takes turns, whatever the load", "[serving]") {
  const auto router = make_router(RouterKind::round_robin);
  const std::array<InstanceLoad, 3> loads{InstanceLoad{100, 100, 100, 0}, {}, {}};
  for (const uint32_t expected : {0u, 1u, 2u, 0u}) CHECK(router->route(10, loads) == expected);
  CHECK_FALSE(router->wants_matches());
}

TEST_CASE("least loaded counts requests, then their input, then takes the first", "[serving]") {
  const auto router = make_router(RouterKind::least_loaded);
  using Loads = std::array<InstanceLoad, 3>;
  CHECK(router->route(10, Loads{InstanceLoad{2, 5, 0, 0}, {1, 900, 0, 0}, {1, 800, 0, 0}}) == 2);
  CHECK(router->route(10, Loads{InstanceLoad{1, 5, 0, 0}, {1, 5, 9, 0}, {1, 6, 0, 9}}) == 0);
}

TEST_CASE("prefix-aware weighs prefill left, prefill queued and context", "[serving]") {
  const auto router = make_router(RouterKind::prefix);
  using Loads = std::array<InstanceLoad, 2>;
  CHECK(router->wants_matches());
  CHECK(router->route(100, Loads{InstanceLoad{}, {9, 60, 30, 96}}) == 1);  // 100 against 94
  CHECK(router->route(100, Loads{InstanceLoad{}, {9, 60, 37, 96}}) == 0);  // 100 against 101
  CHECK(router->route(100, Loads{InstanceLoad{}, {9, 60, 36, 96}}) == 0);  // a tie
  CHECK(router->route(50, Loads{InstanceLoad{0, 1, 0, 96}, {0, 0, 0, 50}}) == 1);  // no credit
}

TEST_CASE("equal clusters take turns at the same demand", "[serving]") {
  ClusterSpec spec = small_cluster();
  spec.instances = 3;
  std::vector<workload::Request> requests;
  for (int64_t i = 0; i < 6; ++i) requests.push_back(request_of(0, 20, 5));
  for (const RouterKind kind :
       {RouterKind::round_robin, RouterKind::least_loaded, RouterKind::prefix}) {
    spec.router = kind;
    const Outcome out = run_small(spec, requests);
    for (size_t i = 0; i < 6; ++i) CHECK(out.log[i].instance == i % 3);
  }
}

TEST_CASE("warm-up loads instances as its requests would, alone, and leaves none", "[serving]") {
  ClusterSpec spec = small_cluster();
  spec.instances = 3;
  spec.id_tokens = 4;
  spec.warmup_ns = 5000;
  // Two blocks each, computed alone in less than 500 ns: the first three take turns, the fourth
  // comes in beside the first, and as the fifth comes all are over.
  std::vector<workload::Request> requests;
  for (const int64_t arrival : {0, 0, 0, 0, 500, 5000, 5000, 5000}) {
    requests.push_back(
        request_of(arrival, 8, 2, 4, {2 * requests.size(), 2 * requests.size() + 1}));
  }
  for (const RouterKind kind : {RouterKind::least_loaded, RouterKind::prefix}) {
    spec.router = kind;
    const Outcome out = run_small(spec, requests);
    REQUIRE(out.warmed_requests == 5);
    const std::array<uint64_t, 3> warmed{3, 1, 1};
    for (size_t i = 0; i < 3; ++i) {
      CHECK(out.log[i].instance == i);  // no load is left
      CHECK(out.instances[i].pool_present_blocks == 2 * warmed[i] + 2);
    }
  }
}

namespace {

// The first request leaves three named blocks on instance 0, where the second then decodes in one
// segment. It needs frames 3 to 6 of 6 for lengths 9, 13, 17 and 21: from length 13 on it evicts,
// tail first. The third request would reuse what is left, and costs 19 - matched tokens there and
// 13 on instance 1.
constexpr int64_t kDecodesFrom = 300 + 112 + 60;
// Length 17, where one block of four tokens remains, begins after lengths 7 to 16.
constexpr int64_t kOneLeft = kDecodesFrom + 10 * 115 + (16 * 17 - 6 * 7) / 2;

Outcome run_evicting(int64_t arrival_ns, int64_t index_delay_ns) {
  ClusterSpec spec = small_cluster();
  spec.instances = 2;
  spec.router = RouterKind::prefix;
  spec.router_index_delay_ns = index_delay_ns;
  spec.engine.kv_blocks = 6;
  spec.id_tokens = 4;
  workload::Request again = request_of(arrival_ns, 13, 1, 4, {1, 2, 3});
  again.last_id_tokens = 4;
  workload::Request first = again;
  first.arrival_ns = 0;
  Outcome out = run_small(spec, {first, request_of(300, 6, 19), again});
  CHECK(out.log[0].instance == 0);
  CHECK(out.log[1].instance == 0);
  return out;
}

}  // namespace

TEST_CASE("the prefix router sees the cache as it is just before the arrival", "[serving]") {
  const auto instance_at = [](int64_t arrival_ns) {
    return run_evicting(arrival_ns, 0).log[2].instance;
  };
  CHECK(instance_at(kOneLeft - 500) == 0);
  CHECK(instance_at(kOneLeft) == 0);  // facts precede boundaries
  CHECK(instance_at(kOneLeft + 1) == 1);
  CHECK(instance_at(kOneLeft + 500) == 1);
}

TEST_CASE("a late index sends a request where its blocks are no more", "[serving]") {
  constexpr int64_t kDelay = 400;
  const Outcome stale = run_evicting(kOneLeft + kDelay, kDelay);
  CHECK(stale.log[2].instance == 0);
  CHECK(stale.log[2].cached_tokens < 8);  // that two believed blocks have
  CHECK(stale.router.requests == 3);
  CHECK(stale.router.stale_hit_blocks == 1);
  CHECK(stale.router.misrouted == 1);
  CHECK(stale.router.missed_blocks == 0);

  const Outcome told = run_evicting(kOneLeft + kDelay + 1, kDelay);
  CHECK(told.log[2].instance == 1);
  CHECK(told.router.stale_hit_blocks == 0);
  CHECK(told.router.misrouted == 0);
}

// The first prompt is computed at 112 + 130 ns. Of the third the blocks would save 12 of 13 tokens
// on instance 0, where the second, of 2 tokens, is decoding.
TEST_CASE("a late index sends a request past its blocks", "[serving]") {
  ClusterSpec spec = small_cluster();
  spec.instances = 2;
  spec.router = RouterKind::prefix;
  spec.id_tokens = 4;
  workload::Request again = request_of(500, 13, 1, 4, {1, 2, 3});
  again.last_id_tokens = 4;
  workload::Request first = again;
  first.arrival_ns = 0;
  const auto run_with = [&](int64_t delay_ns) {
    spec.router_index_delay_ns = delay_ns;
    Outcome out = run_small(spec, {first, request_of(250, 2, 90), again});
    CHECK(out.log[1].instance == 0);
    return out;
  };
  for (const int64_t in_time_ns : {int64_t{0}, 500 - 242 - int64_t{1}}) {
    const Outcome out = run_with(in_time_ns);
    CHECK(out.log[2].instance == 0);
    CHECK(out.log[2].cached_tokens == 12);
    CHECK(out.router.misrouted == 0);
    CHECK(out.router.missed_blocks == 0);
  }
  const Outcome out = run_with(500 - 242);
  CHECK(out.log[2].instance == 1);
  CHECK(out.log[2].cached_tokens == 0);
  CHECK(out.router.stale_hit_blocks == 0);
  CHECK(out.router.misrouted == 1);
  CHECK(out.router.missed_blocks == 3);
}

TEST_CASE("one instance, or a router that looks at no blocks, has no late index", "[serving]") {
  ClusterSpec spec = small_cluster();
  spec.router_index_delay_ns = 100;
  for (const auto& [instances, kind] :
       {std::pair{1u, RouterKind::prefix}, {2u, RouterKind::round_robin}}) {
    spec.instances = instances;
    spec.router = kind;
    CHECK(run_small(spec, {request_of(0, 20, 5)}).router.requests == 0);
  }
}
