#include <catch2/catch.hpp>

#include "tests/policy/naive_lists.hpp"
#include "tests/policy/two_tiers.hpp"

namespace {

using namespace tiercast::tests;

class NaiveClock final : public NaiveLists<NaiveClock> {
 public:
  explicit NaiveClock(uint32_t uses_max) : uses_max_(uses_max) {}

  void insert(uint32_t slot, uint64_t key) override {
    block(slot) = {.key = key};
    order_.push_back(slot);
  }
  void touch(uint32_t slot) override {
    block(slot).uses = std::min(uses_max_, block(slot).uses + 1);
  }
  void remove(uint32_t slot) override { order_.remove(slot); }

  uint32_t evict_one() {
    while (true) {
      const auto oldest = oldest_evictable(order_);
      if (block(*oldest).uses == 0) return *oldest;
      --block(*oldest).uses;
      order_.splice(order_.end(), order_, oldest);
    }
  }

 private:
  uint32_t uses_max_;
  List order_;
};

TEST_CASE("clock agrees with the algorithm on a plain list") {
  const uint32_t capacity = GENERATE(1u, 5u, 64u, 150u);
  const uint64_t seed = GENERATE(1u, 2u, 3u);
  const uint32_t slots_a_block = GENERATE(1u, 2u);
  CHECK(compare_with_naive("clock", capacity, "", NaiveClock(1), seed, slots_a_block, 1500) > 50);
  CHECK(compare_with_naive("clock", capacity, "bits = 2", NaiveClock(3), seed, slots_a_block,
                           1500) > 50);
}

TEST_CASE("clock gives used blocks a second chance") {
  // For 4 the hand takes 1's mark and moves it behind 3, so 2 leaves; then 3; then, 1 being marked
  // again, 4.
  CHECK(UnitHost("clock", 3).use_all({1, 2, 3, 1, 4, 5, 1, 6}) == "- - - - 2 3 - 4");
}

TEST_CASE("clock counts uses as far as its bits go") {
  // Before 3 comes, 1 has had two uses and 2 one.
  CHECK(UnitHost("clock", 2).use_all({1, 2, 1, 1, 2, 3}) == "- - - - - 1");
  CHECK(UnitHost("clock", 2, "bits=2").use_all({1, 2, 1, 1, 2, 3}) == "- - - - - 2");
}

TEST_CASE("clock evicts in two tiers as the algorithm does, whatever four blocks are used") {
  check_two_tier_histories("clock", [](uint32_t) { return NaiveClock(1); });
}

}  // namespace
