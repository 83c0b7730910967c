// The built-in routers, called through their table: by hand, and against plain second ones.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "models/policy/portable_exp.hpp"
#include "models/policy/router.hpp"
#include "tests/policy/random_host.hpp"

extern "C" const char* name_of_router_as_seen_by_c(size_t index);

namespace {

using namespace tiercast;
using tests::Draw;
using Loads = std::vector<tp_worker>;

class Router {
 public:
  explicit Router(const char* name, const char* config = "", uint64_t seed = 1)
      : table(tp_find_builtin_router(name)) {
    REQUIRE(table != nullptr);
    std::array<char, 200> error{};
    const int code = table->create(config, seed, &self, error.data(), error.size());
    INFO(error.data());
    REQUIRE(code == TP_OK);
  }
  ~Router() { table->destroy(self); }
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  uint32_t route(uint32_t tokens, const Loads& workers, const std::vector<tp_key>& keys = {},
                 int64_t now_ns = 0) {
    const tp_prompt prompt{
        sizeof(tp_prompt), tokens, 16, 512, static_cast<uint32_t>(keys.size()), 0, keys.data()};
    uint32_t chosen = 77;
    costs.assign(workers.size(), -1);
    REQUIRE(table->route(self, now_ns, nullptr, &prompt, workers.data(), workers.size(), &chosen,
                         costs.data()) == TP_OK);
    REQUIRE(chosen < workers.size());
    return chosen;
  }
  uint64_t hash() const { return table->hash_state(self); }

  const tp_router_table* table;
  tp_router* self = nullptr;
  std::vector<double> costs;
};

tp_worker worker(uint32_t requests, uint64_t tokens, uint64_t queued, uint32_t device) {
  tp_worker made{};
  made.size = sizeof made;
  made.outstanding_requests = requests;
  made.outstanding_tokens = tokens;
  made.queued_tokens = queued;
  made.device_tokens = device;
  return made;
}

}  // namespace

TEST_CASE("the routers are listed once, by index and by name", "[router]") {
  const auto policies = policy::router_policies();
  const std::array<const char*, 5> names{"round-robin", "least-loaded", "prefix", "dynamo-cost",
                                         "replicate-hot"};
  REQUIRE(policies.size() == names.size());
  for (size_t i = 0; i < names.size(); ++i) {
    CHECK(policies[i].name == names[i]);  // an index is part of the interface
    CHECK(tp_builtin_router(i) == policies[i].table);
    CHECK(tp_find_builtin_router(names[i]) == policies[i].table);
    CHECK(std::string(name_of_router_as_seen_by_c(i)) == names[i]);
    CHECK(policies[i].table->info()->abi_major == TP_ABI_MAJOR);
  }
  CHECK(tp_builtin_router(names.size()) == nullptr);
  CHECK(tp_find_builtin_router("prefi") == nullptr);
  CHECK(tp_find_builtin_router(nullptr) == nullptr);
}

TEST_CASE("a router refuses what breaks the contract", "[router]") {
  tp_router* self = nullptr;
  std::array<char, 200> error{};
  CHECK(tp_find_builtin_router("dynamo-cost")
            ->create("temperature=-1", 1, &self, error.data(), error.size()) == TP_EINVAL);
  CHECK_THAT(error.data(), Catch::Contains("temperature"));
  CHECK(self == nullptr);
  Router router("prefix");
  const Loads workers{worker(0, 0, 0, 0)};
  tp_prompt prompt{sizeof(tp_prompt), 10, 16, 512, 0, 0, nullptr};
  uint32_t chosen = 0;
  const auto route = [&](size_t count, const tp_prompt* asked, uint32_t* out) {
    return router.table->route(router.self, 5, nullptr, asked, workers.data(), count, out, nullptr);
  };
  CHECK(route(1, &prompt, &chosen) == TP_OK);
  CHECK(route(0, &prompt, &chosen) == TP_EINVAL);
  CHECK(route(1, nullptr, &chosen) == TP_EINVAL);
  CHECK(route(1, &prompt, nullptr) == TP_EINVAL);
  prompt.key_count = 1;
  CHECK(route(1, &prompt, &chosen) == TP_EINVAL);
  prompt = {sizeof(tp_prompt), 10, 0, 512, 0, 0, nullptr};
  CHECK(route(1, &prompt, &chosen) == TP_EINVAL);
  prompt.block_tokens = 16;
  CHECK(router.table->route(router.self, 4, nullptr, &prompt, workers.data(), 1, &chosen,
                            nullptr) == TP_EINVAL);  // time does not run backwards
}

