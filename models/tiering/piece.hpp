#pragma once

#include <cstdint>
#include <vector>

#include "models/kvstore/prefix_store.hpp"

namespace tiercast::tiering {

/// Blocks [depth, depth + count) on the way to `node`.
struct Piece {
  kvstore::NodeId node = kvstore::kNoNode;
  uint32_t depth = 0;
  uint32_t count = 0;
};

/// What recorded frames hold, as pieces in the frames' order, each node held once more.
void hold_pieces(kvstore::PrefixStore& store, kvstore::PoolId pool, tp_span frames,
                 std::vector<Piece>& out);

}  // namespace tiercast::tiering
