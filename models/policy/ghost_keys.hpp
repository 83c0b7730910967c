#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "models/policy/bit_index.hpp"
#include "models/policy/flat_array.hpp"
#include "models/policy/state_archive.hpp"

namespace tiercast::policy {

/// The keys of the blocks that left last, oldest out first, a key out of order where it comes back.
/// Keys go by their hashes (key_hash). About 14.4 bytes a key: a ring of hashes, with room for
/// holes, and a table of places in the ring.
///
/// The table has buckets of one cache line: 15 entries (place + 1 and, in the bits above, a tag of
/// the hash; 0 is empty) and a count of keys that found the bucket full and went on to the next.
/// That count makes removal a plain erase: no tombstones, nothing moves.
class GhostKeys {
 public:
  static constexpr std::size_t most_at_once = 64;  // keys taken in one call

  explicit GhostKeys(uint32_t capacity)
      : capacity_(capacity),
        place_bits_(static_cast<uint32_t>(std::bit_width(ring_size(capacity)))),
        bucket_count_(capacity / entries_filled + 1),
        hashes_(ring_size(capacity)),
        live_(ring_size(capacity)),
        buckets_(bucket_count_) {}

  uint32_t capacity() const { return capacity_; }
  uint32_t size() const { return size_; }

  /// Adds a key as the newest; the oldest goes where there are too many.
  void push(uint64_t hash) {
    if (capacity_ == 0) return;
    if (size_ == capacity_) pop_oldest();
    if (used_ == hashes_.size()) close_holes();
    const uint32_t place = place_of(used_++);
    hashes_[place] = hash;
    live_.set(place);
    ++size_;
    add_entry(hash, place);
  }

  void drop_oldest() {
    if (size_ != 0) pop_oldest();
  }

  /// To be called some keys ahead of asking for this one.
  void prefetch(uint64_t hash) const { buckets_.prefetch(home(hash)); }
  /// Takes out a key, should it be here; answers whether it was.
  bool take(uint64_t hash) {
    if (size_ == 0) return false;
    const Found found = find(hash, [&](uint32_t place) { return hashes_[place] == hash; });
    if (found.bucket == none) return false;
    live_.clear(place_in(found));
    --size_;
    erase_entry(hash, found);
    return true;
  }
  /// Takes out those of up to most_at_once keys that are here, one after the other; answers which,
  /// a bit each.
  uint64_t take(std::span<const uint64_t> hashes) {
    for (const uint64_t hash : hashes) prefetch(hash);
    uint64_t taken = 0;
    for (std::size_t i = 0; i < hashes.size(); ++i) taken |= uint64_t{take(hashes[i])} << i;
    return taken;
  }

  void hash(StateHash& hash) const {
    hash.add(size_);
    for (uint32_t i = 0; i < used_; ++i) {
      if (!live_.test(place_of(i))) continue;
      hash.add(hashes_[place_of(i)]);
    }
  }

  template <class Self, class Archive>
  static void archive(Self& self, Archive& archive) {
    archive.items(self.hashes_.data(), self.hashes_.size());
    BitIndex::archive(self.live_, archive);
    archive.items(self.buckets_.data(), self.buckets_.size());
    archive.value(self.oldest_);
    archive.value(self.used_);
    archive.value(self.size_);
  }

 private:
  static constexpr uint32_t none = UINT32_MAX;
  static constexpr uint32_t bucket_words = 16;
  static constexpr uint32_t bucket_entries = bucket_words - 1;
  // On average, of a full table: one bucket in ten sends searches on; with 12, one in six would.
  static constexpr uint32_t entries_filled = 11;
  struct alignas(64) Bucket {
    uint32_t words[bucket_words];  // the entries, then the count

    uint32_t& went_on() { return words[bucket_entries]; }
    uint32_t went_on() const { return words[bucket_entries]; }

    /// The entries that equal `wanted` in the bits of `mask`, one bit each. Over all the words,
    /// without a branch or a shift: compilers compare four at once.
    uint32_t matches(uint32_t mask, uint32_t wanted) const {
      static constexpr uint32_t bits[bucket_words] = {
          1u << 0, 1u << 1, 1u << 2,  1u << 3,  1u << 4,  1u << 5,  1u << 6,  1u << 7,
          1u << 8, 1u << 9, 1u << 10, 1u << 11, 1u << 12, 1u << 13, 1u << 14, 0};
      uint32_t found = 0;
      for (uint32_t i = 0; i < bucket_words; ++i) {
        found |= (words[i] & mask) == wanted ? bits[i] : 0;
      }
      return found;
    }
  };
  struct Found {
    uint32_t bucket;
    uint32_t entry;
  };