TEST_CASE("round robin takes turns, whatever the load", "[router]") {
  Router router("round-robin");
  const Loads loads{worker(100, 100, 100, 0), worker(0, 0, 0, 0), worker(0, 0, 0, 0)};
  for (const uint32_t expected : {0u, 1u, 2u, 0u}) CHECK(router.route(10, loads) == expected);
  CHECK(router.table->info()->capabilities == 0);
}

TEST_CASE("least loaded counts requests, then their input, then takes the first", "[router]") {
  Router router("least-loaded");
  CHECK(router.route(10, {worker(2, 5, 0, 0), worker(1, 900, 0, 0), worker(1, 800, 0, 0)}) == 2);
  CHECK(router.route(10, {worker(1, 5, 0, 0), worker(1, 5, 9, 0), worker(1, 6, 0, 9)}) == 0);
}

TEST_CASE("prefix-aware weighs prefill left, prefill queued and context", "[router]") {
  Router router("prefix");
  CHECK(router.table->info()->capabilities == TP_CAP_READS_MATCHES);
  CHECK(router.route(100, {worker(0, 0, 0, 0), worker(9, 60, 30, 96)}) == 1);  // 100 against 94
  CHECK(router.costs == std::vector<double>{100, 94});
  CHECK(router.route(100, {worker(0, 0, 0, 0), worker(9, 60, 37, 96)}) == 0);  // 100 against 101
  CHECK(router.route(100, {worker(0, 0, 0, 0), worker(9, 60, 36, 96)}) == 0);  // a tie
  CHECK(router.route(50, {worker(0, 1, 0, 96), worker(0, 0, 0, 50)}) == 1);    // no credit
}

TEST_CASE("dynamo-cost follows its formula", "[router]") {
  // In blocks of 16: prefill 20 + 10, credit 0.5 x decay x 4 + 0.75 x 8 + 0.25 x 2 + 0.1 x 5 where
  // 10 blocks of queue beyond the other's are half of the prompt: decay = 1 / (1 + 2 x 0.5).
  Router router("dynamo-cost",
                "overlap_credit=0.5\ncredit_decay=2\nshared_weight=0.1\nprefill_scale=3\n"
                "request_weight=7\n");
  tp_worker loaded = worker(2, 0, 160, 64);
  loaded.host_tokens = 128;
  loaded.disk_tokens = 32;
  loaded.shared_tokens = 80;
  loaded.active_blocks = 40;
  CHECK(router.route(320, {loaded, worker(0, 0, 0, 0)}) == 1);
  CHECK(router.costs[0] == Approx(3 * (30 - (1 + 6 + 0.5 + 0.5)) + 40 + 14));
  CHECK(router.costs[1] == Approx(3 * 20));
  // More credit than prefill counts as none.
  loaded.device_tokens = 3200;
  router.route(320, {loaded, worker(0, 0, 0, 0)});
  CHECK(router.costs[0] == Approx(54));
}

TEST_CASE("with its defaults dynamo-cost takes prefix's way where loads are whole blocks",
          "[router]") {
  Draw draw(2);
  Router dynamo("dynamo-cost");
  Router prefix("prefix");
  int moved = 0;
  for (int round = 0; round < 1000; ++round) {
    Loads workers;
    for (uint32_t n = 1 + draw.below(5); n > 0; --n) {
      const uint64_t blocks = draw.below(40);
      workers.push_back(
          worker(draw.below(4), blocks * 16, draw.below(40) * 16, draw.below(20) * 16));
      workers.back().active_blocks = blocks;
    }
    const uint32_t chosen = dynamo.route(320, workers);
    REQUIRE(chosen == prefix.route(320, workers));
    moved += chosen != 0 ? 1 : 0;
  }
  CHECK(moved > 100);
}

