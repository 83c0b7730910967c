#include "models/tiering/routes.hpp"

#include <algorithm>

#include "sim/base/check.hpp"
#include "sim/base/hash.hpp"

namespace tiercast::tiering {

namespace {

// Assumption: queue pairs, or sockets, that a transfer engine keeps open between two ends.
constexpr uint64_t kConnections = 16;

// A link that both ends name (a node's memory, say) is crossed once.
void add_links(const std::vector<uint32_t>& more, std::vector<uint32_t>& links) {
  for (const uint32_t link : more) {
    if (std::find(links.begin(), links.end(), link) == links.end()) links.push_back(link);
  }
}

// The pool at one end where its devices are told apart, else null.
const TierPoolSpec* divided(const TierSetSpec& spec, uint32_t tier, uint32_t pool) {
  if (tier == kNone || pool == kNone || spec.tiers[tier].kind == TierKind::peer) return nullptr;
  const TierPoolSpec& found = spec.tiers[tier].pools[pool];
  return found.devices.empty() ? nullptr : &found;
}

}  // namespace

uint32_t host_tier(const TierSetSpec& spec) {
  for (uint32_t t = 0; t < spec.tiers.size(); ++t) {
    if (spec.tiers[t].kind == TierKind::dram) return t;
  }
  return kNone;
}

uint64_t moved_block_bytes(const TierSetSpec& spec, const RouteEnds& ends) {
  if (ends.to != kNone) return spec.tiers[ends.to].block_bytes;
  if (ends.from == kNone) return uint64_t{spec.block_bytes} * spec.handoff_copies;
  const TierSpec& source = spec.tiers[ends.from];
  return uint64_t{source.block_bytes} * source.load_copies;
}

RouteFinder::RouteFinder(const TierSetSpec& spec, uint64_t seed)
    : spec_(&spec), seed_(mix(seed, hash_text("tiering.route"))) {
  for (const SwitchedFabric& fabric : spec.fabrics) {
    routes_.push_back(std::make_unique<resources::Routes>(fabric.topology, fabric.routes));
  }
}

RouteFinder::Port RouteFinder::port_of(uint32_t tier, uint32_t pool) const {
  return {spec_->tiers[tier].pools[pool].node, tier, pool};
}

resources::NodeId RouteFinder::leaf_of(const SwitchedFabric& fabric, const Port& port,
                                       uint64_t hash) const {
  if (port.node != kNone) return fabric.leaf_of[port.node];
  const std::vector<uint32_t>& leaves = spec_->tiers[port.tier].pools[port.pool].leaves;
  return leaves[hash % leaves.size()];
}

TransferPlan RouteFinder::plan(const TransferCost& cost, bool store, uint32_t index,
                               const Port& from, const Port& to, uint64_t number) {
  if (index == kNone) return {links_, 0, cost};
  const SwitchedFabric& fabric = spec_->fabrics[index];
  const auto name = [](const Port& port) {
    return port.node != kNone ? mix(0, port.node) : mix(port.tier + 1, port.pool);
  };
  const uint64_t from_hash = mix(seed_, name(from));
  const uint64_t to_hash = mix(seed_, name(to));
  const uint64_t key = mix(mix(from_hash, to_hash), number % kConnections);
  const resources::Route* route =
      routes_[index]->pick(fabric.routing, leaf_of(fabric, from, mix(from_hash, number)),
                           leaf_of(fabric, to, mix(to_hash, number)), key);
  TIERCAST_CHECK(route != nullptr, "leaves of one fabric that nothing joins");
  const size_t ports = links_.size();
  for (const uint32_t link : route->links) links_.push_back(fabric.links[link]);

  TransferPlan plan{links_, 0, cost};
  plan.cables = plan.links.subspan(ports);
  plan.cost.switch_wait_ns = fabric.queue_ns;
  const int64_t one_way_ns = fabric.switch_ns * static_cast<int64_t>(route->links.size() + 1);
  plan.cost.before_ns += store ? one_way_ns : 2 * one_way_ns;
  if (store) plan.cost.after_ns += one_way_ns;
  return plan;
}

TransferPlan RouteFinder::find(const RouteEnds& ends, uint64_t number) {
  TransferPlan plan = find_way(ends, number);
  if (ends.to != kNone) plan.cost.before_ns += spec_->tiers[ends.to].index.told_trip_ns;
  return plan;
}

TransferPlan RouteFinder::find_way(const RouteEnds& ends, uint64_t number) {
  const TierSetSpec& spec = *spec_;
  links_.clear();
  const Port engine{spec.node_of[ends.engine], kNone, kNone};
  if (ends.from == kNone && ends.to == kNone) {
    const Port giver{spec.node_of[ends.from_pool], kNone, kNone};
    const bool local = giver.node == engine.node;
    const std::vector<TwoWay>& ways = local ? spec.engine_local : spec.engine_fabric;
    add_links(ways[ends.from_pool].down, links_);
    add_links(ways[ends.engine].up, links_);
    if (local) return {links_, 0, spec.local_handoff};
    return plan(spec.handoff, false, spec.gpu_fabric, giver, engine, number);
  }
  if (ends.from == kNone) {
    const TierSpec& target = spec.tiers[ends.to];
    add_links(target.to_engine[ends.engine].down, links_);
    add_links(target.pools[ends.to_pool].links.down, links_);
    const Port to = port_of(ends.to, ends.to_pool);
    return plan(target.store, true, target.fabric, engine, to, number);
  }
  const TierSpec& source = spec.tiers[ends.from];
  if (ends.from_pool == kNone) {
    add_links(source.to_engine[ends.engine].up, links_);
    return {links_, 0, source.load};
  }
  // What a peer tier gives lies in the dram tier's pool of another node.
  const bool peer = source.kind == TierKind::peer;
  const uint32_t holder = peer ? host_tier(spec) : ends.from;
  const TierPoolSpec& devices = spec.tiers[holder].pools[ends.from_pool];
  const Port from = port_of(holder, ends.from_pool);
  add_links(devices.links.up, links_);
  if (peer) add_links(source.to_node[devices.node].down, links_);
  TransferPlan found;
  if (ends.to == kNone) {
    add_links(source.to_engine[ends.engine].up, links_);
    found = plan(ends.cached ? source.cached_load : source.load, false, source.fabric, from, engine,
                 number);
  } else {
    const TierSpec& target = spec.tiers[ends.to];
    const TierPoolSpec& pool = target.pools[ends.to_pool];
    const Port to = port_of(ends.to, ends.to_pool);
    const bool nearer = ends.to < ends.from;
    if (nearer && to.node != kNone) add_links(source.to_node[to.node].up, links_);
    if (!nearer && from.node != kNone) add_links(target.to_node[from.node].down, links_);
    add_links(pool.links.down, links_);
    const TransferCost& up = ends.cached ? source.cached_to_nearer : source.to_nearer;
    found = nearer ? plan(up, false, source.fabric, from, to, number)
                   : plan(target.from_nearer, true, target.fabric, from, to, number);
  }
  found.devices = devices.links.up;
  return found;
}

bool has_parts(const TierSetSpec& spec, const RouteEnds& ends) {
  return divided(spec, ends.from, ends.from_pool) != nullptr ||
         divided(spec, ends.to, ends.to_pool) != nullptr;
}

void find_part_links(const TierSetSpec& spec, const RouteEnds& ends,
                     std::span<const StripePart> parts, std::vector<TransferPart>& out) {
  const TierPoolSpec* const from = divided(spec, ends.from, ends.from_pool);
  const TierPoolSpec* const to = divided(spec, ends.to, ends.to_pool);
  out.clear();
  for (const StripePart& part : parts) {
    TransferPart& links = out.emplace_back();
    if (from != nullptr) {
      links.from = (part.cached ? from->cached : from->devices)[part.from].up;
    }
    if (to != nullptr) links.to = to->devices[part.to].down;
    links.bytes = part.bytes;
  }
}

void find_visits(const TierSetSpec& spec, const RouteEnds& ends, uint32_t blocks,
                 std::vector<StationVisit>& out) {
  out.clear();
  if (ends.from != kNone) {
    const IndexSpec& index = spec.tiers[ends.from].index;
    const bool open_by_now = index.opens_as_asked && ends.to == kNone;
    if (index.opened != kNone && !open_by_now) {
      out.push_back({index.opened, index.operations(blocks)});
    }
  }
  if (ends.to == kNone) return;
  const IndexSpec& index = spec.tiers[ends.to].index;
  if (index.told.empty()) return;
  for (const uint32_t station : index.told[ends.to_pool]) {
    out.push_back({station, index.operations(blocks)});
  }
}

EndStripes::EndStripes(const TierSetSpec& spec) : spec_(&spec) {
  for (const TierSpec& tier : spec.tiers) {
    stripes_.emplace_back(tier);
    whole_.emplace_back(tier.block_bytes);
  }
}

const Stripes& EndStripes::from(const RouteEnds& ends) const {
  return ends.from == kNone ? whole_[ends.to] : stripes_[ends.from];
}

const Stripes& EndStripes::to(const RouteEnds& ends) const {
  return ends.to == kNone ? whole_[ends.from] : stripes_[ends.to];
}

void EndStripes::begin(const RouteEnds& ends, StripeSums& sums) const {
  const uint32_t stored = spec_->tiers[ends.from == kNone ? ends.to : ends.from].block_bytes;
  sums.begin(from(ends), to(ends), moved_block_bytes(*spec_, ends) / stored);
}

uint32_t EndStripes::spread(const RouteEnds& ends, StripeSums& sums) const {
  begin(ends, sums);
  const uint32_t blocks = std::max(from(ends).devices(), to(ends).devices());
  for (uint32_t n = 0; n < blocks; ++n) {
    sums.add_at(n % from(ends).devices(), n % to(ends).devices(), ends.cached);
  }
  return blocks;
}

}  // namespace tiercast::tiering
