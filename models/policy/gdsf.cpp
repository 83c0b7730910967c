#include <algorithm>
#include <bit>
#include <cstdint>
#include <span>
#include <string_view>

#include "models/policy/cache_entry.hpp"
#include "models/policy/flat_array.hpp"
#include "models/policy/ranked_slots.hpp"

namespace tiercast::policy {
namespace {

/// Greedy-dual size frequency (Cherkasova 1998), for prefixes: the block of least worth leaves
/// first, worth = L + uses * cost / size, set as it enters and at each use; L is the most that a
/// block that left was worth, so that what is not used ages. Cost is the time to compute the block
/// again, its parent being there (recompute_ns), size its bytes; unknown counts as 1. Of equals the
/// one touched or put down longest ago leaves first, and of one batch the tail.
///
/// Of RAGCache's prefix-aware form (PGDSF, Jin et al. 2024) this has: costs are a block's own,
/// given its prefix; and a block is worth at least what those behind it in its prefix are, being
/// needed by them, so that parents do not leave before their children although these cost more. It
/// does not average costs over requests, and counts end with the block. Where the host tells no
/// parents, blocks stand for themselves.
class Gdsf {
 public:
  static constexpr std::string_view name = "gdsf";
  static constexpr uint32_t capabilities = TP_CAP_READS_BLOCKS;
  static constexpr VictimOrder victim_order = VictimOrder::downwards;
  static constexpr uint32_t capacity_blocks_max = RankedSlots::slot_count_max;
  static std::span<const Parameter> parameters() { return {}; }

  Gdsf(const tp_pool& pool, const ParameterValues&, uint64_t /*seed*/)
      : blocks_(pool.slot_count), candidates_(pool.slot_count, pool.capacity_blocks) {}

  void prefetch(uint32_t slot) const {
    blocks_.prefetch(slot);
    candidates_.prefetch(slot);
  }
  void prefetch(uint32_t slot, const tp_block*) const { blocks_.prefetch(slot); }

  /// Children in the same batch came before, and may have raised this block's worth.
  void insert(const Notice&, uint32_t slot, const tp_block* view) {
    Block& block = blocks_[slot];
    const double cost = view->recompute_ns != 0 ? static_cast<double>(view->recompute_ns) : 1.0;
    block.cost_per_byte = static_cast<float>(cost / (view->bytes != 0 ? view->bytes : 1));
    block.uses = 1;
    if (view->parent_slot < blocks_.size() && view->parent_slot != slot) {
      block.parent = view->parent_slot + 1;
      block.parent_stay = blocks_[view->parent_slot].stay;
    }
    revalue(slot);
  }

  void touch(const Notice&, uint32_t slot) {
    if (blocks_[slot].uses != UINT32_MAX) ++blocks_[slot].uses;
    if (candidates_.holds(slot)) put(slot);
    revalue(slot);
  }

  void remove(const Notice&, uint32_t /*reason*/, uint32_t slot) {
    candidates_.drop(slot);
    const auto next_stay = static_cast<uint16_t>(blocks_[slot].stay + 1);
    blocks_[slot] = {};
    blocks_[slot].stay = next_stay;
  }

  void set_evictable(const Notice&, bool on, uint32_t slot) {
    on ? put(slot) : candidates_.drop(slot);
  }

  void select(uint32_t need, auto& victims) const {
    RankedSlots::Walk walk(candidates_);
    for (victims.take(walk.slot()); --need != 0; victims.take(walk.slot())) walk.next();
  }

  void commit(uint32_t need, auto& verdicts) {
    candidates_.take_least(need, [&](uint32_t slot, uint64_t) {
      if (!verdicts.accepts(slot)) return false;
      age_ = std::max(age_, blocks_[slot].worth);
      return true;
    });
  }

  void hash(StateHash& hash) const {
    hash.add(std::bit_cast<uint64_t>(age_));
    for (uint32_t slot = 0; slot < blocks_.size(); ++slot) {
      const Block& block = blocks_[slot];
      if (block.uses == 0) continue;
      hash.add(uint64_t{slot} << 32 | block.uses);
      hash.add(std::bit_cast<uint64_t>(block.worth));
      hash.add(uint64_t{std::bit_cast<uint32_t>(block.cost_per_byte)} << 32 | parent_of(slot));
    }
    candidates_.hash(hash);
  }

  static void archive(auto& self, auto& archive) {
    archive.items(self.blocks_.data(), self.blocks_.size());
    RankedSlots::archive(self.candidates_, archive);
    archive.value(self.age_);
  }

 private:
  static constexpr uint32_t none = UINT32_MAX;

  struct Block {
    double worth;
    float cost_per_byte;   // ns
    uint32_t uses;         // 0: absent
    uint32_t parent;       // its slot + 1, or 0
    uint16_t stay;         // how many blocks had the slot before, modulo 2^16
    uint16_t parent_stay;  // the parent's: another block's there is no parent
  };

  uint32_t parent_of(uint32_t slot) const {
    const Block& block = blocks_[slot];
    if (block.parent == 0 || blocks_[block.parent - 1].stay != block.parent_stay) return none;
    return block.parent - 1;
  }

  void put(uint32_t slot) {
    // Worth is not negative, so its bits are in the order of its values.
    candidates_.put_newest(slot, std::bit_cast<uint64_t>(blocks_[slot].worth));
  }
  void raise(uint32_t slot, double worth) {
    blocks_[slot].worth = worth;
    if (candidates_.holds(slot)) put(slot);
  }

  void revalue(uint32_t slot) {
    const Block& block = blocks_[slot];
    const double worth =
        age_ + static_cast<double>(block.uses) * static_cast<double>(block.cost_per_byte);
    if (worth > block.worth) raise(slot, worth);
    for (uint32_t above = parent_of(slot); above != none; above = parent_of(above)) {
      if (blocks_[above].worth >= block.worth) break;
      raise(above, block.worth);
    }
  }

  FlatArray<Block> blocks_;  // by slot
  RankedSlots candidates_;   // by worth
  double age_ = 0;           // L
};

}  // namespace

CacheEntry gdsf_entry() {
  return cache_entry<Gdsf>(
      "Greedy-dual size frequency: what is cheap to compute again, large and seldom used leaves "
      "first; what is not used ages. A block is worth at least what those behind it in its prefix "
      "are.",
      "Cherkasova: Improving WWW proxies performance with greedy-dual-size-frequency caching "
      "policy, HP 1998; prefixes after Jin et al.: RAGCache, 2024");
}

}  // namespace tiercast::policy
