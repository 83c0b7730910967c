#include <catch2/catch.hpp>

#include "tests/policy/naive_lists.hpp"
#include "tests/policy/two_tiers.hpp"

namespace {

using namespace tiercast::tests;

class NaiveArcVllm final : public NaiveLists<NaiveArcVllm> {
 public:
  explicit NaiveArcVllm(std::size_t capacity) : capacity_(capacity), b1_(capacity), b2_(capacity) {}

  void lookup(const std::vector<uint64_t>& missing) override {
    for (auto key = missing.rbegin(); key != missing.rend(); ++key) {
      const double b1 = static_cast<double>(b1_.size());
      const double b2 = static_cast<double>(b2_.size());
      if (b1_.take(*key)) {
        target_ += b2 > b1 ? b2 / b1 : 1;
        if (target_ > static_cast<double>(capacity_)) target_ = static_cast<double>(capacity_);
        b1_.push(*key);
      } else if (b2_.take(*key)) {
        target_ -= b1 > b2 ? b1 / b2 : 1;
        if (target_ < 0) target_ = 0;
        b2_.push(*key);
      }
    }
  }
  void insert(uint32_t slot, uint64_t key) override {
    block(slot) = {.key = key};
    t1_.push_back(slot);
    b1_.take(key);
    b2_.take(key);
  }
  void touch(uint32_t slot) override {
    const bool stays = contains(t1_, slot) && !ready(slot);
    t1_.remove(slot);
    t2_.remove(slot);
    (stays ? t1_ : t2_).push_back(slot);
  }
  void remove(uint32_t slot) override {
    if (block(slot).leaving) (contains(t1_, slot) ? b1_ : b2_).push(block(slot).key);
    t1_.remove(slot);
    t2_.remove(slot);
  }
  void set_evictable(bool on, uint32_t slot) override {
    NaiveLists::set_evictable(on, slot);
    if (on) block(slot).uses = 1;
  }
  bool tail_first() const override { return false; }
  bool touches_tail_first() const override { return true; }

  uint32_t evict_one() {
    const bool wants_t1 = static_cast<double>(staying(t1_)) >= whole(target_);
    if (wants_t1 && has_evictable(t1_)) return *oldest_evictable(t1_);
    return *oldest_evictable(has_evictable(t2_) ? t2_ : t1_);
  }

 private:
  /// Its content has been written: it was evictable once.
  bool ready(uint32_t slot) { return block(slot).uses != 0; }
  static double whole(double number) {
    double below = 0;
    while (below + 1 <= number) ++below;
    return below;
  }

  std::size_t capacity_;
  List t1_;
  List t2_;
  NaiveGhosts b1_;
  NaiveGhosts b2_;
  double target_ = 0;
};

TEST_CASE("arc-vllm agrees with the algorithm on plain lists") {
  const uint32_t capacity = GENERATE(1u, 2u, 10u, 64u, 150u);
  const uint64_t seed = GENERATE(1u, 2u, 3u);
  const uint32_t slots_a_block = GENERATE(1u, 2u);
  CHECK(compare_with_naive("arc-vllm", capacity, "", NaiveArcVllm(capacity), seed, slots_a_block,
                           2000) > 50);
}

/// Evicts and answers the victims as spans.
std::string evict(Instance& cache, int64_t now_ns, uint32_t need) {
  uint64_t token = 0;
  const SpanList spans = cache.select(now_ns, need, token);
  REQUIRE(cache.table().commit(cache.cache(), now_ns, token, nullptr) == TP_OK);
  cache.remove(now_ns, TP_REMOVED_EVICTED, as_slots(spans));
  return text(spans);
}
std::string next_victims(Instance& cache, int64_t now_ns, uint32_t need) {
  uint64_t token = 0;
  const SpanList spans = cache.select(now_ns, need, token);
  REQUIRE(cache.table().abort(cache.cache(), token) == TP_OK);
  return text(spans);
}

TEST_CASE("arc-vllm leaves blocks being written in T1, the prefix's head most recent") {
  Instance cache(*tp_find_builtin_cache("arc-vllm"), 4, "", true);
  cache.insert(0, {0, 1, 2, 3}, {1, 2, 3, 4});
  SECTION("without a touch the head of a batch is the oldest") {
    cache.set_evictable(2, true, {0, 1, 2, 3});
    CHECK(next_victims(cache, 3, 4) == " 0+4");
  }
  SECTION("a touch while they are written turns the order round and promotes none") {
    cache.touch(1, {0, 1, 2, 3});
    cache.set_evictable(2, true, {0, 1, 2, 3});
    CHECK(next_victims(cache, 3, 4) == " 3+1 2+1 1+1 0+1");
    cache.touch(4, {3});  // written by now: to T2
    CHECK(next_victims(cache, 5, 4) == " 2+1 1+1 0+1 3+1");
  }
  SECTION("blocks read are written") {
    cache.set_evictable(1, true, {0, 1, 2, 3});
    cache.set_evictable(2, false, {0});
    cache.touch(3, {0});
    cache.set_evictable(4, true, {0});
    CHECK(next_victims(cache, 5, 4) == " 1+3 0+1");
  }
}

TEST_CASE("arc-vllm's ghosts adapt the target and come back to T1") {
  Instance cache(*tp_find_builtin_cache("arc-vllm"), 4, "", true);
  cache.insert(0, {0, 1, 2, 3}, {1, 2, 3, 4});
  cache.set_evictable(1, true, {0, 1, 2, 3});
  cache.touch(2, {0, 1});                              // T1: 2 3, T2: 1 0
  CHECK(evict(cache, 3, 1) == " 2+1");                 // at target 0 T1 gives; B1: key 3
  cache.lookup(4, {3});                                // target 1
  CHECK(next_victims(cache, 5, 2) == " 3+1 1+1");      // T1 gives at the target, not below it
  cache.lookup(6, {3});                                // target 2: asking again counts
  CHECK(next_victims(cache, 7, 3) == " 1+1 0+1 3+1");  // T1 gives where T2 has no more
  cache.insert(8, {2}, {3});                           // a ghost no more, and in T1
  cache.set_evictable(9, true, {2});
  CHECK(next_victims(cache, 10, 2) == " 3+1 1+1");
  cache.lookup(11, {3});  // no ghost: nothing
  CHECK(next_victims(cache, 12, 2) == " 3+1 1+1");
  // Key 2 leaves T2 for B2 and lowers the target to 1, so T1's one goes before T2's.
  cache.touch(13, {3});  // T1: 2, T2: 1 0 3
  CHECK(evict(cache, 14, 1) == " 1+1");
  cache.lookup(15, {2});
  CHECK(next_victims(cache, 16, 3) == " 2+1 0+1 3+1");
}

TEST_CASE("arc-vllm evicts in two tiers as the algorithm does, whatever four blocks are used") {
  check_two_tier_histories("arc-vllm", [](uint32_t capacity) { return NaiveArcVllm(capacity); });
}

}  // namespace
