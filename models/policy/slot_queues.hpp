#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "models/policy/arrival_order.hpp"
#include "models/policy/bit_index.hpp"
#include "models/policy/state_archive.hpp"

namespace tiercast::policy {

/// `count` queues over one pool's slots, each ordered from oldest to newest, for policies that move
/// blocks between lists. A slot is in one queue at most. Those that may leave are its queue's
/// candidates; a slot in use keeps its place and is passed over. A committed victim no longer
/// counts, but keeps its place until it is removed or comes back. About 10 bytes a slot and 0.2 a
/// queue; every step O(1) on average.
template <uint32_t count>
class SlotQueues {
 public:
  static_assert(count - 1 <= ArrivalOrder::tag_max);
  static constexpr uint32_t none = BitIndex::none;
  static constexpr uint32_t capacity_max = ArrivalOrder::capacity_max;

  SlotQueues(uint32_t slot_count, uint32_t capacity)
      : order_(slot_count, capacity),
        candidates_(make(capacity, std::make_index_sequence<count>())) {}

  void prefetch(uint32_t slot) const { order_.prefetch(slot); }

  uint32_t queue_of(uint32_t slot) const { return order_.tag(slot); }
  /// Slots in a queue, victims that are leaving not counted.
  uint32_t size(uint32_t queue) const { return sizes_[queue]; }

  /// A slot in no queue becomes a queue's newest, not a candidate yet.
  void push(uint32_t queue, uint32_t slot) {
    make_room();
    order_.append(slot, queue);
    ++sizes_[queue];
  }
  /// A slot becomes the newest of a queue, its own or another, and stays what it was.
  void move(uint32_t queue, uint32_t slot) {
    make_room();
    const uint32_t from = queue_of(slot);
    const uint32_t place = order_.position(slot);
    const bool candidate = candidates_[from].test(place);
    if (candidate) candidates_[from].clear(place);
    order_.release(slot);
    --sizes_[from];
    order_.append(slot, queue);
    ++sizes_[queue];
    if (candidate) candidates_[queue].set(order_.position(slot));
  }
  /// counted: it was not a victim on its way out.
  void remove(uint32_t slot, bool counted) {
    const uint32_t queue = queue_of(slot);
    candidates_[queue].clear(order_.position(slot));
    order_.release(slot);
    if (counted) --sizes_[queue];
  }
  void set_candidate(uint32_t slot, bool on) {
    BitIndex& candidates = candidates_[queue_of(slot)];
    if (on) {
      candidates.set(order_.position(slot));
    } else {
      candidates.clear(order_.position(slot));
    }
  }
  /// A candidate is a victim from now on.
  void leave(uint32_t slot) {
    set_candidate(slot, false);
    --sizes_[queue_of(slot)];
  }
  /// Such a victim stays after all, a candidate where it was.
  void come_back(uint32_t slot) {
    ++sizes_[queue_of(slot)];
    set_candidate(slot, true);
  }

  /// The place of the oldest candidate of a queue at or behind a place, or none; 0 is the first.
  uint32_t oldest(uint32_t queue, uint32_t from = 0) const {
    return candidates_[queue].find_at_or_after(from);
  }
  uint32_t slot_at(uint32_t place) const { return order_.slot_at(place); }
  /// The place of a slot; it changes with push and move of any slot.
  uint32_t place_of(uint32_t slot) const { return order_.position(slot); }

  /// The order of all slots, each with its queue; which are candidates slot states say.
  void hash(StateHash& hash) const {
    order_.for_slots([&](uint32_t slot) { hash.add(uint64_t{queue_of(slot)} << 32 | slot); });
  }

  template <class Self, class Archive>
  static void archive(Self& self, Archive& archive) {
    ArrivalOrder::archive(self.order_, archive);
    for (auto& candidates : self.candidates_) BitIndex::archive(candidates, archive);
    archive.items(self.sizes_.data(), self.sizes_.size());
  }

 private:
  template <std::size_t... queues>
  static std::array<BitIndex, count> make(uint32_t capacity, std::index_sequence<queues...>) {
    return {((void)queues, BitIndex(ArrivalOrder::positions_for(capacity)))...};
  }

  void make_room() {
    if (!order_.full()) return;
    order_.compact([&](uint32_t from, uint32_t to) {
      for (BitIndex& candidates : candidates_) candidates.move(from, to);
    });
  }

  ArrivalOrder order_;
  std::array<BitIndex, count> candidates_;  // places, by queue
  std::array<uint32_t, count> sizes_{};
};

}  // namespace tiercast::policy
