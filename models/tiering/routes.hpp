// Which links a transfer crosses: for the simulation, and for what is said about it beforehand.
#pragma once

#include <cstdint>
#include <vector>

#include "models/tiering/tier_spec.hpp"

namespace tiercast::tiering {

/// Both ends of a transfer. Tiers are indices into TierSetSpec::tiers; kNone is GPU memory.
struct RouteEnds {
  uint32_t engine = 0;  ///< whose GPU memory, or who asks
  uint32_t from = kNone;
  uint32_t from_pool = kNone;  ///< of a peer tier: the dram pool that gives; where both ends are
                               ///< GPU memory: the engine that gives
  uint32_t to = kNone;
  uint32_t to_pool = kNone;
};

/// The tier in host memory; kNone without one.
uint32_t host_tier(const TierSetSpec& spec);

/// Bytes that move for one block between both ends: one as the tier stores it, or, into GPU memory,
/// as many as its ranks load copies.
uint64_t moved_block_bytes(const TierSetSpec& spec, const RouteEnds& ends);

/// Puts the links of the way into `links`, each once, and answers what the stack adds. A read
/// without `from_pool` leaves out the source's own links.
const TransferCost& find_route(const TierSetSpec& spec, const RouteEnds& ends,
                               std::vector<uint32_t>& links);

}  // namespace tiercast::tiering
