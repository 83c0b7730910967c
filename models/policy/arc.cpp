#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "models/policy/block_walk.hpp"
#include "models/policy/cache_entry.hpp"
#include "models/policy/ghost_lists.hpp"
#include "models/policy/key_hash.hpp"
#include "models/policy/key_walk.hpp"
#include "models/policy/run_lists.hpp"
#include "models/policy/slot_flags.hpp"

namespace tiercast::policy {
namespace {

/// ARC, adaptive replacement cache (Megiddo, Modha, "ARC: a self-tuning, low overhead replacement
/// cache", FAST 2003, figure 4). T1 holds blocks used once lately, T2 those used more often, both
/// by recency; B1 and B2 hold the keys of what left them. A use makes a block the newest of T2. A
/// missing key that is a ghost in B1 raises p, the size aimed at for T1, by max(1, |B2| / |B1|) up
/// to the capacity; one in B2 lowers it by max(1, |B1| / |B2|) down to 0; its block enters T2, any
/// other T1. To evict: T1's oldest leaves where T1 holds more than p, or just p and the key that
/// room is made for was in B2; else T2's. Ghosts go, oldest first, so that T1 and B1 together never
/// exceed the capacity, nor all four twice that.
///
/// Here blocks in use count but wait in no list: one that is put down is the newest of its own, as
/// in `lru`. Where a list has no block to give the other one gives. A lookup adapts p for each
/// missing key, of a prompt the tail first; the last lookup speaks for the victims after it. A key
/// that is found so is no ghost any more but awaited, so that asking again does not count twice; up
/// to capacity / 16 + 64 are. For a host that looks nothing up, insert adapts. A victim becomes a
/// ghost as it leaves the pool; of a batch the tail counts as the older, as block and as ghost. B1
/// and B2 hold capacity / 8 + 64 keys more than the pool has blocks, which a full pool needs for a
/// batch of so many victims; B2's oldest go first then.
class Arc {
  using Lists = RunLists<2>;
  static constexpr uint32_t t1 = 0;
  static constexpr uint32_t t2 = 1;
  using Ghosts = GhostLists<3>;
  static constexpr uint32_t b1 = 0;
  static constexpr uint32_t b2 = 1;
  static constexpr uint32_t awaited = 2;  // were in B1 or B2 when looked up

 public:
  static constexpr std::string_view name = "arc";
  static constexpr uint32_t capabilities = TP_CAP_SPANS | TP_CAP_READS_KEYS;
  static constexpr VictimOrder victim_order = VictimOrder::downwards;
  static constexpr uint32_t capacity_blocks_max = 1u << 26;
  static std::span<const Parameter> parameters() { return {}; }

  Arc(const tp_pool& pool, const ParameterValues&, uint64_t /*seed*/)
      : capacity_(pool.capacity_blocks),
        lists_(pool.slot_count),
        often_(pool.slot_count),
        hashes_(pool.slot_count),
        ghosts_most_(uint64_t{capacity_} + capacity_ / 8 + 64),
        ghosts_({capacity_, capacity_, capacity_ / 16 + 64},
                ghosts_most_ + 1 + capacity_ / 16 + 64) {}

  void lookup(const Notice&, Blocks blocks, std::size_t count, std::size_t hits) {
    wanted_in_b2_ = false;
    if (ghosts_.empty()) return;
    const auto ahead = [&](uint64_t hash) { ghosts_.prefetch(hash); };
    for_missing_keys(blocks, count, hits, ahead, [&](uint64_t hash) {
      const uint32_t list = take_ghost(hash);
      if (list == Ghosts::none) return;
      ghosts_.push(awaited, hash);
      if (list == b2) wanted_in_b2_ = true;
    });
  }
  void insert(const Notice&, Spans spans, Blocks blocks) {
    const auto ahead = [&](uint32_t slot, std::size_t i) {
      hashes_.prefetch(slot);
      ghosts_.prefetch(key_hash(blocks[i]->key));
    };
    walk_blocks<TailCursor>(spans, ahead, [&](uint32_t slot, std::size_t i) {
      const uint64_t hash = key_hash(blocks[i]->key);
      hashes_[slot] = hash;
      const bool known = take_ghost(hash) != Ghosts::none;
      if (known) often_.set({slot, 1});
      ++sizes_[known ? t2 : t1];
      limit_ghosts();
    });
  }

  void touch(const Notice& at, Spans spans) {
    for_runs(at, spans, [&](tp_span run, SlotState state) {
      if (state == SlotState::leaving) return;
      if (state == SlotState::evictable) {
        for_parts(run, [&](tp_span part, uint32_t list) {
          if (list == t2) return lists_.renew(part, t2);
          lists_.detach(part, t1);
          lists_.append(part, t2);
        });
      }
      use_often(run);
    });
  }

  void remove(const Notice& at, uint32_t /*reason*/, Spans spans) {
    for_runs(at, spans, [&](tp_span run, SlotState state) {
      if (state == SlotState::leaving) {
        leave_ghosts(run);
      } else {
        for_parts(run, [&](tp_span part, uint32_t list) {
          if (state == SlotState::evictable) lists_.detach(part, list);
          sizes_[list] -= part.count;
        });
      }
      often_.clear(run);
      std::fill_n(&hashes_[run.first_slot], run.count, 0);
    });
  }

  void set_evictable(const Notice& at, bool on, Spans spans) {
    lists_.for_spans_backward(spans, [&](tp_span span) {
      for_parts(span, [&](tp_span part, uint32_t list) {
        if (!on) return lists_.detach(part, list);
        lists_.append(part, list);
        at.slots.for_runs_backward(part, [&](tp_span run, SlotState state) {
          if (state == SlotState::leaving) sizes_[list] += run.count;
        });
      });
    });
    limit_ghosts();
  }

