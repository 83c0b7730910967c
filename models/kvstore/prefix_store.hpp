#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "models/kvstore/small_vector.hpp"
#include "models/policy/bit_index.hpp"
#include "models/policy/flat_array.hpp"
#include "models/policy/tierpolicy.h"

namespace tiercast::kvstore {

using NodeId = uint32_t;
using PoolId = uint32_t;
inline constexpr NodeId kRootNode = 0;
inline constexpr NodeId kNoNode = UINT32_MAX;

/// Opaque content ids in prefix order. An id stands for its block and everything before it. Every
/// id covers `PrefixStore::blocks_per_id()` blocks except the last, which covers `last_blocks`.
struct Path {
  std::span<const uint64_t> ids;
  uint32_t last_blocks = 0;
};

/// What a transition of blocks adds to a pool's digest: sums over blocks, so that it does not
/// depend on how blocks were grouped into spans.
struct BlockSum {
  uint64_t blocks = 0;
  uint64_t depths = 0;  // sum over the blocks of their distance from the head of the prefix

  void add(uint64_t depth, uint64_t count) {
    blocks += count;
    depths += depth * count + count * (count - 1) / 2;
  }
  BlockSum& operator+=(const BlockSum& other) {
    blocks += other.blocks;
    depths += other.depths;
    return *this;
  }
};

/// Recorded frames that follow one another as their blocks do: `count` blocks of a run from `depth`
/// on, counted from the head of the prefix.
struct Stretch {
  NodeId node = kNoNode;
  uint32_t depth = 0;
  uint32_t count = 0;
};

/// Appends, growing the last span where the frames run on.
void add_span(std::vector<tp_span>& out, tp_span span);

/// One radix tree over content ids for all pools, and which blocks of it are where.
///
/// A node is a run: blocks between two branch points. A request enters its path and so owns a node
/// that ends exactly where its content ends; a pin therefore always covers whole nodes, and only a
/// branch splits one. What a session adds turn by turn grows one run. For each (node, pool) there
/// is one record: pins, and the extents of frames that hold its blocks.
///
/// Law: in a pinned node the blocks present form a prefix. Where eviction left a hole, the blocks
/// behind it are dropped as the next request pins the path: it computes them again.
class PrefixStore {
 public:
  explicit PrefixStore(uint32_t blocks_per_id);
  ~PrefixStore();
  PrefixStore(const PrefixStore&) = delete;
  PrefixStore& operator=(const PrefixStore&) = delete;

  /// `slots`: frame numbers of the pool are in [0, slots).
  PoolId add_pool(uint32_t slots);
  uint32_t pools() const { return static_cast<uint32_t>(pools_.size()); }
  uint32_t blocks_per_id() const { return blocks_per_id_; }

  /// A private run behind `path` (which is made if need be), for content without ids: a request's
  /// own, of any length. `serial` identifies it. Held until leave().
  NodeId enter(const Path& path, uint64_t serial);
  /// Runs that only this kept apart become one: ids of nodes on the way that nothing holds may
  /// change.
  void leave(NodeId leaf);

  /// Blocks from the head of the prefix that `pool` holds without a gap, at most to the end of
  /// `leaf`.
  uint32_t hit_blocks(NodeId leaf, PoolId pool) const;
  /// Of the first `blocks` blocks to `leaf`, how many are in nodes that nothing pins.
  uint32_t unpinned_blocks(NodeId leaf, PoolId pool, uint32_t blocks) const;

  /// The index from prefix to pools: matched[p] = blocks of `path` that pool p holds without a
  /// gap, for the pools added first, as many as `matched` has elements.
  void match(const Path& path, std::span<uint32_t> matched) const;

  /// Pins the way to `leaf`. `pinned`: frames within the first `hit` blocks that had no pin.
  /// `orphans`: frames behind the hit, no longer recorded here; their blocks are summed up.
  BlockSum pin(NodeId leaf, PoolId pool, uint32_t hit, std::vector<tp_span>& pinned,
               std::vector<tp_span>& orphans);
  /// Takes the pin back. `freed`: frames that nothing pins any more, in prefix order.
  void unpin(NodeId leaf, PoolId pool, std::vector<tp_span>& freed);
  /// Frames of the first `blocks` blocks to `leaf`, in prefix order.
  void frames(NodeId leaf, PoolId pool, uint32_t blocks, std::vector<tp_span>& out) const;

  /// Blocks [depth, depth + frames) on the way to the pinned `leaf` are complete in these frames.
  /// `placed`: frames recorded. `duplicates`: frames whose block the pool holds already.
  BlockSum place(NodeId leaf, PoolId pool, uint32_t depth, std::span<const tp_span> frames,
                 std::vector<tp_span>& placed, std::vector<tp_span>& duplicates);
  /// These unpinned frames no longer hold anything.
  BlockSum evict(PoolId pool, tp_span frames);
  BlockSum evict(PoolId pool, std::span<const tp_span> frames);

  // Pools that take blocks in any order: nothing pins their runs, a gap may lie anywhere. Depths
  // count blocks from the head of the prefix, on the way to `leaf`.

