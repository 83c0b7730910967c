#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "models/policy/flat_array.hpp"
#include "models/policy/key_hash.hpp"
#include "models/policy/state_archive.hpp"
#include "models/policy/tierpolicy.h"

namespace tiercast::policy {

/// Roughly how often keys were hit, up to 15: Dynamo KVBM's TinyLFU sketch (lib/kvbm-logical/src/
/// tinylfu.rs). A key has four 4-bit counters and its count is the least of them; a hit adds one to
/// each below 15. After so many hits that changed any, ten for each entry, all counters are halved.
/// A fourth as many words of 16 counters as entries, these a power of two as in Dynamo (manager/
/// builder.rs): two bytes an entry.
///
/// Dynamo's hash chooses a word by its low bits and the counter within by the lowest four of the
/// same, so of each word one counter is used: all are at 15, and so is every new key's count, after
/// a few hits for each entry, long before ten. `spread` chooses the counter by other bits.
class HitSketch {
 public:
  static constexpr uint32_t count_max = 15;
  static constexpr uint32_t entries_max = 1u << 31;

  HitSketch(uint64_t entries, bool spread)
      : words_(std::max<std::size_t>(1, std::bit_ceil(entries) / 4)),
        sample_(10 * std::bit_ceil(entries)),
        spread_(spread) {}

  void prefetch(tp_key key) const {
    for (const Place at : places(key)) words_.prefetch(at.word);
  }

  uint32_t count(tp_key key) const { return least(places(key)); }

  /// Counts the key once more and answers its count.
  uint32_t add(tp_key key) {
    const Places of_key = places(key);
    bool added = false;
    for (const Place at : of_key) {  // two may be the same
      uint64_t& word = words_[at.word];
      if ((word >> at.shift & count_max) == count_max) continue;
      word += uint64_t{1} << at.shift;
      digest_ += weight(at);
      added = true;
    }
    if (added && ++additions_ >= sample_) halve();
    return least(of_key);
  }

  void hash(StateHash& hash) const {
    hash.add(additions_);
    hash.add(digest_);
  }

  template <class Self, class Archive>
  static void archive(Self& self, Archive& archive) {
    archive.items(self.words_.data(), self.words_.size());
    archive.value(self.additions_);
    archive.value(self.digest_);
  }

 private:
  struct Place {
    std::size_t word;
    uint32_t shift;
  };
  using Places = std::array<Place, 4>;

  Places places(tp_key key) const {
    uint64_t hash = mix_bits(mix_bits(key.hi) ^ key.lo);
    const uint64_t step = mix_bits(hash) | 1;
    Places places;
    for (Place& place : places) {
      place.word = hash & (words_.size() - 1);
      place.shift = 4 * static_cast<uint32_t>(spread_ ? hash >> 60 : hash & 15);
      hash += step;
    }
    return places;
  }
  uint32_t least(const Places& places) const {
    uint64_t least = count_max;
    for (const Place at : places) least = std::min(least, words_[at.word] >> at.shift & count_max);
    return static_cast<uint32_t>(least);
  }
  // Of one count in a counter; the digest is their sum, whatever came first.
  static uint64_t weight(Place at) { return mix_bits(uint64_t{at.word} * 64 + at.shift + 1); }

  void halve() {
    uint64_t odd = 0;
    digest_ = 0;
    for (std::size_t index = 0; index < words_.size(); ++index) {
      uint64_t& word = words_[index];
      odd += static_cast<uint64_t>(std::popcount(word & 0x1111111111111111u));
      word = word >> 1 & 0x7777777777777777u;
      for (uint32_t shift = 0; shift < 64; shift += 4) {
        digest_ += (word >> shift & count_max) * weight({index, shift});
      }
    }
    additions_ /= 2;
    additions_ -= std::min(additions_, odd / 4);
  }

  FlatArray<uint64_t> words_;
  uint64_t sample_;
  bool spread_;
  uint64_t additions_ = 0;  // hits that changed a counter, halved with them
  uint64_t digest_ = 0;
};

}  // namespace tiercast::policy
