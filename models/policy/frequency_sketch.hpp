#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "models/policy/flat_array.hpp"
#include "models/policy/state_archive.hpp"

namespace tiercast::policy {

/// Roughly how often keys were counted lately: a count-min sketch of four rows of 4-bit counters,
/// of which an addition raises the lowest alone, all halved after `sample` additions (TinyLFU:
/// Einziger, Friedman, Manes, ACM Transactions on Storage 2017). Estimates are never too low but
/// for halving, and stop at 15. The counters of a key share a cache line. 8 bytes, 16 counters, for
/// each of `capacity`.
class FrequencySketch {
 public:
  static constexpr uint32_t most = 15;

  FrequencySketch(uint32_t capacity, uint64_t sample)
      : sample_(sample),
        lines_(capacity / line_words + 1),
        words_(std::size_t{lines_} * line_words) {}

  /// Keys go by their hashes, 64 well mixed bits.
  void add(uint64_t hash) {
    const uint32_t before = estimate(hash);
    for (uint32_t row = 0; row < rows && before != most; ++row) {
      const Place at = place(hash, row);
      if (count(at) == before) words_[at.word] += uint64_t{1} << at.shift;
    }
    if (++additions_ >= sample_) halve();
  }
  uint32_t estimate(uint64_t hash) const {
    uint32_t least = most;
    for (uint32_t row = 0; row < rows; ++row) least = std::min(least, count(place(hash, row)));
    return least;
  }
  void prefetch(uint64_t hash) const { words_.prefetch(place(hash, 0).word); }

  void hash(StateHash& hash) const {
    hash.add(additions_);
    hash.add(checksum(words_.data(), words_.size() * sizeof(uint64_t)));
  }

  template <class Self, class Archive>
  static void archive(Self& self, Archive& archive) {
    archive.items(self.words_.data(), self.words_.size());
    archive.value(self.additions_);
  }

 private:
  static constexpr uint32_t rows = 4;
  static constexpr uint32_t line_words = 8;  // of a line; two words, 32 counters, a row

  struct Place {
    std::size_t word;
    uint32_t shift;
  };
  Place place(uint64_t hash, uint32_t row) const {
    const uint64_t line = (hash >> 32) * lines_ >> 32;
    const auto column = static_cast<uint32_t>(hash >> (5 * row)) & 31u;
    return {line * line_words + row * 2 + column / 16, column % 16 * 4};
  }
  uint32_t count(Place at) const { return words_[at.word] >> at.shift & most; }

  void halve() {
    for (std::size_t i = 0; i < words_.size(); ++i) {
      words_[i] = words_[i] >> 1 & 0x7777'7777'7777'7777u;
    }
    additions_ = 0;
  }

  uint64_t sample_;
  uint64_t additions_ = 0;  // since all were halved
  uint32_t lines_;
  FlatArray<uint64_t> words_;
};

}  // namespace tiercast::policy
