#pragma once

#include <cstdint>
#include <deque>
#include <span>

#include "models/kvstore/prefix_store.hpp"
#include "models/tiering/piece.hpp"

namespace tiercast::tiering {

/// What an index knows of a pool when news of it takes a while: every change of the pool, in order,
/// waits here with its time until it is replayed into a pool of the same frames beside it.
///
/// Replaying up to t gives exactly what the pool held just before t, whenever it is done. Nodes of
/// waiting blocks are held.
class LateIndex {
 public:
  /// Of a pool that is empty, with frames in [0, slots).
  LateIndex(kvstore::PrefixStore& store, uint32_t slots);

  /// The pool of the store that holds what is known.
  kvstore::PoolId known() const { return known_; }

  /// Frames that are recorded in `pool` since now; times never decrease.
  void added(int64_t now_ns, kvstore::PoolId pool, std::span<const tp_span> frames);
  /// Frames that no longer hold anything.
  void removed(int64_t now_ns, std::span<const tp_span> frames);

  /// Everything that happened before `time_ns` is known from now on.
  void replay_before(int64_t time_ns);

 private:
  struct Change {
    int64_t time_ns = 0;
    Piece blocks;  // without node: the frames were emptied
    tp_span frames{};
  };

  kvstore::PrefixStore* store_;
  kvstore::PoolId known_;
  std::deque<Change> waiting_;
};

}  // namespace tiercast::tiering
