#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <list>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/policy/random_host.hpp"

namespace tiercast::tests {

class NaiveLru final : public NaivePolicy {
 public:
  void insert(uint32_t, uint64_t) override {}
  void touch(uint32_t slot) override {
    const auto found = std::find(order_.begin(), order_.end(), slot);
    if (found != order_.end()) order_.splice(order_.end(), order_, found);
  }
  void remove(uint32_t slot) override { order_.remove(slot); }
  void set_evictable(bool on, uint32_t slot) override {
    if (on) {
      order_.push_back(slot);
    } else {
      order_.remove(slot);
    }
  }
  Slots victims(uint32_t need) const override {
    return Slots(order_.begin(), std::next(order_.begin(), need));
  }
  void commit(const std::vector<bool>& refused) override {
    auto at = order_.begin();
    for (const bool stays : refused) at = stays ? std::next(at) : order_.erase(at);
  }
  bool tail_first() const override { return true; }

 private:
  std::list<uint32_t> order_;  // oldest first
};

/// Told so little, the policy must decide as lru does, joined spans and single blocks alike.
inline void check_same_as_lru(const tp_cache_table& table, Tale tale, const char* config = "") {
  const uint32_t capacity = GENERATE(5u, 64u, 200u);
  Instance joined(table, capacity, config, true);
  Instance singles(table, capacity, config, false);
  NaiveLru naive;
  RandomHost host(4, capacity, {&joined, &singles}, &naive);
  host.tell(tale);
  host.run(1500);
  CHECK(host.victims() > 50);
}

}  // namespace tiercast::tests
