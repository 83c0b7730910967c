#include <catch2/catch.hpp>

#include "tests/policy/naive_lists.hpp"
#include "tests/policy/two_tiers.hpp"

namespace {

using namespace tiercast::tests;

class NaiveTwoQ final : public NaiveLists<NaiveTwoQ> {
 public:
  NaiveTwoQ(std::size_t in_share, std::size_t out_max, std::size_t awaited_max)
      : in_share_(in_share), a1out_(out_max), awaited_(awaited_max) {}

  void lookup(const std::vector<uint64_t>& missing) override {
    for (std::size_t i = missing.size(); i-- > 0;) {
      if (a1out_.take(missing[i])) awaited_.push(missing[i]);
    }
  }
  void insert(uint32_t slot, uint64_t key) override {
    block(slot) = {.key = key};
    const bool known = awaited_.take(key) || a1out_.take(key);
    (known ? am_ : a1in_).push_back(slot);
  }
  void touch(uint32_t slot) override {
    if (!contains(am_, slot)) return;
    am_.remove(slot);
    am_.push_back(slot);
  }
  void remove(uint32_t slot) override {
    if (contains(a1in_, slot) && block(slot).leaving) a1out_.push(block(slot).key);
    a1in_.remove(slot);
    am_.remove(slot);
  }

  uint32_t evict_one() {
    const bool from_in =
        has_evictable(a1in_) && (staying(a1in_) > in_share_ || !has_evictable(am_));
    return *oldest_evictable(from_in ? a1in_ : am_);
  }

 private:
  std::size_t in_share_;
  List a1in_;
  List am_;
  NaiveGhosts a1out_;
  NaiveGhosts awaited_;
};

TEST_CASE("2q agrees with the algorithm on plain lists") {
  struct Case {
    uint32_t capacity;
    const char* config;
    NaiveTwoQ naive;
  };
  const Case example = GENERATE(Case{1, "", NaiveTwoQ(0, 0, 64)}, Case{10, "", NaiveTwoQ(2, 5, 65)},
                                Case{64, "in=0.5\nout=2", NaiveTwoQ(32, 128, 72)},
                                Case{150, "in=0.1", NaiveTwoQ(15, 75, 82)},
                                Case{40, "in=0\nout=0.1", NaiveTwoQ(0, 4, 69)});
  const uint64_t seed = GENERATE(1u, 2u, 3u);
  const uint32_t slots_a_block = GENERATE(1u, 2u);
  INFO(example.capacity << " blocks, " << example.config);
  CHECK(compare_with_naive("2q", example.capacity, example.config, example.naive, seed,
                           slots_a_block, 2000) > 50);
}

TEST_CASE("2q takes what comes back soon into its main queue") {
  // A1in's share is one block, A1out has two keys. 5, 6 and 7 evict 1, 2 and 3; 2 comes back while
  // it is the older of two ghosts and evicts 4 without ending itself. The use of 5 in A1in changes
  // nothing: 8 evicts it. 4 and 5 come back too, evicting 6 and 7. Now A1in is down to its share,
  // so 9 evicts 2, the oldest of the main queue.
  CHECK(UnitHost("2q", 4).use_all({1, 2, 3, 4, 5, 6, 7, 2, 5, 8, 4, 5, 9}) ==
        "- - - - 1 2 3 4 - 5 6 7 2");
}

TEST_CASE("2q evicts in two tiers as the algorithm does, whatever four blocks are used") {
  check_two_tier_histories("2q", [](uint32_t capacity) {
    return NaiveTwoQ(capacity / 4, capacity / 2, capacity / 8 + 64);
  });
}

}  // namespace
