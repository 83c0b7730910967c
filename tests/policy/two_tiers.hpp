#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/policy/naive_lists.hpp"

namespace tiercast::tests {

/// UnitHost's calls to a naive policy.
template <class Naive>
class NaiveUnitHost {
 public:
  NaiveUnitHost(Naive naive, uint32_t capacity) : naive_(std::move(naive)), keys_(capacity) {}

  bool holds(uint64_t key) const {
    return std::find(keys_.begin(), keys_.end(), key) != keys_.end();
  }
  std::string use(uint64_t key) {
    naive_.clock(++now_ns_);
    if (holds(key)) {
      naive_.touch(slot_of(key));
      return "";
    }
    naive_.lookup({key});
    std::string evicted;
    uint32_t slot = slot_of(0);
    if (slot == keys_.size()) {
      slot = naive_.victims(1).front();
      naive_.commit({false});
      naive_.remove_for(TP_REMOVED_EVICTED, slot);
      evicted = std::to_string(keys_[slot]);
    }
    keys_[slot] = key;
    naive_.insert_for(nullptr, slot, view_of(key));
    naive_.set_evictable(true, slot);
    return evicted;
  }

 private:
  uint32_t slot_of(uint64_t key) const {
    return static_cast<uint32_t>(std::find(keys_.begin(), keys_.end(), key) - keys_.begin());
  }

  Naive naive_;
  std::vector<uint64_t> keys_;  // by slot; 0 is none
  int64_t now_ns_ = 0;
};

/// Every history of seven uses of four blocks over a pool of two and below it a pool of three, to
/// which goes what misses in the first: in both tiers the policy must evict what its naive double
/// does. make(capacity) makes a double. The first block is always 1: names mean nothing.
template <class Make>
void check_two_tier_histories(const std::string& name, Make make) {
  constexpr uint32_t blocks = 4;
  constexpr uint32_t uses = 7;
  constexpr uint32_t upper_blocks = 2;
  constexpr uint32_t lower_blocks = 3;
  uint64_t evictions = 0;
  for (uint32_t history = 0; history < 1u << (2 * (uses - 1)); ++history) {
    UnitHost upper(name, upper_blocks);
    UnitHost lower(name, lower_blocks);
    NaiveUnitHost naive_upper(make(upper_blocks), upper_blocks);
    NaiveUnitHost naive_lower(make(lower_blocks), lower_blocks);
    std::string given;
    std::string expected;
    for (uint32_t use = 0; use < uses; ++use) {
      const uint64_t key = use == 0 ? 1 : 1 + (history >> (2 * (use - 1))) % blocks;
      if (!naive_upper.holds(key)) {
        given += " " + lower.use(key);
        expected += " " + naive_lower.use(key);
      }
      given += "," + upper.use(key);
      expected += "," + naive_upper.use(key);
    }
    INFO(name << ", history " << history);
    REQUIRE(given == expected);
    evictions += static_cast<uint64_t>(
        std::count_if(given.begin(), given.end(), [](char c) { return c >= '1' && c <= '4'; }));
  }
  CHECK(evictions > 5000);
}

}  // namespace tiercast::tests
