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
    return source.to_nearer;
  }
  const uint32_t node = holder.pools[ends.from_pool].node;
  if (node != kNone) add_links(target.to_node[node].down, links);
  add_links(pool.links.down, links);
  return target.from_nearer;
}

}  // namespace tiercast::tiering
