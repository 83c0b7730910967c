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

// Where the pool's record is, or would be. Most runs have records of a few pools only.
template <class Records>
auto place_of(Records& records, PoolId pool) {
  const auto before = [pool](const auto& record) { return record.pool < pool; };
  auto at = records.begin();
  for (const auto few = at + std::min(records.size(), 8u); at != few; ++at) {
    if (!before(*at)) return at;
  }
  return std::partition_point(at, records.end(), before);
}

}  // namespace

// Every pin of the lower node covers the upper one too, as owners pin whole nodes.
void PrefixStore::split_records(NodeId upper, NodeId lower) {
  const uint32_t boundary = nodes_[lower].depth;
  SmallVector<Record, 0> records = std::move(nodes_[lower].records);
  for (Record& low : records) {
    const SmallVector<Extent, 1> all = std::move(low.extents);
    SmallVector<Extent, 1> above;
    for (const Extent& e : all) {
      const uint32_t over = e.depth >= boundary ? 0 : std::min(e.count, boundary - e.depth);
      if (over > 0) above.push_back({e.depth, e.slot, over});
      if (over == e.count) continue;
      low.extents.push_back({e.depth + over, e.slot + over, e.count - over});
      if (over > 0) note(pools_[low.pool], lower, low.extents.back());
    }
    if (low.pins > 0 || !above.empty()) {
      for (const Extent& e : above) note(pools_[low.pool], upper, e);
      Record& up = record_of(upper, low.pool);
      up.pins = low.pins;
      up.prefix = std::min(low.prefix, nodes_[upper].blocks);
      up.extents = std::move(above);
    }
    low.prefix = 0;  // counted anew: a gap in the upper node says nothing of the lower one
    for (const Extent& e : low.extents) {
      if (e.depth != boundary + low.prefix) break;
      low.prefix += e.count;
    }
    if (low.pins == 0 && low.extents.empty()) {
      --records_alive_;
    } else {
      nodes_[lower].records.push_back(std::move(low));
    }
  }
}

// What pools hold of the lower run follows what they hold of the upper one.
void PrefixStore::join_records(NodeId upper, NodeId lower) {
  SmallVector<Record, 0> records = std::move(nodes_[lower].records);
  for (const Record& low : records) {
    --records_alive_;
    Record& up = record_of(upper, low.pool);
    TIERCAST_CHECK(low.pins == 0 && up.pins == 0, "pinned runs become one");
    if (up.prefix == nodes_[upper].blocks) up.prefix += low.prefix;
    Pool& pool = pools_[low.pool];
    for (const Extent& e : low.extents) {
      if (!up.extents.empty() && run_on(up.extents.back(), e)) {
        pool.starts.clear(e.slot);
        up.extents.back().count += e.count;
      } else {
        pool.notes[e.slot].node = upper;
        up.extents.push_back(e);
      }
    }
  }
}

const PrefixStore::Record* PrefixStore::find_record(NodeId node, PoolId pool) const {
  const SmallVector<Record, 0>& records = nodes_[node].records;
  const Record* const at = place_of(records, pool);
  return at != records.end() && at->pool == pool ? at : nullptr;
}

PrefixStore::Record* PrefixStore::find_record(NodeId node, PoolId pool) {
  return const_cast<Record*>(std::as_const(*this).find_record(node, pool));
}

PrefixStore::Record& PrefixStore::record_of(NodeId node, PoolId pool) {
  SmallVector<Record, 0>& records = nodes_[node].records;
  Record* const at = place_of(records, pool);
  if (at != records.end() && at->pool == pool) return *at;
  ++records_alive_;
  Record record;
  record.pool = pool;
  return *records.insert(at, std::move(record));
}

void PrefixStore::free_record(NodeId node, Record& record) {
  nodes_[node].records.erase(&record);
  --records_alive_;
}

PrefixStore::Step PrefixStore::step_of(NodeId id) const {
  const Node& node = nodes_[id];
  return {id, node.depth, node.blocks == kOpenEnd ? kOpenEnd : node.depth + node.blocks};
}

// Mostly the leaf or what lies right before it.
PrefixStore::Step PrefixStore::step_at(NodeId leaf, uint32_t depth) const {
  NodeId at = leaf;
  while (nodes_[at].depth > depth) at = nodes_[at].parent;
  return step_of(at);
}

