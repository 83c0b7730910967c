#pragma once

#include <cstdint>

#include "models/policy/flat_array.hpp"
#include "models/policy/state_archive.hpp"

namespace tiercast::policy {

/// Which block of a pool follows which in a prefix, as far as the host tells: each knows its parent
/// and how many of its children count, which is for the user to say. A parent may go before its
/// children, which are roots from then on: a child remembers how many blocks its parent's slot had
/// held before, so that the next one there is not taken for the parent. A parent may also come
/// behind its children in a batch. 16 bytes a slot; each step O(1).
class PrefixForest {
 public:
  static constexpr uint32_t none = UINT32_MAX;

  explicit PrefixForest(uint32_t slot_count) : nodes_(slot_count) {}

  void prefetch(uint32_t slot) const { nodes_.prefetch(slot); }

  /// A block enters, not counted as a child yet. A parent that is no slot of the pool is none.
  void enter(uint32_t slot, uint32_t parent, uint32_t depth) {
    Node& node = nodes_[slot];
    if (node.children != 0) node = {0, 0, node.past + 1, 0, 0};  // of one that never came
    node.depth = depth;
    if (parent >= nodes_.size()) return;
    node.parent = parent + 1;
    node.parent_past = nodes_[parent].past;
  }
  /// The block is gone, and no longer counted.
  void remove(uint32_t slot) {
    Node& node = nodes_[slot];
    node = {0, 0, node.past + 1, 0, 0};
  }

  uint32_t parent(uint32_t slot) const {
    const Node& node = nodes_[slot];
    if (node.parent == 0) return none;
    const uint32_t parent = node.parent - 1;
    const Node& above = nodes_[parent];
    return above.past == node.parent_past && above.depth < node.depth ? parent : none;
  }
  bool leaf(uint32_t slot) const { return nodes_[slot].children == 0; }

  /// The block counts as its parent's child. Answers a parent that had none so far, else none.
  uint32_t count(uint32_t slot) {
    const uint32_t found = parent(slot);
    return found != none && nodes_[found].children++ == 0 ? found : none;
  }
  /// It no longer does. Answers a parent that has none left, else none.
  uint32_t discount(uint32_t slot) {
    const uint32_t found = parent(slot);
    return found != none && --nodes_[found].children == 0 ? found : none;
  }

  /// Depths, and who is whose parent; which children count, slot states say.
  void hash(StateHash& hash) const {
    for (uint32_t slot = 0; slot < nodes_.size(); ++slot) {
      hash.add(nodes_[slot].depth);
      const uint32_t found = parent(slot);
      if (found != none) hash.add(uint64_t{found} << 32 | slot);
    }
  }

  template <class Self, class Archive>
  static void archive(Self& self, Archive& archive) {
    archive.items(self.nodes_.data(), self.nodes_.size());
  }

 private:
  struct Node {
    uint32_t parent;       // its slot + 1, or 0
    uint32_t parent_past;  // that slot's `past` as this block entered
    uint32_t past;         // blocks that have left this slot
    uint32_t children;     // that count
    uint32_t depth;
  };

  FlatArray<Node> nodes_;
};

}  // namespace tiercast::policy
