// Routers by hand, and that what they are told is true to the ns.
#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "models/policy/tierpolicy.h"
#include "models/serving/checked_router.hpp"
#include "models/tiering/checked_cache.hpp"
#include "tests/serving/small_cluster.hpp"

using namespace tiercast;
using namespace tiercast::tests;
using serving::ClusterSpec;
using serving::Outcome;

TEST_CASE("equal clusters take turns at the same demand", "[serving]") {
  ClusterSpec spec = small_cluster();
  spec.instances = 3;
  std::vector<workload::Request> requests;
  for (int64_t i = 0; i < 6; ++i) requests.push_back(request_of(0, 20, 5));
  for (const char* kind :
       {"round-robin", "least-loaded", "prefix", "dynamo-cost", "replicate-hot"}) {
    spec.router = tp_find_builtin_router(kind);
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
  for (const char* kind : {"least-loaded", "prefix"}) {
    spec.router = tp_find_builtin_router(kind);
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
  spec.router = tp_find_builtin_router("prefix");
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
  spec.router = tp_find_builtin_router("prefix");
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
  for (const auto& [instances, kind] : {std::pair{1u, "prefix"}, {2u, "round-robin"}}) {
    spec.instances = instances;
    spec.router = tp_find_builtin_router(kind);
    CHECK(run_small(spec, {request_of(0, 20, 5)}).router.requests == 0);
  }
}

namespace {

uint32_t answered = 0;
int answered_code = TP_OK;

const tp_router_table& scripted() {
  static const tp_info info{sizeof(tp_info), TP_ABI_MAJOR, TP_ABI_MINOR, 0, "scripted", "1"};
  static const tp_router_table table{
      .size = sizeof(tp_router_table),
      .reserved = 0,
      .info = [] { return &info; },
      .create =
          [](const char*, uint64_t, tp_router** out, char*, size_t) {
            *out = reinterpret_cast<tp_router*>(&answered);
            return int{TP_OK};
          },
      .destroy = [](tp_router*) {},
      .save = nullptr,
      .restore = nullptr,
      .hash_state = nullptr,
      .route =
          [](tp_router*, int64_t, const tp_request*, const tp_prompt*, const tp_worker*, size_t,
             uint32_t* chosen, double*) {
            *chosen = answered;
            return answered_code;
          }};
  return table;
}

}  // namespace

TEST_CASE("a router that names no worker, or fails, breaks its contract", "[serving]") {
  ClusterSpec spec = small_cluster();
  spec.instances = 3;
  spec.router = &scripted();
  const auto run_with = [&](uint32_t chosen, int code) {
    answered = chosen;
    answered_code = code;
    return run_small(spec, {request_of(77, 20, 5)});
  };
  CHECK(run_with(2, TP_OK).log[0].instance == 2);
  CHECK_THROWS_WITH(run_with(3, TP_OK), Catch::Contains("scripted") &&
                                            Catch::Contains("route at 77 ns") &&
                                            Catch::Contains("worker 3 of 3"));
  CHECK_THROWS_WITH(run_with(0, TP_ESTATE), Catch::Contains("TP_ESTATE"));
  std::string error;
  tp_router_table lacking = scripted();
  lacking.route = nullptr;
  CHECK_FALSE(serving::CheckedRouter::create(lacking, "", 1, error));
  CHECK_THAT(error, Catch::Contains("route"));
  const tp_router_table& dynamo = *tp_find_builtin_router("dynamo-cost");
  CHECK_FALSE(serving::CheckedRouter::create(dynamo, "temperatur=1", 1, error));
  CHECK_THAT(error, Catch::Contains("did you mean 'temperature'"));
}

// A system prompt of 40 tokens comes every 300 ns, with 40 others behind it: more than one instance
// serves. The prefix router soon has copies everywhere, the other as many as it is told.
TEST_CASE("replicate-hot shares a hot prefix among as many instances as it is told, and no more",
          "[serving]") {
  ClusterSpec spec = small_cluster();
  spec.instances = 4;
  spec.id_tokens = 40;
  spec.engine.kv_blocks = 2000;
  std::vector<workload::Request> requests;
  for (uint64_t i = 0; i < 60; ++i) {
    requests.push_back(request_of(static_cast<int64_t>(i) * 300, 80, 2, 40, {1, 100 + i}));
  }
  // Of all but the first ten requests.
  const auto served = [&](const char* router, const char* config) {
    spec.router = tp_find_builtin_router(router);
    spec.router_config = config;
    const Outcome out = run_small(spec, requests);
    std::array<int, 4> counts{};
    for (size_t i = 10; i < out.log.size(); ++i) ++counts[out.log[i].instance];
    std::sort(counts.begin(), counts.end());
    return counts;
  };
  CHECK(served("prefix", "")[1] > 0);
  // Eight in a millisecond are hot.
  const auto two = served("replicate-hot", "hot_rate=8e3\nwindow=0.001\ncopies=2\nhead=40");
  CHECK(two[1] == 0);
  CHECK(two[2] > 15);
  const auto three = served("replicate-hot", "hot_rate=8e3\nwindow=0.001\ncopies=3\nhead=40");
  CHECK(three[0] == 0);
  CHECK(three[1] > 5);
  const auto never = served("replicate-hot", "hot_rate=1e9\nwindow=0.001\ncopies=2\nhead=40");
  CHECK(never == served("prefix", ""));
}