TEST_CASE("at a temperature workers are drawn as often as a softmax says", "[router]") {
  const Loads workers{worker(0, 0, 16, 0), worker(0, 0, 0, 0), worker(0, 0, 64, 0)};
  // Costs 21, 20 and 24: 1/4, 0 and 1 of the range, at temperature 0.5.
  const std::array<double, 3> weights{std::exp(-0.5), 1.0, std::exp(-2.0)};
  const double sum = weights[0] + weights[1] + weights[2];
  Router router("dynamo-cost", "temperature=0.5", 9);
  std::array<int, 3> drawn{};
  constexpr int kDraws = 20'000;
  for (int i = 0; i < kDraws; ++i) ++drawn[router.route(320, workers)];
  for (size_t i = 0; i < 3; ++i) {
    const double expected = kDraws * weights[i] / sum;
    CHECK(std::abs(drawn[i] - expected) < 5 * std::sqrt(expected));
  }
  // All alike: evenly.
  std::array<int, 2> even{};
  for (int i = 0; i < kDraws; ++i) ++even[router.route(320, {workers[0], workers[0]})];
  CHECK(std::abs(even[0] - kDraws / 2) < 5 * 100);
  // By the seed alone.
  Router same("dynamo-cost", "temperature=0.5", 9);
  Router other("dynamo-cost", "temperature=0.5", 10);
  Router again("dynamo-cost", "temperature=0.5", 9);
  int different = 0;
  for (int i = 0; i < 200; ++i) {
    const uint32_t chosen = same.route(320, workers);
    REQUIRE(chosen == again.route(320, workers));
    different += chosen != other.route(320, workers) ? 1 : 0;
  }
  CHECK(different > 20);
}

TEST_CASE("the least temperature there is draws the cheapest worker", "[router]") {
  // Costs 20, 24 and 21; a range of 4 times the temperature has no reciprocal.
  const Loads workers{worker(0, 0, 0, 0), worker(0, 0, 64, 0), worker(0, 0, 16, 0)};
  for (const char* const temperature : {"temperature=0", "temperature=1e-310"}) {
    Router router("dynamo-cost", temperature);
    for (int i = 0; i < 20; ++i) CHECK(router.route(320, workers) == 0);
  }
}

TEST_CASE("the library's own exp is libm's to twelve digits", "[router]") {
  CHECK(policy::exp_of_negative(0) == 1);
  CHECK(policy::exp_of_negative(-701) == 0);
  for (double x = -1e-9; x > -700; x *= 1.07) {
    REQUIRE(policy::exp_of_negative(x) == Approx(std::exp(x)).epsilon(1e-12));
  }
}

namespace {

constexpr int64_t kSecond = 1'000'000'000;
// Of ever longer heads of a prompt, 512 tokens each.
std::vector<tp_key> heads(uint64_t name) { return {{name, 1}, {name, 2}, {name, 3}}; }

}  // namespace

TEST_CASE("replicate-hot goes prefix's way while no head is hot", "[router]") {
  Router hot("replicate-hot", "hot_rate=2\nwindow=10");
  Router prefix("prefix");
  const Loads workers{worker(1, 900, 0, 0), worker(2, 1800, 0, 1024), worker(0, 500, 0, 0)};
  for (int i = 0; i < 19; ++i) {  // the twentieth of 10 s is hot
    REQUIRE(hot.route(1500, workers, heads(1), i) == prefix.route(1500, workers));
    REQUIRE(hot.costs == prefix.costs);
  }
  CHECK(hot.route(1500, workers, heads(2), 30) == prefix.route(1500, workers));
  // Without keys it knows of none.
  CHECK(hot.route(1500, workers, {}, 30) == prefix.route(1500, workers));
}

TEST_CASE("a hot head is spread over the workers that have it, and no more", "[router]") {
  Router router("replicate-hot", "hot_rate=1\nwindow=10\ncopies=2");
  // Worker 3 has the head and much to do; which one is second is the head's own order.
  Loads workers{worker(0, 0, 0, 0), worker(0, 0, 0, 0), worker(0, 0, 0, 0),
                worker(4, 3000, 0, 1024)};
  for (int i = 0; i < 9; ++i) router.route(1500, workers, heads(1), i);
  const uint32_t second = router.route(1500, workers, heads(1), 9);
  CHECK(second != 3);
  CHECK(router.costs[3] == 1500 - 1024 + 3000);
  CHECK(router.costs[second] == 1500 - 1024);  // as if it had the head
  CHECK(std::count(router.costs.begin(), router.costs.end(),
                   std::numeric_limits<double>::infinity()) == 2);
  for (int i = 0; i < 20; ++i) CHECK(router.route(1500, workers, heads(1), 9) == second);
  // Once it has a copy both share by load, and what is not of the head counts as it is.
  workers[second] = worker(9, 9000, 0, 1024);
  CHECK(router.route(1500, workers, heads(1), 10) == 3);
  workers[second].outstanding_tokens = 3300;
  workers[second].device_tokens = 1400;
  CHECK(router.route(1500, workers, heads(1), 10) == second);
}

