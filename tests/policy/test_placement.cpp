// The built-in placement policies, called through their table: cases worked by hand, and the choice
// between loading and computing against trying every split.
#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "models/policy/key_counts.hpp"
#include "models/policy/placement.hpp"
#include "tests/policy/placement_calls.hpp"
#include "tests/policy/random_host.hpp"

extern "C" const char* name_of_placement_as_seen_by_c(size_t index);

using namespace tiercast;
using namespace tiercast::tests;

TEST_CASE("the placement policies are listed once, by index and by name", "[placement]") {
  const auto policies = policy::placement_policies();
  REQUIRE(policies.size() == 3);
  CHECK(policies[0].name == "through");  // an index is part of the interface
  CHECK(policies[1].name == "selective");
  CHECK(policies[2].name == "back");
  for (size_t i = 0; i < policies.size(); ++i) {
    CHECK(tp_builtin_placement(i) == policies[i].table);
    CHECK(tp_find_builtin_placement(std::string(policies[i].name).c_str()) == policies[i].table);
    CHECK(std::string(name_of_placement_as_seen_by_c(i)) == policies[i].name);
    CHECK(policies[i].table->size == sizeof(tp_placement_table));
    CHECK(policies[i].table->info()->abi_major == TP_ABI_MAJOR);
  }
  CHECK(tp_builtin_placement(policies.size()) == nullptr);
  CHECK(tp_find_builtin_placement("throug") == nullptr);
  CHECK(tp_find_builtin_placement(nullptr) == nullptr);
}

TEST_CASE("a bad parameter is refused in words", "[placement]") {
  const auto& table = *tp_find_builtin_placement("through");
  const auto refusal = [&](const char* config) {
    tp_placement* self = nullptr;
    std::array<char, 200> error{};
    CHECK(table.create(config, 1, &self, error.data(), error.size()) == TP_EINVAL);
    CHECK(self == nullptr);
    return std::string(error.data());
  };
  CHECK_THAT(refusal("fetch=4"), Catch::Contains("fetch"));
  CHECK_THAT(refusal("fetch=load-al"), Catch::Contains("load-all, recompute-all"));
  CHECK_THAT(refusal("min_load=0"), Catch::Contains("min_load"));
  CHECK_THAT(refusal("threshold=2"), Catch::Contains("threshold"));  // selective's alone
  CHECK_THAT(refusal("promote=1\npromote=0"), Catch::Contains("twice"));
  tp_placement* self = nullptr;
  std::array<char, 4> little{'x', 'x', 'x', 'x'};
  CHECK(table.create("fetch=9", 1, &self, little.data(), little.size()) == TP_EINVAL);
  CHECK(std::strlen(little.data()) == 3);
  CHECK(table.create("fetch=9", 1, &self, nullptr, 0) == TP_EINVAL);
  CHECK(table.create(nullptr, 1, &self, nullptr, 0) == TP_EINVAL);
}

TEST_CASE("through stores everything in every tier that takes stores", "[placement]") {
  Policy policy("through");
  CHECK(text(policy.place({1, 2, 3}, five_tiers(), 7)) == "7+3:26");  // tiers 1, 3 and 4
  CHECK(text(policy.place({1}, five_tiers(), 9, TP_STORE_OUTPUT)) == "9+1:26");
  CHECK(policy.place({}, five_tiers()).empty());
  CHECK(policy.place({1}, {tier(TP_TIER_HBM), tier(TP_TIER_NVME, TP_TIER_READ_ONLY)}).empty());
  Policy prompts("through", "output=0");
  CHECK(prompts.place({1}, five_tiers(), 9, TP_STORE_OUTPUT).empty());
  CHECK(prompts.place({1}, five_tiers(), 9).size() == 1);
}

TEST_CASE("selective stores a block once enough prompts have had it", "[placement]") {
  Policy policy("selective", "threshold=3");
  CHECK(policy.place({1, 2, 3, 4}, five_tiers()).empty());
  CHECK(policy.place({1, 2, 5, 4}, five_tiers()).empty());
  CHECK(text(policy.place({1, 2, 3, 4}, five_tiers())) == "0+2:26 3+1:26");
  CHECK(text(policy.place({3}, five_tiers(), 2)) == "2+1:26");
  size_t count = 0;
  CHECK(policy.table().place(policy.self(), 1, nullptr, TP_STORE_PROMPT, 0, 1, nullptr,
                             five_tiers().data(), 5, nullptr, 0, &count) == TP_EINVAL);
}