void PrefixStore::way_to(NodeId leaf) const {
  if (leaf == way_leaf_) return;
  way_leaf_ = leaf;
  way_.clear();
  for (NodeId at = leaf; at != kRootNode; at = nodes_[at].parent) way_.push_back(step_of(at));
  std::reverse(way_.begin(), way_.end());
}

// From the node on that covers `depth`.
std::span<const PrefixStore::Step> PrefixStore::way_from(NodeId leaf, uint32_t depth) const {
  way_to(leaf);
  const auto at = std::partition_point(way_.begin(), way_.end(),
                                       [&](const Step& step) { return step.end <= depth; });
  return {at, way_.end()};
}

uint32_t PrefixStore::hit_blocks(NodeId leaf, PoolId pool) const {
  way_to(leaf);
  for (const Step& step : way_) {
    const Record* const record = find_record(step.node, pool);
    const uint32_t prefix = record == nullptr ? 0 : record->prefix;
    if (prefix < step.end - step.depth) return step.depth + prefix;
  }
  TIERCAST_CHECK(false, "a leaf has no end");
  return 0;
}

uint32_t PrefixStore::unpinned_blocks(NodeId leaf, PoolId pool, uint32_t blocks) const {
  uint32_t sum = 0;
  way_to(leaf);
  for (const Step& step : way_) {
    if (step.depth >= blocks) break;
    const Record* const record = find_record(step.node, pool);
    if (record == nullptr || record->pins > 0) continue;
    sum += std::min(blocks - step.depth, record->prefix);
  }
  return sum;
}

BlockSum PrefixStore::pin(NodeId leaf, PoolId pool, uint32_t hit, std::vector<tp_span>& pinned,
                          std::vector<tp_span>& orphans) {
  BlockSum dropped;
  way_to(leaf);
  for (const Step& step : way_) {
    Record& record = record_of(step.node, pool);
    if (record.pins++ > 0) continue;
    uint32_t kept = 0;
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
    record.extents.resize_down(kept);
    record.prefix = std::min(record.prefix, hit > step.depth ? hit - step.depth : 0);
  }
  return dropped;
}

void PrefixStore::unpin(NodeId leaf, PoolId pool, std::vector<tp_span>& freed) {
  way_to(leaf);
  for (const Step& step : way_) {
    Record* const record = find_record(step.node, pool);
    TIERCAST_CHECK(record != nullptr && record->pins > 0, "unpin without pin");
    if (--record->pins > 0) continue;
    for (const Extent& e : record->extents) add_span(freed, {e.slot, e.count});
    if (record->extents.empty()) free_record(step.node, *record);
  }
}

void PrefixStore::frames(NodeId leaf, PoolId pool, uint32_t blocks,
                         std::vector<tp_span>& out) const {
  way_to(leaf);
  for (const Step& step : way_) {
    if (step.depth >= blocks) break;
    const Record* const record = find_record(step.node, pool);
    if (record == nullptr) continue;
    for (const Extent& e : record->extents) {
      if (e.depth < blocks) add_span(out, {e.slot, std::min(e.count, blocks - e.depth)});
    }
  }
}

// The slot at which the extent begins that holds this recorded one.
uint32_t PrefixStore::start_of(const Pool& pool, uint32_t slot) {
  const uint32_t start = pool.starts.find_at_or_before(slot);
  TIERCAST_CHECK(start != policy::BitIndex::none, "frame {} holds nothing", slot);
  return start;
}

// What the frames of an extent hold from now on.
void PrefixStore::note(Pool& pool, NodeId node, const Extent& extent) {
  TIERCAST_CHECK(uint64_t{extent.slot} + extent.count <= pool.slots, "frame {} of a pool of {}",
                 extent.slot, pool.slots);
  pool.notes[extent.slot] = {node, extent.depth};
  pool.starts.set(extent.slot);
}

void PrefixStore::append(NodeId node, Record& record, uint32_t depth, tp_span frames) {
  record.prefix += frames.count;
  if (!record.extents.empty()) {
    Extent& last = record.extents.back();
    if (last.slot + last.count == frames.first_slot) {
      last.count += frames.count;
      return;
    }
  }
  record.extents.push_back({depth, frames.first_slot, frames.count});
  note(pools_[record.pool], node, record.extents.back());
}