  /// Blocks from `depth` on that `pool` holds without a gap, none at or behind `end`.
  uint32_t run_from(NodeId leaf, PoolId pool, uint32_t depth, uint32_t end) const;
  /// The first depth in [depth, end) that `pool` holds; `end` where there is none.
  uint32_t next_present(NodeId leaf, PoolId pool, uint32_t depth, uint32_t end) const;
  /// Frames of blocks [depth, depth + count), all present, in prefix order.
  void frames_of(NodeId leaf, PoolId pool, uint32_t depth, uint32_t count,
                 std::vector<tp_span>& out) const;
  /// Blocks from `depth` on, none of them present, are in these frames from now on.
  BlockSum fill(NodeId leaf, PoolId pool, uint32_t depth, std::span<const tp_span> frames);
  /// Blocks [depth, depth + count), all in pool `from` and none in `to`, are in the same frames of
  /// `to` from now on: appended to `frames`, in prefix order.
  BlockSum pass_on(NodeId leaf, PoolId from, PoolId to, uint32_t depth, uint32_t count,
                   std::vector<tp_span>& frames);
  /// What a recorded frame and those right behind it hold.
  Stretch stretch(PoolId pool, uint32_t slot) const;
  /// Keeps a run, and so what lies before it, until leave().
  void hold(NodeId node);

  /// Identity of the block in a recorded frame: equal keys, equal content and prefix. Private
  /// content is distinct from everything else.
  tp_key key(PoolId pool, uint32_t slot) const;
  /// Those of a span of recorded frames, in order, into `out`.
  void keys(PoolId pool, tp_span frames, std::span<tp_key> out) const;
  /// Those of the blocks from `depth` on, on the way to `leaf`, whoever holds them.
  void keys_of(NodeId leaf, uint32_t depth, std::span<tp_key> out) const;

  uint64_t nodes_alive() const { return nodes_.size() - free_nodes_.size(); }
  uint64_t records_alive() const { return records_alive_; }

 private:
  static constexpr uint32_t kOpenEnd = UINT32_MAX;

  // Where both depths and slots of a node's blocks run on, extents are one: evict() takes a run of
  // both for part of a single extent.
  struct Extent {
    uint32_t depth;  // of the first block, from the head of the prefix
    uint32_t slot;
    uint32_t count;
  };
  static bool run_on(const Extent& a, const Extent& b) {
    return a.depth + a.count == b.depth && a.slot + a.count == b.slot;
  }
  struct Record {
    PoolId pool = 0;
    uint32_t pins = 0;
    uint32_t prefix = 0;  // blocks of the node present without a gap
    SmallVector<Extent, 1> extents;
  };
  // A cache line: walks touch hundreds of nodes a request.
  struct alignas(64) Node {
    NodeId parent = kNoNode;
    uint32_t depth = 0;   // blocks before this node
    uint32_t blocks = 0;  // kOpenEnd: private, grows as its owner does
    uint32_t children = 0;
    uint32_t users = 0;
    SmallVector<Record, 0> records;  // by pool
    SmallVector<uint64_t, 0> ids;
    uint64_t serial = 0;  // of private content
  };
  // A node on the way to a leaf, and the depths it covers.
  struct Step {
    NodeId node;
    uint32_t depth;
    uint32_t end;
  };
  struct Note {
    NodeId node;
    uint32_t depth;
  };
  struct Pool {
    explicit Pool(uint32_t slot_count) : slots(slot_count), starts(slot_count), notes(slot_count) {}

    uint32_t slots;
    policy::BitIndex starts;        // first slots of extents
    policy::FlatArray<Note> notes;  // by first slot; pages never used cost nothing
  };
  struct Index;  // (node, first id) -> child

  NodeId make_node(NodeId parent, uint32_t depth);
  NodeId split(NodeId node, size_t ids_kept);
  void split_records(NodeId upper, NodeId lower);
  NodeId descend(const Path& path);
  NodeId free_unused(NodeId node);
  bool one_run(NodeId upper, NodeId lower) const;
  void merge_up(NodeId node);
  void join_records(NodeId upper, NodeId lower);
  // Of the node in the pool; null: there is none. What they answer stands until the node's records
  // change.
  const Record* find_record(NodeId node, PoolId pool) const;
  Record* find_record(NodeId node, PoolId pool);
  Record& record_of(NodeId node, PoolId pool);
  void free_record(NodeId node, Record& record);
  Step step_of(NodeId node) const;
  Step step_at(NodeId leaf, uint32_t depth) const;
  void way_to(NodeId leaf) const;
  std::span<const Step> way_from(NodeId leaf, uint32_t depth) const;
  static void note(Pool& pool, NodeId node, const Extent& extent);
  static uint32_t start_of(const Pool& pool, uint32_t slot);
  void append(NodeId node, Record& record, uint32_t depth, tp_span frames);
  tp_key key_of(const Node& node, uint32_t depth) const;
  void keys_in(const Node& node, uint32_t depth, std::span<tp_key> out) const;
  uint32_t cut(NodeId node, Record& record, uint32_t depth, uint32_t most);
  void insert_extent(NodeId node, Record& record, uint32_t depth, tp_span frames);
  static void extend_prefix(uint32_t head, Record& record);

  uint32_t blocks_per_id_;
  std::vector<Node> nodes_;
  std::vector<NodeId> free_nodes_;
  uint64_t records_alive_ = 0;
  std::vector<Pool> pools_;
  std::unique_ptr<Index> index_;
  // To the leaf asked for last, root's child first; calls come several to a leaf.
  mutable std::vector<Step> way_;
  mutable NodeId way_leaf_ = kNoNode;
};

}  // namespace tiercast::kvstore
