#include "models/tiering/block_views.hpp"

#include <algorithm>

namespace tiercast::tiering {

namespace {
constexpr uint32_t kNoSlot = UINT32_MAX;
}

BlockViews::BlockViews(uint32_t block_tokens, uint32_t block_bytes, uint32_t flags) {
  like_.size = sizeof(tp_block);
  like_.flags = flags;
  like_.parent_slot = kNoSlot;
  like_.tokens = block_tokens;
  like_.bytes = block_bytes;
  like_.expires_ns = INT64_MAX;
}

void BlockViews::tell_all(std::span<const uint64_t> recompute_ns) {
  all_ = true;
  recompute_ns_ = recompute_ns;
}

void BlockViews::make_room(size_t blocks) {
  if (views_.size() < blocks) views_.resize(blocks, like_);  // what is not told is alike in all
  if (keys_.size() < blocks) keys_.resize(blocks);
}

// The frame of the block before `depth` on the way to `node`.
uint32_t BlockViews::slot_before(const kvstore::PrefixStore& store, kvstore::PoolId pool,
                                 kvstore::NodeId node, uint32_t depth) {
  if (depth == 0 || store.run_from(node, pool, depth - 1, depth) == 0) return kNoSlot;
  frames_.clear();
  store.frames_of(node, pool, depth - 1, 1, frames_);
  return frames_.front().first_slot;
}

void BlockViews::tell(tp_block& view, uint32_t parent_slot, const BlockOwner& owner) const {
  view.parent_slot = parent_slot;
  view.tenant = owner.tenant;
  view.priority = owner.priority;
  view.session = owner.session;
  view.expires_ns = owner.expires_ns;
  view.recompute_ns = view.depth < recompute_ns_.size() ? recompute_ns_[view.depth] : 0;
}

std::span<const tp_block> BlockViews::of(const kvstore::PrefixStore& store, kvstore::PoolId pool,
                                         std::span<const tp_span> frames, const BlockOwner& owner) {
  size_t blocks = 0;
  for (const tp_span& span : frames) blocks += span.count;
  make_room(blocks);
  size_t next = 0;
  for (const tp_span& span : frames) {
    store.keys(pool, span, std::span(keys_).subspan(next, span.count));
    for (uint32_t done = 0; done < span.count;) {
      const uint32_t first = span.first_slot + done;
      const kvstore::Stretch at = store.stretch(pool, first);
      const uint32_t count = std::min(at.count, span.count - done);
      const uint32_t before = all_ ? slot_before(store, pool, at.node, at.depth) : kNoSlot;
      for (uint32_t k = 0; k < count; ++k, ++next) {
        views_[next].key = keys_[next];
        views_[next].depth = at.depth + k;
        if (all_) tell(views_[next], k == 0 ? before : first + k - 1, owner);
      }
      done += count;
    }
  }
  return std::span(views_).first(blocks);
}

std::span<const tp_block> BlockViews::of_way(const kvstore::PrefixStore& store,
                                             kvstore::PoolId pool, kvstore::NodeId leaf,
                                             uint32_t depth, uint32_t count, uint32_t hits,
                                             const BlockOwner& owner) {
  make_room(count);
  store.keys_of(leaf, depth, std::span(keys_).first(count));
  for (uint32_t k = 0; k < count; ++k) {
    views_[k].key = keys_[k];
    views_[k].depth = depth + k;
    if (all_) tell(views_[k], kNoSlot, owner);
  }
  const std::span views = std::span(views_).first(count);
  if (!all_ || count == 0) return views;
  views.front().parent_slot = slot_before(store, pool, leaf, depth);
  if (hits == 0) return views;
  frames_.clear();
  store.frames_of(leaf, pool, depth, hits, frames_);
  uint32_t child = 1;  // of the block in the next frame
  for (const tp_span& span : frames_) {
    for (uint32_t k = 0; k < span.count && child < count; ++k, ++child) {
      views[child].parent_slot = span.first_slot + k;
    }
  }
  return views;
}

}  // namespace tiercast::tiering