  template <class Victims>
  void select(uint32_t need, Victims& victims) const {
    for_victims(need, [&](tp_span run, uint32_t) { victims.take(run); });
  }
  template <class Verdicts>
  void commit(uint32_t need, Verdicts& verdicts) {
    for_victims(need, [&](tp_span run, uint32_t list) {
      if (!verdicts.accepts(run)) return;
      lists_.detach(run, list);
      sizes_[list] -= run.count;
    });
  }

  void hash(StateHash& hash) const {
    lists_.hash(hash);
    for (uint32_t slot = 0; slot < hashes_.size(); ++slot) {
      if (hashes_[slot] == 0) continue;
      hash.add(uint64_t{slot} << 1 | (often_.test(slot) ? 1 : 0));
      hash.add(hashes_[slot]);
    }
    ghosts_.hash(hash);
    hash.add(std::bit_cast<uint64_t>(p_));
    hash.add(wanted_in_b2_ ? 1 : 0);
  }

  template <class Self, class Archive>
  static void archive(Self& self, Archive& archive) {
    Lists::archive(self.lists_, archive);
    SlotFlags::archive(self.often_, archive);
    archive.items(self.hashes_.data(), self.hashes_.size());
    archive.items(self.sizes_, 2);
    Ghosts::archive(self.ghosts_, archive);
    archive.value(self.p_);
    archive.value(self.wanted_in_b2_);
  }

 private:
  /// The list where the key was a ghost, which it is no longer; p has been adapted.
  uint32_t take_ghost(uint64_t hash) {
    const uint32_t list = ghosts_.take(hash);
    if (list == b1) {
      p_ = std::min(p_ + step(ghosts_.size(b2), ghosts_.size(b1) + 1),
                    static_cast<double>(capacity_));
    } else if (list == b2) {
      p_ = std::max(p_ - step(ghosts_.size(b1), ghosts_.size(b2) + 1), 0.0);
    }
    return list;
  }
  static double step(uint32_t other_ghosts, uint32_t ghosts) {
    return std::max(1.0, static_cast<double>(other_ghosts) / static_cast<double>(ghosts));
  }

  template <class Visit>
  void for_runs(const Notice& at, Spans spans, Visit visit) const {
    lists_.for_spans_backward(spans,
                              [&](tp_span span) { at.slots.for_runs_backward(span, visit); });
  }
  /// Calls visit(part, list) for the parts of a run that are in T1 or T2, the last first.
  template <class Visit>
  void for_parts(tp_span run, Visit visit) const {
    often_.for_runs_backward(run, [&](tp_span part, bool often) { visit(part, often ? t2 : t1); });
  }

  /// A run, not on its way out, is of T2 from now on.
  void use_often(tp_span run) {
    const uint32_t rising = run.count - often_.count(run);
    if (rising == 0) return;
    sizes_[t1] -= rising;
    sizes_[t2] += rising;
    often_.set(run);
  }

  void leave_ghosts(tp_span run) {
    for (uint32_t i = run.count; i-- > 0;) {
      const uint32_t slot = run.first_slot + i;
      ghosts_.push(often_.test(slot) ? b2 : b1, hashes_[slot]);
      limit_ghosts();
    }
  }

  void limit_ghosts() {
    while (ghosts_.size(b1) != 0 && sizes_[t1] + ghosts_.size(b1) > capacity_) {
      ghosts_.drop_oldest(b1);
    }
    const uint64_t blocks = uint64_t{sizes_[t1]} + sizes_[t2];
    const uint64_t most = std::min(2 * uint64_t{capacity_} - blocks, ghosts_most_);
    while (ghosts_.size(b2) != 0 && ghosts_.size(b1) + ghosts_.size(b2) > most) {
      ghosts_.drop_oldest(b2);
    }
  }

  /// How many blocks T1 gives before T2 does.
  uint32_t surplus() const {
    const auto target = static_cast<uint32_t>(p_);
    if (sizes_[t1] < target) return 0;
    return sizes_[t1] - target + (wanted_in_b2_ && p_ == target ? 1 : 0);
  }

  /// Calls visit(run, list), which may let it leave, for the next victims in order.
  template <class Visit>
  void for_victims(uint32_t need, Visit visit) const {
    Lists::Walk once(lists_, t1);
    Lists::Walk often(lists_, t2);
    const auto take = [&](Lists::Walk& walk, uint32_t list, uint32_t most) {
      while (most != 0 && !walk.done()) {
        const tp_span run = walk.next(most);
        most -= run.count;
        need -= run.count;
        visit(run, list);
      }
    };
    take(once, t1, std::min(need, surplus()));
    take(often, t2, need);
    take(once, t1, need);
  }

  uint32_t capacity_;
  Lists lists_;                 // blocks that may leave
  SlotFlags often_;             // by slot: it is of T2
  FlatArray<uint64_t> hashes_;  // by slot, of its key; 0: absent
  uint32_t sizes_[2]{};         // of T1 and T2, blocks in use included
  uint64_t ghosts_most_;        // in B1 and B2
  Ghosts ghosts_;
  double p_ = 0;  // blocks
  bool wanted_in_b2_ = false;
};

}  // namespace

CacheEntry arc_entry() {
  return cache_entry<Arc>(
      "Adaptive replacement: one list of blocks used once and one of blocks used more often share "
      "the pool, and ghosts of what left each say which of the two should grow. Tunes itself "
      "between recency and frequency.",
      "Megiddo, Modha: ARC: a self-tuning, low overhead replacement cache, FAST 2003");
}

}  // namespace tiercast::policy
