#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "models/policy/bit_index.hpp"
#include "models/policy/flat_array.hpp"
#include "models/policy/state_archive.hpp"

namespace tiercast::policy {

/// Lists of the keys of blocks that left, each from oldest to newest; a key leaves its list out of
/// order where it comes back. Keys go by their hashes (key_hash) and are in one list at most. 8.4
/// bytes for each key that a list may hold, and 6.4 for each that all may hold together.
///
/// A list is a ring of hashes with room for holes. One table finds a hash in whichever list it is,
/// in buckets of one cache line: twelve places in the rings, a byte of each one's hash, 0 where
/// there is none, and a count of keys that found the bucket full and went on to the next. Where one
/// leaves such a bucket, one that went on comes back: without that, chains would grow for ever.
template <uint32_t count>
class GhostLists {
 public:
  static constexpr uint32_t none = UINT32_MAX;
  static constexpr std::size_t most_at_once = 64;  // keys taken in one call

  /// capacities: of each list, whose oldest key goes where there are too many. total: what all hold
  /// together at most, for which the caller sees.
  GhostLists(const std::array<uint32_t, count>& capacities, uint64_t total)
      : rings_(make_rings(capacities)),
        hashes_(rings_[count - 1].end()),
        live_(rings_[count - 1].end()),
        bucket_count_(static_cast<uint32_t>(total / entries_filled + 1)),
        buckets_(bucket_count_) {}
  explicit GhostLists(const std::array<uint32_t, count>& capacities)
      : GhostLists(capacities, sum(capacities)) {}

  uint32_t size(uint32_t list = 0) const { return rings_[list].size; }
  bool empty() const {
    return std::all_of(rings_.begin(), rings_.end(),
                       [](const Ring& ring) { return ring.size == 0; });
  }

  /// Adds a key as the newest of a list; the list's oldest goes where there are too many.
  void push(uint32_t list, uint64_t hash) {
    Ring& ring = rings_[list];
    if (ring.capacity == 0) return;
    if (ring.size == ring.capacity) pop_oldest(ring);
    if (ring.used == ring.places) close_holes(ring);
    const uint32_t place = ring.place_of(ring.used++);
    hashes_[place] = hash;
    live_.set(place);
    ++ring.size;
    add_entry(hash, place);
  }

  void drop_oldest(uint32_t list) {
    if (rings_[list].size != 0) pop_oldest(rings_[list]);
  }

  /// To be called some keys ahead of asking for this one.
  void prefetch(uint64_t hash) const {
    if (!empty()) buckets_.prefetch(home(hash));
  }
  /// Takes out a key, should it be here; answers the list it was in, or none.
  uint32_t take(uint64_t hash) {
    if (empty()) return none;
    const Found found = find(hash, [&](uint32_t place) { return hashes_[place] == hash; });
    if (found.bucket == none) return none;
    const uint32_t place = buckets_[found.bucket].places[found.entry];
    live_.clear(place);
    erase_entry(hash, found);
    uint32_t list = 0;
    while (place >= rings_[list].end()) ++list;
    --rings_[list].size;
    return list;
  }
  /// Takes out those of up to most_at_once keys that are here, one after the other; answers which,
  /// a bit each.
  uint64_t take(std::span<const uint64_t> hashes) {
    if (empty()) return 0;
    for (const uint64_t hash : hashes) prefetch(hash);
    uint64_t taken = 0;
    for (std::size_t i = 0; i < hashes.size(); ++i) {
      taken |= uint64_t{take(hashes[i]) != none} << i;
    }
    return taken;
  }

  /// How many buckets a search for a key that is not here reads.
  uint32_t search_length(uint64_t hash) const {
    uint32_t length = 1;
    for (uint32_t at = home(hash); buckets_[at].went_on != 0 && length < bucket_count_;
         at = next(at)) {
      ++length;
    }
    return length;
  }

  void hash(StateHash& hash) const {
    for (const Ring& ring : rings_) {
      hash.add(ring.size);
      for (uint32_t i = 0; i < ring.used; ++i) {
        const uint32_t place = ring.place_of(i);
        if (live_.test(place)) hash.add(hashes_[place]);
      }
    }
  }

