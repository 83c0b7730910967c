#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "models/policy/arrival_order.hpp"
#include "models/policy/bit_index.hpp"
#include "models/policy/fetch_queue.hpp"
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

  void prefetch(uint32_t slot) const {
    order_.prefetch(slot);
    const uint32_t earlier = fetched_.next(slot);
    order_.prefetch_position(earlier);
    candidates_[queue_of(earlier)].prefetch(order_.position(earlier));
  }

  /// Fetches what queue_of() reads, which is all that most touches of flags need.
  void prefetch_queue(uint32_t slot) const { order_.prefetch(slot); }
  /// Fetches what moving the queue's candidates will touch that come up soon: for policies that
  /// move one after the other, of which `place` was the last.
  void prefetch_behind(uint32_t queue, uint32_t place) const {
    constexpr uint32_t distance = 64;  // in places, of which most are other queues' or empty
    const uint32_t ahead = oldest(queue, place + distance);
    if (ahead != none) order_.prefetch(slot_at(ahead));
  }

  uint32_t queue_of(uint32_t slot) const { return order_.tag(slot); }
  /// Slots in a queue, victims that are leaving not counted.
  uint32_t size(uint32_t queue) const { return sizes_[queue]; }

  /// A slot in no queue becomes a queue's newest, not a candidate yet.
  void push(uint32_t queue, uint32_t slot) {
    make_room();
    order_.append(slot, queue);
    ++sizes_[queue];
  }
  /// A slot becomes the newest of a queue, its own or another, and stays what it was. Here and
  /// below, counted: it is not a victim on its way out.
  void move(uint32_t queue, uint32_t slot, bool counted = true) {
    make_room();
    const uint32_t from = queue_of(slot);
    const uint32_t place = order_.position(slot);
    const bool candidate = candidates_[from].test(place);
    if (candidate) candidates_[from].clear(place);
    order_.release(slot);
    order_.append(slot, queue);
    if (candidate) candidates_[queue].set(order_.position(slot));
    if (counted) recount(from, queue);
  }
  /// A slot changes over to a queue with its place in the order of all slots, and stays what it
  /// was.
  void change_queue(uint32_t queue, uint32_t slot, bool counted = true) {
    const uint32_t from = queue_of(slot);
    const uint32_t place = order_.position(slot);
    order_.set_tag(slot, queue);
    if (candidates_[from].test(place)) {
      candidates_[from].clear(place);
      candidates_[queue].set(place);
    }
    if (counted) recount(from, queue);
  }
  void remove(uint32_t slot, bool counted) {
    const uint32_t queue = queue_of(slot);
    candidates_[queue].clear(order_.position(slot));
    order_.release(slot);
    order_.trim();
    if (counted) --sizes_[queue];
    if (hand_ >= order_.end()) hand_ = 0;
  }
  bool is_candidate(uint32_t slot) const {
    return candidates_[queue_of(slot)].test(order_.position(slot));
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

  /// Calls visit(slot) in order, whatever their queues.
  template <class Visit>
  void for_slots(Visit visit) const {
    order_.for_slots(visit);
  }

  /// A place that a policy keeps, whatever moves: at first, and where it would be behind the newest
  /// slot, that of the oldest. For policies that do not move slots.
  uint32_t hand() const { return hand_; }
  void set_hand(uint32_t place) { hand_ = place < order_.end() ? place : 0; }

  /// The order of all slots, each with its queue, and where the hand is; which are candidates slot
  /// states say.
  void hash(StateHash& hash) const {
    bool ahead = false;  // of the hand
    order_.for_slots([&](uint32_t slot) {
      if (!ahead && order_.position(slot) >= hand_) {
        ahead = true;
        hash.add(UINT64_MAX);
      }
      hash.add(uint64_t{queue_of(slot)} << 32 | slot);
    });
  }

  /// For policies to which the order of slots in different groups of queues says nothing: each
  /// group by itself. add(chain, slot) may add what else a slot stands for.
  template <class GroupOf, class Add>
  void hash_apart(StateHash& hash, GroupOf group_of, Add add) const {
    std::array<StateHash, count> chains;
    order_.for_slots([&](uint32_t slot) {
      StateHash& chain = chains[group_of(queue_of(slot))];
      chain.add(uint64_t{queue_of(slot)} << 32 | slot);
      add(chain, slot);
    });
    for (const StateHash& chain : chains) hash.add(chain.value());
  }

  template <class Self, class Archive>
  static void archive(Self& self, Archive& archive) {
    ArrivalOrder::archive(self.order_, archive);
    for (auto& candidates : self.candidates_) BitIndex::archive(candidates, archive);
    archive.items(self.sizes_.data(), self.sizes_.size());
    archive.value(self.hand_);
  }

 private:
  template <std::size_t... queues>
  static std::array<BitIndex, count> make(uint32_t capacity, std::index_sequence<queues...>) {
    return {((void)queues, BitIndex(ArrivalOrder::positions_for(capacity)))...};
  }

  void recount(uint32_t from, uint32_t to) {
    --sizes_[from];
    ++sizes_[to];
  }

  void make_room() {
    if (!order_.full()) return;
    uint32_t hand = 0;
    order_.compact([&](uint32_t from, uint32_t to) {
      candidates_[queue_of(order_.slot_at(from))].move(from, to);
      if (from < hand_) hand = to + 1;
    });
    hand_ = hand;
  }

  ArrivalOrder order_;
  std::array<BitIndex, count> candidates_;  // places, by queue
  std::array<uint32_t, count> sizes_{};
  uint32_t hand_ = 0;  // a place
  mutable FetchQueue fetched_;
};

}  // namespace tiercast::policy
