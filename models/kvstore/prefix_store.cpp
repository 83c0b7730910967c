// The tree side of PrefixStore: runs, branches and the index from prefix to pools.
#include "models/kvstore/prefix_store.hpp"

#include <algorithm>
#include <utility>

#include <boost/unordered/unordered_flat_map.hpp>

#include "sim/base/check.hpp"

namespace tiercast::kvstore {

namespace {

struct ChildKey {
  NodeId parent;
  uint64_t id;
  bool operator==(const ChildKey&) const = default;
};

struct ChildKeyHash {
  using is_avalanching = void;
  size_t operator()(const ChildKey& key) const {
    uint64_t h = key.id * 0x9E3779B97F4A7C15u ^ (uint64_t{key.parent} * 0xC2B2AE3D27D4EB4Fu);
    h ^= h >> 32;
    h *= 0xD6E8FEB86659FD93u;
    return h ^ (h >> 32);
  }
};

template <class Ids>
size_t common_prefix(std::span<const uint64_t> a, const Ids& b) {
  return static_cast<size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first -
                             a.begin());
}

}  // namespace

struct PrefixStore::Index {
  boost::unordered_flat_map<ChildKey, NodeId, ChildKeyHash> children;
};

PrefixStore::PrefixStore(uint32_t blocks_per_id)
    : blocks_per_id_(blocks_per_id), index_(std::make_unique<Index>()) {
  TIERCAST_CHECK(blocks_per_id >= 1, "an id covers at least one block");
  nodes_.emplace_back();  // the root: no blocks, never freed
}

PrefixStore::~PrefixStore() = default;

PoolId PrefixStore::add_pool(uint32_t slots) {
  pools_.emplace_back(slots);
  return static_cast<PoolId>(pools_.size() - 1);
}

NodeId PrefixStore::make_node(NodeId parent, uint32_t depth) {
  way_leaf_ = kNoNode;  // a split changes ways, and numbers are given anew
  NodeId id;
  if (free_nodes_.empty()) {
    id = static_cast<NodeId>(nodes_.size());
    nodes_.emplace_back();
  } else {
    id = free_nodes_.back();
    free_nodes_.pop_back();
  }
  Node& node = nodes_[id];
  node.parent = parent;
  node.depth = depth;
  node.children = 0;
  node.users = 0;
  node.ids.clear();
  ++nodes_[parent].children;
  return id;
}

// Answers the first node on the way up that stays.
NodeId PrefixStore::free_unused(NodeId id) {
  while (id != kRootNode) {
    Node& node = nodes_[id];
    if (node.users != 0 || node.children != 0 || !node.records.empty()) return id;
    if (!node.ids.empty()) index_->children.erase(ChildKey{node.parent, node.ids[0]});
    const NodeId parent = node.parent;
    --nodes_[parent].children;
    free_nodes_.push_back(id);
    id = parent;
  }
  return id;
}

// Nothing branches off between the two, and nobody knows the lower one by its id.
bool PrefixStore::one_run(NodeId upper, NodeId lower) const {
  if (upper == kRootNode || lower == kRootNode) return false;
  const Node& up = nodes_[upper];
  const Node& low = nodes_[lower];
  return up.children == 1 && up.blocks == uint64_t{up.ids.size()} * blocks_per_id_ &&
         low.children == 0 && low.users == 0 && low.blocks != kOpenEnd;
}

void PrefixStore::merge_up(NodeId lower) {
  for (NodeId upper = nodes_[lower].parent; one_run(upper, lower); upper = nodes_[lower].parent) {
    way_leaf_ = kNoNode;
    Node& up = nodes_[upper];
    Node& low = nodes_[lower];
    index_->children.erase(ChildKey{upper, low.ids[0]});
    join_records(upper, lower);
    up.ids.append(low.ids.begin(), low.ids.end());
    up.blocks += low.blocks;
    up.children = 0;
    free_nodes_.push_back(lower);
    lower = upper;
  }
}

NodeId PrefixStore::split(NodeId lower, size_t ids_kept) {
  const NodeId upper = make_node(nodes_[lower].parent, nodes_[lower].depth);
  Node& low = nodes_[lower];
  Node& up = nodes_[upper];
  --nodes_[up.parent].children;  // the lower node leaves that parent
  up.blocks = static_cast<uint32_t>(ids_kept) * blocks_per_id_;
  up.children = 1;
  SmallVector<uint64_t, 0> below;
  below.assign(low.ids.begin() + ids_kept, low.ids.end());
  up.ids.assign(low.ids.begin(), low.ids.begin() + ids_kept);
  low.ids = std::move(below);
  low.parent = upper;
  low.depth += up.blocks;
  low.blocks -= up.blocks;
  index_->children[ChildKey{up.parent, up.ids[0]}] = upper;
  index_->children[ChildKey{upper, low.ids[0]}] = lower;
  split_records(upper, lower);
  free_unused(lower);  // all that kept the run may lie in its upper part
  return upper;
}

// The node at the end of the path; splits where the path ends or leaves inside a node.
NodeId PrefixStore::descend(const Path& path) {
  NodeId at = kRootNode;
  std::span<const uint64_t> rest = path.ids;
  while (!rest.empty()) {
    const auto found = index_->children.find(ChildKey{at, rest.front()});
    if (found == index_->children.end()) {
      const NodeId leaf = make_node(at, nodes_[at].depth + nodes_[at].blocks);
      Node& node = nodes_[leaf];
      node.ids.assign(rest.data(), rest.data() + rest.size());
      node.blocks = static_cast<uint32_t>(rest.size() - 1) * blocks_per_id_ + path.last_blocks;
      index_->children.emplace(ChildKey{at, rest.front()}, leaf);
      return leaf;
    }
    const size_t common = common_prefix(rest, nodes_[found->second].ids);
    at = common == nodes_[found->second].ids.size() ? found->second : split(found->second, common);
    rest = rest.subspan(common);
  }
  return at;
}

NodeId PrefixStore::enter(const Path& path, uint64_t serial) {
  const NodeId parent = descend(path);
  const NodeId leaf = make_node(parent, nodes_[parent].depth + nodes_[parent].blocks);
  nodes_[leaf].blocks = kOpenEnd;
  nodes_[leaf].serial = serial;
  ++nodes_[leaf].users;
  return leaf;
}

void PrefixStore::leave(NodeId leaf) {
  TIERCAST_CHECK(nodes_[leaf].users > 0, "leave without enter");
  --nodes_[leaf].users;
  merge_up(free_unused(leaf));
}

void PrefixStore::match(const Path& path, std::span<uint32_t> matched) const {
  std::fill(matched.begin(), matched.end(), 0);
  NodeId at = kRootNode;
  std::span<const uint64_t> rest = path.ids;
  while (!rest.empty()) {
    const auto found = index_->children.find(ChildKey{at, rest.front()});
    if (found == index_->children.end()) return;
    const Node& node = nodes_[found->second];
    const size_t common = common_prefix(rest, node.ids);
    const bool whole = common == node.ids.size();
    const uint32_t reach = whole ? node.blocks : static_cast<uint32_t>(common) * blocks_per_id_;
    for (const Record& record : node.records) {
      if (record.pool >= matched.size()) break;
      uint32_t& so_far = matched[record.pool];
      if (so_far == node.depth) so_far += std::min(record.prefix, reach);
    }
    if (!whole) return;
    at = found->second;
    rest = rest.subspan(common);
  }
}

}  // namespace tiercast::kvstore
