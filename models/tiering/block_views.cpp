#include "models/tiering/block_views.hpp"

#include <algorithm>

namespace tiercast::tiering {

BlockViews::BlockViews(uint32_t block_tokens, uint32_t block_bytes, uint32_t flags) {
  like_.size = sizeof(tp_block);
  like_.flags = flags;
  like_.parent_slot = UINT32_MAX;
  like_.tokens = block_tokens;
  like_.bytes = block_bytes;
  like_.expires_ns = INT64_MAX;
}

std::span<const tp_block> BlockViews::of(const kvstore::PrefixStore& store, kvstore::PoolId pool,
                                         std::span<const tp_span> frames) {
  size_t blocks = 0;
  for (const tp_span& span : frames) blocks += span.count;
  if (views_.size() < blocks) views_.resize(blocks, like_);  // all differ in key and depth alone
  if (keys_.size() < blocks) keys_.resize(blocks);
  size_t next = 0;
  for (const tp_span& span : frames) {
    store.keys(pool, span, std::span(keys_).subspan(next, span.count));
    for (uint32_t done = 0; done < span.count;) {
      const kvstore::Stretch at = store.stretch(pool, span.first_slot + done);
      const uint32_t count = std::min(at.count, span.count - done);
      for (uint32_t k = 0; k < count; ++k, ++next) {
        views_[next].key = keys_[next];
        views_[next].depth = at.depth + k;
      }
      done += count;
    }
  }
  return std::span(views_).first(blocks);
}

}  // namespace tiercast::tiering
