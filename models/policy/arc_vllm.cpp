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
#include "models/policy/two_queues.hpp"

namespace tiercast::policy {
namespace {

/// ARC as vLLM's CPU offload manager has it (vLLM v1, vllm/v1/kv_offload/cpu/policies/arc.py).
/// Every new block enters T1 as its newest, of a batch the head first, and is a ghost no more. A
/// touch walks its blocks from the tail: one of T1 goes to T2's newest end, unless it is still
/// being written, that is, was never evictable: then to T1's; one of T2 goes to T2's. Missing keys
/// are touched too, which here is a lookup, likewise from the tail: a ghost in B1 raises the target
/// for T1's size by max(1, |B2| / |B1|) up to the capacity, one in B2 lowers it by
/// max(1, |B1| / |B2|) down to 0, and it becomes the newest of its ghosts. To evict: while T1 holds
/// at least the target's whole part its oldest leaves for B1, else T2's for B2; where that list has
/// none to give, the other does. Ghost lists hold up to the capacity each.
///
/// It differs from the paper's algorithm (`arc`): ghosts return to T1, it evicts from T1 at the
/// target and not above it alone, and the directory is larger. Of vLLM's versions this is one in
/// which T1 gives where T2 cannot and blocks being written are safe; earlier ones refuse in the
/// first case and evict in the second. Here a victim becomes a ghost as it leaves the pool, in
/// order of the batch in which the host says so.
class ArcVllm {
  using Queues = SlotQueues<3>;
  static constexpr uint32_t t1 = 0;
  static constexpr uint32_t t2 = 1;
  using Ghosts = GhostLists<2>;
  static constexpr uint32_t b1 = 0;
  static constexpr uint32_t b2 = 1;
  static constexpr uint32_t written = 2;  // of T1, with its order, but not ready yet

 public:
  static constexpr std::string_view name = "arc-vllm";
  static constexpr uint32_t capabilities = TP_CAP_SPANS | TP_CAP_READS_KEYS;
  static constexpr VictimOrder victim_order = VictimOrder::upwards;
  static constexpr uint32_t capacity_blocks_max = 1u << 26;
  static std::span<const Parameter> parameters() { return {}; }

  ArcVllm(const tp_pool& pool, const ParameterValues&, uint64_t /*seed*/)
      : capacity_(pool.capacity_blocks),
        queues_(pool.slot_count, pool.capacity_blocks),
        hashes_(pool.slot_count),
        ghosts_({pool.capacity_blocks, pool.capacity_blocks}) {}

  void lookup(const Notice&, Blocks blocks, std::size_t count, std::size_t hits) {
    for_missing_keys(
        blocks, count, hits, [&](uint64_t hash) { ghosts_.prefetch(hash); },
        [&](uint64_t hash) { touch_ghost(hash); });
  }

  void insert(const Notice&, Spans spans, Blocks blocks) {
    const auto ahead = [&](uint32_t slot, std::size_t i) {
      queues_.prefetch(slot);
      hashes_.prefetch(slot);
      ghosts_.prefetch(key_hash(blocks[i]->key));
    };
    walk_blocks<BlockCursor>(spans, ahead, [&](uint32_t slot, std::size_t i) {
      const uint64_t hash = key_hash(blocks[i]->key);
      hashes_[slot] = hash;
      queues_.push(written, slot);
      ghosts_.take(hash);
    });
  }

  void touch(const Notice& at, Spans spans) {
    walk<TailCursor>(spans, [&](uint32_t slot) {
      const uint32_t to = queues_.queue_of(slot) == written ? written : t2;
      queues_.move(to, slot, at.slots.state(slot) != SlotState::leaving);
    });
  }

  void remove(const Notice& at, uint32_t /*reason*/, Spans spans) {
    walk<BlockCursor>(spans, [&](uint32_t slot) {
      const bool leaving = at.slots.state(slot) == SlotState::leaving;
      if (leaving) ghosts_.push(queues_.queue_of(slot) == t2 ? b2 : b1, hashes_[slot]);
      queues_.remove(slot, !leaving);
    });
  }

  void set_evictable(const Notice& at, bool on, Spans spans) {
    walk<BlockCursor>(spans, [&](uint32_t slot) {
      if (on && at.slots.state(slot) == SlotState::leaving) return queues_.come_back(slot);
      if (on && queues_.queue_of(slot) == written) queues_.change_queue(t1, slot);
      queues_.set_candidate(slot, on);
    });
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
        hash, [](uint32_t queue) { return queue == t2 ? t2 : t1; },
        [&](StateHash& chain, uint32_t slot) { chain.add(hashes_[slot]); });
    ghosts_.hash(hash);
    hash.add(std::bit_cast<uint64_t>(target_));
  }

  template <class Self, class Archive>
  static void archive(Self& self, Archive& archive) {
    Queues::archive(self.queues_, archive);
    archive.items(self.hashes_.data(), self.hashes_.size());
    Ghosts::archive(self.ghosts_, archive);
    archive.value(self.target_);
  }

 private:
  template <class Cursor, class Visit>
  void walk(Spans spans, Visit visit) const {
    walk_blocks<Cursor>(
        spans, [&](uint32_t slot, std::size_t) { queues_.prefetch(slot); },
        [&](uint32_t slot, std::size_t) { visit(slot); });
  }
  void touch_ghost(uint64_t hash) {
    const double once = ghosts_.size(b1);
    const double often = ghosts_.size(b2);
    const uint32_t list = ghosts_.take(hash);
    if (list == Ghosts::none) return;
    if (list == b1) {
      target_ = std::min(target_ + std::max(1.0, often / once), static_cast<double>(capacity_));
    } else {
      target_ = std::max(target_ - std::max(1.0, once / often), 0.0);
    }
    ghosts_.push(list, hash);
  }

  template <class Visit>
  void for_victims(uint32_t need, Visit visit) const {
    const auto target = static_cast<uint32_t>(target_);
    for_victims_of_two(
        queues_, need, queues_.size(t1) + queues_.size(written),
        [&](uint32_t staying) { return staying >= target; }, visit);
  }

  uint32_t capacity_;
  Queues queues_;
  FlatArray<uint64_t> hashes_;  // by slot, of its key
  Ghosts ghosts_;
  double target_ = 0;  // blocks in T1
};

}  // namespace

CacheEntry arc_vllm_entry() {
  return cache_entry<ArcVllm>(
      "The adaptive replacement of vLLM's CPU offload tier: as arc, but what comes back starts "
      "over in the list of blocks used once, and each ghost list is as long as the pool.",
      "vLLM v1: vllm/v1/kv_offload/cpu/policies/arc.py");
}

}  // namespace tiercast::policy
