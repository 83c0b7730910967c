// Pools that take blocks in any order: what they hold of a way, between gaps.
#include <algorithm>

#include "models/kvstore/prefix_store.hpp"
#include "sim/base/check.hpp"

namespace tiercast::kvstore {

namespace {

// The first extent of a record that ends behind `depth`.
template <class Extents>
auto first_behind(Extents& extents, uint32_t depth) {
  return std::partition_point(extents.begin(), extents.end(),
                              [&](const auto& e) { return e.depth + e.count <= depth; });
}

}  // namespace

uint32_t PrefixStore::run_from(NodeId leaf, PoolId pool, uint32_t depth, uint32_t end) const {
  if (depth >= end) return 0;
  uint32_t to = depth;
  for (const Step& step : way_from(leaf, depth)) {
    const Record* const record = find_record(step.node, pool);
    if (record == nullptr) break;
    const auto& extents = record->extents;
    for (auto e = first_behind(extents, to); e != extents.end() && e->depth <= to; ++e) {
      to = e->depth + e->count;
    }
    if (to >= end || to < step.end) break;
  }
  return std::min(to, end) - depth;
}

uint32_t PrefixStore::next_present(NodeId leaf, PoolId pool, uint32_t depth, uint32_t end) const {
  for (const Step& step : way_from(leaf, depth)) {
    if (step.depth >= end) break;
    const Record* const record = find_record(step.node, pool);
    if (record == nullptr) continue;
    const auto e = first_behind(record->extents, depth);
    if (e != record->extents.end()) return std::min(end, std::max(depth, e->depth));
  }
  return end;
}

void PrefixStore::frames_of(NodeId leaf, PoolId pool, uint32_t depth, uint32_t count,
                            std::vector<tp_span>& out) const {
  const uint32_t end = depth + count;
  uint32_t found = 0;
  for (const Step& step : way_from(leaf, depth)) {
    if (step.depth >= end) break;
    const Record* const record = find_record(step.node, pool);
    if (record == nullptr) continue;
    const auto& extents = record->extents;
    for (auto e = first_behind(extents, depth); e != extents.end() && e->depth < end; ++e) {
      const uint32_t from = std::max(depth, e->depth);
      const uint32_t n = std::min(end, e->depth + e->count) - from;
      add_span(out, {e->slot + (from - e->depth), n});
      found += n;
    }
  }
  TIERCAST_CHECK(found == count, "{} of {} blocks from {} on are there", found, count, depth);
}

// The node's blocks [depth, ...) enter between the extents around them.
void PrefixStore::insert_extent(NodeId node, Record& record, uint32_t depth, tp_span frames) {
  Pool& pool = pools_[record.pool];
  auto at = first_behind(record.extents, depth);
  TIERCAST_CHECK(at == record.extents.end() || at->depth >= depth + frames.count,
                 "block {} filled twice", depth);
  at = record.extents.insert(at, {depth, frames.first_slot, frames.count});
  if (at + 1 != record.extents.end() && run_on(*at, *(at + 1))) {
    pool.starts.clear((at + 1)->slot);
    at->count += (at + 1)->count;
    record.extents.erase(at + 1);
  }
  if (at != record.extents.begin() && run_on(*(at - 1), *at)) {
    (at - 1)->count += at->count;
    record.extents.erase(at);
  } else {
    note(pool, node, *at);
  }
  extend_prefix(nodes_[node].depth, record);
}

// `head`: blocks before the node.
void PrefixStore::extend_prefix(uint32_t head, Record& record) {
  for (auto e = first_behind(record.extents, head + record.prefix);
       e != record.extents.end() && e->depth <= head + record.prefix; ++e) {
    record.prefix = e->depth + e->count - head;
  }
}

BlockSum PrefixStore::fill(NodeId leaf, PoolId pool, uint32_t depth,
                           std::span<const tp_span> frames) {
  BlockSum sum;
  for (tp_span rest : frames) {
    while (rest.count > 0) {
      const Step step = step_at(leaf, depth);
      Record& record = record_of(step.node, pool);
      TIERCAST_CHECK(record.pins == 0, "block filled into a pinned run");
      const uint32_t count = std::min(rest.count, step.end - depth);
      insert_extent(step.node, record, depth, {rest.first_slot, count});
      sum.add(depth, count);
      depth += count;
      rest.first_slot += count;
      rest.count -= count;
    }
  }
  return sum;
}

void PrefixStore::hold(NodeId node) { ++nodes_[node].users; }

}  // namespace tiercast::kvstore
