#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "models/kvstore/prefix_store.hpp"
#include "models/policy/flat_array.hpp"
#include "models/tiering/block_views.hpp"

namespace tiercast::tiering {

/// Blocks [depth, depth + count) on the way to `node`.
struct Piece {
  kvstore::NodeId node = kvstore::kNoNode;
  uint32_t depth = 0;
  uint32_t count = 0;
  BlockOwner owner = {};  ///< as far as it is kept
};

/// Whose block each frame of a pool holds, for pools whose victims move on to where that matters.
using OwnersBySlot = policy::FlatArray<BlockOwner>;

/// A request uses what the frames hold.
void renew_owners(OwnersBySlot& owners, std::span<const tp_span> frames, const tp_request& user);

/// What recorded frames hold, as pieces in the frames' order, each node held once more and each
/// piece of one owner where `owners` (may be NULL) knows them.
void hold_pieces(kvstore::PrefixStore& store, kvstore::PoolId pool, tp_span frames,
                 const OwnersBySlot* owners, std::vector<Piece>& out);

}  // namespace tiercast::tiering
