#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "models/policy/bit_index.hpp"
#include "models/policy/flat_array.hpp"
#include "models/policy/state_archive.hpp"
#include "models/policy/tierpolicy.h"

namespace tiercast::policy {

/// `count` lists of slots, each ordered from oldest to newest and held as runs of consecutive slots
/// whose later slots are older: the order in which prefixes are put down tail first. A slot is in
/// one list at most. Work follows runs, not slots. A run is stored at its first slot; 12.2 bytes a
/// slot in all.
template <uint32_t count>
class RunLists {
  struct Node {
    uint32_t older;
    uint32_t newer;
    uint32_t length;
  };

 public:
  static constexpr uint32_t none = UINT32_MAX;

  explicit RunLists(uint32_t capacity) : nodes_(capacity), starts_(capacity) {
    std::fill_n(oldest_, count, none);
    std::fill_n(newest_, count, none);
  }

  /// Puts a run, none of it in a list, at the newest end of one: its last slot first.
  void append(tp_span run, uint32_t list = 0) {
    uint32_t& newest = newest_[list];
    Node node{newest, none, run.count};
    if (newest != none && run.first_slot + run.count == newest) {
      node.older = nodes_[newest].older;
      node.length += nodes_[newest].length;
      starts_.clear(newest);
    }
    nodes_[run.first_slot] = node;
    starts_.set(run.first_slot);
    set_newer(node.older, run.first_slot, list);
    newest = run.first_slot;
  }

  /// Takes a run out, all of it in that list, wherever its slots are.
  void detach(tp_span run, uint32_t list = 0) {
    uint32_t end = run.first_slot + run.count;
    while (end > run.first_slot) {
      const uint32_t start = starts_.find_at_or_before(end - 1);
      const uint32_t begin = start > run.first_slot ? start : run.first_slot;
      cut(start, begin, end, list);
      end = begin;
    }
  }

  /// detach(run), then append(run) to the same list; spares the search where the run is stored as
  /// it is.
  void renew(tp_span run, uint32_t list = 0) {
    const uint32_t start = run.first_slot;
    uint32_t& newest = newest_[list];
    const bool joins_newest = start + run.count == newest;
    if (joins_newest || !starts_.test(start) || nodes_[start].length != run.count) {
      detach(run, list);
      append(run, list);
    } else if (start != newest) {
      const Node node = nodes_[start];
      set_newer(node.older, node.newer, list);
      set_older(node.newer, node.older, list);
      nodes_[start] = {newest, none, run.count};
      nodes_[newest].newer = start;
      newest = start;
    }
  }

  /// Goes through a list from the oldest block on. What it has named may be detached meanwhile.
  class Walk {
   public:
    explicit Walk(const RunLists& lists, uint32_t list = 0) : nodes_(lists.nodes_) {
      enter(lists.oldest_[list]);
    }

    bool done() const { return start_ == none; }
    /// The next blocks, as many as follow each other, `most` at most.
    tp_span next(uint32_t most) {
      const uint32_t taken = std::min(left_, most);
      left_ -= taken;
      const tp_span run{start_ + left_, taken};
      if (left_ == 0) enter(newer_);
      return run;
    }

   private:
    void enter(uint32_t start) {
      start_ = start;
      if (start == none) return;
      left_ = nodes_[start].length;
      newer_ = nodes_[start].newer;
    }

    const FlatArray<Node>& nodes_;
    uint32_t start_ = none;  // of the run it is in
    uint32_t left_ = 0;      // of its slots, the first ones
    uint32_t newer_ = none;  // the run behind it
  };

  /// Calls visit(span) for a batch's spans from the tail on, fetching ahead the nodes that detach()
  /// and append() of them will touch.
  template <class Visit>
  void for_spans_backward(std::span<const tp_span> spans, Visit visit) const {
    constexpr std::size_t node_ahead = 24;
    constexpr std::size_t neighbours_ahead = 8;
    const std::size_t size = spans.size();
    const auto slot = [&](std::size_t i) { return spans[size - 1 - i].first_slot; };
    if (size > 1) {
      for (std::size_t i = 0; i < std::min(node_ahead, size); ++i) nodes_.prefetch(slot(i));
      for (std::size_t i = 0; i < std::min(neighbours_ahead, size); ++i) {
        prefetch_neighbours(slot(i));
      }
    }
    for (std::size_t i = 0; i < size; ++i) {
      if (i + node_ahead < size) nodes_.prefetch(slot(i + node_ahead));
      if (i + neighbours_ahead < size) prefetch_neighbours(slot(i + neighbours_ahead));
      visit(spans[size - 1 - i]);
    }
  }

  /// List by list. Independent of how neighbouring runs came to be stored.
  void hash(StateHash& hash) const {
    for (uint32_t list = 0; list < count; ++list) {
      tp_span joined{none, 0};
      for (Walk walk(*this, list); !walk.done();) {
        const tp_span run = walk.next(UINT32_MAX);
        if (joined.count != 0 && run.first_slot + run.count == joined.first_slot) {
          joined = {run.first_slot, run.count + joined.count};
          continue;
        }
        hash.add(uint64_t{joined.first_slot} << 32 | joined.count);
        joined = run;
      }
      hash.add(uint64_t{joined.first_slot} << 32 | joined.count);
    }
  }

  template <class Self, class Archive>
  static void archive(Self& self, Archive& archive) {
    archive.items(self.nodes_.data(), self.nodes_.size());
    BitIndex::archive(self.starts_, archive);
    archive.items(self.oldest_, count);
    archive.items(self.newest_, count);
  }

 private:
  /// Those of a slot that starts a run.
  void prefetch_neighbours(uint32_t slot) const {
    if (!starts_.test(slot)) return;
    const Node& node = nodes_[slot];
    if (node.older != none) nodes_.prefetch(node.older);
    if (node.newer != none) nodes_.prefetch(node.newer);
  }

  void set_newer(uint32_t start, uint32_t newer, uint32_t list) {
    (start == none ? oldest_[list] : nodes_[start].newer) = newer;
  }
  void set_older(uint32_t start, uint32_t older, uint32_t list) {
    (start == none ? newest_[list] : nodes_[start].older) = older;
  }

  /// Takes [begin, end) out of the run that starts at `start`. What lies above stays the older
  /// neighbour of what lies below.
  void cut(uint32_t start, uint32_t begin, uint32_t end, uint32_t list) {
    const Node node = nodes_[start];
    const bool below = begin != start;
    const bool above = end != start + node.length;
    uint32_t older = node.older;
    if (above) {
      nodes_[end] = {node.older, below ? start : node.newer, start + node.length - end};
      starts_.set(end);
      set_newer(node.older, end, list);
      older = end;
    }
    if (below) {
      nodes_[start] = {older, node.newer, begin - start};
    } else {
      starts_.clear(start);
      if (!above) set_newer(older, node.newer, list);
      set_older(node.newer, older, list);
    }
  }

  FlatArray<Node> nodes_;
  BitIndex starts_;
  uint32_t oldest_[count];
  uint32_t newest_[count];
};

}  // namespace tiercast::policy
