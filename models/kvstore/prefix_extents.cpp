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
  way_to(leaf);
  uint32_t at_depth = depth;
  for (const NodeId at : way_) {
    const Node& node = nodes_[at];
    if (node.blocks != kOpenEnd && node.depth + node.blocks <= at_depth) continue;
    if (node.depth > at_depth) break;
    const RecordId id = find_record(at, pool);
    if (id == kNoRecord) break;
    const std::vector<Extent>& extents = records_[id].extents;
    for (auto e = first_behind(extents, at_depth); e != extents.end() && e->depth <= at_depth;
         ++e) {
      at_depth = e->depth + e->count;
    }
    if (at_depth >= end) break;
  }
  return std::min(at_depth, end) - depth;
}

uint32_t PrefixStore::next_present(NodeId leaf, PoolId pool, uint32_t depth, uint32_t end) const {
  way_to(leaf);
  for (const NodeId at : way_) {
    const Node& node = nodes_[at];
    if (node.depth >= end) break;
    if (node.blocks != kOpenEnd && node.depth + node.blocks <= depth) continue;
    const RecordId id = find_record(at, pool);
    if (id == kNoRecord) continue;
    const auto e = first_behind(records_[id].extents, depth);
    if (e != records_[id].extents.end()) return std::min(end, std::max(depth, e->depth));
  }
  return end;
}

void PrefixStore::frames_of(NodeId leaf, PoolId pool, uint32_t depth, uint32_t count,
                            std::vector<tp_span>& out) const {
  const uint32_t end = depth + count;
  way_to(leaf);
  uint32_t found = 0;
  for (const NodeId at : way_) {
    const RecordId id = find_record(at, pool);
    if (id == kNoRecord) continue;
    const std::vector<Extent>& extents = records_[id].extents;
    for (auto e = first_behind(extents, depth); e != extents.end() && e->depth < end; ++e) {
      const uint32_t from = std::max(depth, e->depth);
      const uint32_t n = std::min(end, e->depth + e->count) - from;
      add_span(out, {e->slot + (from - e->depth), n});
      found += n;
    }
  }
  TIERCAST_CHECK(found == count, "{} of {} blocks from {} on are there", found, count, depth);
}

// The node's blocks [depth, ...) enter between the extents around them. Where slots run on, extents
// are one: evict() takes a run of slots and depths for part of a single extent.
void PrefixStore::insert_extent(RecordId id, uint32_t depth, tp_span frames) {
  Record& record = records_[id];
  Pool& pool = pools_[record.pool];
  const auto runs_on = [](const Extent& a, const Extent& b) {
    return a.depth + a.count == b.depth && a.slot + a.count == b.slot;
  };
  auto at = first_behind(record.extents, depth);
  TIERCAST_CHECK(at == record.extents.end() || at->depth >= depth + frames.count,
                 "block {} filled twice", depth);
  at = record.extents.insert(at, {depth, frames.first_slot, frames.count});
  if (at + 1 != record.extents.end() && runs_on(*at, *(at + 1))) {
    pool.starts.clear((at + 1)->slot);
    at->count += (at + 1)->count;
    record.extents.erase(at + 1);
  }
  if (at != record.extents.begin() && runs_on(*(at - 1), *at)) {
    (at - 1)->count += at->count;
    record.extents.erase(at);
  } else {
    note(pool, id, *at);
  }
  extend_prefix(record);
}

void PrefixStore::extend_prefix(Record& record) const {
  const uint32_t head = nodes_[record.node].depth;
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
      const NodeId at = node_at(leaf, depth);
      const RecordId id = record_of(at, pool);
      TIERCAST_CHECK(records_[id].pins == 0, "block filled into a pinned run");
      const Node& node = nodes_[at];
      const uint32_t count = node.blocks == kOpenEnd
                                 ? rest.count
                                 : std::min(rest.count, node.depth + node.blocks - depth);
      insert_extent(id, depth, {rest.first_slot, count});
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
