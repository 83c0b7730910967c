#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>

#include "models/policy/arrival_order.hpp"
#include "models/policy/bit_index.hpp"
#include "models/policy/cache_entry.hpp"
#include "models/policy/flat_array.hpp"
#include "models/policy/ghost_cells.hpp"
#include "models/policy/key_hash.hpp"

namespace tiercast::policy {
namespace {

/// LIRS (Jiang, Zhang: LIRS: an efficient low inter-reference recency set replacement policy,
/// SIGMETRICS 2002). Blocks whose last two uses lay close together are LIR and fill all but the
/// `hir` share of the pool; the others are HIR and leave first, in order of their last use or fall.
///
/// The stack orders LIR blocks, HIR blocks and ghosts (keys of HIR blocks that left) by last use;
/// what lies below its lowest LIR block is pruned: ghosts end, HIR blocks go on without a place in
/// it. A use of an LIR block, or one of a block in the queue alone, puts it on top. A use of an HIR
/// block in the stack, and a block that enters as a ghost's key, makes it LIR; where there are as
/// many as there may be, the lowest LIR block falls to the queue's end. A new block is LIR while
/// there is room for LIR blocks, else HIR. The stack is empty while there is no LIR block. Victims
/// are the queue's oldest, and become ghosts as they leave if they are in the stack.
///
/// Left open by the paper: as a block enters, a stack of more than twice the pool's blocks loses
/// its lowest ghosts. Of this library: blocks in use are passed over and keep their place; if the
/// queue has no others, LIR blocks leave from the lowest on, without a ghost; ghosts are at most
/// the pool's blocks and the HIR share; keys that agree in 64 bits of hash count as one.
class Lirs {
 public:
  static constexpr std::string_view name = "lirs";
  static constexpr uint32_t capabilities = TP_CAP_READS_KEYS;
  static constexpr VictimOrder victim_order = VictimOrder::downwards;
  static constexpr uint32_t capacity_blocks_max = 1u << 26;

  static std::span<const Parameter> parameters() {
    static constexpr Parameter list[] = {
        {"hir", "share of capacity", ParameterKind::real, 0.01, 0.0001, 0.9999,
         "What blocks without a short time between two uses may fill, one block at least."}};
    return list;
  }

  Lirs(const tp_pool& pool, const ParameterValues& values, uint64_t /*seed*/)
      : slot_count_(pool.slot_count),
        stack_most_(2 * pool.capacity_blocks),
        lir_most_(pool.capacity_blocks - hir_share(pool, values)),
        hashes_(pool.slot_count),
        ghosts_(pool.capacity_blocks + hir_share(pool, values)),
        order_(pool.slot_count + ghost_count(pool, values), row(pool, values)),
        lir_(ArrivalOrder::positions_for(row(pool, values))),
        hir_(ArrivalOrder::positions_for(row(pool, values))),
        ghost_(ArrivalOrder::positions_for(row(pool, values))),
        lir_candidates_(ArrivalOrder::positions_for(row(pool, values))),
        queue_candidates_(ArrivalOrder::positions_for(row(pool, values))) {}

  void prefetch(uint32_t slot) const { order_.prefetch(slot); }
  void prefetch(uint32_t slot, const tp_block* block) const {
    order_.prefetch(slot);
    ghosts_.prefetch(key_hash(block->key));
  }

  void insert(const Notice&, uint32_t slot, const tp_block* block) {
    hashes_[slot] = key_hash(block->key);
    const uint32_t cell = ghosts_.find(hashes_[slot]);
    if (cell != GhostCells::none) {
      drop_ghost(cell);
      make_room_for_lir();
      enter(slot, lir);
    } else {
      enter(slot, lirs_ < lir_most_ ? lir : lirs_ != 0 ? hir : queued);
    }
    while (stacked_ > stack_most_ && ghosts_.size() != 0) drop_lowest_ghost();
  }

