#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>

#include "models/policy/bit_index.hpp"
#include "models/policy/cache_entry.hpp"
#include "models/policy/fetch_queue.hpp"
#include "models/policy/flat_array.hpp"
#include "models/policy/frequency_sketch.hpp"
#include "models/policy/key_hash.hpp"
#include "models/policy/slot_queues.hpp"

namespace tiercast::policy {
namespace {

/// W-TinyLFU (Einziger, Friedman, Manes: TinyLFU: a highly efficient cache admission policy, ACM
/// Transactions on Storage 2017): newcomers enter a small window kept in order of use. What the
/// window has no room for goes on to main while main has room, and else must have been used more
/// often, by a sketch of all keys' recent uses, than the block main would give up: the loser
/// leaves. Main is a segmented LRU: a use moves a block from probation to protected, or to the
/// newest of protected; protected's surplus falls back to probation's newest. While main fills,
/// newcomers to it enter the lower segment that has room, as in this library's `slru`. Uses are
/// counted as a block enters and at each touch, and halved after `sample` times the capacity of
/// them.
///
/// Of this library: blocks in use are passed over and keep their place. Of one answer's victims
/// each is the loser between the next of the window and the next of main; winners go to probation,
/// and are named themselves only when all others are. A window short of its share asks nothing of
/// main: main's next leaves.
class WTinyLfu {
 public:
  static constexpr std::string_view name = "wtinylfu";
  static constexpr uint32_t capabilities = TP_CAP_READS_KEYS;
  static constexpr VictimOrder victim_order = VictimOrder::downwards;
  static constexpr uint32_t capacity_blocks_max = 1u << 28;

  static std::span<const Parameter> parameters() {
    static constexpr Parameter list[] = {
        {"window", "share of capacity", ParameterKind::real, 0.01, 0.0001, 0.9999,
         "What the window may hold, one block at least."},
        {"protected", "share of main", ParameterKind::real, 0.8, 0, 1,
         "What main's protected segment may hold."},
        {"sample", "uses a block of capacity", ParameterKind::integer, 10, 1, 1000,
         "After how many uses all counts are halved."}};
    return list;
  }

  WTinyLfu(const tp_pool& pool, const ParameterValues& values, uint64_t /*seed*/)
      : window_most_(std::max(1u, share(pool.capacity_blocks, values.real("window")))),
        main_most_(pool.capacity_blocks - window_most_),
        protected_most_(share(main_most_, values.real("protected"))),
        queues_(pool.slot_count, pool.capacity_blocks),
        hashes_(pool.slot_count),
        winners_(pool.slot_count),
        sketch_(pool.capacity_blocks, uint64_t{values.integer("sample")} * pool.capacity_blocks) {}

  void prefetch(uint32_t slot) const {
    queues_.prefetch(slot);
    hashes_.prefetch(slot);
    sketch_.prefetch(hashes_[fetched_.next(slot)]);
  }
  void prefetch(uint32_t slot, const tp_block* block) const {
    queues_.prefetch(slot);
    hashes_.prefetch(slot);
    sketch_.prefetch(key_hash(block->key));
  }

  void insert(const Notice&, uint32_t slot, const tp_block* block) {
    hashes_[slot] = key_hash(block->key);
    sketch_.add(hashes_[slot]);
    queues_.push(window, slot);
    pass_on();
  }

  void touch(const Notice& at, uint32_t slot) {
    sketch_.add(hashes_[slot]);
    if (at.slots.state(slot) == SlotState::leaving) return;
    if (queues_.queue_of(slot) == window) return queues_.move(window, slot);
    queues_.move(protect, slot);
    while (queues_.size(protect) > protected_most_ && queues_.oldest(protect) != queues_.none) {
      queues_.prefetch_behind(protect, queues_.oldest(protect));
      queues_.move(probation, queues_.slot_at(queues_.oldest(protect)));
    }
  }

  void remove(const Notice& at, uint32_t /*reason*/, uint32_t slot) {
    queues_.remove(slot, at.slots.state(slot) != SlotState::leaving);
  }

  void set_evictable(const Notice& at, bool on, uint32_t slot) {
    if (at.slots.state(slot) == SlotState::leaving) {
      queues_.come_back(slot);
    } else {
      queues_.set_candidate(slot, on);
    }
    if (on) pass_on();
  }

  void select(uint32_t need, auto& victims) const {
    name_victims(need, [&](uint32_t slot) { victims.take(slot); });
    winners_.for_members(0, winners_.none, [&](uint32_t slot) {
      winners_.clear(slot);
      return true;
    });
  }

