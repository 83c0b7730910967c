// Which links a transfer crosses: for the simulation, and for what is said about it beforehand.
#pragma once

#include <cstdint>
#include <memory>
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
  bool cached = false;  ///< all of it comes out of the cache of `from`
};

/// The tier in host memory; kNone without one.
uint32_t host_tier(const TierSetSpec& spec);

/// Bytes that move for one block between both ends: one as the tier stores it, or, into GPU memory,
/// as many as its ranks load copies.
uint64_t moved_block_bytes(const TierSetSpec& spec, const RouteEnds& ends);

/// Finds the ways of transfers through a hierarchy: links of their ends, and what lies between them
/// on the fabric that joins those.
class RouteFinder {
 public:
  /// `spec` must outlive the object. `seed`: of what hashing decides.
  RouteFinder(const TierSetSpec& spec, uint64_t seed);

  /// The way of a transfer without its bytes: links, each once, and what stack and switches add.
  /// Valid until the next call. A read without `from_pool` leaves out the source's own links, and
  /// the fabric.
  ///
  /// Transfer `number` goes to one box of shared storage and, with ecmp, over one of the equal
  /// routes, all of it: both are hashed. Two ends keep a few connections that their transfers use
  /// in turn, so as many routes of theirs at most are ever seen.
  ///
  /// Each switch on the way delays a read's request and its first byte, so counts twice before
  /// bytes flow; it delays a store's first byte and its acknowledgement, so counts once before and
  /// once after.
  TransferPlan find(const RouteEnds& ends, uint64_t number);

 private:
  // Where a transfer enters a fabric, or leaves it: a node, or else a pool of shared storage.
  struct Port {
    uint32_t node = kNone;
    uint32_t tier = kNone;
    uint32_t pool = kNone;
  };
  // find() less what telling an index adds.
  TransferPlan find_way(const RouteEnds& ends, uint64_t number);
  Port port_of(uint32_t tier, uint32_t pool) const;
  // The plan over links_ and, between the ports, over the fabric's.
  TransferPlan plan(const TransferCost& cost, bool store, uint32_t fabric, const Port& from,
                    const Port& to, uint64_t number);
  resources::NodeId leaf_of(const SwitchedFabric& fabric, const Port& port, uint64_t hash) const;

  const TierSetSpec* spec_;
  uint64_t seed_;
  std::vector<std::unique_ptr<resources::Routes>> routes_;  // by fabric
  std::vector<uint32_t> links_;                             // of the last answer
};

/// Stations that a transfer of so many blocks visits before its bytes move.
void find_visits(const TierSetSpec& spec, const RouteEnds& ends, uint32_t blocks,
                 std::vector<StationVisit>& out);

/// Whether either end of a way tells its devices apart.
bool has_parts(const TierSetSpec& spec, const RouteEnds& ends);
/// The links that parts of a transfer between devices of both ends cross beside the way's.
void find_part_links(const TierSetSpec& spec, const RouteEnds& ends,
                     std::span<const StripePart> parts, std::vector<TransferPart>& out);

/// Where blocks lie at both ends of ways.
class EndStripes {
 public:
  explicit EndStripes(const TierSetSpec& spec);

  /// Blocks added to `sums` move this way. One end at least is a tier.
  void begin(const RouteEnds& ends, StripeSums& sums) const;
  /// The same with as many blocks as lie on all devices alike; answers how many. One end at most
  /// tells its devices apart.
  uint32_t spread(const RouteEnds& ends, StripeSums& sums) const;
  const Stripes& from(const RouteEnds& ends) const;
  const Stripes& to(const RouteEnds& ends) const;

 private:
  const TierSetSpec* spec_;
  std::vector<Stripes> stripes_;  // by tier
  std::vector<Stripes> whole_;    // by tier: its blocks in GPU memory
};

}  // namespace tiercast::tiering
