#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>

#include "models/policy/arrival_order.hpp"
#include "models/policy/bit_index.hpp"
#include "models/policy/cache_policy.hpp"
#include "models/policy/ghost_keys.hpp"

namespace tiercast::policy {

/// S3-FIFO (Yang et al., "FIFO queues are all you need for cache eviction", SOSP 2023): a small
/// queue filters newcomers, a main queue keeps what proved useful, ghosts remember the keys that
/// left the small queue for good.
///
/// A new block enters the small queue, or main where its key is a ghost (which then ends). A use
/// counts up to 3. To evict: from small while it holds its share or more, else from main. Small's
/// head moves to main, count cleared, where it was used `threshold` times, and the next head is
/// asked; else it is the victim. Main's head moves to main's back with one use less where it has
/// any, and the next is asked; else it is the victim. Blocks in use are passed over and keep their
/// place; where a queue has no others, the other queue gives. A victim from small becomes a ghost
/// as it leaves the pool.
class S3Fifo {
 public:
  static constexpr std::string_view name = "s3fifo";
  static constexpr uint32_t capabilities = TP_CAP_READS_KEYS;
  static constexpr VictimOrder victim_order = VictimOrder::upwards;
  static constexpr uint32_t capacity_blocks_max = 1u << 26;

  static std::span<const Parameter> parameters() {
    static constexpr Parameter list[] = {
        {"small", "share of capacity", ParameterKind::real, 0.1, 0.001, 0.999,
         "What the small queue holds before it, and no longer main, gives the victims."},
        {"ghost", "share of capacity", ParameterKind::real, 0.9, 0, 4,
         "How many keys are remembered of blocks that left the small queue."},
        {"threshold", "uses", ParameterKind::integer, 2, 1, uses_max,
         "Uses in the small queue that earn a block its move to main."}};
    return list;
  }

  S3Fifo(const tp_pool& pool, const ParameterValues& values, uint64_t /*seed*/)
      : small_share_(std::max(1u, share(pool, values.real("small")))),
        threshold_(values.integer("threshold")),
        order_(pool.slot_count, pool.capacity_blocks),
        small_(ArrivalOrder::positions_for(pool.capacity_blocks)),
        main_(ArrivalOrder::positions_for(pool.capacity_blocks)),
        keys_(pool.slot_count),
        ghosts_(share(pool, values.real("ghost"))) {}

  void prefetch(uint32_t slot) const { order_.prefetch(slot); }
  void prefetch(uint32_t slot, const tp_block* block) const {
    order_.prefetch(slot);
    keys_.prefetch(slot);
    ghosts_.prefetch(block->key);
  }

  void insert(const Notice&, uint32_t slot, const tp_block* block) {
    const bool returns = ghosts_.take(block->key);
    keys_[slot] = block->key;
    if (!returns) ++small_blocks_;
    Hands none;
    make_room(none);
    order_.append(slot, returns ? main_tag : 0);
  }

  void touch(const Notice&, uint32_t slot) {
    if (uses(slot) < uses_max) order_.set_tag(slot, order_.tag(slot) + 1);
  }

  void remove(const Notice& at, uint32_t /*reason*/, uint32_t slot) {
    queue_of(slot).clear(order_.position(slot));
    if (!in_main(slot)) {
      if (at.slots.state(slot) == SlotState::leaving) {
        ghosts_.push(keys_[slot]);
      } else {
        --small_blocks_;
      }
    }
    order_.release(slot);
  }

  void set_evictable(const Notice& at, bool on, uint32_t slot) {
    if (on) {
      if (!in_main(slot) && at.slots.state(slot) == SlotState::leaving) ++small_blocks_;
      queue_of(slot).set(order_.position(slot));
    } else {
      queue_of(slot).clear(order_.position(slot));
    }
  }

  /// commit() below is the algorithm. Here nothing moves, so main is emptied in rounds instead:
  /// blocks with r uses left in round r, and those that join from small behind all that main had.
  template <class Victims>
  void select(uint32_t need, Victims& victims) const {
    const auto take = [&](uint32_t position) {
      victims.take(order_.slot_at(position));
      return --need != 0;
    };
    const auto take_earned = [&](uint32_t from, uint32_t to) {
      return small_.for_members(
          from, to, [&](uint32_t position) { return !earned(position) || take(position); });
    };
    // Small, while it is over its share.
    uint32_t small_blocks = small_blocks_;
    uint32_t head = small_.find_at_or_after(0);
    while (head != BitIndex::none && small_blocks >= small_share_) {
      bool gave = false;
      for (; head != BitIndex::none && !gave; head = small_.find_at_or_after(head + 1)) {
        --small_blocks;
        gave = !earned(head);
        if (gave && !take(head)) return;
      }
    }
    // Main, with what has joined it.
    for (uint32_t left = 0; left <= uses_max; ++left) {
      const bool more = main_.for_members(0, BitIndex::none, [&](uint32_t position) {
        return uses(order_.slot_at(position)) != left || take(position);
      });
      if (!more || (left == 0 && !take_earned(0, head))) return;
    }
    // Small again, main being empty but for what joins it on the way to small's next victim.
    while (head != BitIndex::none) {
      const uint32_t from = head;
      while (head != BitIndex::none && earned(head)) head = small_.find_at_or_after(head + 1);
      if (head != BitIndex::none && !take(head)) return;
      if (!take_earned(from, head)) return;
      if (head != BitIndex::none) head = small_.find_at_or_after(head + 1);
    }
  }

