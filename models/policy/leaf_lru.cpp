#include <cstdint>
#include <span>
#include <string_view>

#include "models/policy/cache_entry.hpp"
#include "models/policy/leaf_queues.hpp"

namespace tiercast::policy {
namespace {

/// Least recently used among leaves of the prefix tree, as caches that keep a radix tree do: only a
/// block without a child in the pool is a candidate, of these the one used longest ago; a parent
/// whose last child goes is a candidate with its own old stamp, so before all that was used later.
/// SGLang: python/sglang/srt/mem_cache/
/// radix_cache.py (evict, _update_leaf_status) with LRUStrategy of evict_policy.py; Dynamo KVBM,
/// its default: lib/kvbm-logical/src/pools/inactive/backends/lineage.rs.
///
/// A stamp is set as the last user leaves (Dynamo's insert into the inactive pool) and as an unused
/// block is touched; of one batch the tail is the oldest, where Dynamo stamps in the order of
/// release and SGLang a path's nodes alike. SGLang evicts whole nodes of its tree, this one exactly
/// as many blocks as asked for.
///
/// A child in use keeps nobody by itself, as in Dynamo, whose graph holds unused blocks and, as
/// ghosts, what links them; hosts that pin whole prefixes, as SGLang does, never see it.
///
/// A parent is told as such and with less depth than its child. A block told without a parent
/// (parent_slot UINT32_MAX), and one whose parent left first, is a root. Where a child comes before
/// its parent, as in tiers with gaps, Dynamo links the two later by the parent's hash, which a
/// block view does not tell: here the child stays a root, and its parent, once it comes, counts as
/// a leaf.
class LeafLru {
 public:
  static constexpr std::string_view name = "leaf-lru";
  static constexpr uint32_t capabilities = TP_CAP_PREFIX_CLOSED | TP_CAP_READS_BLOCKS;
  static constexpr VictimOrder victim_order = VictimOrder::downwards;
  static constexpr uint32_t capacity_blocks_max = LeafQueues::capacity_max;
  static std::span<const Parameter> parameters() { return {}; }

  LeafLru(const tp_pool& pool, const ParameterValues&, uint64_t /*seed*/)
      : blocks_(pool.slot_count, pool.capacity_blocks) {}

  void prefetch(uint32_t slot) const { blocks_.prefetch(slot); }
  void prefetch(uint32_t slot, const tp_block*) const { blocks_.prefetch(slot); }

  void insert(const Notice&, uint32_t slot, const tp_block* block) {
    blocks_.insert(slot, *block, 0);
  }
  void touch(const Notice&, uint32_t slot) { blocks_.renew(slot); }
  void remove(const Notice&, uint32_t /*reason*/, uint32_t slot) { blocks_.remove(slot); }
  void set_evictable(const Notice&, bool on, uint32_t slot) {
    if (on) return blocks_.release(slot);
    blocks_.take(slot);
  }

  void select(uint32_t need, auto& victims) const { blocks_.select(need, victims); }
  void commit(uint32_t need, auto& verdicts) { blocks_.commit(need, verdicts); }

  void hash(StateHash& hash) const { blocks_.hash(hash); }
  static void archive(auto& self, auto& archive) { LeafQueues::archive(self.blocks_, archive); }

 private:
  LeafQueues blocks_;
};

}  // namespace

CacheEntry leaf_lru_entry() {
  return cache_entry<LeafLru>(
      "Least recently used among the leaves of the prefix tree: a block leaves before those it "
      "continues, and a parent whose last child goes is next with its own old stamp.",
      "SGLang: python/sglang/srt/mem_cache/radix_cache.py, evict_policy.py; Dynamo KVBM: "
      "lib/kvbm-logical/src/pools/inactive/backends/lineage.rs");
}

}  // namespace tiercast::policy
