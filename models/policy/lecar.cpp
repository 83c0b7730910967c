#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "models/policy/cache_entry.hpp"
#include "models/policy/decay.hpp"
#include "models/policy/expert_pair.hpp"
#include "models/policy/flat_array.hpp"
#include "models/policy/ghost_history.hpp"
#include "models/policy/key_hash.hpp"
#include "models/policy/key_walk.hpp"
#include "models/policy/ranked_slots.hpp"
#include "models/policy/slot_queues.hpp"

namespace tiercast::policy {
namespace {

/// LeCaR, learning cache replacement (Vietri et al.: Driving cache replacement with ML-based LeCaR,
/// HotStorage 2018). Two experts, LRU and LFU; each victim is named by one of them, drawn by their
/// weights, and its key goes to that expert's history, of the pool's length and oldest out first. A
/// missing key found in a history is a regret: the other expert's weight is multiplied by
/// e^(learning * 0.005^(t / capacity)), t the time the key was in the history, and the two are
/// scaled to sum up to 1.
///
/// Of this library: time counts entries and touches of any block. No weight falls below `floor`, so
/// that an expert long out of favour is heard again. LRU takes the block touched or put down
/// longest ago, LFU the one used least often since it entered, of equals the same one; what the
/// answer has named already is passed over. A lookup learns from each missing key, of a prompt the
/// tail first, and the key is a ghost no more, so that asking again does not count twice; for a
/// host that looks nothing up, insert learns. A victim becomes a ghost as it leaves the pool. Keys
/// that agree in 64 bits of hash count as one. Draws come from the seed and a counter that moves at
/// commit. 106 bytes a block, 60 of them for histories.
class LeCar {
 public:
  static constexpr std::string_view name = "lecar";
  static constexpr uint32_t capabilities = TP_CAP_READS_KEYS;
  static constexpr VictimOrder victim_order = VictimOrder::downwards;
  static constexpr uint32_t capacity_blocks_max = RankedSlots::slot_count_max;

  static std::span<const Parameter> parameters() {
    static constexpr Parameter list[] = {
        {"learning", "", ParameterKind::real, 0.45, 0, 100,
         "Learning rate: how far a regret moves the experts' weights."},
        {"lru", "share", ParameterKind::real, 0.5, 0, 1,
         "Weight of LRU at first; LFU has the rest."},
        {"floor", "share", ParameterKind::real, 0.01, 0, 0.5,
         "Least weight that learning leaves an expert."}};
    return list;
  }

  LeCar(const tp_pool& pool, const ParameterValues& values, uint64_t seed)
      : learning_(values.real("learning")),
        forgetting_(ln_200 / static_cast<double>(pool.capacity_blocks)),
        blocks_(pool.slot_count),
        by_recency_(pool.slot_count, pool.capacity_blocks),
        by_uses_(pool.slot_count, pool.capacity_blocks),
        experts_(pool.slot_count, seed, values.real("lru"), values.real("floor")),
        histories_{History(pool.capacity_blocks), History(pool.capacity_blocks)} {}

  void prefetch(uint32_t slot) const {
    blocks_.prefetch(slot);
    by_recency_.prefetch(slot);
    by_uses_.prefetch(slot);
  }
  void prefetch(uint32_t slot, const tp_block* block) const {
    blocks_.prefetch(slot);
    prefetch_ghosts(key_hash(block->key));
  }

  void lookup(const Notice&, Blocks blocks, std::size_t count, std::size_t hits) {
    for_missing_keys(
        blocks, count, hits, [&](uint64_t hash) { prefetch_ghosts(hash); },
        [&](uint64_t hash) { learn(hash); });
  }

  void insert(const Notice&, uint32_t slot, const tp_block* block) {
    const uint64_t hash = key_hash(block->key);
    learn(hash);
    blocks_[slot] = {hash, 1, Expert::none};
    by_recency_.push(0, slot);
    ++clock_;
  }

  void touch(const Notice&, uint32_t slot) {
    ++clock_;
    if (blocks_[slot].uses != UINT32_MAX) ++blocks_[slot].uses;
    if (by_uses_.holds(slot)) renew(slot);
  }

