#pragma once

#include <cstdint>
#include <optional>
#include <type_traits>

#include "models/policy/flat_array.hpp"
#include "models/policy/ghost_cells.hpp"
#include "models/policy/state_archive.hpp"

namespace tiercast::policy {

/// The blocks that left last, oldest out first, each known by its key's hash and with what a policy
/// remembers of it: a Memory, without padding. Every step O(1) on average; 22 bytes a ghost and the
/// memory.
template <class Memory>
requires std::has_unique_object_representations_v<Memory>
class GhostHistory {
 public:
  /// capacity: 1 at least.
  explicit GhostHistory(uint32_t capacity)
      : cells_(capacity), links_(capacity), memories_(capacity) {}

  uint32_t size() const { return cells_.size(); }
  void prefetch(uint64_t hash) const { cells_.prefetch(hash); }

  /// Adds a ghost as the newest. Where there are too many the oldest goes, and what was remembered
  /// of it is answered.
  std::optional<Memory> push(uint64_t hash, const Memory& memory) {
    std::optional<Memory> gone;
    if (cells_.full()) {
      gone = memories_[oldest_];
      drop(oldest_);
    }
    const uint32_t cell = cells_.add(hash);
    memories_[cell] = memory;
    links_[cell] = {newest_, none};
    set_newer(newest_, cell);
    newest_ = cell;
    return gone;
  }
  /// Takes out a ghost, should it be here.
  std::optional<Memory> take(uint64_t hash) {
    const uint32_t cell = cells_.find(hash);
    if (cell == none) return std::nullopt;
    drop(cell);
    return memories_[cell];
  }

  /// In order, each with what add(hash, memory) adds.
  template <class Add>
  void hash(StateHash& hash, Add add) const {
    hash.add(size());
    for (uint32_t cell = oldest_; cell != none; cell = links_[cell].newer) {
      hash.add(cells_.hash_at(cell));
      add(hash, memories_[cell]);
    }
  }

  template <class Self, class Archive>
  static void archive(Self& self, Archive& archive) {
    GhostCells::archive(self.cells_, archive);
    archive.items(self.links_.data(), self.links_.size());
    archive.items(self.memories_.data(), self.memories_.size());
    archive.value(self.oldest_);
    archive.value(self.newest_);
  }

 private:
  static constexpr uint32_t none = GhostCells::none;
  struct Link {
    uint32_t older;
    uint32_t newer;
  };

  void set_newer(uint32_t cell, uint32_t newer) {
    (cell == none ? oldest_ : links_[cell].newer) = newer;
  }
  void drop(uint32_t cell) {
    const Link link = links_[cell];
    set_newer(link.older, link.newer);
    (link.newer == none ? newest_ : links_[link.newer].older) = link.older;
    cells_.drop(cell);
  }

  GhostCells cells_;
  FlatArray<Link> links_;       // by cell
  FlatArray<Memory> memories_;  // by cell
  uint32_t oldest_ = none;      // cell
  uint32_t newest_ = none;      // cell
};

}  // namespace tiercast::policy
