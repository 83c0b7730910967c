#include <algorithm>

#include <catch2/catch.hpp>

#include "tests/policy/naive_lists.hpp"
#include "tests/policy/two_tiers.hpp"

namespace {

using namespace tiercast::tests;

class NaiveArc final : public NaiveLists<NaiveArc> {
 public:
  explicit NaiveArc(std::size_t capacity)
      : capacity_(capacity), b1_(capacity), b2_(capacity), awaited_(capacity / 16 + 64) {}

  void lookup(const std::vector<uint64_t>& missing) override {
    for_b2_ = false;
    for (std::size_t i = missing.size(); i-- > 0;) {
      const double b1 = static_cast<double>(b1_.size());
      if (adapt(missing[i])) {
        for_b2_ = for_b2_ || static_cast<double>(b1_.size()) == b1;  // B1 did not lose it
        awaited_.push(missing[i]);
      }
    }
  }
  void insert(uint32_t slot, uint64_t key) override {
    block(slot) = {.key = key};
    const bool known = awaited_.take(key) || adapt(key);
    (known ? t2_ : t1_).push_back(slot);
    limit();
  }
  void touch(uint32_t slot) override {
    if (block(slot).leaving) return;
    t1_.remove(slot);
    t2_.remove(slot);
    t2_.push_back(slot);
  }
  void remove(uint32_t slot) override {
    const bool leaving = block(slot).leaving;
    NaiveGhosts& ghosts = contains(t1_, slot) ? b1_ : b2_;
    t1_.remove(slot);
    t2_.remove(slot);
    if (leaving) ghosts.push(block(slot).key);
    limit();
  }
  void set_evictable(bool on, uint32_t slot) override {
    NaiveLists::set_evictable(on, slot);
    List& list = contains(t1_, slot) ? t1_ : t2_;
    if (on) {
      list.remove(slot);
      list.push_back(slot);
    }
    limit();
  }

  uint32_t evict_one() {
    const auto size = static_cast<double>(staying(t1_));
    const bool from_t1 = size > p_ || (for_b2_ && size == p_);
    List& wanted = from_t1 ? t1_ : t2_;
    List& other = from_t1 ? t2_ : t1_;
    return *oldest_evictable(has_evictable(wanted) ? wanted : other);
  }

 private:
  bool adapt(uint64_t key) {
    const double b1 = static_cast<double>(b1_.size());
    const double b2 = static_cast<double>(b2_.size());
    if (b1_.take(key)) {
      p_ += b2 > b1 ? b2 / b1 : 1;
      if (p_ > static_cast<double>(capacity_)) p_ = static_cast<double>(capacity_);
      return true;
    }
    if (b2_.take(key)) {
      p_ -= b1 > b2 ? b1 / b2 : 1;
      if (p_ < 0) p_ = 0;
      return true;
    }
    return false;
  }
  void limit() {
    while (staying(t1_) + b1_.size() > capacity_ && b1_.size() != 0) b1_.drop_oldest();
    const std::size_t most =
        std::min(2 * capacity_ - staying(t1_) - staying(t2_), capacity_ + capacity_ / 8 + 64);
    while (b1_.size() + b2_.size() > most && b2_.size() != 0) b2_.drop_oldest();
  }

  std::size_t capacity_;
  List t1_;
  List t2_;
  NaiveGhosts b1_;
  NaiveGhosts b2_;
  NaiveGhosts awaited_;
  double p_ = 0;
  bool for_b2_ = false;
};

TEST_CASE("arc agrees with the algorithm on plain lists") {
  const uint32_t capacity = GENERATE(1u, 2u, 10u, 64u, 150u);
  const uint64_t seed = GENERATE(1u, 2u, 3u);
  const uint32_t slots_a_block = GENERATE(1u, 2u);
  CHECK(compare_with_naive("arc", capacity, "", NaiveArc(capacity), seed, slots_a_block, 2000) >
        50);
}

TEST_CASE("arc adapts to what its ghosts say") {
  // Two blocks; p is 0 at first. After 1 2 1, T1 is 2 and T2 is 1, so 3 evicts 2. That comes back
  // (p 1): T1, now 3 alone, is not above p and T2's 1 goes. 1 comes back too (p 0), so T1's 3 goes.
  // 4 finds T1 empty and evicts 2. 5 finds T1 above p and evicts 4; T1 and B1 now hold 5, 3 and 4,
  // one more than the capacity, so 3 is no ghost any more and evicts 5 as any new block does.
  CHECK(UnitHost("arc", 2).use_all({1, 2, 1, 3, 2, 1, 4, 5, 3}) == "- - - 2 1 3 2 4 5");
}

TEST_CASE("arc evicts from T1 at just p where the block to come was in B2") {
  // Three blocks. 1 and 2 reach T2; 3 leaves T1, comes back (p 1), and 1, 2 leave T2; 4 leaves T1
  // as 6 makes it two, comes back (p 3, B2 being twice B1), and 3 leaves T2. 1 comes back out of
  // B2 (p 2): T1 has just 2 blocks, and its oldest, 5, goes.
  CHECK(UnitHost("arc", 3).use_all({1, 2, 3, 1, 2, 4, 3, 5, 6, 4, 1}) == "- - - - - 3 1 2 4 3 5");
}

TEST_CASE("arc adapts once to a key that is looked up again before it comes") {
  UnitHost host("arc", 2);
  CHECK(host.use_all({1, 2, 1, 3}) == "- - - 2");
  host.cache().lookup(100, {2});
  const uint64_t hash = host.cache().hash();
  host.cache().lookup(101, {2});
  CHECK(host.cache().hash() == hash);
}

TEST_CASE("arc evicts in two tiers as the algorithm does, whatever four blocks are used") {
  check_two_tier_histories("arc", [](uint32_t capacity) { return NaiveArc(capacity); });
}

}  // namespace
