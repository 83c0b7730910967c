#include <vector>

#include <catch2/catch.hpp>

#include "tests/policy/naive_lists.hpp"
#include "tests/policy/two_tiers.hpp"

namespace {

using namespace tiercast::tests;

class NaiveSlru final : public NaiveLists<NaiveSlru> {
 public:
  NaiveSlru(std::size_t segments, std::size_t share) : segments_(segments), share_(share) {}

  void insert(uint32_t slot, uint64_t key) override {
    block(slot) = {.key = key};
    for (List& segment : segments_) {
      if (staying(segment) < share_) return segment.push_back(slot);
    }
    segments_[0].push_back(slot);
  }
  void touch(uint32_t slot) override {
    const std::size_t from = segment_of(slot);
    const std::size_t to = std::min(from + 1, segments_.size() - 1);
    segments_[from].remove(slot);
    segments_[to].push_back(slot);
    settle();
  }
  void remove(uint32_t slot) override { segments_[segment_of(slot)].remove(slot); }
  void set_evictable(bool on, uint32_t slot) override {
    NaiveLists::set_evictable(on, slot);
    settle();
  }

  uint32_t evict_one() {
    std::size_t lowest = 0;
    while (!has_evictable(segments_[lowest])) ++lowest;
    return *oldest_evictable(segments_[lowest]);
  }

 private:
  std::size_t segment_of(uint32_t slot) const {
    std::size_t segment = 0;
    while (!contains(segments_[segment], slot)) ++segment;
    return segment;
  }
  /// Wherever there are too many, the oldest that can goes down, the highest segment's first.
  void settle() {
    for (std::size_t i = segments_.size() - 1; i != 0; --i) {
      while (staying(segments_[i]) > share_ && has_evictable(segments_[i])) {
        List& below = segments_[i - 1];
        below.splice(below.end(), segments_[i], oldest_evictable(segments_[i]));
      }
    }
  }

  std::vector<List> segments_;  // lowest first
  std::size_t share_;
};

TEST_CASE("slru agrees with the algorithm on plain lists") {
  struct Case {
    uint32_t capacity;
    const char* config;
    NaiveSlru naive;
  };
  const Case example =
      GENERATE(Case{1, "", NaiveSlru(4, 0)}, Case{9, "segments=2", NaiveSlru(2, 4)},
               Case{30, "segments=1", NaiveSlru(1, 30)}, Case{67, "", NaiveSlru(4, 16)},
               Case{150, "segments = 8", NaiveSlru(8, 18)});
  const uint64_t seed = GENERATE(1u, 2u, 3u);
  const uint32_t slots_a_block = GENERATE(1u, 2u);
  INFO(example.capacity << " blocks, " << example.config);
  CHECK(compare_with_naive("slru", example.capacity, example.config, example.naive, seed,
                           slots_a_block, 1500) > 50);
}

TEST_CASE("slru moves blocks up with each use and down where a segment is full") {
  // Two segments of two. 1 and 2 enter the lower one, 3 and 4 the upper, which has room. 5 evicts
  // 1. The use of 2 sends 3 down, so 6 evicts 5; the uses of 3 and then 4 send 4 and 2 down, so 7
  // evicts 6 and 8 evicts 2.
  CHECK(UnitHost("slru", 4, "segments=2").use_all({1, 2, 3, 4, 5, 2, 6, 3, 4, 7, 8}) ==
        "- - - - 1 - 5 - - 6 2");
}

TEST_CASE("one segment is lru") {
  CHECK(UnitHost("slru", 3, "segments=1").use_all({1, 2, 3, 1, 4, 2, 5}) == "- - - - 2 3 1");
}

TEST_CASE("slru evicts in two tiers as the algorithm does, whatever four blocks are used") {
  check_two_tier_histories("slru", [](uint32_t capacity) { return NaiveSlru(4, capacity / 4); });
}

}  // namespace
