#include <iterator>

#include <catch2/catch.hpp>

#include "tests/policy/naive_lists.hpp"
#include "tests/policy/two_tiers.hpp"

namespace {

using namespace tiercast::tests;

class NaiveSieve final : public NaiveLists<NaiveSieve> {
 public:
  void insert(uint32_t slot, uint64_t key) override {
    block(slot) = {.key = key};
    order_.push_back(slot);
  }
  void touch(uint32_t slot) override { block(slot).uses = 1; }
  void remove(uint32_t slot) override {
    if (hand_ == slot) hand_ = behind(slot);
    order_.remove(slot);
  }

  uint32_t evict_one() {
    while (true) {
      if (hand_ == nowhere) hand_ = order_.front();
      const uint32_t here = hand_;
      hand_ = behind(here);
      if (!block(here).evictable) continue;
      if (block(here).uses == 0) return here;
      block(here).uses = 0;
    }
  }

 private:
  static constexpr uint32_t nowhere = UINT32_MAX;

  uint32_t behind(uint32_t slot) const {
    const auto next = std::next(std::find(order_.begin(), order_.end(), slot));
    return next != order_.end() ? *next : nowhere;
  }

  List order_;
  uint32_t hand_ = nowhere;  // else the slot it is at
};

TEST_CASE("sieve agrees with the algorithm on a plain list") {
  const uint32_t capacity = GENERATE(1u, 2u, 5u, 64u, 150u);
  const uint64_t seed = GENERATE(1u, 2u, 3u);
  const uint32_t slots_a_block = GENERATE(1u, 2u);
  CHECK(compare_with_naive("sieve", capacity, "", NaiveSieve(), seed, slots_a_block, 2000) > 50);
}

TEST_CASE("sieve's hand keeps its place and starts over behind the newest") {
  // For 4 it takes 1's mark and evicts 2; it goes on to 3, then 4. For 7 it takes 5's mark and
  // evicts 6, the newest, so for 8 it starts over: 1 loses its mark, 5 has none and goes, and 7,
  // which stands where 6 stood, is not asked.
  CHECK(UnitHost("sieve", 3).use_all({1, 2, 3, 1, 4, 5, 1, 6, 5, 7, 8}) == "- - - - 2 3 - 4 - 6 5");
}

TEST_CASE("sieve passes over blocks in use and asks who was refused only after the others") {
  Instance cache(*tp_find_builtin_cache("sieve"), 5, "", true);
  for (uint32_t slot = 0; slot < 5; ++slot) cache.insert(0, {slot}, {slot + 1});
  cache.set_evictable(1, true, {0, 2, 3, 4});
  uint64_t token = 0;
  REQUIRE(text(cache.select(2, 2, token)) == " 0+1 2+1");
  const uint8_t accepted[] = {1, 0};
  REQUIRE(cache.table().commit(cache.cache(), 2, token, accepted) == TP_OK);
  cache.remove(2, TP_REMOVED_EVICTED, {0});
  CHECK(text(cache.select(3, 3, token)) == " 3+1 4+1 2+1");
}

TEST_CASE("sieve evicts in two tiers as the algorithm does, whatever four blocks are used") {
  check_two_tier_histories("sieve", [](uint32_t) { return NaiveSieve(); });
}

}  // namespace
