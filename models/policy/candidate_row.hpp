#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "models/policy/bit_index.hpp"
#include "models/policy/flat_array.hpp"
#include "models/policy/key_hash.hpp"
#include "models/policy/state_archive.hpp"
#include "models/policy/tierpolicy.h"

namespace tiercast::policy {

/// The blocks that may leave, for policies whose victim is the least of a random sample. Draws come
/// from the seed and a counter that moves at commit, 64-bit mixing in place of a stateful
/// generator. Candidates stand in a row, the last one filling the gap of one that leaves it; a draw
/// that meets a block already named in the same answer takes the next behind it in the row. A block
/// may be drawn twice in a sample. 8.2 bytes a slot, and 8 more of scratch that only long answers
/// write.
class CandidateRow {
 public:
  static constexpr uint32_t sample_most = 256;

  /// sample: how many are drawn for each victim, up to sample_most.
  CandidateRow(const tp_pool& pool, uint32_t sample, uint64_t seed)
      : sample_(sample),
        seed_(mix_bits(seed + 0x9E3779B97F4A7C15u)),
        row_(pool.capacity_blocks),
        places_(pool.slot_count),
        unnamed_(pool.capacity_blocks),
        named_(pool.capacity_blocks),
        accepted_(pool.capacity_blocks) {}

  void prefetch(uint32_t slot) const { places_.prefetch(slot); }

  void enter(uint32_t slot) {
    unnamed_.set(size_);
    row_[size_++] = slot;
    places_[slot] = size_;
  }
  /// Should it be here.
  void leave(uint32_t slot) {
    const uint32_t place = places_[slot];
    if (place == 0) return;
    const uint32_t last = row_[--size_];
    row_[place - 1] = last;
    places_[last] = place;
    places_[slot] = 0;
    unnamed_.clear(size_);
  }

  /// Calls give(slot) for the victims of the next draws in order: each the first, by less(slot,
  /// other), of its sample. ahead(slot) fetches what less() needs. Nothing has changed afterwards.
  template <class Ahead, class Less, class Give>
  void name_victims(uint32_t need, Ahead ahead, Less less, Give give) const {
    for (uint32_t i = 0; i < need; ++i) {
      const uint32_t place = draw_victim(draws_ + i, ahead, less);
      named_[i] = place;
      unnamed_.clear(place);
      give(row_[place]);
    }
    for (uint32_t i = 0; i < need; ++i) unnamed_.set(named_[i]);
  }
  /// The same, and those that accepts(slot) takes leave; the draws are over.
  template <class Ahead, class Less, class Accepts>
  void take_victims(uint32_t need, Ahead ahead, Less less, Accepts accepts) {
    uint32_t accepted = 0;
    name_victims(need, ahead, less, [&](uint32_t slot) {
      if (accepts(slot)) accepted_[accepted++] = slot;
    });
    for (uint32_t i = 0; i < accepted; ++i) leave(accepted_[i]);
    draws_ += need;
  }

  /// Well mixed, the same for the same number; those of draws count from 0 up.
  uint64_t random_bits(uint64_t number) const {
    return mix_bits(seed_ + number * 0x9E3779B97F4A7C15u);
  }

  void hash(StateHash& hash) const {
    hash.add(draws_);
    for (uint32_t place = 0; place < size_; ++place) hash.add(row_[place]);
  }

  template <class Self, class Archive>
  static void archive(Self& self, Archive& archive) {
    archive.items(self.row_.data(), self.row_.size());
    archive.items(self.places_.data(), self.places_.size());
    BitIndex::archive(self.unnamed_, archive);
    archive.value(self.size_);
    archive.value(self.draws_);
  }

 private:
  template <class Ahead, class Less>
  uint32_t draw_victim(uint64_t draw, Ahead ahead, Less less) const {
    std::array<uint32_t, sample_most> places;
    for (uint32_t i = 0; i < sample_; ++i) {
      const uint64_t bits = random_bits(draw * sample_most + i);
      const auto at = static_cast<uint32_t>((bits >> 32) * size_ >> 32);
      places[i] = unnamed_.find_at_or_after(at);
      if (places[i] == BitIndex::none) places[i] = unnamed_.find_at_or_after(0);
      row_.prefetch(places[i]);
    }
    for (uint32_t i = 0; i < sample_; ++i) ahead(row_[places[i]]);
    uint32_t least = BitIndex::none;
    for (uint32_t i = 0; i < sample_; ++i) {
      if (least == BitIndex::none || less(row_[places[i]], row_[least])) least = places[i];
    }
    return least;
  }

  uint32_t sample_;
  uint64_t seed_;
  uint64_t draws_ = 0;                 // victims named and committed so far
  uint32_t size_ = 0;                  // of the row
  FlatArray<uint32_t> row_;            // slots
  FlatArray<uint32_t> places_;         // by slot: in the row, + 1; 0: not there
  mutable BitIndex unnamed_;           // places of the row, but for those an answer has named
  mutable FlatArray<uint32_t> named_;  // places; scratch of an answer
  FlatArray<uint32_t> accepted_;       // slots; scratch of a commit
};

}  // namespace tiercast::policy
