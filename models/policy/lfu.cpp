#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>

#include "models/policy/cache_entry.hpp"
#include "models/policy/flat_array.hpp"
#include "models/policy/ranked_slots.hpp"

namespace tiercast::policy {
namespace {

/// Least frequently used: of the blocks that may leave, the one used least often since it entered;
/// of equals the one touched or put down longest ago, and of one batch the tail. Entering is the
/// first use. Counts never age and end with the block, as in the textbook's in-cache LFU; at 2^32-1
/// they stop. Source: the textbook rule; ties as in libCacheSim's LFU (oldest first).
class Lfu {
 public:
  static constexpr std::string_view name = "lfu";
  static constexpr uint32_t capabilities = 0;
  static constexpr VictimOrder victim_order = VictimOrder::downwards;
  static constexpr uint32_t capacity_blocks_max = RankedSlots::slot_count_max;
  static std::span<const Parameter> parameters() { return {}; }

  Lfu(const tp_pool& pool, const ParameterValues&, uint64_t /*seed*/)
      : uses_(pool.slot_count), candidates_(pool.slot_count, pool.capacity_blocks) {}

  void prefetch(uint32_t slot) const {
    uses_.prefetch(slot);
    candidates_.prefetch(slot);
  }
  void prefetch(uint32_t slot, const tp_block*) const { uses_.prefetch(slot); }

  void insert(const Notice&, uint32_t slot, const tp_block*) { uses_[slot] = 1; }

  void touch(const Notice&, uint32_t slot) {
    if (uses_[slot] != UINT32_MAX) ++uses_[slot];
    if (candidates_.holds(slot)) candidates_.put_newest(slot, uses_[slot]);
  }

  void remove(const Notice&, uint32_t /*reason*/, uint32_t slot) {
    candidates_.drop(slot);
    uses_[slot] = 0;
  }

  void set_evictable(const Notice&, bool on, uint32_t slot) {
    if (!on) return candidates_.drop(slot);
    candidates_.put_newest(slot, uses_[slot]);
  }

  void select(uint32_t need, auto& victims) const {
    RankedSlots::Walk walk(candidates_);
    for (victims.take(walk.slot()); --need != 0; victims.take(walk.slot())) walk.next();
  }

  void commit(uint32_t need, auto& verdicts) {
    candidates_.take_least(need, [&](uint32_t slot, uint64_t) { return verdicts.accepts(slot); });
  }

  void hash(StateHash& hash) const {
    for (uint32_t slot = 0; slot < uses_.size(); ++slot) hash.add(uses_[slot]);
    candidates_.hash(hash);
  }

  static void archive(auto& self, auto& archive) {
    archive.items(self.uses_.data(), self.uses_.size());
    RankedSlots::archive(self.candidates_, archive);
  }

 private:
  FlatArray<uint32_t> uses_;  // by slot; 0: absent
  RankedSlots candidates_;    // by uses
};

}  // namespace

CacheEntry lfu_entry() {
  return cache_entry<Lfu>(
      "Least frequently used: the block used least often since it entered leaves first; of equals "
      "the one touched or put down longest ago. Keeps what was popular long after it is.",
      "the textbook's in-cache LFU; ties as in libCacheSim: oldest first");
}

}  // namespace tiercast::policy
