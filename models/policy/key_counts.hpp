#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "models/policy/flat_array.hpp"
#include "models/policy/key_hash.hpp"
#include "models/policy/state_archive.hpp"
#include "models/policy/tierpolicy.h"

namespace tiercast::policy {

/// How often keys were counted lately. Two generations of up to `window` different keys each: once
/// the younger is full the older is forgotten, so a key is remembered for at least `window` and
/// less than twice as many different ones after it. Counts are exact but for keys whose hashes
/// agree in 56 bits, and stop at 255. 11 to 21 bytes a key of the window for each generation.
///
/// A sketch of a size that ages slowly enough to see a key come back takes most new keys for old
/// ones: with a million columns and ten million keys between two halvings, nearly all.
class KeyCounts {
 public:
  explicit KeyCounts(uint32_t window)
      : window_(window), shift_(64 - table_bits(window)), young_(window), old_(window) {}

  /// Counts the key once more and answers its count.
  uint32_t add(tp_key key) {
    const uint64_t hash = hash_of(key);
    uint64_t* const found = young_.find(hash, shift_);
    const bool known = *found != 0;
    const uint64_t before = known ? *found : *old_.find(hash, shift_);
    const uint64_t count = std::min<uint64_t>((before & kCount) + 1, kCount);
    const uint64_t entry = (hash & ~kCount) | count;
    young_.digest += digest_of(entry) - (known ? digest_of(*found) : 0);
    *found = entry;
    if (!known && ++young_.size == window_) {
      std::swap(young_, old_);
      young_.clear();
    }
    return static_cast<uint32_t>(count);
  }

  /// Its count, 0 where it is not remembered.
  uint32_t count(tp_key key) const {
    const uint64_t hash = hash_of(key);
    const uint64_t young = *young_.find(hash, shift_);
    return static_cast<uint32_t>((young != 0 ? young : *old_.find(hash, shift_)) & kCount);
  }

  /// Fetches what add(key) will look at.
  void expect(tp_key key) const {
    const std::size_t at = hash_of(key) >> shift_;
    young_.entries.prefetch(at);
    old_.entries.prefetch(at);
  }

  void hash(StateHash& hash) const {
    for (const Generation* generation : {&young_, &old_}) {
      hash.add(generation->size);
      hash.add(generation->digest);
    }
  }

  template <class Self, class Archive>
  static void archive(Self& self, Archive& archive) {
    for (auto* generation : {&self.young_, &self.old_}) {
      archive.value(generation->size);
      archive.value(generation->digest);
      archive.items(generation->entries.data(), generation->entries.size());
    }
  }

 private:
  static constexpr uint64_t kCount = 255;  // the low bits of an entry; above them the key's hash

  // At most three quarters full.
  static uint32_t table_bits(uint32_t window) {
    return static_cast<uint32_t>(std::bit_width(uint64_t{window} + window / 3 + 1));
  }

  struct Generation {
    explicit Generation(uint32_t window) : entries(std::size_t{1} << table_bits(window)) {}

    // The key's entry, or the empty one where it belongs.
    uint64_t* find(uint64_t hash, uint32_t shift) {
      return const_cast<uint64_t*>(std::as_const(*this).find(hash, shift));
    }
    const uint64_t* find(uint64_t hash, uint32_t shift) const {
      const std::size_t mask = entries.size() - 1;
      std::size_t at = hash >> shift;
      while (entries[at] != 0 && (entries[at] ^ hash) > kCount) at = (at + 1) & mask;
      return &entries[at];
    }
    void clear() {
      std::fill_n(entries.data(), entries.size(), 0);
      size = 0;
      digest = 0;
    }

    FlatArray<uint64_t> entries;  // 0: empty
    uint32_t size = 0;
    uint64_t digest = 0;  // of the entries, in any order
  };

  // Not 0 above the count, so that no entry looks empty.
  static uint64_t hash_of(tp_key key) {
    const uint64_t hash = key_hash(key);
    return hash <= kCount ? kCount + 1 : hash;
  }
  static uint64_t digest_of(uint64_t entry) { return mix_bits(entry + 0x9E3779B97F4A7C15u); }

  uint32_t window_;
  uint32_t shift_;
  Generation young_;
  Generation old_;
};

}  // namespace tiercast::policy
