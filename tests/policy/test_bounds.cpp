// Every history over a few blocks: the offline bounds against all decisions there are, and every
// policy against the bounds.
#include <algorithm>
#include <functional>
#include <set>
#include <vector>

#include <catch2/catch.hpp>

#include "models/policy/registry.hpp"
#include "tests/policy/small_pool.hpp"

namespace {

using namespace tiercast;
using namespace tiercast::tests;

const policy::CacheEntry& named(std::string_view name) {
  const policy::CacheEntry* found = policy::find_cache_policy(name);
  REQUIRE(found != nullptr);
  return *found;
}

uint32_t misses(const policy::CacheEntry& entry, uint32_t capacity, const SmallTrace& trace,
                SmallRule rule) {
  return count_misses(trace, replay_small(entry, capacity, trace), rule);
}

/// Calls visit(trace, search) for every sequence of up to `length` requests to a forest's blocks.
void for_histories(const std::vector<uint32_t>& forest, uint32_t length, const AllDecisions& search,
                   const SmallTrace& trace,
                   const std::function<void(const SmallTrace&, const AllDecisions&)>& visit) {
  if (length == 0) return;
  for (uint32_t block = 0; block < forest.size(); ++block) {
    SmallTrace longer = trace;
    append_request(longer, forest, block);
    AllDecisions further = search;
    for (std::size_t i = trace.size(); i < longer.size(); ++i) further.access(longer[i]);
    visit(longer, further);
    for_histories(forest, length - 1, further, longer, visit);
  }
}

const std::vector<uint32_t> four_roots{0, 1, 2, 3};

TEST_CASE("there are as many forests as counting theorems say") {
  CHECK(forests(1).size() == 1);
  CHECK(forests(2).size() == 2);
  CHECK(forests(3).size() == 4);
  CHECK(forests(4).size() == 9);
  CHECK(forests(5).size() == 20);
}

TEST_CASE("all decisions miss what the textbook says") {
  // Two blocks of room, 0 1 2 0 1: on demand 2 must drive out 0 or 1; refused, it does not.
  const SmallTrace trace{{0, 0}, {1, 0}, {2, 0}, {0, 0}, {1, 0}};
  AllDecisions demand(2, SmallRule::block, true);
  AllDecisions refusing(2, SmallRule::block, false);
  for (const SmallAccess access : trace) {
    demand.access(access);
    refusing.access(access);
  }
  CHECK(demand.fewest_misses() == 4);
  CHECK(refusing.fewest_misses() == 3);
}

void check_prefix_bound(uint32_t length, uint32_t blocks, SmallClock clock) {
  const policy::CacheEntry& bound = named("prefix-bound");
  for (const std::vector<uint32_t>& forest : forests(blocks)) {
    for (uint32_t capacity = 1; capacity <= 3; ++capacity) {
      uint64_t wrong = 0;
      uint64_t wrong_by_blocks = 0;
      for_histories(forest, length, AllDecisions(capacity, SmallRule::prefix, false), {},
                    [&](const SmallTrace& trace, const AllDecisions& search) {
                      const std::vector<bool> hits = replay_small(bound, capacity, trace, clock);
                      const uint32_t found = count_misses(trace, hits, SmallRule::prefix);
                      wrong += found != search.fewest_misses() ? 1 : 0;
                      wrong_by_blocks +=
                          found != count_misses(trace, hits, SmallRule::block) ? 1 : 0;
                    });
      INFO("capacity " << capacity);
      CHECK(wrong == 0);
      CHECK(wrong_by_blocks == 0);  // it holds no useless block
    }
  }
}

TEST_CASE("nothing beats prefix-bound on any history over a small forest") {
  // By the clock of requests the blocks of one are used at the same time, which puts ties to depth.
  const SmallClock clock = GENERATE(SmallClock::accesses, SmallClock::requests);
  check_prefix_bound(6, 3, clock);
  check_prefix_bound(5, 4, clock);
}

TEST_CASE("nothing beats prefix-bound on longer histories", "[slow]") {
  const SmallClock clock = GENERATE(SmallClock::accesses, SmallClock::requests);
  check_prefix_bound(7, 4, clock);
  check_prefix_bound(5, 5, clock);
}

TEST_CASE("nothing that takes in all it misses beats belady on any small history") {
  const policy::CacheEntry& belady = named("belady");
  for (uint32_t capacity = 1; capacity <= 3; ++capacity) {
    uint64_t wrong = 0;
    for_histories(four_roots, 7, AllDecisions(capacity, SmallRule::block, true), {},
                  [&](const SmallTrace& trace, const AllDecisions& search) {
                    const uint32_t found = misses(belady, capacity, trace, SmallRule::block);
                    wrong += found != search.fewest_misses() ? 1 : 0;
                  });
    INFO("capacity " << capacity);
    CHECK(wrong == 0);
  }
}

TEST_CASE("no policy beats the bound that holds for it") {
  for (uint32_t capacity = 1; capacity <= 3; ++capacity) {
    for (const policy::CacheEntry& entry : policy::cache_policies()) {
      INFO(entry.name << ", capacity " << capacity);
      const bool demand_filled = entry.table->admit == nullptr;
      uint64_t beaten = 0;
      for_histories(four_roots, 6, AllDecisions(capacity, SmallRule::block, demand_filled), {},
                    [&](const SmallTrace& trace, const AllDecisions& search) {
                      const uint32_t found = misses(entry, capacity, trace, SmallRule::block);
                      beaten += found < search.fewest_misses() ? 1 : 0;
                    });
      CHECK(beaten == 0);
      beaten = 0;
      for (const std::vector<uint32_t>& forest : forests(3)) {
        for_histories(forest, 5, AllDecisions(capacity, SmallRule::prefix, false), {},
                      [&](const SmallTrace& trace, const AllDecisions& search) {
                        const uint32_t found = misses(entry, capacity, trace, SmallRule::prefix);
                        beaten += found < search.fewest_misses() ? 1 : 0;
                      });
      }
      CHECK(beaten == 0);
    }
  }
}

TEST_CASE("lru hits in a larger pool whatever it hits in a smaller one") {
  const policy::CacheEntry& lru = named("lru");
  uint64_t lost = 0;
  for_histories(four_roots, 7, AllDecisions(1, SmallRule::block, true), {},
                [&](const SmallTrace& trace, const AllDecisions&) {
                  bool smaller = false;
                  for (uint32_t capacity = 1; capacity <= 4; ++capacity) {
                    const bool larger = replay_small(lru, capacity, trace).back();
                    lost += smaller && !larger ? 1 : 0;
                    smaller = larger;
                  }
                });
  CHECK(lost == 0);
}

TEST_CASE("a pool with room for all misses each block once on every small history") {
  for (const policy::CacheEntry& entry : policy::cache_policies()) {
    INFO(entry.name);
    uint64_t wrong = 0;
    for_histories(four_roots, 6, AllDecisions(4, SmallRule::block, true), {},
                  [&](const SmallTrace& trace, const AllDecisions&) {
                    std::set<uint32_t> distinct;
                    for (const SmallAccess access : trace) distinct.insert(access.block);
                    const uint32_t found = misses(entry, 4, trace, SmallRule::block);
                    wrong += found != distinct.size() ? 1 : 0;
                  });
    CHECK(wrong == 0);
  }
}

}  // namespace
