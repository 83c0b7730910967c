#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "models/policy/flat_array.hpp"
#include "models/policy/session_table.hpp"
#include "models/policy/state_archive.hpp"

namespace tiercast::policy {

/// Which session a node belongs to, and each session's nodes in two lists, from oldest to newest:
/// its candidates, which may leave, and the others. A node is a block's slot, or one of several
/// that a block has. 12 bytes a node, 16 a session; every step O(1).
class SessionBlocks {
 public:
  static constexpr uint32_t none = SessionTable::none;

  SessionBlocks(std::size_t node_count, uint32_t session_count)
      : nodes_(node_count), lists_(session_count) {}

  void prefetch(uint32_t node) const { nodes_.prefetch(node); }

  /// The session of a node, or none.
  uint32_t session_of(uint32_t node) const { return nodes_[node].session - 1; }
  bool has_candidates(uint32_t session) const { return lists_[session][1].oldest != 0; }

  /// A node of no session becomes the newest of one.
  void add(uint32_t session, bool candidate, uint32_t node) {
    List& list = lists_[session][candidate ? 1 : 0];
    nodes_[node] = {list.newest, 0, session + 1};
    (list.newest != 0 ? nodes_[list.newest - 1].newer : list.oldest) = node + 1;
    list.newest = node + 1;
  }
  /// Where it has a session it has none any more; candidate: which list it is in.
  void remove(bool candidate, uint32_t node) {
    const Node at = nodes_[node];
    if (at.session == 0) return;
    List& list = lists_[at.session - 1][candidate ? 1 : 0];
    (at.older != 0 ? nodes_[at.older - 1].newer : list.oldest) = at.newer;
    (at.newer != 0 ? nodes_[at.newer - 1].older : list.newest) = at.older;
    nodes_[node].session = 0;
  }
  /// Becomes the newest of a list of its session, if it has one.
  void move(bool from_candidates, bool to_candidates, uint32_t node) {
    const uint32_t session = session_of(node);
    if (session == none) return;
    remove(from_candidates, node);
    add(session, to_candidates, node);
  }

  /// Calls visit(node) for a session's candidates from the oldest on until it answers false;
  /// answers whether it never did. The visitor may take the node out of its list.
  template <class Visit>
  bool for_candidates(uint32_t session, Visit visit) const {
    for (uint32_t at = lists_[session][1].oldest; at != 0;) {
      const uint32_t node = at - 1;
      at = nodes_[node].newer;
      if (!visit(node)) return false;
    }
    return true;
  }
  /// Takes all nodes of a session from it.
  void clear(uint32_t session) {
    for (List& list : lists_[session]) {
      for (uint32_t at = list.oldest; at != 0; at = nodes_[at - 1].newer) {
        nodes_[at - 1].session = 0;
      }
      list = {};
    }
  }

  /// A digest of the nodes that are no candidates, in any order.
  uint64_t others_digest(uint32_t session) const {
    uint64_t digest = 0;
    for (uint32_t at = lists_[session][0].oldest; at != 0; at = nodes_[at - 1].newer) {
      StateHash node;
      node.add(at);
      digest += node.value();
    }
    return digest;
  }

  template <class Self, class Archive>
  static void archive(Self& self, Archive& archive) {
    archive.items(self.nodes_.data(), self.nodes_.size());
    archive.items(self.lists_.data(), self.lists_.size());
  }

 private:
  struct Node {
    uint32_t older;  // node + 1, or 0
    uint32_t newer;
    uint32_t session;  // index + 1, or 0
  };
  struct List {
    uint32_t oldest;  // node + 1, or 0
    uint32_t newest;
  };

  FlatArray<Node> nodes_;
  FlatArray<std::array<List, 2>> lists_;  // by session: the others, the candidates
};

}  // namespace tiercast::policy
