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
      asked_views_(block_tokens, block_bytes, 0),
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

void BlockPool::tell_all(std::span<const uint64_t> recompute_ns) {
  views_.tell_all(recompute_ns);
  asked_views_.tell_all(recompute_ns);
}

// What lies behind a gap is dropped before: all blocks but the leading ones are missing.
void BlockPool::look_up(int64_t now_ns, NodeId leaf, uint32_t blocks, const tp_request* request) {
  const uint32_t hits = std::min(hit_blocks(leaf), blocks);
  const BlockOwner owner = BlockOwner::of(request);
  cache_.lookup(now_ns, asked_views_.of_way(*store_, id_, leaf, 0, blocks, hits, owner), hits,
                request);
}

void BlockPool::pin(int64_t now_ns, NodeId leaf, uint32_t hit, const tp_request* request,
                    uint32_t asked) {
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
  if (asked > 0 && cache_.wants_lookups()) look_up(now_ns, leaf, asked, request);
  if (hit == 0) return;
  scratch_.clear();
  store_->frames(leaf, id_, hit, scratch_);
  if (owners_ && request != nullptr) renew_owners(*owners_, scratch_, *request);
  cache_.touch(now_ns, scratch_, request);
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
    const OwnersBySlot* const owners = owners_ ? &*owners_ : nullptr;
    for (const tp_span& span : scratch_) hold_pieces(*store_, id_, span, owners, *departed_);
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
                      std::vector<tp_span>& duplicates, const tp_request* request) {
  const bool told_apart = cache_.reads_requests() || owners_;
  fresh_.clear();
  const BlockSum sum =
      store_->place(leaf, id_, depth, frames, told_apart ? fresh_ : placed_, duplicates);
  if (!fresh_.empty()) take_note(request);
  for (const tp_span& span : frames) counts_.duplicated += span.count;
  counts_.duplicated -= sum.blocks;
  counts_.placed += sum.blocks;
  digest_.add(now_ns, Transition::placed, sum);
}

// Of what was placed just now: whose it is, and which batch it joins.
void BlockPool::take_note(const tp_request* request) {
  if (owners_) {
    const BlockOwner owner = BlockOwner::of(request);
    for (const tp_span& span : fresh_) {
      for (uint32_t k = 0; k < span.count; ++k) (*owners_)[span.first_slot + k] = owner;
    }
  }
  size_t joined = 0;
  if (cache_.reads_requests()) {
    const tp_request* const last =
        !batches_.empty() && batches_.back().request ? &*batches_.back().request : nullptr;
    const bool same = last != nullptr && request != nullptr ? last->id == request->id
                                                            : last == request && !batches_.empty();
    if (!same) {
      Batch& batch = batches_.emplace_back();
      batch.first_span = placed_.size();
      if (request != nullptr) {
        batch.request = *request;
        batch.request->hint_count = 0;  // they may be gone by then
        batch.request->hints = nullptr;
      }
      placed_.push_back(fresh_.front());  // no part of the batch before
      joined = 1;
    }
  }
  for (; joined < fresh_.size(); ++joined) kvstore::add_span(placed_, fresh_[joined]);
}

void BlockPool::insert(int64_t now_ns, std::span<const tp_span> spans, const tp_request* request) {
  cache_.insert(now_ns, spans,
                cache_.reads_keys() ? views_.of(*store_, id_, spans, BlockOwner::of(request))
                                    : std::span<const tp_block>(),
                request);
}

void BlockPool::announce(int64_t now_ns) {
  if (placed_.empty()) return;
  if (index_ != nullptr) index_->added(now_ns, id_, placed_);
  if (batches_.empty()) insert(now_ns, placed_, nullptr);
  for (size_t i = 0; i < batches_.size(); ++i) {
    const Batch& batch = batches_[i];
    const size_t end = i + 1 < batches_.size() ? batches_[i + 1].first_span : placed_.size();
    insert(now_ns, std::span(placed_).subspan(batch.first_span, end - batch.first_span),
           batch.request ? &*batch.request : nullptr);
  }
  batches_.clear();
  placed_.clear();
}

}  // namespace tiercast::tiering
