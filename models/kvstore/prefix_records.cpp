// The records side of PrefixStore: which blocks of a run each pool holds, where, and the pins.
#include <algorithm>
#include <utility>

#include "models/kvstore/prefix_store.hpp"
#include "sim/base/check.hpp"

namespace tiercast::kvstore {

void add_span(std::vector<tp_span>& out, tp_span span) {
  if (!out.empty() && out.back().first_slot + out.back().count == span.first_slot) {
    out.back().count += span.count;
  } else {
    out.push_back(span);
  }
}

namespace {
constexpr uint64_t kPrivateKey = uint64_t{1} << 63;

// The last extent that begins at `depth` or before. Mostly that is the last one of all.
template <class Extents>
auto extent_at(Extents& extents, uint32_t depth) {
  auto e = extents.end();
  if (!extents.empty() && extents.back().depth <= depth) return e - 1;
  e = std::partition_point(extents.begin(), extents.end(),
                           [&](const auto& extent) { return extent.depth <= depth; });
  TIERCAST_CHECK(e != extents.begin(), "block {} is not recorded", depth);
  return e - 1;
}

}  // namespace

// Every pin of the lower node covers the upper one too, as owners pin whole nodes.
void PrefixStore::split_records(NodeId upper, NodeId lower) {
  const uint32_t boundary = nodes_[lower].depth;
  const std::vector<Holding> held = std::move(nodes_[lower].records);
  nodes_[lower].records.clear();
  for (const auto [pool, id] : held) {
    std::vector<Extent> above;
    std::vector<Extent> below;
    for (const Extent& e : records_[id].extents) {
      const uint32_t over = e.depth >= boundary ? 0 : std::min(e.count, boundary - e.depth);
      if (over > 0) above.push_back({e.depth, e.slot, over});
      if (over == e.count) continue;
      below.push_back({e.depth + over, e.slot + over, e.count - over});
      if (over > 0) note(pools_[pool], id, below.back());
    }
    const uint32_t pins = records_[id].pins;
    const uint32_t prefix = records_[id].prefix;
    if (pins > 0 || !above.empty()) {
      const RecordId up = record_of(upper, pool);
      records_[up].pins = pins;
      records_[up].prefix = std::min(prefix, nodes_[upper].blocks);
      for (const Extent& e : above) note(pools_[pool], up, e);
      records_[up].extents = std::move(above);
    }
    Record& low = records_[id];
    low.extents = std::move(below);
    low.prefix = 0;  // counted anew: a gap in the upper node says nothing of the lower one
    for (const Extent& e : low.extents) {
      if (e.depth != boundary + low.prefix) break;
      low.prefix += e.count;
    }
    if (low.pins == 0 && low.extents.empty()) {
      free_records_.push_back(id);
    } else {
      nodes_[lower].records.push_back({pool, id});
    }
  }
}

// Where the pool's record is among those of the node, or would be.
size_t PrefixStore::place_of(const Node& node, PoolId pool) {
  const auto at = std::partition_point(node.records.begin(), node.records.end(),
                                       [&](const Holding& held) { return held.pool < pool; });
  return static_cast<size_t>(at - node.records.begin());
}

PrefixStore::RecordId PrefixStore::find_record(NodeId node, PoolId pool) const {
  const std::vector<Holding>& records = nodes_[node].records;
  const size_t at = place_of(nodes_[node], pool);
  return at < records.size() && records[at].pool == pool ? records[at].record : kNoRecord;
}

PrefixStore::RecordId PrefixStore::record_of(NodeId node, PoolId pool) {
  std::vector<Holding>& of = nodes_[node].records;
  const size_t at = place_of(nodes_[node], pool);
  if (at < of.size() && of[at].pool == pool) return of[at].record;
  RecordId id;
  if (free_records_.empty()) {
    id = static_cast<RecordId>(records_.size());
    records_.emplace_back();
  } else {
    id = free_records_.back();
    free_records_.pop_back();
  }
  Record& record = records_[id];
  record.node = node;
  record.pool = pool;
  record.pins = 0;
  record.prefix = 0;
  record.extents.clear();
  of.insert(of.begin() + static_cast<std::ptrdiff_t>(at), {pool, id});
  return id;
}

void PrefixStore::free_record(RecordId id) {
  Node& of = nodes_[records_[id].node];
  const size_t at = place_of(of, records_[id].pool);
  of.records.erase(of.records.begin() + static_cast<std::ptrdiff_t>(at));
  free_records_.push_back(id);
}

void PrefixStore::way_to(NodeId leaf) const {
  if (leaf == way_leaf_) return;
  way_leaf_ = leaf;
  way_.clear();
  for (NodeId at = leaf; at != kRootNode; at = nodes_[at].parent) way_.push_back(at);
  std::reverse(way_.begin(), way_.end());
}

uint32_t PrefixStore::hit_blocks(NodeId leaf, PoolId pool) const {
  uint32_t hit = 0;  // set at the leaf, whose end is open, and by every gap above it
  for (NodeId at = leaf; at != kRootNode; at = nodes_[at].parent) {
    const RecordId id = find_record(at, pool);
    const uint32_t prefix = id == kNoRecord ? 0 : records_[id].prefix;
    if (prefix < nodes_[at].blocks) hit = nodes_[at].depth + prefix;
  }
  return hit;
}

uint32_t PrefixStore::unpinned_blocks(NodeId leaf, PoolId pool, uint32_t blocks) const {
  uint32_t sum = 0;
  for (NodeId at = leaf; at != kRootNode; at = nodes_[at].parent) {
    if (nodes_[at].depth >= blocks) continue;
    const RecordId id = find_record(at, pool);
    if (id == kNoRecord || records_[id].pins > 0) continue;
    sum += std::min(blocks - nodes_[at].depth, records_[id].prefix);
  }
  return sum;
}

BlockSum PrefixStore::pin(NodeId leaf, PoolId pool, uint32_t hit, std::vector<tp_span>& pinned,
                          std::vector<tp_span>& orphans) {
  BlockSum dropped;
  way_to(leaf);
  for (const NodeId at : way_) {
    Record& record = records_[record_of(at, pool)];
    if (record.pins++ > 0) continue;
    size_t kept = 0;
    for (Extent& e : record.extents) {
      const uint32_t inside = e.depth >= hit ? 0 : std::min(e.count, hit - e.depth);
      if (inside > 0) add_span(pinned, {e.slot, inside});
      if (inside < e.count) {
        add_span(orphans, {e.slot + inside, e.count - inside});
        dropped.add(e.depth + inside, e.count - inside);
        if (inside == 0) pools_[pool].starts.clear(e.slot);
      }
      e.count = inside;
      if (inside > 0) ++kept;
    }
    record.extents.resize(kept);
    const uint32_t reach = hit > nodes_[at].depth ? hit - nodes_[at].depth : 0;
    record.prefix = std::min(record.prefix, reach);
  }
  return dropped;
}

void PrefixStore::unpin(NodeId leaf, PoolId pool, std::vector<tp_span>& freed) {
  way_to(leaf);
  for (const NodeId at : way_) {
    const RecordId id = find_record(at, pool);
    TIERCAST_CHECK(id != kNoRecord && records_[id].pins > 0, "unpin without pin");
    if (--records_[id].pins > 0) continue;
    for (const Extent& e : records_[id].extents) add_span(freed, {e.slot, e.count});
    if (records_[id].extents.empty()) free_record(id);
  }
}

void PrefixStore::frames(NodeId leaf, PoolId pool, uint32_t blocks,
                         std::vector<tp_span>& out) const {
  way_to(leaf);
  for (const NodeId at : way_) {
    const RecordId id = find_record(at, pool);
    if (id == kNoRecord) continue;
    for (const Extent& e : records_[id].extents) {
      if (e.depth < blocks) add_span(out, {e.slot, std::min(e.count, blocks - e.depth)});
    }
  }
}

NodeId PrefixStore::node_at(NodeId leaf, uint32_t depth) const {
  NodeId at = leaf;
  while (nodes_[at].depth > depth) at = nodes_[at].parent;
  return at;
}

// The slot at which the extent begins that holds this recorded one.
uint32_t PrefixStore::start_of(const Pool& pool, uint32_t slot) {
  const uint32_t start = pool.starts.find_at_or_before(slot);
  TIERCAST_CHECK(start != policy::BitIndex::none, "frame {} holds nothing", slot);
  return start;
}

// What the frames of an extent hold from now on.
void PrefixStore::note(Pool& pool, RecordId id, const Extent& extent) {
  TIERCAST_CHECK(uint64_t{extent.slot} + extent.count <= pool.slots, "frame {} of a pool of {}",
                 extent.slot, pool.slots);
  if (pool.notes.size() <= extent.slot) {
    const size_t room = std::max<size_t>(size_t{extent.slot} + 1, 2 * pool.notes.size());
    pool.notes.resize(std::min<size_t>(pool.slots, room));
  }
  pool.notes[extent.slot] = {id, extent.depth};
  pool.starts.set(extent.slot);
}

void PrefixStore::append(RecordId id, uint32_t depth, tp_span frames) {
  Record& record = records_[id];
  record.prefix += frames.count;
  if (!record.extents.empty()) {
    Extent& last = record.extents.back();
    if (last.slot + last.count == frames.first_slot) {
      last.count += frames.count;
      return;
    }
  }
  record.extents.push_back({depth, frames.first_slot, frames.count});
  note(pools_[record.pool], id, record.extents.back());
}

BlockSum PrefixStore::place(NodeId leaf, PoolId pool, uint32_t depth,
                            std::span<const tp_span> frames, std::vector<tp_span>& placed,
                            std::vector<tp_span>& duplicates) {
  BlockSum sum;
  for (tp_span rest : frames) {
    while (rest.count > 0) {
      const NodeId at = node_at(leaf, depth);
      const RecordId id = find_record(at, pool);
      TIERCAST_CHECK(id != kNoRecord && records_[id].pins > 0, "block placed in an unpinned run");
      const uint32_t present_to = nodes_[at].depth + records_[id].prefix;
      const uint32_t node_left =
          nodes_[at].blocks == kOpenEnd ? rest.count : nodes_[at].depth + nodes_[at].blocks - depth;
      uint32_t count = std::min(rest.count, node_left);
      if (depth < present_to) {
        count = std::min(count, present_to - depth);
        add_span(duplicates, {rest.first_slot, count});
      } else {
        TIERCAST_CHECK(depth == present_to, "block placed behind a gap");
        append(id, depth, {rest.first_slot, count});
        add_span(placed, {rest.first_slot, count});
        sum.add(depth, count);
      }
      depth += count;
      rest.first_slot += count;
      rest.count -= count;
    }
  }
  return sum;
}

// Removes blocks [depth, depth + most) as far as one extent holds them, and answers how many.
uint32_t PrefixStore::cut(Pool& pool, RecordId id, uint32_t depth, uint32_t most) {
  Record& record = records_[id];
  const auto e = extent_at(record.extents, depth);
  const uint32_t before = depth - e->depth;
  TIERCAST_CHECK(before < e->count, "evicted block is not recorded");
  const uint32_t count = std::min(most, e->count - before);
  const uint32_t after = e->count - before - count;
  const Extent tail{depth + count, e->slot + before + count, after};
  record.prefix = std::min(record.prefix, depth - nodes_[record.node].depth);
  if (before == 0) pool.starts.clear(e->slot);
  if (after > 0) note(pool, id, tail);
  e->count = before;
  if (before == 0 && after == 0) {
    record.extents.erase(e);
  } else if (before == 0) {
    *e = tail;
  } else if (after > 0) {
    record.extents.insert(e + 1, tail);
  }
  return count;
}

BlockSum PrefixStore::evict(PoolId pool_id, tp_span frames) {
  Pool& pool = pools_[pool_id];
  BlockSum sum;
  uint32_t slot = frames.first_slot;
  const uint32_t end = frames.first_slot + frames.count;
  while (slot < end) {
    const uint32_t start = start_of(pool, slot);
    const RecordId id = pool.notes[start].record;
    const uint32_t depth = pool.notes[start].depth + (slot - start);
    TIERCAST_CHECK(records_[id].pins == 0, "evicted block is pinned");
    const uint32_t count = cut(pool, id, depth, end - slot);
    sum.add(depth, count);
    if (records_[id].extents.empty()) {
      const NodeId node = records_[id].node;
      free_record(id);
      free_unused(node);
    }
    slot += count;
  }
  return sum;
}

Stretch PrefixStore::stretch(PoolId pool_id, uint32_t slot) const {
  const Pool& pool = pools_[pool_id];
  const uint32_t start = start_of(pool, slot);
  const Note& note = pool.notes[start];
  const Record& record = records_[note.record];
  const uint32_t count = extent_at(record.extents, note.depth)->count;
  TIERCAST_CHECK(slot - start < count, "frame {} holds nothing", slot);
  return {record.node, note.depth + (slot - start), count - (slot - start)};
}

tp_key PrefixStore::key_of(const Node& node, uint32_t depth) const {
  if (node.blocks == kOpenEnd) return {node.serial, kPrivateKey | depth};
  const uint32_t within = depth - node.depth;
  return {node.ids[within / blocks_per_id_], within % blocks_per_id_};
}

tp_key PrefixStore::key(PoolId pool, uint32_t slot) const {
  const Stretch at = stretch(pool, slot);
  return key_of(nodes_[at.node], at.depth);
}

void PrefixStore::keys(PoolId pool, tp_span frames, std::span<tp_key> out) const {
  for (uint32_t done = 0; done < frames.count;) {
    const Stretch at = stretch(pool, frames.first_slot + done);
    const Node& node = nodes_[at.node];
    const uint32_t count = std::min(at.count, frames.count - done);
    for (uint32_t k = 0; k < count; ++k) {
      // Neighbours mostly lie within one id.
      const bool follows = k > 0 && out[done - 1].lo + 1 < blocks_per_id_;
      out[done] =
          follows ? tp_key{out[done - 1].hi, out[done - 1].lo + 1} : key_of(node, at.depth + k);
      ++done;
    }
  }
}

}  // namespace tiercast::kvstore