  template <class Self, class Archive>
  static void archive(Self& self, Archive& archive) {
    archive.items(self.hashes_.data(), self.hashes_.size());
    BitIndex::archive(self.live_, archive);
    archive.items(self.buckets_.data(), self.buckets_.size());
    for (auto& ring : self.rings_) {
      archive.value(ring.oldest);
      archive.value(ring.used);
      archive.value(ring.size);
    }
  }

 private:
  /// One list's part of the row of hashes, of which `used` from `oldest` on are in use, round and
  /// round, holes included.
  struct Ring {
    uint32_t capacity = 0;  // keys
    uint32_t begin = 0;
    uint32_t places = 0;
    uint32_t oldest = 0;  // counted from begin on
    uint32_t used = 0;
    uint32_t size = 0;  // without holes

    uint32_t end() const { return begin + places; }
    uint32_t place_of(uint32_t index) const {
      const uint32_t at = oldest + index;
      return begin + (at < places ? at : at - places);
    }
  };

  // On average, of a full table.
  static constexpr uint32_t entries_filled = 10;
  static constexpr uint32_t bucket_entries = 12;
  struct alignas(64) Bucket {
    uint64_t tags_low;   // of the first eight entries
    uint32_t tags_high;  // of the last four
    uint32_t went_on;
    uint32_t places[bucket_entries];

    bool used(uint32_t entry) const {
      return entry < 8 ? (tags_low >> 8 * entry & 0xFF) != 0
                       : (tags_high >> 8 * (entry - 8) & 0xFF) != 0;
    }
    void set_tag(uint32_t entry, uint64_t tag) {
      if (entry < 8) {
        tags_low = (tags_low & ~(uint64_t{0xFF} << 8 * entry)) | tag << 8 * entry;
      } else {
        const uint32_t shift = 8 * (entry - 8);
        tags_high = (tags_high & ~(0xFFu << shift)) | static_cast<uint32_t>(tag) << shift;
      }
    }
    /// Calls is_it(entry) for entries with a tag until it answers true; answers that one, or none.
    template <class IsIt>
    uint32_t find(uint64_t tag, IsIt is_it) const {
      const uint64_t pattern = tag * 0x0101'0101'0101'0101u;
      for (uint64_t found = zero_bytes(tags_low ^ pattern); found != 0; found &= found - 1) {
        const auto entry = static_cast<uint32_t>(std::countr_zero(found)) / 8;
        if (is_it(entry)) return entry;
      }
      const uint64_t high = (tags_high ^ pattern) | 0xFFFF'FFFF'0000'0000u;
      for (uint64_t found = zero_bytes(high); found != 0; found &= found - 1) {
        const auto entry = 8 + static_cast<uint32_t>(std::countr_zero(found)) / 8;
        if (is_it(entry)) return entry;
      }
      return none;
    }
    /// The highest bit of each byte that is 0, and no other.
    static uint64_t zero_bytes(uint64_t word) {
      constexpr uint64_t low_bits = 0x7F7F'7F7F'7F7F'7F7Fu;
      return ~(((word & low_bits) + low_bits) | word | low_bits);
    }
  };
  struct Found {
    uint32_t bucket;
    uint32_t entry;
  };

  static uint64_t sum(const std::array<uint32_t, count>& capacities) {
    uint64_t sum = 0;
    for (const uint32_t capacity : capacities) sum += capacity;
    return sum;
  }
  static std::array<Ring, count> make_rings(const std::array<uint32_t, count>& capacities) {
    std::array<Ring, count> rings;
    uint32_t begin = 0;
    for (uint32_t list = 0; list < count; ++list) {
      const uint32_t capacity = capacities[list];
      rings[list].capacity = capacity;
      rings[list].begin = begin;
      rings[list].places = capacity + capacity / 32 + 16;
      begin = rings[list].end();
    }
    return rings;
  }

  static uint64_t tag_of(uint64_t hash) { return std::max<uint64_t>(1, hash & 0xFF); }
  uint32_t home(uint64_t hash) const {
    return static_cast<uint32_t>((hash >> 32) * bucket_count_ >> 32);
  }
  uint32_t next(uint32_t bucket) const { return bucket + 1 == bucket_count_ ? 0 : bucket + 1; }

