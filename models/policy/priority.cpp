#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>

#include "models/policy/cache_entry.hpp"
#include "models/policy/expiry_heap.hpp"
#include "models/policy/leaf_queues.hpp"
#include "models/policy/retention.hpp"

namespace tiercast::policy {
namespace {

/// Least recently used within each priority, the lowest priority first, as TensorRT-LLM's block
/// reuse. A block waits in the queue of its priority from the release by its last user on, tail
/// first; whose time has run out falls back to the default priority and joins that queue as its
/// newest (cpp/tensorrt_llm/batch_manager/evictionPolicy.cpp: LRUEvictionPolicy::getFreeBlock,
/// releaseBlock, refresh; default 35 in executor.h, KvCacheRetentionConfig). Only leaves of the
/// prefix tree are victims, as the comment in getFreeBlock has it: a block of low priority stays
/// while blocks behind it may not leave yet, and then is next with its own old stamp. TensorRT-LLM
/// itself frees the descendants of a victim (kvCacheManager.cpp, freeChildren), of which a host
/// that asks for exactly n blocks would not hear; LeafQueues says what counts as a leaf.
///
/// Expiry takes effect with the first notice or tick at its time or later, as TensorRT-LLM's
/// refresh() once an iteration; those due together join in order of their times, then of slots,
/// where TensorRT-LLM compares pointers. It counts durations from each release; a block view tells
/// one point in time, which holds whether the block is in use or not. A priority of 0 is unknown in
/// a view and means the default, so TensorRT-LLM's 0 is told as 1. A touch makes an unused block
/// the newest of its queue; priority and time are from then on those that the request behind it
/// tells, if it tells any (claimBlock).
class Priority {
 public:
  static constexpr std::string_view name = "priority";
  static constexpr uint32_t capabilities = TP_CAP_READS_BLOCKS;
  static constexpr VictimOrder victim_order = VictimOrder::downwards;
  static constexpr uint32_t capacity_blocks_max = LeafQueues::capacity_max;
  static std::span<const Parameter> parameters() {
    static constexpr Parameter list[] = {
        {"default", "priority", ParameterKind::integer, 35, 1, priority_max,
         "Of blocks whose priority is not told, and of those whose time has run out."}};
    return list;
  }

  Priority(const tp_pool& pool, const ParameterValues& values, uint64_t /*seed*/)
      : default_(values.integer("default")),
        blocks_(pool.slot_count, pool.capacity_blocks),
        expiries_(pool.slot_count, pool.capacity_blocks) {}

  void prefetch(uint32_t slot) const { blocks_.prefetch(slot); }
  void prefetch(uint32_t slot, const tp_block*) const { blocks_.prefetch(slot); }

  void insert(const Notice& at, uint32_t slot, const tp_block* block) {
    refresh(at.now_ns);
    blocks_.insert(slot, *block, claimed(at, slot, block->priority, block->expires_ns));
  }
  void touch(const Notice& at, uint32_t slot) {
    refresh(at.now_ns);
    const tp_request* request = at.request;
    if (request == nullptr || request->priority == 0) return blocks_.renew(slot);
    if (expiries_.has(slot)) expiries_.remove(slot);
    blocks_.change_level(slot, claimed(at, slot, request->priority, blocks_expire_ns(*request)));
  }
  void remove(const Notice& at, uint32_t /*reason*/, uint32_t slot) {
    refresh(at.now_ns);
    if (expiries_.has(slot)) expiries_.remove(slot);
    blocks_.remove(slot);
  }
  void set_evictable(const Notice& at, bool on, uint32_t slot) {
    refresh(at.now_ns);
    if (on) return blocks_.release(slot);
    blocks_.take(slot);
  }

  void tick(const Notice& at) { refresh(at.now_ns); }
  int64_t next_wakeup(int64_t /*now_ns*/) const { return expiries_.next_ns(); }

  void select(uint32_t need, auto& victims) const { blocks_.select(need, victims); }
  void commit(uint32_t need, auto& verdicts) { blocks_.commit(need, verdicts); }

  void hash(StateHash& hash) const {
    blocks_.hash(hash);
    expiries_.hash(hash);
  }
  static void archive(auto& self, auto& archive) {
    LeafQueues::archive(self.blocks_, archive);
    ExpiryHeap::archive(self.expiries_, archive);
  }

 private:
  static constexpr uint32_t priority_max = 100;

  /// The priority that a block is told, which then ends at its time.
  uint32_t claimed(const Notice& at, uint32_t slot, uint32_t told, int64_t expires_ns) {
    const bool ends = expires_ns != 0 && expires_ns != INT64_MAX;
    if (told == 0 || (ends && expires_ns <= at.now_ns)) return default_;
    const uint32_t priority = std::min(told, priority_max);
    if (ends && priority != default_) expiries_.add(slot, expires_ns);
    return priority;
  }

  void refresh(int64_t now_ns) {
    while (expiries_.next_ns() <= now_ns) {
      const uint32_t slot = expiries_.next();
      expiries_.remove(slot);
      blocks_.change_level(slot, default_);
    }
  }

  uint32_t default_;
  LeafQueues blocks_;    // a queue a priority
  ExpiryHeap expiries_;  // of blocks not of default priority
};

}  // namespace

CacheEntry priority_entry() {
  return cache_entry<Priority>(
      "Lowest priority first, least recently used within each, leaves of the prefix tree alone; a "
      "block whose time has run out falls back to the default priority.",
      "TensorRT-LLM: cpp/tensorrt_llm/batch_manager/evictionPolicy.cpp (LRUEvictionPolicy)");
}

}  // namespace tiercast::policy
