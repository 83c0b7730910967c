#include <algorithm>
#include <set>
#include <vector>

#include <catch2/catch.hpp>

#include "models/policy/registry.hpp"
#include "tests/policy/random_host.hpp"

namespace {

using namespace tiercast;
using namespace tiercast::tests;

class NaiveFifo final : public NaivePolicy {
 public:
  void insert(uint32_t slot, uint64_t) override { order_.push_back(slot); }
  void touch(uint32_t) override {}
  void remove(uint32_t slot) override {
    order_.erase(std::find(order_.begin(), order_.end(), slot));
    evictable_.erase(slot);
  }
  void set_evictable(bool on, uint32_t slot) override {
    if (on) {
      evictable_.insert(slot);
    } else {
      evictable_.erase(slot);
    }
  }
  Slots victims(uint32_t need) const override {
    Slots victims;
    for (const uint32_t slot : order_) {
      if (victims.size() < need && evictable_.count(slot) != 0) victims.push_back(slot);
    }
    return victims;
  }
  void commit(const std::vector<bool>& refused) override {
    const Slots evicted = victims(static_cast<uint32_t>(refused.size()));
    for (std::size_t i = 0; i < evicted.size(); ++i) {
      if (!refused[i]) evictable_.erase(evicted[i]);
    }
  }
  bool tail_first() const override { return false; }

 private:
  std::vector<uint32_t> order_;
  std::set<uint32_t> evictable_;
};

TEST_CASE("fifo agrees with a plain queue") {
  const uint32_t capacity = GENERATE(1u, 5u, 64u, 200u);
  const uint64_t seed = GENERATE(1u, 2u, 3u);
  const tp_cache_table& fifo = *tp_find_builtin_cache("fifo");
  const uint32_t slot_count = capacity * GENERATE(1u, 2u);
  Instance joined(fifo, capacity, "", true, slot_count);
  Instance singles(fifo, capacity, "", false, slot_count);
  NaiveFifo naive;
  RandomHost host(seed, capacity, {&joined, &singles}, &naive, slot_count);
  host.run(2500);
  CHECK(host.victims() > 50);
}

TEST_CASE("fifo passes over blocks in use and does not forget their place") {
  Instance cache(*tp_find_builtin_cache("fifo"), 8, "", true);
  cache.insert(0, {4, 2, 6}, std::vector<uint64_t>(3));
  cache.set_evictable(0, true, {2, 6});
  uint64_t token = 0;
  CHECK(text(cache.select(1, 1, token)) == " 2+1");
  REQUIRE(cache.table().abort(cache.cache(), token) == TP_OK);
  cache.set_evictable(2, true, {4});
  CHECK(text(cache.select(3, 3, token)) == " 4+1 2+1 6+1");
}

}  // namespace
