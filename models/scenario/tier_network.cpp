// Tiers over the network: flash behind DPUs, storage services.
#include <cmath>
#include <optional>
#include <utility>

#include "models/scenario/tier_builder.hpp"

namespace tiercast::scenario {

// Between storage on the network and GPUs or host memory of a node, its own DPUs on the way.
void TierBuilder::reach_over_network(const hardware::StackSpec& stack, tiering::TierSpec& tier) {
  const hardware::NodeSpec& node = spec_.cluster.node;
  double operations = 0;
  for (const hardware::DpuSpec& dpu : node.dpus) {
    operations += dpu.operations().value() * dpu.count;
  }
  tier.fabric = switches_.storage();
  const bool first = dpu_links_.empty();
  for (uint32_t n = 0; n < links_.nodes(); ++n) {
    tier.to_node[n] = links_.storage(n);
    if (operations > 0) {
      if (first) {
        dpu_links_.push_back(add_link(set_.links, "node" + std::to_string(n) + ".dpu",
                                      operations * operation(stack)));
      }
      append(tier.to_node[n].up, {dpu_links_[n]});
      append(tier.to_node[n].down, {dpu_links_[n]});
    }
  }
  for (uint32_t e = 0; e < engines(); ++e) {
    const uint32_t on = set_.node_of[e];
    tier.to_engine[e] = tier.to_node[on];
    append(tier.to_engine[e].up, links_.engine(e).up);
    append(tier.to_engine[e].down, links_.engine(e).down);
    if (stack.bypass_host) continue;
    append(tier.to_engine[e].up, {links_.memory(on)});
    append(tier.to_engine[e].down, {links_.memory(on)});
  }
  for (uint32_t n = 0; n < links_.nodes(); ++n) {
    append(tier.to_node[n].up, {links_.memory(n)});
    append(tier.to_node[n].down, {links_.memory(n)});
  }
}

void TierBuilder::add_context(size_t i, const TierSection& section, tiering::TierSpec& tier) {
  tier.kind = tiering::TierKind::context;
  const hardware::StorageUnits& units = *spec_.cluster.storage.context;
  pool_by_scope(tier, section.scope.value_or(default_scope(section.kind)));
  const auto pools = static_cast<double>(tier.pools.size());
  const double boxes = units.count / pools;
  const hardware::EnclosureSpec& box = *units.enclosure;
  DriveSums sums;
  sums.add(box.drives, operation(*section.stack), box.drives.count * boxes);
  const double usable = static_cast<double>(box.capacity().value()) * boxes;
  set_capacity(i, tier, section, usable, "the enclosures of one pool");
  Nanoseconds initiator = nanoseconds(0);
  for (const hardware::DpuSpec& dpu : spec_.cluster.node.dpus) {
    initiator = std::max(initiator, dpu.latency());
  }
  const Nanoseconds dpus = box.dpus.latency() + initiator;
  set_costs(tier, *section.stack, sums.read_latency + dpus, sums.write_latency + dpus);
  set_delays(tier, box.drives);
  const auto drives = static_cast<size_t>(std::lround(box.drives.count * boxes));
  const bool apart = stripe(i, section, drives, tier);
  for (uint32_t p = 0; p < tier.pools.size(); ++p) {
    const std::string name = "context" + std::to_string(p);
    tiering::TierPoolSpec& pool = tier.pools[p];
    pool.leaves = switches_.leaves(p, static_cast<uint32_t>(tier.pools.size()),
                                   static_cast<uint32_t>(std::ceil(boxes)));
    if (apart) {
      add_cards(name, box, boxes, section, pool);
      continue;
    }
    pool.links = drive_links(name + ".drives", sums, section);
    const tiering::TwoWay cards =
        card_links(name, box.dpus, box.dpus.count * boxes, *section.stack);
    append(pool.links.up, cards.up);
    append(pool.links.down, cards.down);
  }
  reach_over_network(*section.stack, tier);
}

void TierBuilder::add_external(size_t i, const TierSection& section, tiering::TierSpec& tier) {
  tier.kind = tiering::TierKind::external;
  const hardware::StorageUnits& units = *spec_.cluster.storage.external;
  pool_by_scope(tier, TierScope::site);
  const hardware::StorageServiceSpec& service = *units.service;
  const hardware::StackSpec& stack = *section.stack;
  const double count = units.count;
  const double usable = static_cast<double>(service.capacity.value.value()) * count;
  set_capacity(i, tier, section, usable, "the service");
  const bool checks = service.tenant_check_at == hardware::TenantCheckAt::data;
  const Nanoseconds check = checks ? service.tenant_check.value : nanoseconds(0);
  set_costs(tier, stack, service.read_latency.value + check, service.write_latency.value + check);
  // Operations below the smallest one cost as much as it; each pass through server memory beside
  // the first takes its share of what the servers move.
  const double bytes_of_one = operation(stack);
  const double least = static_cast<double>(service.min_operation.value.value());
  const double padding = std::max(1.0, least / bytes_of_one);
  const double copies = 1 + service.server_copies.value;
  const auto rate = [&](double bandwidth, double iops) {
    return std::min(bandwidth / padding / copies, iops * bytes_of_one) * count;
  };
  const bool fifo = section.sharing == LinkSharing::fifo;
  tiering::TwoWay way{
      {add_link(set_.links, "external0.read",
                rate(service.read.value.value(), service.read_iops.value.value()), fifo)},
      {add_link(set_.links, "external0.write",
                rate(service.write.value.value(), service.write_iops.value.value()), fifo)}};
  tier.pools[0] = {tiering::kNone, std::move(way), switches_.leaves(0, 1, units.count)};
  reach_over_network(stack, tier);
  add_clients(service.client_bandwidth.value.value(), tier);
  add_metadata(units, stack, tier);
}

// What one client node gets of the service at most.
void TierBuilder::add_clients(double client_bandwidth, tiering::TierSpec& tier) {
  const auto first = static_cast<uint32_t>(set_.links.size());
  for (uint32_t n = 0; n < links_.nodes(); ++n) {
    const std::string name = "external0.client" + std::to_string(n);
    append(tier.to_node[n].up, {add_link(set_.links, name + ".up", client_bandwidth)});
    append(tier.to_node[n].down, {add_link(set_.links, name + ".down", client_bandwidth)});
  }
  for (uint32_t e = 0; e < engines(); ++e) {
    const uint32_t up = first + 2 * set_.node_of[e];
    append(tier.to_engine[e].up, {up});
    append(tier.to_engine[e].down, {up + 1});
  }
}

// Its index: every object opened costs its metadata servers some operations.
void TierBuilder::add_metadata(const hardware::StorageUnits& units,
                               const hardware::StackSpec& stack, tiering::TierSpec& tier) {
  const hardware::StorageServiceSpec& service = *units.service;
  const double operations = service.metadata_operations.value;
  if (operations <= 0) return;
  tier.has_metadata = true;
  tier.metadata.station = static_cast<uint32_t>(set_.stations.size());
  tier.metadata.round_trip_ns = ceil_to_ns(stack.metadata_latency.value).value();
  const int64_t object = stack.chunk_tokens ? stack.chunk_tokens->value() : set_.block_tokens;
  tier.metadata.blocks_per_lookup =
      static_cast<uint32_t>(std::max<int64_t>(1, object / set_.block_tokens));
  Nanoseconds one = service.metadata_time.value;
  if (service.tenant_check_at == hardware::TenantCheckAt::metadata) {
    one += service.tenant_check.value;
  }
  const double time_ns = static_cast<double>(one.value()) * operations;
  set_.stations.push_back({"external0.metadata", static_cast<int64_t>(std::max(1.0, time_ns)),
                           service.metadata_servers * units.count});
}

}  // namespace tiercast::scenario
