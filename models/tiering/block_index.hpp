#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "models/policy/flat_array.hpp"

namespace tiercast::tiering {

/// Slot of each block id in a pool: open addressing with linear probing, at most half full, nothing
/// allocated after construction. Holds at most `capacity` ids.
class BlockIndex {
 public:
  static constexpr uint32_t none = UINT32_MAX;

  explicit BlockIndex(uint32_t capacity)
      : shift_(64 - static_cast<uint32_t>(std::bit_width(2 * uint64_t{capacity}))),
        mask_((std::size_t{1} << (64 - shift_)) - 1),
        entries_(mask_ + 1) {}

  uint32_t find(uint64_t id) const {
    std::size_t at = home(id);
    while (entries_[at].slot != none && entries_[at].id != id) at = (at + 1) & mask_;
    return entries_[at].slot;
  }

  /// The id must be absent.
  void insert(uint64_t id, uint32_t slot) {
    std::size_t at = home(id);
    while (entries_[at].slot != none) at = (at + 1) & mask_;
    entries_[at] = {id, slot};
  }

  /// The id must be present. Later entries of its chain move up, so that no tombstone is needed.
  void erase(uint64_t id) {
    std::size_t hole = home(id);
    while (entries_[hole].id != id || entries_[hole].slot == none) hole = (hole + 1) & mask_;
    for (std::size_t at = (hole + 1) & mask_; entries_[at].slot != none; at = (at + 1) & mask_) {
      const bool reaches_hole = ((at - home(entries_[at].id)) & mask_) >= ((at - hole) & mask_);
      if (!reaches_hole) continue;
      entries_[hole] = entries_[at];
      hole = at;
    }
    entries_[hole].slot = none;
  }

  void prefetch(uint64_t id) const { policy::prefetch_line(&entries_[home(id)]); }

 private:
  struct Entry {
    uint64_t id = 0;
    uint32_t slot = none;
  };

  std::size_t home(uint64_t id) const {
    // Fibonacci hashing: the high bits of a multiple of 2^64 / golden ratio.
    return static_cast<std::size_t>(id * 0x9e3779b97f4a7c15u >> shift_);
  }

  uint32_t shift_;
  std::size_t mask_;
  std::vector<Entry> entries_;
};

}  // namespace tiercast::tiering
