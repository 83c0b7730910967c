#pragma once

#include <cstddef>
#include <cstdint>

#include "models/policy/flat_array.hpp"

namespace tiercast::policy {

/// Slots in order of arrival. Each gets the next of a row of growing positions and keeps it until
/// it is released; when the row is full the positions in use close ranks, which costs O(1) per
/// arrival on average. Policies mark subsets of positions in a BitIndex, so that a slot can leave a
/// queue for a while (pinned) and come back to its place. Each slot also carries a small tag.
/// 9.5 bytes a slot.
class ArrivalOrder {
 public:
  static constexpr uint32_t position_bits = 29;
  static constexpr uint32_t tag_max = (1u << (32 - position_bits)) - 1;
  /// Positions of the largest pool still fit in position_bits.
  static constexpr uint32_t capacity_max = 390'000'000;

  static constexpr uint32_t positions_for(uint32_t capacity) {
    return capacity + capacity / 8 * 3 + 64;
  }

  /// For slots in [0, slot_count), of which at most `capacity` are here at a time.
  ArrivalOrder(uint32_t slot_count, uint32_t capacity)
      : slots_(positions_for(capacity)), places_(slot_count) {}

  bool full() const { return next_ == slots_.size(); }
  uint32_t position(uint32_t slot) const { return places_[slot] & position_mask; }
  uint32_t tag(uint32_t slot) const { return places_[slot] >> position_bits; }
  void set_tag(uint32_t slot, uint32_t tag) {
    places_[slot] = position(slot) | tag << position_bits;
  }
  /// Of a position in use.
  uint32_t slot_at(uint32_t position) const { return slots_[position] - 1; }

  /// Gives a slot the next position; requires !full().
  uint32_t append(uint32_t slot, uint32_t tag) {
    slots_[next_] = slot + 1;
    places_[slot] = next_ | tag << position_bits;
    return next_++;
  }
  void release(uint32_t slot) { slots_[position(slot)] = 0; }

  /// Closes ranks. Calls moved(from, to), to <= from, for each position in use, in order.
  template <class Moved>
  void compact(Moved moved) {
    uint32_t to = 0;
    for (uint32_t from = 0; from < next_; ++from) {
      if (slots_[from] == 0) continue;
      moved(from, to);
      if (from != to) {
        const uint32_t slot = slot_at(from);
        slots_[to] = slots_[from];
        slots_[from] = 0;
        places_[slot] = to | tag(slot) << position_bits;
      }
      ++to;
    }
    next_ = to;
  }

  /// Calls visit(slot) in order.
  template <class Visit>
  void for_slots(Visit visit) const {
    for (uint32_t position = 0; position < next_; ++position) {
      if (slots_[position] != 0) visit(slot_at(position));
    }
  }

  void prefetch(uint32_t slot) const { places_.prefetch(slot); }

  template <class Self, class Archive>
  static void archive(Self& self, Archive& archive) {
    archive.items(self.slots_.data(), self.slots_.size());
    archive.items(self.places_.data(), self.places_.size());
    archive.value(self.next_);
  }

 private:
  static constexpr uint32_t position_mask = (1u << position_bits) - 1;

  FlatArray<uint32_t> slots_;   // by position: slot + 1, or 0
  FlatArray<uint32_t> places_;  // by slot: its position and, in the high bits, its tag
  uint32_t next_ = 0;
};

}  // namespace tiercast::policy