TEST_CASE("copies grow with the rate, and heads cool down", "[router]") {
  Router router("replicate-hot", "hot_rate=1\nwindow=10\ncopies=9");
  const Loads workers(12, worker(0, 0, 0, 0));
  const auto copies = [&] {
    return std::count_if(router.costs.begin(), router.costs.end(),
                         [](double cost) { return std::isfinite(cost); });
  };
  const auto come = [&](int times, int64_t now_ns) {
    for (int i = 0; i < times; ++i) router.route(1500, workers, heads(1), now_ns);
  };
  come(10, 0);  // a rate of 1
  CHECK(copies() == 2);
  come(25, 0);  // 3.5
  CHECK(copies() == 4);
  come(100, 0);
  CHECK(copies() == 9);
  come(1, 10 * kSecond);  // of the 135, all but a moment's still lie in the window
  CHECK(copies() == 9);
  come(1, 18 * kSecond);  // a fifth of them and two: 2.9
  CHECK(copies() == 3);
  come(1, 40 * kSecond);
  CHECK(copies() == 12);  // prefix's costs
}

TEST_CASE("heads are told apart by as many tokens as asked for", "[router]") {
  const Loads workers(4, worker(0, 0, 0, 0));
  const auto is_hot = [&](const char* config, const std::vector<tp_key>& keys) {
    Router router("replicate-hot", config);
    for (int i = 0; i < 20; ++i) router.route(1500, workers, heads(1), i);
    router.route(1500, workers, keys, 30);
    return std::isinf(*std::max_element(router.costs.begin(), router.costs.end()));
  };
  const std::vector<tp_key> shares_one{{1, 1}, {8, 2}};
  CHECK(is_hot("copies=2\nhead=512", shares_one));
  CHECK_FALSE(is_hot("copies=2\nhead=513", shares_one));
  CHECK(is_hot("copies=2\nhead=5000", heads(1)));  // by all they have
}

TEST_CASE("routers saved and restored in the middle route on as if nothing had been", "[router]") {
  const auto [name, config] = GENERATE(
      table<const char*, const char*>({{"round-robin", ""},
                                       {"least-loaded", ""},
                                       {"prefix", ""},
                                       {"dynamo-cost", "temperature=1"},
                                       {"replicate-hot", "hot_rate=0.5\nwindow=4\ncopies=3"}}));
  CAPTURE(name, config);
  Draw draw(5);
  int64_t now_ns = 0;
  const auto step = [&](auto&& route) {
    Loads workers;
    for (int i = 0; i < 4; ++i) {
      workers.push_back(
          worker(draw.below(4), draw.below(4000), draw.below(2000), draw.below(1500)));
    }
    now_ns += int64_t{draw.below(1'000'000'000)};
    route(workers, heads(draw.below(3)));
  };
  Router first(name, config);
  for (int i = 0; i < 100; ++i) {
    step([&](const Loads& w, const std::vector<tp_key>& k) { first.route(1500, w, k, now_ns); });
  }
  size_t size = 0;
  REQUIRE(first.table->save(first.self, nullptr, 0, &size) == TP_OK);
  std::vector<char> saved(size);
  REQUIRE(first.table->save(first.self, saved.data(), size, &size) == TP_OK);
  Router second(name, config);
  REQUIRE(second.table->restore(second.self, saved.data(), size) == TP_OK);
  for (int i = 0; i < 100; ++i) {
    REQUIRE(first.hash() == second.hash());
    step([&](const Loads& w, const std::vector<tp_key>& k) {
      REQUIRE(first.route(1500, w, k, now_ns) == second.route(1500, w, k, now_ns));
    });
  }
  Router stranger(name, config, 2);
  CHECK(stranger.table->restore(stranger.self, saved.data(), size) == TP_EINVAL);
}