TEST_CASE("selective counts a prompt once, however often it is asked", "[placement]") {
  Policy policy("selective", "threshold=2");
  const std::vector<uint64_t> keys{1, 2, 3, 4, 5};
  policy.place({1, 3, 5}, five_tiers());  // due alternately: three answers
  std::vector<tp_block> blocks(keys.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    blocks[i].size = sizeof(tp_block);
    blocks[i].key = {keys[i], 0};
  }
  const Tiers tiers = five_tiers();
  const uint64_t before = policy.table().hash_state(policy.self());
  std::array<tp_placed, 2> little{};
  size_t count = 0;
  CHECK(policy.table().place(policy.self(), 1, nullptr, TP_STORE_PROMPT, 0, 5, blocks.data(),
                             tiers.data(), tiers.size(), little.data(), little.size(),
                             &count) == TP_ESPACE);
  CHECK(policy.table().hash_state(policy.self()) == before);
  REQUIRE(count >= 3);
  CHECK(text(policy.place(keys, tiers)) == "0+1:26 2+1:26 4+1:26");
}

TEST_CASE("back stores nothing on its own and moves down what leaves", "[placement]") {
  Policy back("back");
  CHECK(back.place({1, 2}, five_tiers()).empty());
  CHECK(back.demote(0, five_tiers()) == 1);
  CHECK(back.demote(1, five_tiers()) == 3);  // tier 2 takes no stores
  CHECK(back.demote(3, five_tiers()) == 4);
  CHECK(back.demote(4, five_tiers()) == TP_NO_TIER);
  Policy through("through");
  CHECK(through.demote(1, five_tiers()) == TP_NO_TIER);
  Policy demoting("through", "demote=1");
  CHECK(demoting.demote(0, five_tiers()) == TP_NO_TIER);  // was stored as it became complete
  CHECK(demoting.demote(1, five_tiers()) == 3);
}

TEST_CASE("runs load from their nearest tier, and farther ones leave a copy", "[placement]") {
  const Runs runs{{2, 3, 0b00001, 0, 0}, {5, 2, 0b01010, 0, 0}, {7, 4, 0b11000, 0, 0}};
  CHECK(text(Policy("through").plan(runs, five_tiers())) == "2+3:W0 5+2:L1 7+4:L3>1");
  CHECK(text(Policy("through", "promote=0").plan(runs, five_tiers())) == "2+3:W0 5+2:L1 7+4:L3");
  CHECK(Policy("through", "fetch=1").plan(runs, five_tiers()).empty());
  CHECK(text(Policy("through", "min_load=9").plan(runs, five_tiers())) == "2+3:W0 5+2:L1 7+4:L3>1");
  CHECK(Policy("through", "min_load=10").plan(runs, five_tiers()).empty());
  Tiers direct = five_tiers();
  direct[3].flags = TP_TIER_DIRECT;  // passes by host memory
  CHECK(text(Policy("through").plan(runs, direct)) == "2+3:W0 5+2:L1 7+4:L3");
  Tiers no_host = five_tiers();
  no_host[1].kind = TP_TIER_PEER;
  CHECK(text(Policy("through").plan(runs, no_host)) == "2+3:W0 5+2:L1 7+4:L3");
}

TEST_CASE("prefetch stages what is farther than host memory, and no more than is loaded later",
          "[placement]") {
  const Runs runs{{2, 3, 0b00001, 0, 0}, {5, 2, 0b01010, 0, 0}, {7, 4, 0b11000, 0, 0}};
  CHECK(Policy("through").prefetch(runs, five_tiers()).empty());
  CHECK(text(Policy("through", "prefetch=1").prefetch(runs, five_tiers())) == "7+4:S3>1");
  CHECK(Policy("through", "prefetch=1\nfetch=1").prefetch(runs, five_tiers()).empty());
  CHECK(Policy("through", "prefetch=1\nmin_load=10").prefetch(runs, five_tiers()).empty());
}

TEST_CASE("views may grow: their stride is their own size", "[placement]") {
  struct Wider {
    tp_tier view;
    uint64_t later;
  };
  const Tiers tiers = five_tiers();
  std::vector<Wider> wide;
  for (const tp_tier& view : tiers) {
    wide.push_back({view, UINT64_MAX});
    wide.back().view.size = sizeof(Wider);
  }
  Policy back("back");
  uint32_t to = 0;
  REQUIRE(back.table().demote(back.self(), 1, 1, 1, &wide[0].view, wide.size(), &to) == TP_OK);
  CHECK(to == back.demote(1, tiers));
}

