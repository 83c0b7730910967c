#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "models/policy/flat_array.hpp"

namespace tiercast::policy {

/// A set of integers in [0, size), each on a level, that finds the smallest member of the lowest
/// level in O(log64 size): a byte a member, the best of 64 bytes, and so on up to a single byte.
class LevelIndex {
 public:
  static constexpr uint32_t none = UINT32_MAX;
  static constexpr uint32_t level_max = 254;

  explicit LevelIndex(uint32_t size) : ranks_(layout(size)) {}

  void prefetch(uint32_t member) const { ranks_.prefetch(member); }

  bool test(uint32_t member) const { return ranks_[member] != 0; }

  /// A non-member joins.
  void set(uint32_t member, uint32_t level) {
    const auto rank = static_cast<uint8_t>(level_max + 1 - level);
    ranks_[member] = rank;
    for (uint32_t row = 1; row < rows_; ++row) {
      member /= line;
      uint8_t& best = ranks_[offsets_[row] + member];
      if (best >= rank) return;
      best = rank;
    }
  }

  void clear(uint32_t member) {
    const uint8_t rank = ranks_[member];
    ranks_[member] = 0;
    uint8_t now = 0;  // what the byte that changed has become
    for (uint32_t row = 1; row < rows_; ++row) {
      member /= line;
      uint8_t& best = ranks_[offsets_[row] + member];
      if (best != rank) return;
      const uint8_t* below = &ranks_[offsets_[row - 1] + std::size_t{member} * line];
      if (std::memchr(below, rank, line) != nullptr) return;
      now = 0;
      for (uint32_t i = 0; i < line; ++i) now = std::max(now, below[i]);
      best = now;
    }
  }

  /// Should `from` be a member, `to` becomes one in its stead.
  void move(uint32_t from, uint32_t to) {
    if (from == to || !test(from)) return;
    const uint32_t level = level_max + 1 - ranks_[from];
    clear(from);
    set(to, level);
  }

  /// The smallest member of the lowest level that has any, or none.
  uint32_t first() const {
    const uint8_t rank = ranks_[offsets_[rows_ - 1]];
    if (rank == 0) return none;
    std::size_t member = 0;
    for (uint32_t row = rows_ - 1; row-- > 0;) {
      const uint8_t* below = &ranks_[offsets_[row] + member * line];
      const auto* found = static_cast<const uint8_t*>(std::memchr(below, rank, line));
      member = member * line + static_cast<std::size_t>(found - below);
    }
    return static_cast<uint32_t>(member);
  }

  template <class Self, class Archive>
  static void archive(Self& self, Archive& archive) {
    archive.items(self.ranks_.data(), self.ranks_.size());
  }

 private:
  static constexpr uint32_t line = 64;

  std::size_t layout(std::size_t size) {
    std::size_t bytes = 0;
    for (;;) {
      offsets_[rows_++] = bytes;
      if (size == 1) return bytes + 1;
      size = (size + line - 1) / line;
      bytes += size * line;
    }
  }

  uint32_t rows_ = 0;
  std::array<std::size_t, 8> offsets_{};  // of each row's first byte; the last row has one
  FlatArray<uint8_t> ranks_;              // level_max + 1 - level, 0 where there is no member
};

}  // namespace tiercast::policy
