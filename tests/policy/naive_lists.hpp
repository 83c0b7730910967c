#pragma once

#include <algorithm>
#include <cstdint>
#include <list>
#include <map>
#include <string>
#include <vector>

#include "tests/policy/random_host.hpp"

namespace tiercast::tests {

/// What naive policies on plain lists of slots share. Self is the policy: its evict_one() names the
/// next victim, which stays where it is as leaving until it is removed; victims are found by
/// running that on a copy.
template <class Self>
class NaiveLists : public NaivePolicy {
 public:
  void set_evictable(bool on, uint32_t slot) override {
    block(slot).evictable = on;
    block(slot).leaving = false;
  }
  Slots victims(uint32_t need) const override {
    Self copy = static_cast<const Self&>(*this);
    return copy.evict(need);
  }
  void commit(const std::vector<bool>& refused) override {
    const Slots evicted = evict(static_cast<uint32_t>(refused.size()));
    for (std::size_t i = 0; i < evicted.size(); ++i) {
      if (refused[i]) NaiveLists::set_evictable(true, evicted[i]);
    }
  }
  bool tail_first() const override { return true; }

 protected:
  using List = std::list<uint32_t>;
  struct Block {
    uint64_t key = 0;
    uint32_t uses = 0;
    bool evictable = false;
    bool leaving = false;
  };

  Block& block(uint32_t slot) { return blocks_[slot]; }
  Slots evict(uint32_t need) {
    Slots victims;
    while (victims.size() < need) {
      victims.push_back(static_cast<Self*>(this)->evict_one());
      block(victims.back()).evictable = false;
      block(victims.back()).leaving = true;
    }
    return victims;
  }
  List::iterator oldest_evictable(List& list) {
    return std::find_if(list.begin(), list.end(),
                        [&](uint32_t slot) { return block(slot).evictable; });
  }
  bool has_evictable(List& list) { return oldest_evictable(list) != list.end(); }
  static bool contains(const List& list, uint32_t slot) {
    return std::find(list.begin(), list.end(), slot) != list.end();
  }
  /// Blocks of a list that are not on their way out.
  std::size_t staying(const List& list) {
    return static_cast<std::size_t>(std::count_if(
        list.begin(), list.end(), [&](uint32_t slot) { return !block(slot).leaving; }));
  }

 private:
  std::map<uint32_t, Block> blocks_;
};

/// Keys, oldest first.
class NaiveGhosts {
 public:
  explicit NaiveGhosts(std::size_t most) : most_(most) {}

  std::size_t size() const { return keys_.size(); }
  void push(uint64_t key) {
    if (most_ == 0) return;
    if (keys_.size() == most_) keys_.pop_front();
    keys_.push_back(key);
  }
  bool take(uint64_t key) {
    const auto found = std::find(keys_.begin(), keys_.end(), key);
    if (found == keys_.end()) return false;
    keys_.erase(found);
    return true;
  }
  void drop_oldest() { keys_.pop_front(); }

 private:
  std::size_t most_;
  std::list<uint64_t> keys_;
};

/// Drives a built-in policy, with spans whole and one by one, and its naive double.
template <class Naive>
uint64_t compare_with_naive(const std::string& name, uint32_t capacity, const std::string& config,
                            Naive naive, uint64_t seed, uint32_t slots_a_block, uint32_t steps) {
  const tp_cache_table& table = *tp_find_builtin_cache(name.c_str());
  const uint32_t slot_count = capacity * slots_a_block;
  Instance joined(table, capacity, config, true, slot_count);
  Instance singles(table, capacity, config, false, slot_count);
  RandomHost host(seed, capacity, {&joined, &singles}, &naive, slot_count);
  host.run(steps);
  return host.victims();
}

/// One host that uses blocks by key, one at a time, as a cache simulator does: a miss looks its key
/// up, evicts where the pool is full, and inserts.
class UnitHost {
 public:
  UnitHost(const std::string& name, uint32_t capacity, const std::string& config = "")
      : cache_(*tp_find_builtin_cache(name.c_str()), capacity, config, true), keys_(capacity) {}

  /// Answers what was evicted: "" for a hit or a miss into a pool with room.
  std::string use(uint64_t key);
  /// The same for many, answers joined by blanks, "-" for none.
  std::string use_all(const std::vector<uint64_t>& keys);
  Instance& cache() { return cache_; }

 private:
  Instance cache_;
  std::vector<uint64_t> keys_;  // by slot; 0 is none
  int64_t now_ns_ = 0;
};

}  // namespace tiercast::tests
