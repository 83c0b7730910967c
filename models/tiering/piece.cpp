#include "models/tiering/piece.hpp"

namespace tiercast::tiering {

void hold_pieces(kvstore::PrefixStore& store, kvstore::PoolId pool, tp_span frames,
                 std::vector<Piece>& out) {
  const uint32_t end = frames.first_slot + frames.count;
  for (uint32_t slot = frames.first_slot; slot < end; ++slot) {
    const kvstore::NodeId node = store.node_of(pool, slot);
    const uint32_t depth = store.depth(pool, slot);
    if (slot > frames.first_slot && out.back().node == node &&
        out.back().depth + out.back().count == depth) {
      ++out.back().count;
      continue;
    }
    store.hold(node);
    out.push_back({node, depth, 1});
  }
}

}  // namespace tiercast::tiering
