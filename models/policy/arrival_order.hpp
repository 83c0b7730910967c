#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "models/policy/flat_array.hpp"
#include "models/policy/tierpolicy.h"

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
  /// One past the last position given out.
  uint32_t end() const { return next_; }
  uint32_t room() const { return static_cast<uint32_t>(slots_.size()) - next_; }
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
  /// Gives the slots of a run the next positions, in order; requires so much room(). Answers the
  /// first.
  uint32_t append(tp_span run, uint32_t tag) {
    const uint32_t first = next_;
    for (uint32_t i = 0; i < run.count; ++i) append(run.first_slot + i, tag);
    return first;
  }
  void release(uint32_t slot) { slots_[position(slot)] = 0; }
  /// Of the slots in so many positions from the first on.
  void release_row(uint32_t first, uint32_t count) { std::fill_n(&slots_[first], count, 0u); }

  /// Takes back the last positions, down to one in use.
  void trim() {
    while (next_ != 0 && slots_[next_ - 1] == 0) --next_;
  }
  /// Another slot takes a slot's position.
  void hand_over(uint32_t slot, uint32_t to, uint32_t tag) {
    const uint32_t place = position(slot);
    slots_[place] = to + 1;
    places_[to] = place | tag << position_bits;
  }

  /// How many slots of a span, from its first on, are in neighbouring positions with tags that
  /// agree in these bits.
  uint32_t row_length(tp_span span, uint32_t tag_bits) const {
    const uint32_t mask = position_mask | tag_bits << position_bits;
    const uint32_t* places = &places_[span.first_slot];
    const uint32_t first = places[0] & mask;
    uint32_t length = 1;
    while (length < span.count && (places[length] & mask) == first + length) ++length;
    return length;
  }
  /// The neighbouring slots of one tag that are in the positions, all in use, from `first` on.
  tp_span run_at(uint32_t first, uint32_t count_max) const {
    const uint32_t slot = slot_at(first);
    const uint32_t first_tag = tag(slot);
    uint32_t count = 1;
    while (count < count_max && slot_at(first + count) == slot + count &&
           tag(slot + count) == first_tag) {
      ++count;
    }
    return {slot, count};
  }

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
  void prefetch_position(uint32_t slot) const { slots_.prefetch(position(slot)); }

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