  void touch(const Notice&, uint32_t slot) {
    const uint32_t kind = order_.tag(slot);
    const bool candidate = candidates(kind).test(order_.position(slot));
    const bool lowest = kind == lir && order_.position(slot) == lir_.find_at_or_after(0);
    leave_row(slot);
    if (kind == hir) make_room_for_lir();
    enter(slot, kind != queued ? lir : lirs_ != 0 ? hir : queued);
    if (candidate) set_candidate(slot, true);
    if (lowest) prune();
  }

  void remove(const Notice& at, uint32_t /*reason*/, uint32_t slot) {
    const uint32_t kind = order_.tag(slot);
    if (kind == hir && at.slots.state(slot) == SlotState::leaving) {
      if (ghosts_.full()) drop_lowest_ghost();
      const uint32_t place = order_.position(slot);
      order_.hand_over(slot, slot_count_ + ghosts_.add(hashes_[slot]), ghost);
      hir_.clear(place);
      ghost_.set(place);
      return;
    }
    leave_row(slot);
    if (kind == lir) prune();
  }

  void set_evictable(const Notice&, bool on, uint32_t slot) { set_candidate(slot, on); }

  void select(uint32_t need, auto& victims) const {
    const auto take = [&](uint32_t place) {
      victims.take(order_.slot_at(place));
      return --need != 0;
    };
    if (!queue_candidates_.for_members(0, BitIndex::none, take)) return;
    lir_candidates_.for_members(0, BitIndex::none, take);
  }

  void commit(uint32_t need, auto& verdicts) {
    bool fell = false;
    const auto take = [&](uint32_t place) {
      const uint32_t slot = order_.slot_at(place);
      if (verdicts.accepts(slot)) {
        set_candidate(slot, false);
        if (order_.tag(slot) == lir) {
          change(slot, queued);
          fell = true;
        }
      }
      return --need != 0;
    };
    if (queue_candidates_.for_members(0, BitIndex::none, take)) {
      lir_candidates_.for_members(0, BitIndex::none, take);
    }
    if (fell) prune();
  }

  /// The stack, then the queue.
  void hash(StateHash& hash) const {
    order_.for_slots([&](uint32_t entry) {
      const uint32_t kind = order_.tag(entry);
      if (kind == queued) return;
      hash.add(kind == ghost ? ghosts_.hash_at(entry - slot_count_) : hashes_[entry]);
      hash.add(uint64_t{kind} << 32 | (kind == ghost ? 0 : entry));
    });
    order_.for_slots([&](uint32_t entry) {
      const uint32_t kind = order_.tag(entry);
      if (kind != queued && kind != hir) return;
      hash.add(hashes_[entry]);
      hash.add(uint64_t{kind} << 32 | entry);
    });
  }

  static void archive(auto& self, auto& archive) {
    archive.items(self.hashes_.data(), self.hashes_.size());
    GhostCells::archive(self.ghosts_, archive);
    ArrivalOrder::archive(self.order_, archive);
    for (auto* set :
         {&self.lir_, &self.hir_, &self.ghost_, &self.lir_candidates_, &self.queue_candidates_}) {
      BitIndex::archive(*set, archive);
    }
    archive.value(self.lirs_);
    archive.value(self.stacked_);
  }

 private:
  // What an entry of the row is. The stack is the row without `queued`, the queue is `hir` and
  // `queued`: a block enters both at once, or falls to the queue's end, so one row orders both.
  static constexpr uint32_t lir = 0;
  static constexpr uint32_t hir = 1;
  static constexpr uint32_t queued = 2;  // HIR, and no longer in the stack
  static constexpr uint32_t ghost = 3;

  static uint32_t hir_share(const tp_pool& pool, const ParameterValues& values) {
    const double share = static_cast<double>(pool.capacity_blocks) * values.real("hir");
    return std::max(1u, static_cast<uint32_t>(share));
  }
  static uint32_t ghost_count(const tp_pool& pool, const ParameterValues& values) {
    return pool.capacity_blocks + hir_share(pool, values);
  }
  /// Blocks and ghosts that may be in the row at a time.
  static uint32_t row(const tp_pool& pool, const ParameterValues& values) {
    return pool.capacity_blocks + ghost_count(pool, values);
  }

