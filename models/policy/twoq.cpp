#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "models/policy/cache_entry.hpp"
#include "models/policy/ghost_lists.hpp"
#include "models/policy/key_hash.hpp"
#include "models/policy/key_walk.hpp"
#include "models/policy/two_queues.hpp"

namespace tiercast::policy {
namespace {

/// 2Q, full version (Johnson, Shasha, "2Q: a low overhead high performance buffer management
/// replacement algorithm", VLDB 1994). A new block enters A1in, first in first out, and a use there
/// changes nothing; a key that A1out, the ghosts of A1in, still knows ends there and its block
/// enters Am, least recently used. To evict: while A1in holds more than its share its oldest leaves
/// and becomes the newest ghost; else Am's oldest leaves for good. Here blocks in use keep their
/// place and count, and where a queue has no others the other one gives; a lookup notes which of
/// the missing keys are ghosts, so that room made for them cannot push them out, and up to
/// capacity / 8 + 64 of them are kept in mind until they come; a victim becomes a ghost as it
/// leaves the pool; of a batch the tail counts as the older, as block and as ghost.
class TwoQ {
  using Queues = SlotQueues<2>;
  static constexpr uint32_t a1in = 0;
  static constexpr uint32_t am = 1;
  using Ghosts = GhostLists<2>;
  static constexpr uint32_t a1out = 0;
  static constexpr uint32_t awaited = 1;  // were in A1out when looked up

 public:
  static constexpr std::string_view name = "2q";
  static constexpr uint32_t capabilities = TP_CAP_READS_KEYS;
  static constexpr VictimOrder victim_order = VictimOrder::downwards;
  static constexpr uint32_t capacity_blocks_max = 1u << 26;

  static std::span<const Parameter> parameters() {
    static constexpr Parameter list[] = {
        {"in", "share of capacity", ParameterKind::real, 0.25, 0, 1,
         "What A1in, which filters newcomers, holds before it gives the victims."},
        {"out", "share of capacity", ParameterKind::real, 0.5, 0, 4,
         "How many keys A1out remembers of blocks that left A1in."}};
    return list;
  }

  TwoQ(const tp_pool& pool, const ParameterValues& values, uint64_t /*seed*/)
      : in_share_(share(pool, values.real("in"))),
        queues_(pool.slot_count, pool.capacity_blocks),
        hashes_(pool.slot_count),
        ghosts_({share(pool, values.real("out")), pool.capacity_blocks / 8 + 64}) {}

  void prefetch(uint32_t slot) const { queues_.prefetch(slot); }
  void prefetch(uint32_t slot, const tp_block* block) const {
    queues_.prefetch(slot);
    hashes_.prefetch(slot);
    ghosts_.prefetch(key_hash(block->key));
  }

  void lookup(const Notice&, Blocks blocks, std::size_t count, std::size_t hits) {
    for_missing_keys(
        blocks, count, hits, [&](uint64_t hash) { ghosts_.prefetch(hash); },
        [&](uint64_t hash) {
          if (ghosts_.take(hash) != Ghosts::none) ghosts_.push(awaited, hash);
        });
  }
  void insert(const Notice&, uint32_t slot, const tp_block* block) {
    const uint64_t hash = key_hash(block->key);
    hashes_[slot] = hash;
    queues_.push(ghosts_.take(hash) != Ghosts::none ? am : a1in, slot);
  }
  void touch(const Notice& at, uint32_t slot) {
    if (queues_.queue_of(slot) == a1in) return;
    queues_.move(am, slot, at.slots.state(slot) != SlotState::leaving);
  }
  void remove(const Notice& at, uint32_t /*reason*/, uint32_t slot) {
    const bool leaving = at.slots.state(slot) == SlotState::leaving;
    if (leaving && queues_.queue_of(slot) == a1in) ghosts_.push(a1out, hashes_[slot]);
    queues_.remove(slot, !leaving);
  }
  void set_evictable(const Notice& at, bool on, uint32_t slot) {
    if (on && at.slots.state(slot) == SlotState::leaving) return queues_.come_back(slot);
    queues_.set_candidate(slot, on);
  }

  template <class Victims>
  void select(uint32_t need, Victims& victims) const {
    for_victims(need, [&](uint32_t slot) { victims.take(slot); });
  }
  template <class Verdicts>
  void commit(uint32_t need, Verdicts& verdicts) {
    for_victims(need, [&](uint32_t slot) {
      if (verdicts.accepts(slot)) queues_.leave(slot);
    });
  }

  void hash(StateHash& hash) const {
    queues_.hash_apart(
        hash, [](uint32_t queue) { return queue; },
        [&](StateHash& chain, uint32_t slot) {
          if (queues_.queue_of(slot) != a1in) return;  // its key will never be a ghost's
          chain.add(hashes_[slot]);
        });
    ghosts_.hash(hash);
  }

  template <class Self, class Archive>
  static void archive(Self& self, Archive& archive) {
    Queues::archive(self.queues_, archive);
    archive.items(self.hashes_.data(), self.hashes_.size());
    Ghosts::archive(self.ghosts_, archive);
  }

 private:
  static uint32_t share(const tp_pool& pool, double part) {
    return static_cast<uint32_t>(static_cast<double>(pool.capacity_blocks) * part);
  }

  template <class Visit>
  void for_victims(uint32_t need, Visit visit) const {
    for_victims_of_two(
        queues_, need, queues_.size(a1in), [&](uint32_t staying) { return staying > in_share_; },
        visit);
  }

  uint32_t in_share_;
  Queues queues_;
  FlatArray<uint64_t> hashes_;  // by slot, of its key
  Ghosts ghosts_;
};

}  // namespace

CacheEntry twoq_entry() {
  return cache_entry<TwoQ>(
      "A first-in-first-out queue filters newcomers and an LRU queue takes blocks that are asked "
      "for again soon after they left the first. Resists scans of one-time prefixes.",
      "Johnson, Shasha: 2Q: a low overhead high performance buffer management replacement "
      "algorithm, VLDB 1994 (full version)");
}

}  // namespace tiercast::policy
