#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tiercast::resources {

/// Finds or makes the dense id of a key that lives elsewhere: open addressing over ids alone.
class IdTable {
 public:
  /// The id among those given before for which `same(id)` holds, else `fresh`, which is kept.
  /// `hash_of(id)` is the hash of a key kept before; `hash` that of the key sought.
  template <class Same, class HashOf>
  uint32_t find_or_keep(uint64_t hash, uint32_t fresh, Same same, HashOf hash_of) {
    if ((kept_ + 1) * 2 > cells_.size()) grow(hash_of);
    size_t at = hash & (cells_.size() - 1);
    for (; cells_[at] != 0; at = (at + 1) & (cells_.size() - 1)) {
      if (same(cells_[at] - 1)) return cells_[at] - 1;
    }
    cells_[at] = fresh + 1;
    ++kept_;
    return fresh;
  }

 private:
  template <class HashOf>
  void grow(HashOf hash_of) {
    std::vector<uint32_t> old(cells_.empty() ? 64 : cells_.size() * 2, 0);
    old.swap(cells_);
    for (const uint32_t cell : old) {
      if (cell == 0) continue;
      size_t at = hash_of(cell - 1) & (cells_.size() - 1);
      while (cells_[at] != 0) at = (at + 1) & (cells_.size() - 1);
      cells_[at] = cell;
    }
  }

  std::vector<uint32_t> cells_;  // id + 1, 0 for empty
  size_t kept_ = 0;
};

}  // namespace tiercast::resources