  BitIndex& candidates(uint32_t kind) { return kind == lir ? lir_candidates_ : queue_candidates_; }
  void set_candidate(uint32_t slot, bool on) {
    BitIndex& set = candidates(order_.tag(slot));
    on ? set.set(order_.position(slot)) : set.clear(order_.position(slot));
  }

  void count(uint32_t kind, bool on) {
    const uint32_t one = on ? 1 : UINT32_MAX;
    if (kind == lir) lirs_ += one;
    if (kind != queued) stacked_ += one;
  }
  void mark(uint32_t kind, uint32_t place, bool on) {
    count(kind, on);
    if (kind == queued) return;
    BitIndex& set = kind == lir ? lir_ : kind == hir ? hir_ : ghost_;
    on ? set.set(place) : set.clear(place);
  }
  /// Becomes the row's newest, no candidate.
  void enter(uint32_t slot, uint32_t kind) {
    if (order_.full()) {
      order_.compact([&](uint32_t from, uint32_t to) {
        for (BitIndex* set : {&lir_, &hir_, &ghost_, &lir_candidates_, &queue_candidates_}) {
          set->move(from, to);
        }
      });
    }
    order_.append(slot, kind);
    mark(kind, order_.position(slot), true);
  }
  void leave_row(uint32_t entry) {
    const uint32_t kind = order_.tag(entry);
    const uint32_t place = order_.position(entry);
    mark(kind, place, false);
    if (kind != ghost) candidates(kind).clear(place);
    order_.release(entry);
  }
  /// Where it is.
  void change(uint32_t slot, uint32_t kind) {
    const uint32_t place = order_.position(slot);
    mark(order_.tag(slot), place, false);
    order_.set_tag(slot, kind);
    mark(kind, place, true);
  }

  /// Of another than those in the row. The lowest LIR block falls where there are as many as may
  /// be.
  void make_room_for_lir() {
    if (lirs_ < lir_most_) return;
    const uint32_t place = lir_.find_at_or_after(0);
    const uint32_t slot = order_.slot_at(place);
    const bool candidate = lir_candidates_.test(place);
    leave_row(slot);
    enter(slot, queued);
    if (candidate) set_candidate(slot, true);
    prune();
  }

  void prune() {
    const uint32_t bottom = lir_.find_at_or_after(0);
    ghost_.for_members(0, bottom, [&](uint32_t place) {
      drop_ghost(order_.slot_at(place) - slot_count_);
      return true;
    });
    hir_.for_members(0, bottom, [&](uint32_t place) {
      change(order_.slot_at(place), queued);
      return true;
    });
  }
  void drop_ghost(uint32_t cell) {
    leave_row(slot_count_ + cell);
    ghosts_.drop(cell);
  }
  void drop_lowest_ghost() { drop_ghost(order_.slot_at(ghost_.find_at_or_after(0)) - slot_count_); }

  uint32_t slot_count_;
  uint32_t stack_most_;
  uint32_t lir_most_;
  uint32_t lirs_ = 0;
  uint32_t stacked_ = 0;        // entries of the stack
  FlatArray<uint64_t> hashes_;  // of keys, by slot
  GhostCells ghosts_;
  ArrivalOrder order_;  // slots, and behind their numbers the ghosts' cells
  BitIndex lir_;        // positions
  BitIndex hir_;
  BitIndex ghost_;
  BitIndex lir_candidates_;
  BitIndex queue_candidates_;
};

}  // namespace

CacheEntry lirs_entry() {
  return cache_entry<Lirs>(
      "Low inter-reference recency: blocks used twice in a short time fill nearly the whole pool, "
      "the others only a small share of it, until they are used again while still in the record of "
      "recent uses. Resists scans and loops.",
      "Jiang, Zhang: LIRS: an efficient low inter-reference recency set replacement policy, "
      "SIGMETRICS 2002");
}

}  // namespace tiercast::policy
