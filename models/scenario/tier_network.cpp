// Tiers over the network: flash behind DPUs, storage services.
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "models/scenario/tier_builder.hpp"
#include "models/scenario/tier_index.hpp"

namespace tiercast::scenario {

// What a node's own DPUs add to a small read.
Nanoseconds TierBuilder::initiator_latency() const {
  Nanoseconds longest = nanoseconds(0);
  for (const hardware::DpuSpec& dpu : spec_.cluster.node.dpus) {
    longest = std::max(longest, dpu.latency());
  }
  return longest;
}

// Bytes/s that their cores serve, all tiers of which they move blocks sharing them: of the smallest
// operations of any, so that the order of tiers does not matter.
double TierBuilder::initiator_bandwidth() const {
  Bytes least{std::numeric_limits<int64_t>::max()};
  for (size_t i = 0; i < spec_.tiers.size(); ++i) {
    const TierName kind = spec_.tiers[i].kind;
    if (kind != TierName::context && kind != TierName::external) continue;
    const TierObjects objects = tier_objects(spec_, i);
    if (objects.usable) {
      least = std::min(least, hardware::operation_bytes(objects.stack, objects.layout));
    }
  }
  double sum = 0;
  for (hardware::DpuSpec dpu : spec_.cluster.node.dpus) {
    dpu.cores -= node_dpu_index_cores(spec_);
    sum += dpu.served(least).value() * dpu.count;
  }
  return sum;
}

// Between storage on the network and GPUs or host memory of a node, its own DPUs on the way.
void TierBuilder::reach_over_network(const hardware::StackSpec& stack, tiering::TierSpec& tier) {
  const double operations = initiator_bandwidth();
  tier.fabric = switches_.storage();
  const bool first = dpu_links_.empty();
  for (uint32_t n = 0; n < links_.nodes(); ++n) {
    tier.to_node[n] = links_.storage(n);
    if (operations > 0) {
      if (first) {
        dpu_links_.push_back(add_link(set_.links, "node" + std::to_string(n) + ".dpu", operations));
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
  hardware::EnclosureSpec box = *units.enclosure;
  box.dpus.cores -= enclosure_index_cores(spec_);
  DriveSums sums;
  sums.add(box.drives, box.dpus.piece(operation(*section.stack)), box.drives.count * boxes);
  const double usable = static_cast<double>(box.capacity().value()) * boxes;
  set_capacity(i, tier, section, usable, "the enclosures of one pool");
  const Nanoseconds dpus = box.dpus.latency() + initiator_latency();
  set_costs(tier, *section.stack, sums.read_latency + dpus, sums.write_latency + dpus);
  set_delays(tier, box.drives);
  set_rated_writes(sums.writes_a_day, tier);
  const double cards = box.dpus.count * boxes;
  set_cache(i, section, static_cast<double>(box.dpus.dram.value.value()) * cards, dpus, tier);
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
    tiering::TwoWay all_drives = drive_links(name + ".drives", sums, section);
    pool.links = card_links(name, box.dpus, cards, section);
    if (section.cache) {
      pool.devices.push_back(std::move(all_drives));
      pool.cached.emplace_back();
      continue;
    }
    append(all_drives.up, pool.links.up);
    append(all_drives.down, pool.links.down);
    pool.links = std::move(all_drives);
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
  const double usable = static_cast<double>(service.stored().value()) * count;
  set_capacity(i, tier, section, usable, "the service");
  add_metadata_servers(units, tier);
  if (service.drives) {
    const double drives = rated_bytes_per_day(*service.drives) * service.drives->count * count;
    set_rated_writes(drives / service.write_copies.value, tier);
  }
  Nanoseconds beside = initiator_latency();
  if (service.tenant_check_at == hardware::TenantCheckAt::data)
    beside += service.tenant_check.value;
  set_costs(tier, stack, service.read_latency.value + beside, service.write_latency.value + beside);
  // Operations below the smallest one cost as much as it.
  const auto bytes_of_one = static_cast<double>(operation(stack).value());
  const double least = static_cast<double>(service.min_operation.value.value());
  const double padding = std::max(1.0, least / bytes_of_one);
  const auto rate = [&](BytesPerSecond bandwidth, PerSecond iops) {
    return std::min(bandwidth.value() / padding, iops.value() * bytes_of_one) * count;
  };
  const bool fifo = section.sharing == LinkSharing::fifo;
  tiering::TwoWay way{{add_link(set_.links, "external0.read",
                                rate(service.read_bandwidth(), service.read_iops.value), fifo)},
                      {add_link(set_.links, "external0.write",
                                rate(service.write_bandwidth(), service.write_iops.value), fifo)}};
  if (const auto memory = service.memory_rate()) {
    const uint32_t both =
        add_link(set_.links, "external0.memory", memory->value() / padding * count, fifo);
    way.up.push_back(both);
    way.down.push_back(both);
  }
  tier.pools[0] = {tiering::kNone, std::move(way), switches_.leaves(0, 1, units.count)};
  reach_over_network(stack, tier);
  add_clients(service.client_bandwidth.value.value(), tier);
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

// Every object that is opened, to be read or written, costs its metadata servers some operations.
void TierBuilder::add_metadata_servers(const hardware::StorageUnits& units,
                                       tiering::TierSpec& tier) {
  const hardware::StorageServiceSpec& service = *units.service;
  const double operations = service.metadata_operations.value;
  if (operations <= 0) return;
  tier.index.opened = static_cast<uint32_t>(set_.stations.size());
  Nanoseconds one = service.metadata_time.value;
  if (service.tenant_check_at == hardware::TenantCheckAt::metadata) {
    one += service.tenant_check.value;
  }
  const double time_ns = static_cast<double>(one.value()) * operations;
  set_.stations.push_back({"external0.metadata", static_cast<int64_t>(std::max(1.0, time_ns)),
                           service.metadata_servers * units.count, false,
                           tiering::StationPlace::storage});
}

}  // namespace tiercast::scenario