BlockSum PrefixStore::place(NodeId leaf, PoolId pool, uint32_t depth,
                            std::span<const tp_span> frames, std::vector<tp_span>& placed,
                            std::vector<tp_span>& duplicates) {
  BlockSum sum;
  for (tp_span rest : frames) {
    while (rest.count > 0) {
      const Step step = step_at(leaf, depth);
      Record* const record = find_record(step.node, pool);
      TIERCAST_CHECK(record != nullptr && record->pins > 0, "block placed in an unpinned run");
      const uint32_t present_to = step.depth + record->prefix;
      uint32_t count = std::min(rest.count, step.end - depth);
      if (depth < present_to) {
        count = std::min(count, present_to - depth);
        add_span(duplicates, {rest.first_slot, count});
      } else {
        TIERCAST_CHECK(depth == present_to, "block placed behind a gap");
        append(step.node, *record, depth, {rest.first_slot, count});
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
uint32_t PrefixStore::cut(NodeId node, Record& record, uint32_t depth, uint32_t most) {
  Pool& pool = pools_[record.pool];
  Extent* const e = extent_at(record.extents, depth);
  const uint32_t before = depth - e->depth;
  TIERCAST_CHECK(before < e->count, "evicted block is not recorded");
  const uint32_t count = std::min(most, e->count - before);
  const uint32_t after = e->count - before - count;
  const Extent tail{depth + count, e->slot + before + count, after};
  record.prefix = std::min(record.prefix, depth - nodes_[node].depth);
  if (before == 0) pool.starts.clear(e->slot);
  if (after > 0) note(pool, node, tail);
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
  const Pool& pool = pools_[pool_id];
  BlockSum sum;
  uint32_t slot = frames.first_slot;
  const uint32_t end = frames.first_slot + frames.count;
  while (slot < end) {
    const uint32_t start = start_of(pool, slot);
    const NodeId node = pool.notes[start].node;
    const uint32_t depth = pool.notes[start].depth + (slot - start);
    Record* const record = find_record(node, pool_id);
    TIERCAST_CHECK(record != nullptr && record->pins == 0, "evicted block is pinned");
    const uint32_t count = cut(node, *record, depth, end - slot);
    sum.add(depth, count);
    if (record->extents.empty()) {
      free_record(node, *record);
      free_unused(node);
    }
    slot += count;
  }
  return sum;
}

BlockSum PrefixStore::evict(PoolId pool, std::span<const tp_span> frames) {
  BlockSum sum;
  for (const tp_span& span : frames) sum += evict(pool, span);
  return sum;
}

BlockSum PrefixStore::pass_on(NodeId leaf, PoolId from, PoolId to, uint32_t depth, uint32_t count,
                              std::vector<tp_span>& frames) {
  BlockSum sum;
  sum.add(depth, count);
  for (const uint32_t end = depth + count; depth < end;) {
    const Step step = step_at(leaf, depth);
    Record* const source = find_record(step.node, from);
    TIERCAST_CHECK(source != nullptr && source->pins == 0, "block {} is not there to be passed on",
                   depth);
    const Extent* const extent = extent_at(source->extents, depth);
    const uint32_t slot = extent->slot + (depth - extent->depth);
    const tp_span span{slot, cut(step.node, *source, depth, std::min(end, step.end) - depth)};
    if (source->extents.empty()) free_record(step.node, *source);
    Record& target = record_of(step.node, to);
    TIERCAST_CHECK(target.pins == 0, "block passed on into a pinned run");
    insert_extent(step.node, target, depth, span);
    add_span(frames, span);
    depth += span.count;
  }
  return sum;
}

Stretch PrefixStore::stretch(PoolId pool_id, uint32_t slot) const {
  const Pool& pool = pools_[pool_id];
  const uint32_t start = start_of(pool, slot);
  const Note& note = pool.notes[start];
  const Record* const record = find_record(note.node, pool_id);
  TIERCAST_CHECK(record != nullptr, "frame {} holds nothing", slot);
  const uint32_t count = extent_at(record->extents, note.depth)->count;
  TIERCAST_CHECK(slot - start < count, "frame {} holds nothing", slot);
  return {note.node, note.depth + (slot - start), count - (slot - start)};
}

}  // namespace tiercast::kvstore
