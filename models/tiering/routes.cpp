#include "models/tiering/routes.hpp"

#include <algorithm>

namespace tiercast::tiering {

namespace {

// A link that both ends name (a node's memory, say) is crossed once.
void add_links(const std::vector<uint32_t>& more, std::vector<uint32_t>& links) {
  for (const uint32_t link : more) {
    if (std::find(links.begin(), links.end(), link) == links.end()) links.push_back(link);
  }
}

// Devices at one end; none where they are not told apart.
std::span<const TwoWay> devices_at(const TierSetSpec& spec, uint32_t tier, uint32_t pool) {
  if (tier == kNone || pool == kNone || spec.tiers[tier].kind == TierKind::peer) return {};
  return spec.tiers[tier].pools[pool].devices;
}

}  // namespace

uint32_t host_tier(const TierSetSpec& spec) {
  for (uint32_t t = 0; t < spec.tiers.size(); ++t) {
    if (spec.tiers[t].kind == TierKind::dram) return t;
  }
  return kNone;
}

const TransferCost& find_route(const TierSetSpec& spec, const RouteEnds& ends,
                               std::vector<uint32_t>& links) {
  links.clear();
  if (ends.from == kNone && ends.to == kNone) {
    add_links(spec.engine_fabric[ends.from_pool].down, links);
    add_links(spec.engine_fabric[ends.engine].up, links);
    return spec.handoff;
  }
  if (ends.from == kNone) {
    const TierSpec& target = spec.tiers[ends.to];
    add_links(target.to_engine[ends.engine].down, links);
    add_links(target.pools[ends.to_pool].links.down, links);
    return target.store;
  }
  // What a peer tier gives lies in the dram tier's pool of another node.
  const TierSpec& source = spec.tiers[ends.from];
  const bool peer = source.kind == TierKind::peer;
  const TierSpec& holder = peer ? spec.tiers[host_tier(spec)] : source;
  if (ends.from_pool != kNone) {
    const TierPoolSpec& pool = holder.pools[ends.from_pool];
    add_links(pool.links.up, links);
    if (peer) add_links(source.to_node[pool.node].down, links);
  }
  if (ends.to == kNone) {
    add_links(source.to_engine[ends.engine].up, links);
    return source.load;
  }
  const TierSpec& target = spec.tiers[ends.to];
  const TierPoolSpec& pool = target.pools[ends.to_pool];
  if (ends.to < ends.from) {  // nearer
    if (pool.node != kNone) add_links(source.to_node[pool.node].up, links);
    add_links(pool.links.down, links);
    return source.load;
  }
  const uint32_t node = holder.pools[ends.from_pool].node;
  if (node != kNone) add_links(target.to_node[node].down, links);
  add_links(pool.links.down, links);
  return target.store;
}

bool has_parts(const TierSetSpec& spec, const RouteEnds& ends) {
  return !devices_at(spec, ends.from, ends.from_pool).empty() ||
         !devices_at(spec, ends.to, ends.to_pool).empty();
}

void find_part_links(const TierSetSpec& spec, const RouteEnds& ends,
                     std::span<const StripePart> parts, std::vector<TransferPart>& out) {
  const std::span<const TwoWay> from = devices_at(spec, ends.from, ends.from_pool);
  const std::span<const TwoWay> to = devices_at(spec, ends.to, ends.to_pool);
  out.clear();
  for (const StripePart& part : parts) {
    TransferPart& links = out.emplace_back();
    if (!from.empty()) links.from = from[part.from].up;
    if (!to.empty()) links.to = to[part.to].down;
    links.bytes = part.bytes;
  }
}

}  // namespace tiercast::tiering