  void remove(const Notice&, uint32_t /*reason*/, uint32_t slot) {
    const Block& block = blocks_[slot];
    if (block.evictor != Expert::none) history_of(block.evictor).push(block.hash, clock_);
    by_uses_.drop(slot);
    by_recency_.remove(slot, true);
    blocks_[slot] = {};
  }

  void set_evictable(const Notice&, bool on, uint32_t slot) {
    by_recency_.set_candidate(slot, on);
    if (!on) return by_uses_.drop(slot);
    blocks_[slot].evictor = Expert::none;
    renew(slot);
  }

  void select(uint32_t need, auto& victims) const {
    name_victims(need, [&](uint32_t slot, Expert, bool) { victims.take(slot); });
    experts_.for_named([](uint32_t) {});
  }

  void commit(uint32_t need, auto& verdicts) {
    name_victims(need, [&](uint32_t slot, Expert expert, bool) {
      if (verdicts.accepts(slot)) blocks_[slot].evictor = expert;
    });
    experts_.for_named([&](uint32_t slot) {
      if (blocks_[slot].evictor == Expert::none) return;
      by_uses_.drop(slot);
      by_recency_.set_candidate(slot, false);
    });
    experts_.commit(need);
  }

  void hash(StateHash& hash) const {
    experts_.hash(hash);
    for (uint32_t slot = 0; slot < blocks_.size(); ++slot) {
      const Block& block = blocks_[slot];
      if (block.uses == 0) continue;
      hash.add(uint64_t{slot} << 32 | block.uses);
      hash.add(block.hash);
      hash.add(static_cast<uint64_t>(block.evictor));
    }
    for (QueueWalk walk(by_recency_); !walk.done(); walk.next()) hash.add(walk.slot());
    for (const History& history : histories_) {
      history.hash(hash, [&](StateHash& chain, uint64_t left) { chain.add(clock_ - left); });
    }
  }

  static void archive(auto& self, auto& archive) {
    archive.items(self.blocks_.data(), self.blocks_.size());
    SlotQueues<1>::archive(self.by_recency_, archive);
    RankedSlots::archive(self.by_uses_, archive);
    for (auto& history : self.histories_) History::archive(history, archive);
    archive.value(self.clock_);
    ExpertPair::archive(self.experts_, archive);
  }

 private:
  static constexpr double ln_200 = 5.298317366548036;  // 0.005^x is e^(-x ln 200)

  static constexpr Expert lru = Expert::first;
  static constexpr Expert lfu = Expert::second;

  struct Block {
    uint64_t hash;   // of the key
    uint32_t uses;   // 0: absent
    Expert evictor;  // who named it, of a victim that is leaving
  };
  using History = GhostHistory<uint64_t>;  // when they left

  void prefetch_ghosts(uint64_t hash) const {
    for (const History& history : histories_) history.prefetch(hash);
  }
  History& history_of(Expert expert) { return histories_[expert == lru ? 0 : 1]; }
  void renew(uint32_t slot) {
    by_recency_.move(0, slot);
    by_uses_.put_newest(slot, blocks_[slot].uses);
  }

  /// A missing key is asked for, and is a ghost no longer.
  void learn(uint64_t hash) {
    for (const Expert expert : {lru, lfu}) {
      const auto left = history_of(expert).take(hash);
      if (!left) continue;
      const double unused = static_cast<double>(clock_ - *left);
      experts_.blame(expert, learning_ * decay(forgetting_ * unused));
    }
  }

  template <class Give>
  void name_victims(uint32_t need, Give give) const {
    experts_.name_victims(need, QueueWalk(by_recency_), RankedSlots::Walk(by_uses_), give);
  }

  double learning_;
  double forgetting_;         // for each unit of time, as a power of e
  uint64_t clock_ = 0;        // entries and touches so far
  FlatArray<Block> blocks_;   // by slot
  SlotQueues<1> by_recency_;  // only the order of candidates says something
  RankedSlots by_uses_;       // candidates
  ExpertPair experts_;
  History histories_[2];  // of LRU and of LFU
};

}  // namespace

CacheEntry lecar_entry() {
  return cache_entry<LeCar>(
      "Two experts, LRU and LFU, drawn by weights that shift as each one's victims are missed: "
      "finds out which of recency and frequency pays, and keeps trying the other.",
      "Vietri et al.: Driving cache replacement with ML-based LeCaR, HotStorage 2018");
}

}  // namespace tiercast::policy
