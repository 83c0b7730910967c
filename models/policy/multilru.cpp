#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "models/policy/cache_entry.hpp"
#include "models/policy/fetch_queue.hpp"
#include "models/policy/flat_array.hpp"
#include "models/policy/hit_sketch.hpp"
#include "models/policy/slot_queues.hpp"

namespace tiercast::policy {
namespace {

/// Four LRU queues by how often blocks are hit, the coldest first: the MultiLRU backend of Dynamo's
/// KV block manager (lib/kvbm-logical/src/pools/inactive/backends/multi_lru_backend.rs; thresholds
/// 3, 8 and 15 of manager/builder.rs, with_multi_lru_backend). As its last user leaves, a block
/// joins the queue that its key's count gives and is its newest; victims come from the coldest
/// queue that has any, oldest first. What counts a key: its entering the pool and each use of it
/// from then on (registry/mod.rs, register_sequence_hash and match_sequence_hash). A use of an
/// unused block takes it out and puts it back by its new count; a block that nobody uses stays in
/// its queue however the counts of others or halving move.
///
/// Of one batch the tail is the oldest. Dynamo shares one sketch between the pools of all tiers and
/// sizes it by itself (2^18, 2^21 or 2^24 entries); here each pool has its own. HitSketch says how
/// it counts, and that Dynamo's fills up: then all blocks are in the hottest queue, plain LRU.
class MultiLru {
 public:
  static constexpr std::string_view name = "multilru";
  static constexpr uint32_t capabilities = TP_CAP_READS_KEYS;
  static constexpr VictimOrder victim_order = VictimOrder::downwards;
  static constexpr uint32_t capacity_blocks_max = 1u << 26;

  static std::span<const Parameter> parameters() {
    static constexpr Parameter list[] = {
        {"warm", "hits", ParameterKind::integer, 3, 1, HitSketch::count_max,
         "From which on a block is in the second coldest queue; less than hot."},
        {"hot", "hits", ParameterKind::integer, 8, 1, HitSketch::count_max,
         "From which on a block is in the second hottest queue; less than very_hot."},
        {"very_hot", "hits", ParameterKind::integer, 15, 1, HitSketch::count_max,
         "From which on a block is in the hottest queue, the last to give victims."},
        {"sketch", "times capacity", ParameterKind::real, 4, 0.25, 4096,
         "Entries of the sketch that counts hits, rounded up to a power of two, 2^31 at most."},
        {"spread", "", ParameterKind::integer, 0, 0, 1,
         "1 uses all counters of the sketch; 0 as Dynamo one in 16, which fills it up early."}};
    return list;
  }
  static std::string check(const ParameterValues& values) {
    if (values.integer("warm") < values.integer("hot") &&
        values.integer("hot") < values.integer("very_hot")) {
      return {};
    }
    return "parameters 'warm' (" + number_text(values.real("warm")) + "), 'hot' (" +
           number_text(values.real("hot")) + ") and 'very_hot' (" +
           number_text(values.real("very_hot")) + ") must ascend";
  }

  MultiLru(const tp_pool& pool, const ParameterValues& values, uint64_t /*seed*/)
      : thresholds_{values.integer("warm"), values.integer("hot"), values.integer("very_hot")},
        queues_(pool.slot_count, pool.capacity_blocks),
        keys_(pool.slot_count),
        sketch_(entries(pool, values.real("sketch")), values.integer("spread") != 0) {}

  void prefetch(uint32_t slot) const {
    queues_.prefetch(slot);
    keys_.prefetch(slot);
    sketch_.prefetch(keys_[fetched_.next(slot)]);
  }
  void prefetch(uint32_t slot, const tp_block* block) const {
    keys_.prefetch(slot);
    sketch_.prefetch(block->key);
  }

  void insert(const Notice&, uint32_t slot, const tp_block* block) {
    keys_[slot] = block->key;
    sketch_.add(block->key);
  }
  void touch(const Notice& at, uint32_t slot) {
    const uint32_t count = sketch_.add(keys_[slot]);
    if (at.slots.state(slot) == SlotState::evictable) queues_.move(queue(count), slot);
  }
  void remove(const Notice& at, uint32_t /*reason*/, uint32_t slot) {
    const SlotState state = at.slots.state(slot);
    if (state != SlotState::pinned) queues_.remove(slot, state == SlotState::evictable);
    keys_[slot] = {};
  }
  void set_evictable(const Notice& at, bool on, uint32_t slot) {
    if (!on) return queues_.remove(slot, true);
    if (at.slots.state(slot) == SlotState::leaving) return queues_.come_back(slot);
    queues_.push(queue(sketch_.count(keys_[slot])), slot);
    queues_.set_candidate(slot, true);
  }

  void select(uint32_t need, auto& victims) const {
    for_victims(need, [&](uint32_t slot) { victims.take(slot); });
  }
  void commit(uint32_t need, auto& verdicts) {
    for_victims(need, [&](uint32_t slot) {
      if (verdicts.accepts(slot)) queues_.leave(slot);
    });
  }

  void hash(StateHash& hash) const {
    queues_.hash(hash);
    sketch_.hash(hash);
    for (uint32_t slot = 0; slot < keys_.size(); ++slot) {
      hash.add(keys_[slot].hi);
      hash.add(keys_[slot].lo);
    }
  }
  static void archive(auto& self, auto& archive) {
    SlotQueues<queue_count>::archive(self.queues_, archive);
    archive.items(self.keys_.data(), self.keys_.size());
    HitSketch::archive(self.sketch_, archive);
  }

 private:
  static constexpr uint32_t queue_count = 4;

  static uint64_t entries(const tp_pool& pool, double share) {
    const double wanted = share * static_cast<double>(pool.capacity_blocks);
    return static_cast<uint64_t>(std::clamp(wanted, 4.0, double{HitSketch::entries_max}));
  }

  /// 0 is the coldest.
  uint32_t queue(uint32_t count) const {
    uint32_t queue = 0;
    for (const uint32_t threshold : thresholds_) queue += count >= threshold ? 1 : 0;
    return queue;
  }

  template <class Visit>
  void for_victims(uint32_t need, Visit visit) const {
    for (uint32_t queue = 0; queue < queue_count; ++queue) {
      uint32_t place = queues_.oldest(queue);
      for (; place != queues_.none; place = queues_.oldest(queue, place + 1)) {
        if (need-- == 0) return;
        visit(queues_.slot_at(place));
      }
    }
  }

  uint32_t thresholds_[queue_count - 1];
  SlotQueues<queue_count> queues_;  // blocks not in use
  FlatArray<tp_key> keys_;          // by slot
  HitSketch sketch_;
  mutable FetchQueue fetched_;
};

}  // namespace

CacheEntry multilru_entry() {
  return cache_entry<MultiLru>(
      "Four LRU queues by how often blocks are hit, as a TinyLFU sketch counts them; the coldest "
      "queue gives victims first.",
      "Dynamo KVBM: lib/kvbm-logical/src/pools/inactive/backends/multi_lru_backend.rs, tinylfu.rs");
}

}  // namespace tiercast::policy
