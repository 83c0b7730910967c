#pragma once

#include <cstdint>

#include "models/policy/arrival_order.hpp"
#include "models/policy/fetch_queue.hpp"
#include "models/policy/level_index.hpp"
#include "models/policy/prefix_forest.hpp"
#include "models/policy/state_archive.hpp"
#include "models/policy/tierpolicy.h"

namespace tiercast::policy {

/// Evictable blocks in queues, one a level, each from oldest to newest, of which only leaves give
/// victims: those with no evictable block behind them in the prefix. A block that becomes a leaf is
/// one where it stood all along, in front of what came later. A block in use or on its way out is
/// no candidate and holds up nobody by itself, but stays a link between those behind and before it.
/// About 40 bytes a slot; each step O(1) on average, a victim O(log64).
class LeafQueues {
 public:
  static constexpr uint32_t capacity_max = ArrivalOrder::capacity_max;
  static constexpr uint32_t level_max = LevelIndex::level_max;

  LeafQueues(uint32_t slot_count, uint32_t capacity)
      : order_(slot_count, capacity),
        leaves_(ArrivalOrder::positions_for(capacity)),
        forest_(slot_count),
        levels_(slot_count),
        named_(capacity) {}

  void prefetch(uint32_t slot) const {
    order_.prefetch(slot);
    forest_.prefetch(slot);
    levels_.prefetch(slot);
    const uint32_t earlier = fetched_.next(slot);
    order_.prefetch_position(earlier);
    leaves_.prefetch(order_.position(earlier));
  }

  uint32_t level(uint32_t slot) const { return levels_[slot]; }

  /// A block enters the pool, in use.
  void insert(uint32_t slot, const tp_block& block, uint32_t level) {
    levels_[slot] = static_cast<uint8_t>(level);
    forest_.enter(slot, block.parent_slot, block.depth);
  }

  /// The block, in use so far or a victim that stays, may leave.
  void release(uint32_t slot) {
    if (order_.tag(slot) == in_use) append(slot);
    order_.set_tag(slot, waiting);
    if (!forest_.leaf(slot)) return;  // it counts for those behind it already
    leaves_.set(order_.position(slot), levels_[slot]);
    count(slot);
  }

  /// An evictable block is in use again.
  void take(uint32_t slot) {
    withdraw(slot);
    drop(slot);
  }

  /// An evictable block becomes the newest of its queue; any other stays what it is.
  void renew(uint32_t slot) {
    if (order_.tag(slot) == waiting) change_level(slot, levels_[slot]);
  }

  /// The block's queue is another from now on, of which it is the newest should it be in one.
  void change_level(uint32_t slot, uint32_t level) {
    const uint32_t was = order_.tag(slot);
    const bool candidate = was == waiting && forest_.leaf(slot);
    if (candidate) leaves_.clear(order_.position(slot));
    levels_[slot] = static_cast<uint8_t>(level);
    if (was == in_use) return;
    order_.release(slot);
    append(slot);
    order_.set_tag(slot, was);
    if (candidate) leaves_.set(order_.position(slot), level);
  }

  /// The block is gone from the pool.
  void remove(uint32_t slot) {
    const uint32_t was = order_.tag(slot);
    if (was == waiting) withdraw(slot);
    if (!forest_.leaf(slot)) discount(slot);
    if (was != in_use) drop(slot);
    forest_.remove(slot);
    levels_[slot] = 0;
  }

  /// Names the next victims. Nothing changes in the end: each is taken out so that its parent may
  /// follow, then all are put back.
  template <class Victims>
  void select(uint32_t need, Victims& victims) const {
    uint32_t named = 0;
    for (; named < need; ++named) {
      const uint32_t place = leaves_.first();
      if (place == LevelIndex::none) break;
      const uint32_t slot = order_.slot_at(place);
      named_[named] = slot;
      victims.take(slot);
      leaves_.clear(place);
      discount(slot);
    }
    while (named-- > 0) {
      const uint32_t slot = named_[named];
      count(slot);
      leaves_.set(order_.position(slot), levels_[slot]);
    }
  }

  /// What select named last leaves, as far as it is accepted.
  template <class Verdicts>
  void commit(uint32_t need, Verdicts& verdicts) {
    for (uint32_t i = 0; i < need; ++i) {
      const uint32_t slot = named_[i];
      if (!verdicts.accepts(slot)) continue;
      withdraw(slot);
      order_.set_tag(slot, leaving);
    }
  }

  /// Levels, parents and the order of all queues; what may leave slot states say.
  void hash(StateHash& hash) const {
    order_.for_slots([&](uint32_t slot) { hash.add(slot); });
    for (uint32_t slot = 0; slot < levels_.size(); ++slot) {
      if (levels_[slot] != 0) hash.add(uint64_t{levels_[slot]} << 32 | slot);
    }
    forest_.hash(hash);
  }

  template <class Self, class Archive>
  static void archive(Self& self, Archive& archive) {
    ArrivalOrder::archive(self.order_, archive);
    LevelIndex::archive(self.leaves_, archive);
    PrefixForest::archive(self.forest_, archive);
    archive.items(self.levels_.data(), self.levels_.size());
  }

 private:
  // Tags of the order: in no queue, a victim on its way out, in a queue.
  static constexpr uint32_t in_use = 0;
  static constexpr uint32_t leaving = 1;
  static constexpr uint32_t waiting = 2;

  void append(uint32_t slot) {
    if (order_.full()) {
      order_.compact([&](uint32_t from, uint32_t to) { leaves_.move(from, to); });
    }
    order_.append(slot, in_use);
  }
  void drop(uint32_t slot) {
    order_.release(slot);
    order_.set_tag(slot, in_use);
  }
  /// A block in a queue no longer waits there.
  void withdraw(uint32_t slot) {
    if (!forest_.leaf(slot)) return;
    leaves_.clear(order_.position(slot));
    discount(slot);
  }

  /// From now on the block holds up those before it, up to the next that waits and is no leaf then.
  void count(uint32_t slot) const {
    for (;;) {
      slot = forest_.count(slot);
      if (slot == PrefixForest::none) return;
      if (order_.tag(slot) == waiting) return leaves_.clear(order_.position(slot));
    }
  }
  /// It no longer does.
  void discount(uint32_t slot) const {
    for (;;) {
      slot = forest_.discount(slot);
      if (slot == PrefixForest::none) return;
      if (order_.tag(slot) == waiting) return leaves_.set(order_.position(slot), levels_[slot]);
    }
  }

  ArrivalOrder order_;           // blocks that may leave or are leaving, all queues in one row
  mutable LevelIndex leaves_;    // places of leaves that may leave, by level
  mutable PrefixForest forest_;  // mutable, as leaves_: select takes victims out for a moment
  FlatArray<uint8_t> levels_;    // by slot
  mutable FlatArray<uint32_t> named_;  // what select named last
  mutable FetchQueue fetched_;
};

}  // namespace tiercast::policy
