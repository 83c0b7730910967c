// Transfers to and from devices that are told apart.
#include "models/tiering/tier_manager.hpp"

namespace tiercast::tiering {

// Of blocks that lie on all devices alike.
TransferPlan TierManager::even_route(const RouteEnds& ends) {
  if (!has_parts(*spec_, ends)) return route(ends);
  const uint64_t blocks = stripes_.spread(ends, sums_);
  std::vector<StripePart> parts;
  sums_.parts(parts);
  return route(ends, blocks * moved_block_bytes(*spec_, ends), parts);
}

void TierManager::split(Job& job) {
  if (!has_parts(*spec_, job)) return;
  stripes_.begin(job, sums_);
  for (const Piece& piece : job.pieces) {
    keys_.resize(piece.count);
    store_->keys_of(piece.node, piece.depth, keys_);
    for (const tp_key key : keys_) sums_.add(key);
  }
  sums_.parts(job.parts);
}

void TierManager::count_parts(const Job& job) {
  const auto device = [&](uint32_t tier, uint32_t pool, uint32_t number) -> DeviceCounts& {
    return devices_[tier][pool * spec_->tiers[tier].pools[pool].devices.size() + number];
  };
  for (const StripePart& part : job.parts) {
    if (job.from != kNone && !devices_[job.from].empty()) {
      device(job.from, job.from_pool, part.from).read_bytes += part.bytes;
    }
    if (job.to != kNone && !devices_[job.to].empty()) {
      device(job.to, job.to_pool, part.to).written_bytes += part.bytes;
    }
  }
}

}  // namespace tiercast::tiering
