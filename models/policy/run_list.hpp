#pragma once

#include <cstdint>

#include "models/policy/bit_index.hpp"
#include "models/policy/flat_array.hpp"
#include "models/policy/state_archive.hpp"
#include "models/policy/tierpolicy.h"

namespace tiercast::policy {

/// A list of slots ordered from oldest to newest, held as runs of consecutive slots whose later
/// slots are older: the order in which prefixes are put down tail first. Work follows runs, not
/// slots. A run is stored at its first slot; 12.2 bytes a slot in all.
class RunList {
 public:
  static constexpr uint32_t none = UINT32_MAX;

  explicit RunList(uint32_t capacity) : nodes_(capacity), starts_(capacity) {}

  /// Puts a run, none of it in the list, at the newest end: its last slot first.
  void append(tp_span run) {
    Node node{newest_, none, run.count};
    if (newest_ != none && run.first_slot + run.count == newest_) {
      node.older = nodes_[newest_].older;
      node.length += nodes_[newest_].length;
      starts_.clear(newest_);
    }
    nodes_[run.first_slot] = node;
    starts_.set(run.first_slot);
    set_newer(node.older, run.first_slot);
    newest_ = run.first_slot;
  }

  /// Takes a run out, all of it in the list, wherever its slots are.
  void detach(tp_span run) {
    uint32_t end = run.first_slot + run.count;
    while (end > run.first_slot) {
      const uint32_t start = starts_.find_at_or_before(end - 1);
      const uint32_t begin = start > run.first_slot ? start : run.first_slot;
      cut(start, begin, end);
      end = begin;
    }
  }

  /// detach(run), then append(run); spares the search where the run is stored as it is.
  void renew(tp_span run) {
    const uint32_t start = run.first_slot;
    const bool joins_newest = start + run.count == newest_;
    if (joins_newest || !starts_.test(start) || nodes_[start].length != run.count) {
      detach(run);
      append(run);
    } else if (start != newest_) {
      const Node node = nodes_[start];
      set_newer(node.older, node.newer);
      set_older(node.newer, node.older);
      nodes_[start] = {newest_, none, run.count};
      nodes_[newest_].newer = start;
      newest_ = start;
    }
  }

  /// Calls visit(run) from the oldest run on until it answers false. The visitor may detach the
  /// run it is given.
  template <class Visit>
  void for_runs(Visit visit) const {
    for (uint32_t start = oldest_; start != none;) {
      const Node node = nodes_[start];
      start = visit(tp_span{start, node.length}) ? node.newer : none;
    }
  }

  void prefetch_node(uint32_t slot) const { nodes_.prefetch(slot); }
  /// The neighbours that detach() will touch, should the slot start a run.
  void prefetch_neighbours(uint32_t slot) const {
    if (!starts_.test(slot)) return;
    const Node& node = nodes_[slot];
    if (node.older != none) nodes_.prefetch(node.older);
    if (node.newer != none) nodes_.prefetch(node.newer);
  }

  /// Independent of how neighbouring runs came to be stored.
  void hash(StateHash& hash) const {
    tp_span joined{none, 0};
    for_runs([&](tp_span run) {
      if (joined.count != 0 && run.first_slot + run.count == joined.first_slot) {
        joined = {run.first_slot, run.count + joined.count};
        return true;
      }
      hash.add(uint64_t{joined.first_slot} << 32 | joined.count);
      joined = run;
      return true;
    });
    hash.add(uint64_t{joined.first_slot} << 32 | joined.count);
  }

  template <class Self, class Archive>
  static void archive(Self& self, Archive& archive) {
    archive.items(self.nodes_.data(), self.nodes_.size());
    BitIndex::archive(self.starts_, archive);
    archive.value(self.oldest_);
    archive.value(self.newest_);
  }

 private:
  struct Node {
    uint32_t older;
    uint32_t newer;
    uint32_t length;
  };

  void set_newer(uint32_t start, uint32_t newer) {
    (start == none ? oldest_ : nodes_[start].newer) = newer;
  }
  void set_older(uint32_t start, uint32_t older) {
    (start == none ? newest_ : nodes_[start].older) = older;
  }

  /// Takes [begin, end) out of the run that starts at `start`. What lies above stays the older
  /// neighbour of what lies below.
  void cut(uint32_t start, uint32_t begin, uint32_t end) {
    const Node node = nodes_[start];
    const bool below = begin != start;
    const bool above = end != start + node.length;
    uint32_t older = node.older;
    if (above) {
      nodes_[end] = {node.older, below ? start : node.newer, start + node.length - end};
      starts_.set(end);
      set_newer(node.older, end);
      older = end;
    }
    if (below) {
      nodes_[start] = {older, node.newer, begin - start};
    } else {
      starts_.clear(start);
      if (!above) set_newer(older, node.newer);
      set_older(node.newer, older);
    }
  }

  FlatArray<Node> nodes_;
  BitIndex starts_;
  uint32_t oldest_ = none;
  uint32_t newest_ = none;
};

}  // namespace tiercast::policy
