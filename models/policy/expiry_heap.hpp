#pragma once

#include <cstdint>
#include <utility>

#include "models/policy/flat_array.hpp"
#include "models/policy/state_archive.hpp"

namespace tiercast::policy {

/// Slots that expire, the next one first: by time, then by slot. O(log n) a step; 16 bytes a slot.
class ExpiryHeap {
 public:
  ExpiryHeap(uint32_t slot_count, uint32_t capacity)
      : heap_(capacity), places_(slot_count), expires_ns_(slot_count) {}

  bool has(uint32_t slot) const { return places_[slot] != 0; }
  /// INT64_MAX where none expires.
  int64_t next_ns() const { return size_ != 0 ? expires_ns_[heap_[0]] : INT64_MAX; }
  uint32_t next() const { return heap_[0]; }

  /// Of a slot that is not here.
  void add(uint32_t slot, int64_t expires_ns) {
    expires_ns_[slot] = expires_ns;
    put(size_++, slot);
    rise(size_ - 1);
  }
  /// Of one that is.
  void remove(uint32_t slot) {
    const uint32_t place = places_[slot] - 1;
    places_[slot] = 0;
    expires_ns_[slot] = 0;
    if (place == --size_) return;
    put(place, heap_[size_]);
    rise(place);
    sink(place);
  }

  void hash(StateHash& hash) const {
    for (uint32_t slot = 0; slot < places_.size(); ++slot) {
      if (!has(slot)) continue;
      hash.add(slot);
      hash.add(static_cast<uint64_t>(expires_ns_[slot]));
    }
  }

  template <class Self, class Archive>
  static void archive(Self& self, Archive& archive) {
    archive.items(self.heap_.data(), self.heap_.size());
    archive.items(self.places_.data(), self.places_.size());
    archive.items(self.expires_ns_.data(), self.expires_ns_.size());
    archive.value(self.size_);
  }

 private:
  bool before(uint32_t slot, uint32_t other) const {
    return std::pair(expires_ns_[slot], slot) < std::pair(expires_ns_[other], other);
  }
  void put(uint32_t place, uint32_t slot) {
    heap_[place] = slot;
    places_[slot] = place + 1;
  }
  void exchange(uint32_t place, uint32_t other) {
    const uint32_t slot = heap_[place];
    put(place, heap_[other]);
    put(other, slot);
  }
  void rise(uint32_t place) {
    while (place != 0 && before(heap_[place], heap_[(place - 1) / 2])) {
      exchange(place, (place - 1) / 2);
      place = (place - 1) / 2;
    }
  }
  void sink(uint32_t place) {
    for (;;) {
      uint32_t child = 2 * place + 1;
      if (child >= size_) return;
      if (child + 1 < size_ && before(heap_[child + 1], heap_[child])) ++child;
      if (!before(heap_[child], heap_[place])) return;
      exchange(place, child);
      place = child;
    }
  }

  FlatArray<uint32_t> heap_;
  FlatArray<uint32_t> places_;  // by slot: its place in the heap + 1, or 0
  FlatArray<int64_t> expires_ns_;
  uint32_t size_ = 0;
};

}  // namespace tiercast::policy
