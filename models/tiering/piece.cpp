#include "models/tiering/piece.hpp"

#include <algorithm>

namespace tiercast::tiering {

void renew_owners(OwnersBySlot& owners, std::span<const tp_span> frames, const tp_request& user) {
  if (user.priority == 0) return;
  for (const tp_span& span : frames) {
    for (uint32_t k = 0; k < span.count; ++k) owners[span.first_slot + k].renew(user);
  }
}

void hold_pieces(kvstore::PrefixStore& store, kvstore::PoolId pool, tp_span frames,
                 const OwnersBySlot* owners, std::vector<Piece>& out) {
  const uint32_t end = frames.first_slot + frames.count;
  for (uint32_t slot = frames.first_slot; slot < end;) {
    const kvstore::Stretch at = store.stretch(pool, slot);
    uint32_t count = std::min(at.count, end - slot);
    BlockOwner owner;
    if (owners != nullptr) {
      owner = (*owners)[slot];
      uint32_t alike = 1;
      while (alike < count && (*owners)[slot + alike] == owner) ++alike;
      count = alike;
    }
    store.hold(at.node);
    out.push_back({at.node, at.depth, count, owner});
    slot += count;
  }
}

}  // namespace tiercast::tiering
