#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "models/policy/flat_array.hpp"
#include "models/policy/state_archive.hpp"
#include "models/policy/tierpolicy.h"

namespace tiercast::policy {

/// Roughly how often keys were counted lately: a count-min sketch of four rows of 4-bit counters
/// with conservative update, all halved after `sample` additions (TinyLFU). Estimates are never too
/// low but for halving, and stop at 15.
///
/// A row has at least four counters for each addition between two halvings: with as many as
/// additions, every second new key would look like one seen before. 8 to 16 bytes an addition of
/// the sample.
class UseSketch {
 public:
  static constexpr uint32_t kMost = 15;

  explicit UseSketch(uint32_t sample)
      : sample_(sample),
        bits_(static_cast<uint32_t>(std::bit_width(uint64_t{sample} * 4 - 1))),
        words_(std::size_t{kRows} << (bits_ > kWordBits ? bits_ - kWordBits : 0)) {}

  /// Counts the key once more and answers its estimate.
  uint32_t add(tp_key key) {
    const uint32_t before = count(key);
    if (before < kMost) {
      for (uint32_t row = 0; row < kRows; ++row) {
        const Place at = place(key, row);
        if ((words_[at.word] >> at.shift & kMost) == before)
          words_[at.word] += uint64_t{1} << at.shift;
      }
    }
    if (++additions_ == sample_) halve();
    return count(key);
  }

  uint32_t count(tp_key key) const {
    uint32_t least = kMost;
    for (uint32_t row = 0; row < kRows; ++row) {
      const Place at = place(key, row);
      least = std::min(least, static_cast<uint32_t>(words_[at.word] >> at.shift & kMost));
    }
    return least;
  }

  void hash(StateHash& hash) const {
    hash.add(additions_);
    hash.add(checksum(words_.data(), words_.size() * sizeof(uint64_t)));
  }

  template <class Self, class Archive>
  static void archive(Self& self, Archive& archive) {
    archive.value(self.additions_);
    archive.items(self.words_.data(), self.words_.size());
  }

 private:
  static constexpr uint32_t kRows = 4;
  static constexpr uint32_t kWordBits = 4;  // 16 counters a word

  struct Place {
    std::size_t word;
    uint32_t shift;
  };
  Place place(tp_key key, uint32_t row) const {
    constexpr uint64_t kSeeds[kRows] = {0x9E3779B97F4A7C15u, 0xC2B2AE3D27D4EB4Fu,
                                        0x165667B19E3779F9u, 0xD6E8FEB86659FD93u};
    uint64_t mixed = (key.lo ^ key.hi * kSeeds[3 - row]) * kSeeds[row];
    mixed = (mixed ^ mixed >> 32) * kSeeds[row];
    const std::size_t column = mixed >> (64 - bits_);
    const std::size_t row_words = words_.size() / kRows;
    return {row * row_words + (column >> kWordBits) % row_words,
            static_cast<uint32_t>(column & 15u) * 4};
  }

  void halve() {
    for (std::size_t i = 0; i < words_.size(); ++i) {
      words_[i] = words_[i] >> 1 & 0x7777'7777'7777'7777u;
    }
    additions_ = 0;
  }

  uint32_t sample_;
  uint32_t bits_;
  uint32_t additions_ = 0;
  FlatArray<uint64_t> words_;
};

}  // namespace tiercast::policy
