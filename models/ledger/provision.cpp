#include "models/ledger/provision.hpp"

#include <algorithm>
#include <cmath>

namespace tiercast::ledger {
namespace {

uint64_t ceil_ratio(uint64_t a, uint64_t b) { return (a + b - 1) / b; }

// One network's end points, while they are counted.
struct EndPoints {
  uint64_t boxes = 0;
  BytesPerSecond bandwidth;

  void add(uint64_t count, BytesPerSecond each) {
    if (count == 0 || each.value() == 0) return;
    boxes += count;
    bandwidth += each * count;
  }
  uint64_t ports(BytesPerSecond port_bandwidth) const {
    return boxes < 2 ? 0 : static_cast<uint64_t>(std::ceil(bandwidth / port_bandwidth));
  }
};

BytesPerSecond network_of(const hardware::StorageUnits& units) {
  if (units.enclosure) return units.enclosure->dpus.network.value * units.enclosure->dpus.count;
  return std::max(units.service->read.value, units.service->write.value);
}

}  // namespace

bool has_storage_network(const hardware::NodeSpec& node) {
  return !node.dpus.empty() ||
         std::any_of(node.nics.begin(), node.nics.end(), [](const hardware::NicSpec& nic) {
           return nic.fabric == hardware::Fabric::north_south;
         });
}

PortsUsed ports_used(const Provision& provision, BytesPerSecond port_bandwidth) {
  BytesPerSecond east_west;
  BytesPerSecond north_south;
  for (const hardware::NicSpec& nic : provision.node.nics) {
    BytesPerSecond& side = nic.fabric == hardware::Fabric::east_west ? east_west : north_south;
    side += nic.bandwidth.value * nic.count;
  }
  for (const hardware::DpuSpec& dpu : provision.node.dpus) {
    north_south += dpu.network.value * dpu.count;
  }
  EndPoints gpu_side;
  gpu_side.add(provision.nodes, east_west);
  EndPoints storage_side;
  storage_side.add(provision.nodes, north_south);
  EndPoints& holds_storage = has_storage_network(provision.node) ? storage_side : gpu_side;
  for (const auto* units : {&provision.context, &provision.external}) {
    if (*units) holds_storage.add((*units)->count, network_of(**units));
  }
  return {gpu_side.ports(port_bandwidth), storage_side.ports(port_bandwidth)};
}

std::optional<FabricSize> fabric_size(const hardware::FabricSpec& fabric, uint64_t ports,
                                      uint32_t pods) {
  const uint64_t each = fabric.switches.ports;
  const double oversubscription = fabric.oversubscription;
  if (ports == 0) return FabricSize{};
  const bool flat = fabric.kind == hardware::FabricKind::flat;
  if (ports <= each && (flat || pods == 1)) return FabricSize{1, 0, 0};
  if (flat) return std::nullopt;
  const auto down =
      static_cast<uint64_t>(static_cast<double>(each) * oversubscription / (1 + oversubscription));
  if (down == 0) return std::nullopt;
  const uint64_t leaves = pods * ceil_ratio(ceil_ratio(ports, pods), down);
  if (leaves > each) return std::nullopt;
  const auto busiest = static_cast<double>(ceil_ratio(ports, leaves));
  const auto up = static_cast<uint64_t>(std::ceil(busiest / oversubscription));
  uint64_t spines = ceil_ratio(leaves * up, each);
  while (leaves * ceil_ratio(up, spines) > each) ++spines;
  return FabricSize{static_cast<uint32_t>(leaves), static_cast<uint32_t>(spines),
                    static_cast<uint32_t>(up)};
}

std::optional<uint32_t> switches_needed(const hardware::FabricSpec& fabric, const PortsUsed& used,
                                        uint32_t pods) {
  const std::optional<FabricSize> east_west = fabric_size(fabric, used.east_west, pods);
  const std::optional<FabricSize> storage = fabric_size(fabric, used.storage, pods);
  if (!east_west || !storage) return std::nullopt;
  return east_west->leaves + east_west->spines + storage->leaves + storage->spines;
}

}  // namespace tiercast::ledger
