#include <algorithm>
#include <map>
#include <vector>

#include <catch2/catch.hpp>

#include "models/policy/registry.hpp"
#include "tests/policy/random_host.hpp"

namespace {

using namespace tiercast;
using namespace tiercast::tests;

/// A list of all blocks, last used or put down at its end; the first of those used least goes.
class NaiveLfu final : public NaivePolicy {
 public:
  void insert(uint32_t slot, uint64_t) override {
    uses_[slot] = 1;
    evictable_[slot] = false;
  }
  void touch(uint32_t slot) override {
    ++uses_[slot];
    renew(slot);
  }
  void remove(uint32_t slot) override {
    order_.erase(std::remove(order_.begin(), order_.end(), slot), order_.end());
    evictable_[slot] = false;
  }
  void set_evictable(bool on, uint32_t slot) override {
    evictable_[slot] = on;
    if (on) renew(slot);
  }
  Slots victims(uint32_t need) const override {
    Slots all;
    for (const uint32_t slot : order_) {
      if (evictable_.at(slot)) all.push_back(slot);
    }
    std::stable_sort(all.begin(), all.end(),
                     [&](uint32_t a, uint32_t b) { return uses_.at(a) < uses_.at(b); });
    all.resize(need);
    return all;
  }
  void commit(const std::vector<bool>& refused) override {
    const Slots named = victims(static_cast<uint32_t>(refused.size()));
    for (std::size_t i = 0; i < named.size(); ++i) evictable_[named[i]] = refused[i];
  }
  bool tail_first() const override { return true; }

 private:
  void renew(uint32_t slot) {
    order_.erase(std::remove(order_.begin(), order_.end(), slot), order_.end());
    order_.push_back(slot);
  }

  std::map<uint32_t, uint32_t> uses_;
  std::map<uint32_t, bool> evictable_;
  Slots order_;
};

const tp_cache_table& lfu() { return *tp_find_builtin_cache("lfu"); }

TEST_CASE("lfu agrees with a sorted list") {
  const uint32_t capacity = GENERATE(1u, 5u, 64u, 200u);
  const uint64_t seed = GENERATE(1u, 2u, 3u);
  const uint32_t slot_count = capacity * GENERATE(1u, 2u);
  Instance joined(lfu(), capacity, "", true, slot_count);
  Instance singles(lfu(), capacity, "", false, slot_count);
  NaiveLfu naive;
  RandomHost host(seed, capacity, {&joined, &singles}, &naive, slot_count);
  host.run(1500);
  CHECK(host.victims() > 50);
}

TEST_CASE("lfu evicts what was used least, of equals the oldest, of a batch the tail") {
  Instance cache(lfu(), 8, "", true);
  cache.insert(0, {0, 1, 2, 3, 4, 5}, std::vector<uint64_t>(6));
  cache.set_evictable(0, true, {0, 1, 2, 3, 4, 5});
  cache.touch(1, {0, 1});  // twice used: 1 before 0
  cache.touch(2, {4});
  cache.touch(3, {4});  // three times
  uint64_t token = 0;
  CHECK(text(cache.select(4, 6, token)) == " 5+1 0+4 4+1");
}

TEST_CASE("lfu forgets the count of a block that left") {
  Instance cache(lfu(), 4, "", true);
  cache.insert(0, {0, 1}, {1, 2});
  for (int64_t now = 1; now < 5; ++now) cache.touch(now, {0});
  cache.remove(5, TP_REMOVED_DROPPED, {0});
  cache.insert(6, {0}, {1});
  cache.touch(7, {1});
  cache.set_evictable(8, true, {1});
  cache.set_evictable(9, true, {0});
  uint64_t token = 0;
  CHECK(text(cache.select(10, 2, token)) == " 0+1 1+1");
}

}  // namespace