namespace {

// The time until the first `loaded` runs are there and the others computed.
int64_t time_of_split(const Runs& runs, const Tiers& tiers, size_t loaded) {
  int64_t load = 0;
  for (uint32_t t = 1; t < tiers.size(); ++t) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < loaded; ++i) {
      if ((runs[i].tier_mask & ((2u << t) - 1)) == 1u << t) bytes += uint64_t{runs[i].count} * 1000;
    }
    if (bytes == 0) continue;
    bytes += tiers[t].queued_read_bytes;
    load =
        std::max(load, tiers[t].read_latency_ns +
                           static_cast<int64_t>(bytes * 1'000'000'000 / tiers[t].read_bytes_per_s));
  }
  int64_t compute = 0;
  for (size_t i = loaded; i < runs.size(); ++i) compute += runs[i].compute_ns;
  return load + compute;
}

}  // namespace

TEST_CASE("load or recompute takes the best of all splits", "[placement]") {
  Policy policy("through", "fetch=2\npromote=0");
  Draw draw(4);
  std::array<int, 3> seen{};  // nothing, part, all loaded
  for (int round = 0; round < 2000; ++round) {
    Tiers tiers = five_tiers();
    for (tp_tier& view : tiers) {
      view.read_bytes_per_s = uint64_t{1} << (28 + draw.below(6));  // divides without remainder
      view.read_latency_ns = draw.below(100'000);
      view.queued_read_bytes = draw.chance(50) ? 0 : draw.below(200'000);
    }
    Runs runs;
    uint32_t first = draw.below(3);
    for (uint32_t n = 1 + draw.below(6); n > 0; --n) {
      const uint32_t mask = draw.chance(10) ? 1u : 2u << draw.below(4);
      runs.push_back(
          {first, 1 + draw.below(40), mask | (draw.chance(30) ? 16u : 0u), 0, draw.below(60'000)});
      first += runs.back().count;
    }
    int64_t best = std::numeric_limits<int64_t>::max();
    for (size_t s = 0; s <= runs.size(); ++s) best = std::min(best, time_of_split(runs, tiers, s));
    const size_t chosen = policy.plan(runs, tiers).size();
    REQUIRE(std::abs(time_of_split(runs, tiers, chosen) - best) <= 4);  // roundings of each
    ++seen[chosen == 0 ? 0 : chosen == runs.size() ? 2 : 1];
  }
  for (const int count : seen) CHECK(count > 50);
}

TEST_CASE("keys are counted exactly within the window, and forgotten a generation later",
          "[placement]") {
  policy::KeyCounts counts(1000);
  for (uint32_t round = 1; round <= 4; ++round) {
    for (uint64_t key = 0; key < 999; ++key) REQUIRE(counts.add({key, key * 3}) == round);
  }
  // The thousandth key begins a new generation, in which what comes back counts on.
  CHECK(counts.add({5000, 1}) == 1);
  CHECK(counts.add({7, 21}) == 5);
  // A thousand others later, two generations on, only what came back is known.
  for (uint64_t key = 0; key < 999; ++key) REQUIRE(counts.add({key, 77}) == 1);
  CHECK(counts.add({8, 24}) == 1);
  CHECK(counts.add({7, 21}) == 6);

  policy::KeyCounts one(1 << 20);
  for (uint32_t i = 1; i <= 300; ++i) REQUIRE(one.add({9, 9}) == std::min(i, 255u));
}

TEST_CASE("counts agree with a plain table, generation by generation", "[placement]") {
  Draw draw(11);
  constexpr uint32_t kWindow = 300;
  policy::KeyCounts counts(kWindow);
  std::map<uint64_t, uint32_t> young, old;
  for (int i = 0; i < 20'000; ++i) {
    const uint64_t key = draw.below(2) == 0 ? draw.below(50) : draw.below(5000);
    const uint32_t before = young.contains(key) ? young[key] : old.contains(key) ? old[key] : 0;
    young[key] = std::min(before + 1, 255u);
    REQUIRE(counts.add({key, ~key}) == young[key]);
    if (young.size() == kWindow) {
      old = std::move(young);
      young.clear();
    }
  }
}
