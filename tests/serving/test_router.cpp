// Routers by hand, and that what they are told is true to the ns.
#include <array>
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

// The first request leaves three named blocks on instance 0, where the second then decodes in one
// segment. It needs frames 3 to 6 of 6 for lengths 9, 13, 17 and 21: from length 13 on it evicts,
// tail first. The third request would reuse what is left, and costs 19 - matched tokens there and
// 13 on instance 1.
TEST_CASE("the prefix router sees the cache as it is just before the arrival", "[serving]") {
  ClusterSpec spec = small_cluster();
  spec.instances = 2;
  spec.router = RouterKind::prefix;
  spec.engine.kv_blocks = 6;
  spec.id_tokens = 4;
  const int64_t decodes_from = 300 + 112 + 60;
  // Length 17, where one block of four tokens remains, begins after lengths 7 to 16.
  const int64_t one_left = decodes_from + 10 * 115 + (16 * 17 - 6 * 7) / 2;
  const auto instance_at = [&](int64_t arrival_ns) {
    workload::Request again = request_of(arrival_ns, 13, 1, 4, {1, 2, 3});
    again.last_id_tokens = 4;
    workload::Request first = again;
    first.arrival_ns = 0;
    const Outcome out = run_small(spec, {first, request_of(300, 6, 19), again});
    CHECK(out.log[0].instance == 0);
    CHECK(out.log[1].instance == 0);
    return out.log[2].instance;
  };
  CHECK(instance_at(one_left - 500) == 0);
  CHECK(instance_at(one_left) == 0);  // facts precede boundaries
  CHECK(instance_at(one_left + 1) == 1);
  CHECK(instance_at(one_left + 500) == 1);
}
