// The state of every slot of a pool in two bitmaps, changed a span at a time.
#pragma once

#include <cstdint>
#include <vector>

#include "models/policy/tierpolicy.h"

namespace tiercast::tiering {

// Low bit: holds its block for use (pinned or evictable). High bit: may leave or is leaving.
enum class SlotState : std::uint8_t { absent = 0, pinned = 1, leaving = 2, evictable = 3 };

// Span operations cost O(1 + count / 64).
class SlotStates {
 public:
  explicit SlotStates(std::uint32_t capacity);

  std::uint32_t capacity() const { return capacity_; }
  std::uint32_t present() const { return counts_[1] + counts_[2] + counts_[3]; }
  std::uint32_t evictable() const { return counts_[3]; }

  SlotState state(std::uint32_t slot) const {
    const std::uint64_t held = held_[slot / 64] >> (slot % 64) & 1;
    const std::uint64_t free_to_go = free_to_go_[slot / 64] >> (slot % 64) & 1;
    return static_cast<SlotState>(held | free_to_go << 1);
  }

  bool in_range(tp_span span) const {
    return span.count != 0 && span.first_slot < capacity_ &&
           span.count <= capacity_ - span.first_slot;
  }
  // Is every slot of a span in range in this state?
  bool all(tp_span span, SlotState state) const;
  // Moves a span, all of it in state `from`, to state `to`.
  void move(tp_span span, SlotState from, SlotState to);

 private:
  std::uint32_t capacity_;
  std::uint32_t counts_[4];
  std::vector<std::uint64_t> held_;
  std::vector<std::uint64_t> free_to_go_;
};

}  // namespace tiercast::tiering
