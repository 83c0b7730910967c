#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "models/policy/flat_array.hpp"
#include "models/policy/state_archive.hpp"

namespace tiercast::policy {

/// Slots ordered by a rank that moves at will: least rank first, of equal ranks the least tie, of
/// equal ties the lowest slot. A heap of four children a node, those of one node in one cache line:
/// O(log size) a change, and walks from the least on that change nothing, O(n log n) for n slots.
/// 20 bytes a slot, and 4 more of scratch that only long walks write.
class RankedSlots {
 public:
  static constexpr uint32_t slot_bits = 26;
  static constexpr uint32_t slot_count_max = 1u << slot_bits;
  static constexpr uint32_t tie_bits = 64 - slot_bits;
  static constexpr uint64_t tie_max = UINT64_MAX >> slot_bits;

  /// For slots in [0, slot_count), of which at most `capacity` are here at a time. first_stamp: of
  /// put_newest(), which numbers again all that is here once stamps have run out.
  RankedSlots(uint32_t slot_count, uint32_t capacity, uint64_t first_stamp = 0)
      : items_(std::size_t{capacity} + root),
        places_(slot_count),
        scratch_(capacity),
        stamp_(first_stamp) {}

  uint32_t size() const { return size_; }
  bool holds(uint32_t slot) const { return places_[slot] != 0; }
  /// Of a slot that is here.
  uint64_t rank(uint32_t slot) const { return items_[places_[slot]].rank; }

  void prefetch(uint32_t slot) const { places_.prefetch(slot); }

  /// Puts a slot in, or moves it.
  void put(uint32_t slot, uint64_t rank, uint64_t tie) {
    const Item item{rank, tie << slot_bits | slot};
    const uint32_t place = places_[slot];
    if (place == 0) return sift_up(root + size_++, item);
    settle(place, item);
  }
  /// The same, behind all of its rank: ties go to what was put longest ago.
  void put_newest(uint32_t slot, uint64_t rank) {
    if (stamp_ == tie_max) number_again();
    put(slot, rank, stamp_++);
  }
  /// Takes a slot out, if it is here.
  void drop(uint32_t slot) {
    const uint32_t place = places_[slot];
    if (place == 0) return;
    places_[slot] = 0;
    const Item last = items_[root + --size_];
    if (place != root + size_) settle(place, last);
  }

  /// Slots from the least on, one next() each. Nothing may change, nor another walk begin, before
  /// the last next().
  class Walk {
   public:
    explicit Walk(const RankedSlots& slots) : slots_(slots), next_(slots.size_ != 0 ? root : 0) {}

    bool done() const { return next_ == 0; }
    uint32_t slot() const { return slots_.items_[next_].slot(); }
    uint64_t rank() const { return slots_.items_[next_].rank; }
    void next() {
      const auto later = [&](uint32_t a, uint32_t b) {
        return slots_.items_[b] < slots_.items_[a];
      };
      uint32_t* const waiting = slots_.scratch_.data();
      const uint32_t child = first_child(next_);
      const uint32_t end = std::min(child + 4, root + slots_.size_);
      for (uint32_t place = child; place < end; ++place) {
        waiting[count_++] = place;
        std::push_heap(waiting, waiting + count_, later);
      }
      if (count_ == 0) {
        next_ = 0;
        return;
      }
      std::pop_heap(waiting, waiting + count_, later);
      next_ = waiting[--count_];
    }

   private:
    const RankedSlots& slots_;
    uint32_t next_;       // place of the slot the walk stands at; 0: none
    uint32_t count_ = 0;  // of places that wait, a heap: children of those visited
  };

  /// Calls accepts(slot, rank) for the n least in order and takes out those that it accepts.
  template <class Accepts>
  void take_least(uint32_t n, Accepts accepts) {
    const uint32_t end = root + size_;
    uint32_t refused = end;  // items kept from here on, behind what is left of the heap
    for (; n != 0; --n) {
      const Item least = items_[root];
      const uint32_t slot = least.slot();
      drop(slot);
      if (!accepts(slot, least.rank)) items_[--refused] = least;
    }
    for (; refused != end; ++refused) {
      const Item item = items_[refused];
      sift_up(root + size_++, item);
    }
  }

  /// Of slots and ranks in order.
  void hash(StateHash& hash) const {
    for (Walk walk(*this); !walk.done(); walk.next()) {
      hash.add(walk.slot());
      hash.add(walk.rank());
    }
  }

  template <class Self, class Archive>
  static void archive(Self& self, Archive& archive) {
    archive.items(self.items_.data(), self.items_.size());
    archive.items(self.places_.data(), self.places_.size());
    archive.value(self.size_);
    archive.value(self.stamp_);
  }

 private:
  struct Item {
    uint64_t rank;
    uint64_t tie_and_slot;

    uint32_t slot() const { return static_cast<uint32_t>(tie_and_slot) & (slot_count_max - 1); }
    bool operator<(const Item& other) const {
      return rank != other.rank ? rank < other.rank : tie_and_slot < other.tie_and_slot;
    }
  };

  // Places start at 3, so that the children of each begin at a multiple of 4: a cache line.
  static constexpr uint32_t root = 3;
  static uint32_t parent(uint32_t place) { return place / 4 + 2; }
  static uint32_t first_child(uint32_t place) { return 4 * (place - 2); }

  void set(uint32_t place, const Item& item) {
    items_[place] = item;
    places_[item.slot()] = place;
  }
  void settle(uint32_t place, const Item& item) {
    if (place != root && item < items_[parent(place)]) return sift_up(place, item);
    sift_down(place, item);
  }
  void sift_up(uint32_t place, const Item& item) {
    for (; place != root && item < items_[parent(place)]; place = parent(place)) {
      set(place, items_[parent(place)]);
    }
    set(place, item);
  }
  void sift_down(uint32_t place, const Item& item) {
    const uint32_t end = root + size_;
    while (first_child(place) < end) {
      const uint32_t first = first_child(place);
      uint32_t least = first;
      for (uint32_t child = first + 1; child < std::min(first + 4, end); ++child) {
        if (items_[child] < items_[least]) least = child;
      }
      if (!(items_[least] < item)) break;
      set(place, items_[least]);
      place = least;
    }
    set(place, item);
  }

  /// Stamps 0, 1, ... for what is here, in the order it had. A sorted row is a heap.
  void number_again() {
    std::sort(items_.data() + root, items_.data() + root + size_);
    stamp_ = 0;
    for (uint32_t place = root; place < root + size_; ++place) {
      const uint32_t slot = items_[place].slot();
      set(place, {items_[place].rank, stamp_++ << slot_bits | slot});
    }
  }

  FlatArray<Item> items_;                // by place
  FlatArray<uint32_t> places_;           // by slot; 0: not here
  mutable FlatArray<uint32_t> scratch_;  // of a walk
  uint32_t size_ = 0;
  uint64_t stamp_;
};

}  // namespace tiercast::policy
