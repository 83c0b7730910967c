#include "models/tiering/block_pool.hpp"

#include <algorithm>
#include <utility>

#include "sim/base/check.hpp"

namespace tiercast::tiering {

using kvstore::BlockSum;
using kvstore::NodeId;

BlockPool::BlockPool(kvstore::PrefixStore& store, CheckedCache cache, uint32_t block_tokens,
                     uint32_t block_bytes)
    : store_(&store),
      cache_(std::move(cache)),
      id_(store.add_pool(cache_.slot_count())),
      views_(block_tokens, block_bytes, TP_BLOCK_PINNED),
      free_(cache_.capacity_blocks()),
      numbers_(cache_.slot_count()) {}

// Twice as many keep half of the numbers free at any time.
uint32_t BlockPool::slots_for(uint32_t capacity_blocks) {
  constexpr uint32_t kMost = 1u << 26;  // what every built-in policy takes
  return std::max(capacity_blocks, std::min(kMost, 2 * std::min(kMost, capacity_blocks)));
}

void BlockPool::free_frames(tp_span frames) {
  free_ += frames.count;
  numbers_.give_back(frames);
}

void BlockPool::pin(int64_t now_ns, NodeId leaf, uint32_t hit) {
  scratch_.clear();
  orphans_.clear();
  const BlockSum dropped = store_->pin(leaf, id_, hit, scratch_, orphans_);
  if (!scratch_.empty()) cache_.evictable(now_ns, false, scratch_);
  if (!orphans_.empty()) {
    if (index_ != nullptr) index_->removed(now_ns, orphans_);
    cache_.remove(now_ns, TP_REMOVED_DROPPED, orphans_);
    for (const tp_span& span : orphans_) free_frames(span);
    counts_.dropped += dropped.blocks;
    digest_.add(now_ns, Transition::dropped, dropped);
  }
  if (hit == 0) return;
  scratch_.clear();
  store_->frames(leaf, id_, hit, scratch_);
  cache_.touch(now_ns, scratch_);
  BlockSum sum;
  sum.add(0, hit);
  digest_.add(now_ns, Transition::reused, sum);
}

void BlockPool::unpin(int64_t now_ns, NodeId leaf) {
  scratch_.clear();
  store_->unpin(leaf, id_, scratch_);
  if (!scratch_.empty()) cache_.evictable(now_ns, true, scratch_);
}

void BlockPool::take(int64_t now_ns, uint32_t count, std::vector<tp_span>& out) {
  TIERCAST_CHECK(count <= available_blocks(), "take {} of {} frames", count, available_blocks());
  counts_.taken += count;
  if (count > free_) evict(now_ns, count - free_);
  free_ -= count;
  numbers_.take(count, out);
}

void BlockPool::evict(int64_t now_ns, uint32_t count) {
  scratch_.clear();
  if (!cache_.take_victims(now_ns, count, scratch_)) {
    throw PolicyFault(cache_.policy_name(), "select", now_ns,
                      "refused although enough blocks are evictable");
  }
  if (index_ != nullptr) index_->removed(now_ns, scratch_);
  if (departed_ != nullptr) {
    for (const tp_span& span : scratch_) hold_pieces(*store_, id_, span, *departed_);
  }
  const BlockSum sum = store_->evict(id_, scratch_);
  for (const tp_span& span : scratch_) free_frames(span);
  counts_.evicted += sum.blocks;
  if (counts_.first_eviction_ns < 0) counts_.first_eviction_ns = now_ns;
  digest_.add(now_ns, Transition::evicted, sum);
}

void BlockPool::give_back(std::span<const tp_span> frames) {
  for (const tp_span& span : frames) {
    counts_.returned += span.count;
    free_frames(span);
  }
}

void BlockPool::place(int64_t now_ns, NodeId leaf, uint32_t depth, std::span<const tp_span> frames,
                      std::vector<tp_span>& duplicates) {
  const BlockSum sum = store_->place(leaf, id_, depth, frames, placed_, duplicates);
  for (const tp_span& span : frames) counts_.duplicated += span.count;
  counts_.duplicated -= sum.blocks;
  counts_.placed += sum.blocks;
  digest_.add(now_ns, Transition::placed, sum);
}

void BlockPool::announce(int64_t now_ns) {
  if (placed_.empty()) return;
  if (index_ != nullptr) index_->added(now_ns, id_, placed_);
  cache_.insert(
      now_ns, placed_,
      cache_.reads_keys() ? views_.of(*store_, id_, placed_) : std::span<const tp_block>());
  placed_.clear();
}

}  // namespace tiercast::tiering
