#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "models/policy/cache_entry.hpp"
#include "models/policy/flat_array.hpp"
#include "models/policy/ranked_slots.hpp"

namespace tiercast::policy {
namespace {

/// The block whose next use is farthest away leaves first; of equals (those never used again, those
/// of one request) the one deepest in its prefix, then the lowest slot. The host's future is asked
/// as a block enters and at each touch, for the block's key. Without a future every block counts as
/// never used again.
class FarthestUse {
 public:
  static constexpr uint32_t capabilities = TP_CAP_NEEDS_FUTURE | TP_CAP_READS_KEYS;
  static constexpr VictimOrder victim_order = VictimOrder::downwards;
  static constexpr uint32_t capacity_blocks_max = RankedSlots::slot_count_max;
  static std::span<const Parameter> parameters() { return {}; }

  FarthestUse(const tp_pool& pool, const ParameterValues&, uint64_t /*seed*/)
      : capacity_(pool.capacity_blocks),
        known_(pool.slot_count),
        candidates_(pool.slot_count, pool.capacity_blocks) {}

  void attach(const tp_future& future) { future_ = future; }

  void prefetch(uint32_t slot) const {
    known_.prefetch(slot);
    candidates_.prefetch(slot);
  }
  void prefetch(uint32_t slot, const tp_block*) const { known_.prefetch(slot); }

  void insert(const Notice&, uint32_t slot, const tp_block* block) {
    known_[slot] = {block->key, next_use(block->key), block->depth, 1};
  }

  void touch(const Notice&, uint32_t slot) {
    known_[slot].next_use = next_use(known_[slot].key);
    if (candidates_.holds(slot)) put(slot);
  }

  void remove(const Notice&, uint32_t /*reason*/, uint32_t slot) {
    candidates_.drop(slot);
    known_[slot] = {};
  }

  void set_evictable(const Notice&, bool on, uint32_t slot) {
    on ? put(slot) : candidates_.drop(slot);
  }

  void select(uint32_t need, auto& victims) const {
    RankedSlots::Walk walk(candidates_);
    for (victims.take(walk.slot()); --need != 0; victims.take(walk.slot())) walk.next();
  }

  void commit(uint32_t need, auto& verdicts) {
    candidates_.take_least(need, [&](uint32_t slot, uint64_t) { return verdicts.accepts(slot); });
  }

  void hash(StateHash& hash) const {
    for (uint32_t slot = 0; slot < known_.size(); ++slot) {
      const Known& block = known_[slot];
      if (block.present == 0) continue;
      for (const uint64_t word : {uint64_t{slot} << 32 | block.depth, block.key.hi, block.key.lo,
                                  static_cast<uint64_t>(block.next_use)}) {
        hash.add(word);
      }
    }
  }

  static void archive(auto& self, auto& archive) {
    archive.items(self.known_.data(), self.known_.size());
    RankedSlots::archive(self.candidates_, archive);
  }

 protected:
  int64_t next_use(const tp_key& key) const {
    return future_.next_use_ns != nullptr ? future_.next_use_ns(future_.host, &key) : INT64_MAX;
  }
  static uint64_t rank(int64_t next_use) {
    return next_use < 0 ? UINT64_MAX : static_cast<uint64_t>(INT64_MAX - next_use);
  }

  struct Known {
    tp_key key;
    int64_t next_use;
    uint32_t depth;
    uint32_t present;  // 1, or 0 of a slot that holds nothing
  };

  uint32_t capacity_;
  FlatArray<Known> known_;  // by slot
  RankedSlots candidates_;  // farthest use first

 private:
  void put(uint32_t slot) {
    candidates_.put(slot, rank(known_[slot].next_use), UINT32_MAX - known_[slot].depth);
  }

  tp_future future_{};
};

/// Belady's MIN: the fewest misses of any policy that takes in every block it misses, where each
/// block is of use by itself. Source: Belady, A study of replacement algorithms for a
/// virtual-storage computer, IBM Systems Journal 1966.
class Belady : public FarthestUse {
 public:
  static constexpr std::string_view name = "belady";
  using FarthestUse::FarthestUse;
};

/// The fewest misses of any policy whatever, one that refuses blocks included, where a block is
/// useless unless all those before it in its prefix are there: hits of a request end at its first
/// miss. FarthestUse, and a block that is missed enters only where its next use comes sooner than
/// that of a block which may leave for it, or there is room and it is used again at all.
///
/// Why nothing does better. Take every block for one of use by itself. Then farthest-next-use with
/// refusals misses least (Belady's argument: let an optimal policy's contents be made equal to
/// these from the first difference on; the block kept instead is used no later). What the prefix
/// rule counts as a miss is one for that policy or more, so this is a bound for both rules. And it
/// is reached: what is held stays prefix-closed, so that no block held is useless. For each request
/// that uses a block uses, just before, those ahead of it in its prefix: between requests their
/// next use is never later than its own, so that it leaves before them, being farther, or, where
/// they are never used again or at the same time, deeper. During a request the blocks held of it
/// are a prefix of it, used before the first miss, and each missed one is used again later than
/// those or never: it is refused, or replaces one farther than all of them.
///
/// Source: this library. The bound is that of one pool without pins and of blocks of one size; with
/// pins, or where a host takes in what was refused, it is a policy like others.
class PrefixBound : public FarthestUse {
 public:
  static constexpr std::string_view name = "prefix-bound";
  using FarthestUse::FarthestUse;

  /// Of several blocks, each takes the place of another that may leave.
  void admit(const Notice& at, Blocks blocks, std::size_t count, uint8_t* verdicts) {
    uint32_t room = capacity_ - at.slots.present();
    RankedSlots::Walk farthest(candidates_);
    for (std::size_t i = 0; i < count; ++i) {
      const int64_t use = next_use(blocks[i]->key);
      verdicts[i] = 0;
      if (use == INT64_MAX) continue;
      if (room != 0) {
        --room;
        verdicts[i] = 1;
      } else if (!farthest.done() && sooner(use, blocks[i]->depth, farthest.slot())) {
        farthest.next();
        verdicts[i] = 1;
      }
    }
  }

 private:
  /// Used again sooner than the block of a slot, or at the same time and nearer the prefix's head?
  bool sooner(int64_t use, uint32_t depth, uint32_t slot) const {
    const Known& other = known_[slot];
    return use != other.next_use ? use < other.next_use : depth < other.depth;
  }
};

}  // namespace

CacheEntry belady_entry() {
  return cache_entry<Belady>(
      "Belady's MIN: the block whose next use is farthest away leaves first. An offline bound: no "
      "policy that takes in every missed block misses less, blocks being of use each by itself.",
      "Belady: A study of replacement algorithms for a virtual-storage computer, IBM Systems "
      "Journal, 1966");
}

CacheEntry prefix_bound_entry() {
  return cache_entry<PrefixBound>(
      "The offline bound for prefixes: farthest next use first, of equals the deepest, and blocks "
      "that are used later than all that is held do not enter. No policy, one that refuses blocks "
      "included, misses less where hits of a request end at its first miss.",
      "this library; after Belady 1966, see the argument beside the class");
}

}  // namespace tiercast::policy