  void commit(uint32_t need, auto& verdicts) {
    uint32_t winners = name_victims(need, [&](uint32_t slot) {
      if (verdicts.accepts(slot)) queues_.leave(slot);
    });
    winners_.for_members(0, winners_.none, [&](uint32_t slot) {
      if (queues_.is_candidate(slot)) return true;
      winners_.clear(slot);  // it won, and was named after all others
      --winners;
      return true;
    });
    uint32_t slot = winners != 0 ? next_winner(0) : none;
    for (; winners != 0; --winners) {
      const uint32_t next = winners != 1 ? next_winner(queues_.place_of(slot) + 1) : none;
      winners_.clear(slot);
      queues_.move(probation, slot);
      slot = next;
    }
  }

  void hash(StateHash& hash) const {
    queues_.hash(hash);
    queues_.for_slots([&](uint32_t slot) { hash.add(hashes_[slot]); });
    sketch_.hash(hash);
  }

  static void archive(auto& self, auto& archive) {
    SlotQueues<3>::archive(self.queues_, archive);
    archive.items(self.hashes_.data(), self.hashes_.size());
    FrequencySketch::archive(self.sketch_, archive);
  }

 private:
  static constexpr uint32_t window = 0;
  static constexpr uint32_t probation = 1;
  static constexpr uint32_t protect = 2;
  static constexpr uint32_t none = UINT32_MAX;

  static uint32_t share(uint32_t whole, double part) {
    return static_cast<uint32_t>(static_cast<double>(whole) * part);
  }

  /// What the window has no room for goes to main while there is room.
  void pass_on() {
    while (queues_.size(window) > window_most_ &&
           queues_.size(probation) + queues_.size(protect) < main_most_ &&
           queues_.oldest(window) != queues_.none) {
      queues_.prefetch_behind(window, queues_.oldest(window));
      const bool to_probation = queues_.size(probation) < main_most_ - protected_most_ ||
                                queues_.size(protect) >= protected_most_;
      queues_.move(to_probation ? probation : protect, queues_.slot_at(queues_.oldest(window)));
    }
  }

  /// Names victims in order, and marks and counts the window's winners.
  template <class Give>
  uint32_t name_victims(uint32_t need, Give give) const {
    const bool contest = queues_.size(window) >= window_most_;
    uint32_t winners = 0;
    uint32_t newcomer = queues_.oldest(window);
    uint32_t queue = probation;
    uint32_t giving = queues_.oldest(queue);  // main's next
    const auto settle_queue = [&] {
      if (giving != none || queue == protect) return;
      queue = protect;
      giving = queues_.oldest(queue);
    };
    settle_queue();
    for (; need != 0 && (newcomer != none || giving != none); --need) {
      bool window_gives = giving == none;
      if (contest && newcomer != none && giving != none) {
        const uint32_t slot = queues_.slot_at(newcomer);
        window_gives =
            sketch_.estimate(hashes_[slot]) <= sketch_.estimate(hashes_[queues_.slot_at(giving)]);
        if (!window_gives) {
          winners_.set(slot);
          ++winners;
          newcomer = queues_.oldest(window, newcomer + 1);
        }
      }
      uint32_t& place = window_gives ? newcomer : giving;
      const uint32_t from = window_gives ? window : queue;
      give(queues_.slot_at(place));
      place = queues_.oldest(from, place + 1);
      settle_queue();
    }
    for (uint32_t slot = need != 0 ? next_winner(0) : none; need != 0; --need) {
      const uint32_t place = queues_.place_of(slot);
      give(slot);
      if (need != 1) slot = next_winner(place + 1);
    }
    return winners;
  }

  /// The first winner at or behind a place of the window; one must be there.
  uint32_t next_winner(uint32_t from) const {
    uint32_t place = queues_.oldest(window, from);
    while (!winners_.test(queues_.slot_at(place))) place = queues_.oldest(window, place + 1);
    return queues_.slot_at(place);
  }

  uint32_t window_most_;
  uint32_t main_most_;
  uint32_t protected_most_;
  SlotQueues<3> queues_;
  FlatArray<uint64_t> hashes_;  // of keys, by slot
  mutable BitIndex winners_;    // slots; empty between calls
  FrequencySketch sketch_;
  mutable FetchQueue fetched_;
};

}  // namespace

CacheEntry wtinylfu_entry() {
  return cache_entry<WTinyLfu>(
      "A small window of newcomers before a main part that lets in only what was used more often, "
      "lately, than what it would give up. Resists scans; slow to follow what is new and lasting.",
      "Einziger, Friedman, Manes: TinyLFU: a highly efficient cache admission policy, ACM "
      "Transactions on Storage 2017");
}

}  // namespace tiercast::policy
