// Which links a transfer crosses: for the simulation, and for what is said about it beforehand.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "models/tiering/stripes.hpp"
#include "models/tiering/tier_spec.hpp"
#include "models/tiering/transfers.hpp"

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

/// Puts the links of the way into `links`, each once, and answers what the stack adds. A read
/// without `from_pool` leaves out the source's own links.
const TransferCost& find_route(const TierSetSpec& spec, const RouteEnds& ends,
                               std::vector<uint32_t>& links);

/// Whether either end of a way tells its devices apart.
bool has_parts(const TierSetSpec& spec, const RouteEnds& ends);
/// The links that parts of a transfer between devices of both ends cross beside the way's.
void find_part_links(const TierSetSpec& spec, const RouteEnds& ends,
                     std::span<const StripePart> parts, std::vector<TransferPart>& out);

}  // namespace tiercast::tiering
