#pragma once

#include <cstddef>
#include <cstdint>

#include "models/policy/flat_array.hpp"

namespace tiercast::policy {

/// A bounded set of keys that are gone, known by their hashes, each in a numbered cell that keeps
/// its number, so that policies can give cells a place in lists of their own. Every step O(1) on
/// average; 8 bytes a cell and 6 of a table with linear probing.
class GhostCells {
 public:
  static constexpr uint32_t none = UINT32_MAX;

  explicit GhostCells(uint32_t count)
      : hashes_(count), table_(std::size_t{count} + count / 2 + 2) {}

  uint32_t size() const { return size_; }
  bool full() const { return size_ == hashes_.size(); }
  /// Of a cell in use.
  uint64_t hash_at(uint32_t cell) const { return hashes_[cell]; }

  void prefetch(uint64_t hash) const { table_.prefetch(home(hash)); }

  /// A cell with that hash, or none.
  uint32_t find(uint64_t hash) const {
    for (std::size_t at = home(hash); table_[at] != 0; at = next(at)) {
      if (hashes_[table_[at] - 1] == hash) return table_[at] - 1;
    }
    return none;
  }
  /// Takes a cell for a hash; requires !full().
  uint32_t add(uint64_t hash) {
    uint32_t cell = used_;
    if (free_ != 0) {
      cell = free_ - 1;
      free_ = static_cast<uint32_t>(hashes_[cell]);
    } else {
      ++used_;
    }
    ++size_;
    hashes_[cell] = hash;
    std::size_t at = home(hash);
    while (table_[at] != 0) at = next(at);
    table_[at] = cell + 1;
    return cell;
  }
  /// Gives a cell in use back.
  void drop(uint32_t cell) {
    std::size_t hole = home(hashes_[cell]);
    while (table_[hole] != cell + 1) hole = next(hole);
    // Entries that went past the hole on their way from home move up into it.
    for (std::size_t at = next(hole); table_[at] != 0; at = next(at)) {
      const std::size_t from = home(hashes_[table_[at] - 1]);
      const bool passed = hole < at ? from <= hole || from > at : from <= hole && from > at;
      if (!passed) continue;
      table_[hole] = table_[at];
      hole = at;
    }
    table_[hole] = 0;
    hashes_[cell] = free_;
    free_ = cell + 1;
    --size_;
  }

  template <class Self, class Archive>
  static void archive(Self& self, Archive& archive) {
    archive.items(self.hashes_.data(), self.hashes_.size());
    archive.items(self.table_.data(), self.table_.size());
    archive.value(self.free_);
    archive.value(self.used_);
    archive.value(self.size_);
  }

 private:
  std::size_t home(uint64_t hash) const {
    return static_cast<std::size_t>((hash >> 32) * table_.size() >> 32);
  }
  std::size_t next(std::size_t at) const { return at + 1 == table_.size() ? 0 : at + 1; }

  FlatArray<uint64_t> hashes_;  // by cell; of a free one the next free + 1
  FlatArray<uint32_t> table_;   // cell + 1, or 0
  uint32_t free_ = 0;           // the first free cell + 1, or 0
  uint32_t used_ = 0;           // cells ever used
  uint32_t size_ = 0;
};

}  // namespace tiercast::policy
