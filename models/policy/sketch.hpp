#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "models/policy/tierpolicy.h"

namespace tiercast::policy {

/// How often keys were seen, lately and approximately: a count-min sketch of 8-bit counters, all
/// halved once the counts add up to ten times their number (the aging of TinyLFU). Never answers
/// less than the truth since the last halving, halved.
///
/// Source: Einziger, Friedman, Manes: TinyLFU, ACM ToS 2017.
class FrequencySketch {
 public:
  FrequencySketch() : counters_(kRows * kColumns) {}

  /// Counts the key once more and answers its count.
  uint32_t add(tp_key key) {
    if (++added_ == kAgingPeriod) age();
    uint32_t least = kMost;
    const std::array<std::size_t, kRows> at = places(key);
    for (const std::size_t place : at) least = std::min<uint32_t>(least, counters_[place]);
    if (least == kMost) return kMost;
    for (const std::size_t place : at) {
      if (counters_[place] == least) ++counters_[place];
    }
    return least + 1;
  }

  template <class Hash>
  void hash(Hash& hash) const {
    hash.add(added_);
    for (const uint8_t counter : counters_) hash.add(counter);
  }

 private:
  static constexpr std::size_t kRows = 4;
  static constexpr std::size_t kColumns = std::size_t{1} << 20;
  static constexpr uint64_t kAgingPeriod = 10 * kColumns;
  static constexpr uint32_t kMost = 255;

  static std::array<std::size_t, kRows> places(tp_key key) {
    std::array<std::size_t, kRows> at{};
    uint64_t h = key.hi * 0x9E3779B97F4A7C15u ^ key.lo * 0xC2B2AE3D27D4EB4Fu;
    for (std::size_t row = 0; row < kRows; ++row) {
      h ^= h >> 31;
      h *= 0xD6E8FEB86659FD93u;
      h ^= h >> 32;
      at[row] = row * kColumns + (h & (kColumns - 1));
    }
    return at;
  }

  void age() {
    for (uint8_t& counter : counters_) counter = static_cast<uint8_t>(counter / 2);
    added_ /= 2;
  }

  std::vector<uint8_t> counters_;
  uint64_t added_ = 0;
};

}  // namespace tiercast::policy
