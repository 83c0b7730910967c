// Leaf-first eviction written down plainly.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "tests/policy/random_host.hpp"

namespace tiercast::tests {

/// Leaf-first eviction on a plain list of blocks: the next victim is the first, of those of least
/// priority, that may leave while none of its descendants may.
class NaiveLeaves final : public NaivePolicy {
 public:
  /// default_priority 0: priorities do not matter.
  explicit NaiveLeaves(uint32_t default_priority) : default_priority_(default_priority) {}

  void clock(int64_t now_ns) override { now_ns_ = now_ns; }
  void tick() override {
    std::vector<std::pair<int64_t, uint32_t>> due;
    for (const auto& [slot, block] : blocks_) {
      if (block.priority != default_priority_ && block.expires_ns <= now_ns_) {
        due.emplace_back(block.expires_ns, slot);
      }
    }
    std::sort(due.begin(), due.end());
    for (const auto& [expires_ns, slot] : due) {
      blocks_[slot].priority = default_priority_;
      if (blocks_[slot].state != State::in_use) renew(slot);
    }
  }
  void insert_block(uint32_t slot, const tp_block& block) override {
    tick();
    blocks_[slot] = {block.parent_slot, State::in_use, 0, INT64_MAX};
    if (default_priority_ != 0) tell(slot, block.priority, block.expires_ns);
  }
  void touch(uint32_t slot) override { touch_for(nullptr, slot); }
  void touch_for(const tp_request* request, uint32_t slot) override {
    tick();
    if (blocks_[slot].state == State::evictable) renew(slot);
    if (default_priority_ == 0 || request == nullptr || request->priority == 0) return;
    if (blocks_[slot].state == State::leaving) renew(slot);
    const int64_t ends_ns = request->arrival_ns + request->retain_ns;
    tell(slot, request->priority, request->retain_ns == 0 ? INT64_MAX : ends_ns);
  }
  void remove(uint32_t slot) override {
    tick();
    for (auto& [other, block] : blocks_) {
      if (block.parent == slot) block.parent = UINT32_MAX;
    }
    blocks_.erase(slot);
    order_.remove(slot);
  }
  void set_evictable(bool on, uint32_t slot) override {
    tick();
    Block& block = blocks_[slot];
    if (block.state == State::in_use) order_.push_back(slot);
    if (!on) order_.remove(slot);
    block.state = on ? State::evictable : State::in_use;
  }
  Slots victims(uint32_t need) const override {
    NaiveLeaves rest = *this;
    Slots victims;
    for (; need != 0; --need) {
      victims.push_back(rest.next());
      rest.blocks_[victims.back()].state = State::leaving;
    }
    return victims;
  }
  void commit(const std::vector<bool>& refused) override {
    const Slots evicted = victims(static_cast<uint32_t>(refused.size()));
    for (std::size_t i = 0; i < evicted.size(); ++i) {
      if (!refused[i]) blocks_[evicted[i]].state = State::leaving;
    }
  }
  bool tail_first() const override { return true; }

 private:
  enum class State { in_use, evictable, leaving };
  struct Block {
    uint32_t parent;
    State state;
    uint32_t priority;
    int64_t expires_ns;
  };

  void tell(uint32_t slot, uint32_t priority, int64_t expires_ns) {
    const bool over = priority == 0 || expires_ns <= now_ns_;
    blocks_[slot].priority = over ? default_priority_ : priority;
    blocks_[slot].expires_ns = expires_ns;
  }
  uint32_t next() const {
    std::set<uint32_t> held;
    for (const auto& [slot, block] : blocks_) {
      if (block.state != State::evictable) continue;
      for (uint32_t at = block.parent; at != UINT32_MAX; at = blocks_.at(at).parent) {
        held.insert(at);
      }
    }
    uint32_t best = UINT32_MAX;
    for (const uint32_t slot : order_) {
      if (blocks_.at(slot).state != State::evictable || held.count(slot) != 0) continue;
      if (best == UINT32_MAX || blocks_.at(slot).priority < blocks_.at(best).priority) best = slot;
    }
    return best;
  }
  void renew(uint32_t slot) {
    order_.remove(slot);
    order_.push_back(slot);
  }

  uint32_t default_priority_;
  int64_t now_ns_ = 0;
  std::map<uint32_t, Block> blocks_;  // by slot
  std::list<uint32_t> order_;         // those not in use, oldest first
};

}  // namespace tiercast::tests