  template <class Verdicts>
  void commit(uint32_t need, Verdicts& verdicts) {
    Hands hands;                             // refused victims stay behind them
    uint32_t planned_small = small_blocks_;  // as if no victim were refused, as select saw it
    bool filtering = false;                  // small is asked until it gives
    while (need != 0) {
      const uint32_t small = small_.find_at_or_after(hands.small);
      const uint32_t main = main_.find_at_or_after(hands.main);
      filtering = small != BitIndex::none &&
                  (filtering || planned_small >= small_share_ || main == BitIndex::none);
      const uint32_t slot = order_.slot_at(filtering ? small : main);
      if (filtering) {
        hands.small = small + 1;
        --planned_small;
        if (uses(slot) >= threshold_) {
          --small_blocks_;
          small_.clear(small);
          join_main(slot, 0, hands);
          continue;
        }
        filtering = false;
        if (verdicts.accepts(slot)) {
          --small_blocks_;
          small_.clear(small);
        }
      } else {
        hands.main = main + 1;
        if (uses(slot) != 0) {
          main_.clear(main);
          join_main(slot, uses(slot) - 1, hands);
          continue;
        }
        if (verdicts.accepts(slot)) main_.clear(main);
      }
      --need;
    }
  }

  void hash(StateHash& hash) const {
    order_.for_slots([&](uint32_t slot) {
      hash.add(uint64_t{slot} << 32 | order_.tag(slot));
      if (in_main(slot)) return;  // its key will never be a ghost's
      hash.add(keys_[slot].hi);
      hash.add(keys_[slot].lo);
    });
    ghosts_.hash(hash);
  }

  template <class Self, class Archive>
  static void archive(Self& self, Archive& archive) {
    ArrivalOrder::archive(self.order_, archive);
    BitIndex::archive(self.small_, archive);
    BitIndex::archive(self.main_, archive);
    archive.items(self.keys_.data(), self.keys_.size());
    GhostKeys::archive(self.ghosts_, archive);
    archive.value(self.small_blocks_);
  }

 private:
  // A slot's tag: its uses, and whether it is in main.
  static constexpr uint32_t uses_max = 3;
  static constexpr uint32_t main_tag = 4;
  static_assert((main_tag | uses_max) <= ArrivalOrder::tag_max);

  /// Where commit() looks next in each queue.
  struct Hands {
    uint32_t small = 0;
    uint32_t main = 0;
  };

  static uint32_t share(const tp_pool& pool, double part) {
    return static_cast<uint32_t>(static_cast<double>(pool.capacity_blocks) * part);
  }

  uint32_t uses(uint32_t slot) const { return order_.tag(slot) & uses_max; }
  bool in_main(uint32_t slot) const { return (order_.tag(slot) & main_tag) != 0; }
  BitIndex& queue_of(uint32_t slot) { return in_main(slot) ? main_ : small_; }
  bool earned(uint32_t position) const { return uses(order_.slot_at(position)) >= threshold_; }

  /// Moves an evictable block to main's back.
  void join_main(uint32_t slot, uint32_t uses_left, Hands& hands) {
    order_.release(slot);
    make_room(hands);
    main_.set(order_.append(slot, main_tag | uses_left));
  }

  void make_room(Hands& hands) {
    if (!order_.full()) return;
    Hands moved;
    order_.compact([&](uint32_t from, uint32_t to) {
      small_.move(from, to);
      main_.move(from, to);
      if (from < hands.small) moved.small = to + 1;
      if (from < hands.main) moved.main = to + 1;
    });
    hands = moved;
  }

  uint32_t small_share_;
  uint32_t threshold_;
  uint32_t small_blocks_ = 0;  // in the small queue, without those leaving
  ArrivalOrder order_;         // both queues: small and main mark positions in one row
  BitIndex small_;             // positions of evictable blocks
  BitIndex main_;
  FlatArray<tp_key> keys_;  // by slot
  GhostKeys ghosts_;
};

}  // namespace tiercast::policy
