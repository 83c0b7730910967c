#include "models/tiering/late_index.hpp"

#include <algorithm>

namespace tiercast::tiering {

LateIndex::LateIndex(kvstore::PrefixStore& store, uint32_t slots)
    : store_(&store), known_(store.add_pool(slots)) {}

void LateIndex::added(int64_t now_ns, kvstore::PoolId pool, std::span<const tp_span> frames) {
  for (const tp_span& span : frames) {
    const uint32_t end = span.first_slot + span.count;
    for (uint32_t slot = span.first_slot; slot < end;) {
      const kvstore::Stretch at = store_->stretch(pool, slot);
      const uint32_t count = std::min(at.count, end - slot);
      store_->hold(at.node);
      waiting_.push_back({now_ns, {at.node, at.depth, count}, {slot, count}});
      slot += count;
    }
  }
}

void LateIndex::removed(int64_t now_ns, std::span<const tp_span> frames) {
  for (const tp_span& span : frames) waiting_.push_back({now_ns, {}, span});
}

void LateIndex::replay_before(int64_t time_ns) {
  while (!waiting_.empty() && waiting_.front().time_ns < time_ns) {
    const Change& change = waiting_.front();
    if (change.blocks.node == kvstore::kNoNode) {
      store_->evict(known_, change.frames);
    } else {
      store_->fill(change.blocks.node, known_, change.blocks.depth, {&change.frames, 1});
      store_->leave(change.blocks.node);
    }
    waiting_.pop_front();
  }
}

}  // namespace tiercast::tiering