  template <class IsIt>
  Found find(uint64_t hash, IsIt is_it) const {
    const uint64_t tag = tag_of(hash);
    uint32_t bucket = home(hash);
    for (uint32_t probes = 0; probes < bucket_count_; ++probes, bucket = next(bucket)) {
      const Bucket& here = buckets_[bucket];
      const uint32_t entry = here.find(tag, [&](uint32_t at) { return is_it(here.places[at]); });
      if (entry != none) return {bucket, entry};
      if (here.went_on == 0) break;
    }
    return {none, 0};
  }
  Found find_place(uint64_t hash, uint32_t wanted) const {
    return find(hash, [&](uint32_t place) { return place == wanted; });
  }

  void add_entry(uint64_t hash, uint32_t place) {
    for (uint32_t bucket = home(hash);; bucket = next(bucket)) {
      Bucket& here = buckets_[bucket];
      const uint32_t entry = here.find(0, [](uint32_t) { return true; });
      if (entry != none) {
        here.places[entry] = place;
        return here.set_tag(entry, tag_of(hash));
      }
      ++here.went_on;
    }
  }

  void erase_entry(uint64_t hash, Found found) {
    buckets_[found.bucket].set_tag(found.entry, 0);
    no_longer_past(home(hash), found.bucket);
    while (buckets_[found.bucket].went_on != 0) {
      const Found returning = find_past(found.bucket);
      Bucket& from = buckets_[returning.bucket];
      const uint32_t place = from.places[returning.entry];
      from.set_tag(returning.entry, 0);
      buckets_[found.bucket].places[found.entry] = place;
      buckets_[found.bucket].set_tag(found.entry, tag_of(hashes_[place]));
      no_longer_past(found.bucket, returning.bucket);
      found = returning;
    }
  }
  /// A key that went on from one bucket to another is there no more.
  void no_longer_past(uint32_t from, uint32_t to) {
    for (uint32_t bucket = from; bucket != to; bucket = next(bucket)) --buckets_[bucket].went_on;
  }
  /// The nearest key that went on from a bucket; one must have.
  Found find_past(uint32_t full) const {
    for (uint32_t bucket = next(full);; bucket = next(bucket)) {
      for (uint32_t entry = 0; entry < bucket_entries; ++entry) {
        const Bucket& here = buckets_[bucket];
        if (!here.used(entry)) continue;
        const uint32_t from = home(hashes_[here.places[entry]]);
        if (steps(from, bucket) >= steps(full, bucket)) return {bucket, entry};
      }
    }
  }
  uint32_t steps(uint32_t from, uint32_t to) const {
    return to >= from ? to - from : to + bucket_count_ - from;
  }

  void pop_oldest(Ring& ring) {
    constexpr uint32_t ahead = 12;  // in places: those to go next
    if (ahead < ring.used) prefetch(hashes_[ring.place_of(ahead)]);
    while (!live_.test(ring.place_of(0))) drop_place(ring);
    const uint32_t place = ring.place_of(0);
    const uint64_t hash = hashes_[place];
    erase_entry(hash, find_place(hash, place));
    live_.clear(place);
    --ring.size;
    drop_place(ring);
  }
  static void drop_place(Ring& ring) {
    ring.oldest = ring.place_of(1) - ring.begin;
    --ring.used;
  }

  /// Happens once in at least capacity / 32 returns of a key.
  void close_holes(Ring& ring) {
    constexpr uint32_t ahead = 8;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < ring.used; ++i) {
      if (i + ahead < ring.used) prefetch(hashes_[ring.place_of(i + ahead)]);
      const uint32_t from = ring.place_of(i);
      if (!live_.test(from)) continue;
      const uint32_t to = ring.place_of(kept++);
      if (from == to) continue;
      const uint64_t hash = hashes_[from];
      const Found found = find_place(hash, from);
      buckets_[found.bucket].places[found.entry] = to;
      hashes_[to] = hash;
      live_.move(from, to);
    }
    ring.used = kept;
  }

  std::array<Ring, count> rings_;
  FlatArray<uint64_t> hashes_;
  BitIndex live_;  // places whose key is still a ghost
  uint32_t bucket_count_;
  FlatArray<Bucket> buckets_;
};

}  // namespace tiercast::policy
