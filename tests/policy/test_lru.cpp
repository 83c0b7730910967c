#include <algorithm>
#include <array>

#include <catch2/catch.hpp>

#include "models/policy/registry.hpp"
#include "tests/policy/naive_lru.hpp"
#include "tests/policy/random_host.hpp"
#include "tests/policy/two_tiers.hpp"

namespace {

using namespace tiercast;
using namespace tiercast::tests;

const tp_cache_table& lru() { return *tp_find_builtin_cache("lru"); }

SpanList victims(Instance& cache, uint32_t need) {
  uint64_t token = 0;
  const SpanList spans = cache.select(1000, need, token);
  REQUIRE(cache.table().abort(cache.cache(), token) == TP_OK);
  return spans;
}

TEST_CASE("lru agrees with a plain list") {
  const uint32_t capacity = GENERATE(1u, 5u, 64u, 65u, 200u);
  const uint64_t seed = GENERATE(1u, 2u, 3u);
  const uint32_t slot_count = capacity * GENERATE(1u, 2u);
  Instance joined(lru(), capacity, "", true, slot_count);
  Instance singles(lru(), capacity, "", false, slot_count);
  NaiveLru naive;
  RandomHost host(seed, capacity, {&joined, &singles}, &naive, slot_count);
  host.run(1500);
  CHECK(host.victims() > 50);
}

TEST_CASE("lru evicts the tail of what was put down first") {
  // Two requests of five and three blocks finish one after the other; the first one's blocks go
  // first and of those the tail, so the head of its prefix is the last of them to go.
  Instance cache(lru(), 16, "", true);
  cache.insert(0, {0, 1, 2, 3, 4, 8, 9, 10}, std::vector<uint64_t>(8));
  cache.set_evictable(1, true, {0, 1, 2, 3, 4});
  cache.set_evictable(2, true, {8, 9, 10});
  CHECK(text(victims(cache, 2)) == " 3+2");
  CHECK(text(victims(cache, 6)) == " 0+5 10+1");
  SECTION("a touch of the first request's head moves it behind the second") {
    cache.touch(3, {0, 1});
    CHECK(text(victims(cache, 7)) == " 2+3 8+3 1+1");
  }
  SECTION("taken into use and put down again it is the most recent") {
    cache.set_evictable(3, false, {0, 1, 2, 3, 4});
    cache.set_evictable(4, true, {0, 1, 2, 3, 4});
    CHECK(text(victims(cache, 4)) == " 8+3 4+1");
  }
}

TEST_CASE("lru keeps the order of batches that name slots downwards") {
  Instance cache(lru(), 16, "", true);
  cache.insert(0, {7, 6, 5}, std::vector<uint64_t>(3));
  cache.set_evictable(1, true, {7, 6, 5});  // 7 is the head, so 5 is the first to go
  CHECK(text(victims(cache, 3)) == " 5+1 6+1 7+1");
}

TEST_CASE("lru states that differ only in how runs are stored are the same state") {
  Instance whole(lru(), 16, "", true);
  Instance pieces(lru(), 16, "", true);
  for (Instance* cache : {&whole, &pieces}) cache->insert(0, {4, 5, 9}, {1, 2, 3});
  whole.set_evictable(1, true, {4, 5});
  // Blocks 5 and 4 become neighbours only as 9 leaves from between them.
  pieces.set_evictable(1, true, {5});
  pieces.set_evictable(1, true, {9});
  pieces.set_evictable(1, true, {4});
  CHECK(pieces.hash() != whole.hash());
  pieces.set_evictable(1, false, {9});
  CHECK(pieces.hash() == whole.hash());
  CHECK(text(victims(pieces, 2)) == " 4+2");
}

/// Contents of an LRU cache after unit accesses to random ids: bit i stands for id i.
uint64_t contents_after(uint32_t capacity, uint64_t seed, uint32_t accesses) {
  Instance cache(lru(), capacity, "", true);
  std::array<uint32_t, 64> slot_of;
  slot_of.fill(UINT32_MAX);
  Draw draw(seed);
  uint32_t filled = 0;
  uint64_t contents = 0;
  for (uint32_t i = 0; i < accesses; ++i) {
    const uint32_t id = std::min(draw.below(64), draw.below(64));
    uint32_t& slot = slot_of[id];
    if (slot != UINT32_MAX) {
      cache.touch(i, {slot});
      continue;
    }
    slot = filled;
    if (filled < capacity) {
      ++filled;
    } else {
      uint64_t token = 0;
      slot = cache.select(i, 1, token).front().first_slot;
      REQUIRE(lru().commit(cache.cache(), i, token, nullptr) == TP_OK);
      cache.remove(i, TP_REMOVED_EVICTED, {slot});
      const auto gone = std::find_if(slot_of.begin(), slot_of.end(), [&](const uint32_t& other) {
        return &other != &slot && other == slot;
      });
      *gone = UINT32_MAX;
      contents &= ~(uint64_t{1} << (gone - slot_of.begin()));
    }
    cache.insert(i, {slot}, {id});
    cache.set_evictable(i, true, {slot});
    contents |= uint64_t{1} << id;
  }
  return contents;
}

TEST_CASE("a smaller lru cache holds a part of what a larger one holds") {
  const uint64_t seed = GENERATE(11u, 12u, 13u, 14u);
  const uint32_t accesses = GENERATE(50u, 200u, 1000u);
  uint64_t smaller = 0;
  for (const uint32_t capacity : {1u, 2u, 7u, 20u, 45u, 64u}) {
    const uint64_t larger = contents_after(capacity, seed, accesses);
    CHECK((smaller & ~larger) == 0);
    smaller = larger;
  }
}

TEST_CASE("lru evicts in two tiers as the algorithm does, whatever four blocks are used") {
  check_two_tier_histories("lru", [](uint32_t) { return NaiveLru(); });
}

}  // namespace