  static uint32_t ring_size(uint32_t capacity) { return capacity + capacity / 20 + 16; }

  uint32_t home(uint64_t hash) const {
    return static_cast<uint32_t>((hash >> 32) * bucket_count_ >> 32);
  }
  uint32_t next(uint32_t bucket) const { return bucket + 1 == bucket_count_ ? 0 : bucket + 1; }
  uint32_t entry_of(uint64_t hash, uint32_t place) const {
    return static_cast<uint32_t>(hash) << place_bits_ | (place + 1);
  }
  uint32_t place_in(Found found) const {
    return (buckets_[found.bucket].words[found.entry] & ((1u << place_bits_) - 1)) - 1;
  }
  /// Of the index-th place in use from the oldest on.
  uint32_t place_of(uint32_t index) const {
    const std::size_t place = std::size_t{oldest_} + index;
    return static_cast<uint32_t>(place < hashes_.size() ? place : place - hashes_.size());
  }

  template <class IsIt>
  Found find(uint64_t hash, IsIt is_it) const {
    const uint32_t tag = static_cast<uint32_t>(hash) << place_bits_;
    const uint32_t place_mask = (1u << place_bits_) - 1;
    uint32_t bucket = home(hash);
    for (uint32_t probes = 0; probes < bucket_count_; ++probes, bucket = next(bucket)) {
      const Bucket& here = buckets_[bucket];
      uint32_t tagged = here.matches(~place_mask, tag);
      for (; tagged != 0; tagged &= tagged - 1) {
        const auto i = static_cast<uint32_t>(std::countr_zero(tagged));
        const uint32_t entry = here.words[i];
        if (entry != 0 && is_it((entry & place_mask) - 1)) return {bucket, i};
      }
      if (here.went_on() == 0) break;
    }
    return {none, 0};
  }

  void add_entry(uint64_t hash, uint32_t place) {
    for (uint32_t bucket = home(hash);; bucket = next(bucket)) {
      const uint32_t empty = buckets_[bucket].matches(~0u, 0);
      if (empty != 0) {
        buckets_[bucket].words[std::countr_zero(empty)] = entry_of(hash, place);
        return;
      }
      ++buckets_[bucket].went_on();
    }
  }

  void erase_entry(uint64_t hash, Found found) {
    buckets_[found.bucket].words[found.entry] = 0;
    for (uint32_t bucket = home(hash); bucket != found.bucket; bucket = next(bucket)) {
      --buckets_[bucket].went_on();
    }
  }

  Found find_place(uint64_t hash, uint32_t wanted) const {
    return find(hash, [&](uint32_t place) { return place == wanted; });
  }

  void pop_oldest() {
    constexpr uint32_t ahead = 12;  // in places: those to go next
    if (ahead < used_) prefetch(hashes_[place_of(ahead)]);
    while (!live_.test(oldest_)) drop_place();
    const uint64_t hash = hashes_[oldest_];
    erase_entry(hash, find_place(hash, oldest_));
    live_.clear(oldest_);
    --size_;
    drop_place();
  }
  void drop_place() {
    oldest_ = place_of(1);
    --used_;
  }

  /// Happens once in at least capacity / 20 returns of a key.
  void close_holes() {
    constexpr uint32_t ahead = 8;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < used_; ++i) {
      if (i + ahead < used_) prefetch(hashes_[place_of(i + ahead)]);
      const uint32_t from = place_of(i);
      if (!live_.test(from)) continue;
      const uint32_t to = place_of(kept++);
      if (from == to) continue;
      const uint64_t hash = hashes_[from];
      const Found found = find_place(hash, from);
      buckets_[found.bucket].words[found.entry] = entry_of(hash, to);
      hashes_[to] = hash;
      live_.move(from, to);
    }
    used_ = kept;
  }

  uint32_t capacity_;
  uint32_t place_bits_;
  uint32_t bucket_count_;
  FlatArray<uint64_t> hashes_;
  BitIndex live_;  // places whose key is still a ghost
  FlatArray<Bucket> buckets_;
  uint32_t oldest_ = 0;  // place
  uint32_t used_ = 0;    // places in use, holes included
  uint32_t size_ = 0;
};

}  // namespace tiercast::policy
