#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "models/policy/bit_index.hpp"
#include "models/policy/cache_entry.hpp"
#include "models/policy/flat_array.hpp"
#include "models/policy/key_hash.hpp"

namespace tiercast::policy {
namespace {

/// Hyperbolic caching (Blankstein, Sen, Freedman: Hyperbolic caching: flexible caching for web
/// applications, USENIX ATC 2017): a block is worth its uses over the time since it entered; the
/// victim is the least worthy of `sample` random ones. Time counts entries and touches of any
/// block; of equals the lowest slot leaves.
///
/// Of this library: draws come from the seed and a counter that moves at commit, 64-bit mixing in
/// place of a stateful generator. Candidates stand in a row, the last one filling the gap of one
/// that leaves it; a draw that meets a block already named in the same answer takes the next behind
/// it in the row. A block may be drawn twice in a sample.
class Hyperbolic {
 public:
  static constexpr std::string_view name = "hyperbolic";
  static constexpr uint32_t capabilities = 0;
  static constexpr VictimOrder victim_order = VictimOrder::downwards;
  static constexpr uint32_t capacity_blocks_max = 1u << 28;

  static std::span<const Parameter> parameters() {
    static constexpr Parameter list[] = {{"sample", "blocks", ParameterKind::integer, 64, 1,
                                          sample_most, "Of how many random ones the victim is."}};
    return list;
  }

  Hyperbolic(const tp_pool& pool, const ParameterValues& values, uint64_t seed)
      : sample_(values.integer("sample")),
        seed_(mix_bits(seed + 0x9E3779B97F4A7C15u)),
        blocks_(pool.slot_count),
        row_(pool.capacity_blocks),
        unnamed_(pool.capacity_blocks),
        named_(pool.capacity_blocks),
        accepted_(pool.capacity_blocks) {}

  void prefetch(uint32_t slot) const { blocks_.prefetch(slot); }
  void prefetch(uint32_t slot, const tp_block*) const { blocks_.prefetch(slot); }

  void insert(const Notice&, uint32_t slot, const tp_block*) { blocks_[slot] = {clock_++, 1, 0}; }

  void touch(const Notice&, uint32_t slot) {
    ++clock_;
    if (blocks_[slot].uses != UINT32_MAX) ++blocks_[slot].uses;
  }

  void remove(const Notice&, uint32_t /*reason*/, uint32_t slot) {
    leave_row(slot);
    blocks_[slot] = {};
  }

  void set_evictable(const Notice&, bool on, uint32_t slot) {
    if (!on) return leave_row(slot);
    unnamed_.set(size_);
    row_[size_++] = slot;
    blocks_[slot].place = size_;
  }

  void select(uint32_t need, auto& victims) const {
    name_victims(need, [&](uint32_t slot) { victims.take(slot); });
  }

  void commit(uint32_t need, auto& verdicts) {
    uint32_t accepted = 0;
    name_victims(need, [&](uint32_t slot) {
      if (verdicts.accepts(slot)) accepted_[accepted++] = slot;
    });
    for (uint32_t i = 0; i < accepted; ++i) leave_row(accepted_[i]);
    draws_ += need;
  }

  void hash(StateHash& hash) const {
    hash.add(draws_);
    for (uint32_t place = 0; place < size_; ++place) hash.add(row_[place]);
    for (uint32_t slot = 0; slot < blocks_.size(); ++slot) {
      const Block& block = blocks_[slot];
      if (block.uses == 0) continue;
      hash.add(uint64_t{slot} << 32 | block.uses);
      hash.add(clock_ - block.entered);
    }
  }

  static void archive(auto& self, auto& archive) {
    archive.items(self.blocks_.data(), self.blocks_.size());
    archive.items(self.row_.data(), self.row_.size());
    BitIndex::archive(self.unnamed_, archive);
    archive.value(self.size_);
    archive.value(self.clock_);
    archive.value(self.draws_);
  }

 private:
  static constexpr uint32_t sample_most = 256;
  struct Block {
    uint64_t entered;
    uint32_t uses;   // 0: absent
    uint32_t place;  // in the row, + 1; 0: not there
  };
  void leave_row(uint32_t slot) {
    const uint32_t place = blocks_[slot].place;
    if (place == 0) return;
    const uint32_t last = row_[--size_];
    row_[place - 1] = last;
    blocks_[last].place = place;
    blocks_[slot].place = 0;
    unnamed_.clear(size_);
  }

  /// Calls give(slot) for the victims of the next draws in order. Nothing has changed afterwards.
  template <class Give>
  void name_victims(uint32_t need, Give give) const {
    for (uint32_t i = 0; i < need; ++i) {
      const uint32_t place = draw_victim(draws_ + i);
      named_[i] = place;
      unnamed_.clear(place);
      give(row_[place]);
    }
    for (uint32_t i = 0; i < need; ++i) unnamed_.set(named_[i]);
  }

  uint32_t draw_victim(uint64_t draw) const {
    std::array<uint32_t, sample_most> places;
    for (uint32_t i = 0; i < sample_; ++i) {
      const uint64_t bits = mix_bits(seed_ + (draw * sample_most + i) * 0x9E3779B97F4A7C15u);
      const auto at = static_cast<uint32_t>((bits >> 32) * size_ >> 32);
      places[i] = unnamed_.find_at_or_after(at);
      if (places[i] == BitIndex::none) places[i] = unnamed_.find_at_or_after(0);
      row_.prefetch(places[i]);
    }
    for (uint32_t i = 0; i < sample_; ++i) blocks_.prefetch(row_[places[i]]);
    uint32_t least = BitIndex::none;
    for (uint32_t i = 0; i < sample_; ++i) {
      if (least == BitIndex::none || worth_less(row_[places[i]], row_[least])) least = places[i];
    }
    return least;
  }
  double worth(uint32_t slot) const {
    const Block& block = blocks_[slot];
    return static_cast<double>(block.uses) / static_cast<double>(clock_ - block.entered);
  }
  bool worth_less(uint32_t slot, uint32_t other) const {
    const double first = worth(slot);
    const double second = worth(other);
    return first != second ? first < second : slot < other;
  }

  uint32_t sample_;
  uint64_t seed_;
  uint64_t clock_ = 0;                 // entries and touches so far
  uint64_t draws_ = 0;                 // victims named and committed so far
  uint32_t size_ = 0;                  // of the row
  FlatArray<Block> blocks_;            // by slot
  FlatArray<uint32_t> row_;            // candidates
  mutable BitIndex unnamed_;           // places of the row, but for those an answer has named
  mutable FlatArray<uint32_t> named_;  // places; scratch of an answer
  FlatArray<uint32_t> accepted_;       // slots; scratch of a commit
};

}  // namespace

CacheEntry hyperbolic_entry() {
  return cache_entry<Hyperbolic>(
      "Hyperbolic caching: of some random blocks the one used least for the time it has been in "
      "the "
      "pool leaves. Keeps what is used at a steady rate; newcomers start high and fall.",
      "Blankstein, Sen, Freedman: Hyperbolic caching: flexible caching for web applications, "
      "USENIX "
      "ATC 2017");
}

}  // namespace tiercast::policy
