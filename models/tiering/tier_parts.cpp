// Transfers to and from devices that are told apart.
#include "models/tiering/tier_manager.hpp"

namespace tiercast::tiering {

const Stripes& TierManager::stripes_at(uint32_t tier) const {
  return tier == kNone ? stripes_.back() : stripes_[tier];
}

// Of many blocks, which lie on all devices alike.
uint64_t TierManager::even_rate(const RouteEnds& ends) {
  if (!has_parts(*spec_, ends)) return transfers_.rate(route(ends));
  const Stripes& from = stripes_at(ends.from);
  const Stripes& to = stripes_at(ends.to);
  sums_.begin(from, to);
  const uint32_t blocks = from.devices() * to.devices();
  for (uint32_t n = 0; n < blocks; ++n) sums_.add_at(n % from.devices(), n / from.devices());
  std::vector<StripePart> parts;
  sums_.parts(parts);
  return transfers_.rate(route(ends, blocks_bytes(blocks), parts));
}

void TierManager::split(Job& job) {
  if (!has_parts(*spec_, job)) return;
  sums_.begin(stripes_at(job.from), stripes_at(job.to));
  for (const Piece& piece : job.pieces) {
    keys_.resize(piece.count);
    store_->keys_of(piece.node, piece.depth, keys_);
    for (const tp_key key : keys_) sums_.add(key);
  }
  sums_.parts(job.parts);
}

void TierManager::count_parts(const Job& job) {
  for (const StripePart& part : job.parts) {
    if (job.from != kNone && !devices_[job.from].empty()) {
      const uint32_t device = job.from_pool * stripes_[job.from].devices() + part.from;
      devices_[job.from][device].read_bytes += part.bytes;
    }
    if (job.to != kNone && !devices_[job.to].empty()) {
      const uint32_t device = job.to_pool * stripes_[job.to].devices() + part.to;
      devices_[job.to][device].written_bytes += part.bytes;
    }
  }
}

}  // namespace tiercast::tiering
