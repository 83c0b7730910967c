#include <algorithm>
#include <cstddef>

#include "models/ledger/ledger.hpp"

namespace tiercast::ledger {
namespace {

using hardware::DpuSpec;
using hardware::DriveSpec;
using hardware::EnclosureSpec;
using hardware::FabricSpec;
using hardware::NicSpec;
using hardware::NodeSpec;
using hardware::StorageServiceSpec;
using hardware::StorageUnits;

// What boxes of one kind draw.
struct Boxes {
  EnergyByComponent by;
  Draw storage_path;
};

void add(Draw& sum, const Draw& more) {
  sum.idle += more.idle;
  sum.dynamic += more.dynamic;
}

void add(EnergyByComponent& sum, const EnergyByComponent& more) {
  sum.gpu += more.gpu;
  sum.host += more.host;
  sum.dram += more.dram;
  sum.drives += more.drives;
  sum.dpu += more.dpu;
  sum.nic += more.nic;
  sum.switches += more.switches;
  sum.storage += more.storage;
  sum.fans_and_supply += more.fans_and_supply;
}

// `box_time`: time that boxes stood there, summed over them, as everywhere below.
Draw draw(const NicSpec& nic, Seconds box_time, Bytes bytes) {
  const Seconds at_full_rate = bytes / nic.bandwidth.value;
  return {nic.idle_power.value * box_time * nic.count,
          (nic.active_power.value - nic.idle_power.value) * at_full_rate};
}

Draw draw(const DriveSpec& drive, Seconds box_time, const Traffic& traffic) {
  const Watts idle = drive.idle_power.value;
  return {idle * box_time * drive.count,
          (drive.read_power.value - idle) * (traffic.read / drive.read.value) +
              (drive.write_power.value - idle) * (traffic.written / drive.write.value)};
}

Draw draw(const DpuSpec& dpu, Seconds box_time, const Traffic& traffic) {
  const BytesPerSecond each_way = std::min(dpu.network.value, dpu.pcie.value);
  const Seconds moving = std::max(traffic.read, traffic.written) / each_way;
  const Seconds thinking = period(dpu.operations()) * traffic.operations;
  return {dpu.idle_power.value * box_time * dpu.count,
          (dpu.active_power.value - dpu.idle_power.value) * std::max(moving, thinking)};
}

Draw draw(const StorageServiceSpec& service, Seconds box_time, const Traffic& traffic) {
  const Watts idle = service.idle_power.value;
  const Seconds busy = traffic.read / service.read.value + traffic.written / service.write.value;
  return {idle * box_time, (service.active_power.value - idle) * busy};
}

template <class T>
T entry(const std::vector<T>& meters, size_t i) {
  return i < meters.size() ? meters[i] : T{};
}

Boxes draw(const NodeSpec& node, Seconds box_time, const Meters& meters) {
  const hardware::HostSpec& host = node.host;
  Boxes boxes;
  EnergyByComponent& by = boxes.by;
  by.gpu = node.gpu.idle_power.value * box_time * node.gpus + meters.gpu_dynamic;
  const Watts per_core = (host.active_power.value - host.idle_power.value) / host.cores;
  by.host = host.idle_power.value * box_time + per_core * meters.host_core_time;
  by.dram = host.dram_idle_power.value * box_time + host.dram_energy.value * meters.dram_bytes;
  for (size_t i = 0; i < node.drives.size(); ++i) {
    const Draw drives = draw(node.drives[i], box_time, entry(meters.drives, i));
    by.drives += drives.total();
    add(boxes.storage_path, drives);
  }
  for (size_t i = 0; i < node.dpus.size(); ++i) {
    const Draw dpus = draw(node.dpus[i], box_time, entry(meters.dpus, i));
    by.dpu += dpus.total();
    add(boxes.storage_path, dpus);
  }
  for (size_t i = 0; i < node.nics.size(); ++i) {
    const NicSpec& nic = node.nics[i];
    const Draw cards = draw(nic, box_time, entry(meters.nic_bytes, i));
    by.nic += cards.total();
    if (nic.fabric == hardware::Fabric::north_south) add(boxes.storage_path, cards);
  }
  by.switches = node.switch_power.value * box_time;
  by.fans_and_supply = node.fan_power.value * box_time;
  by.fans_and_supply += by.total() * node.supply_loss.value;
  const double delivered = 1 + node.supply_loss.value;
  boxes.storage_path = {boxes.storage_path.idle * delivered,
                        boxes.storage_path.dynamic * delivered};
  return boxes;
}

Boxes draw(const FabricSpec& fabric, Seconds box_time, Bytes switched) {
  const hardware::SwitchSpec& kind = fabric.switches;
  const Seconds at_full_rate = switched / kind.bandwidth.value;
  Boxes boxes;
  boxes.storage_path = {kind.idle_power.value * box_time,
                        (kind.active_power.value - kind.idle_power.value) * at_full_rate};
  boxes.by.switches = boxes.storage_path.total();
  return boxes;
}

Boxes draw(const EnclosureSpec& enclosure, Seconds box_time, const Traffic& traffic) {
  Traffic at_drives = traffic;
  at_drives.read -= traffic.cached;
  const Draw drives = draw(enclosure.drives, box_time, at_drives);
  const Draw dpus = draw(enclosure.dpus, box_time, traffic);
  const double loss = enclosure.supply_loss.value;
  Boxes boxes;
  boxes.by.drives = drives.total();
  boxes.by.dpu = dpus.total();
  boxes.by.fans_and_supply = enclosure.fan_power.value * box_time;
  boxes.by.fans_and_supply += boxes.by.total() * loss;
  boxes.storage_path = {enclosure.idle_power() * box_time,
                        (drives.dynamic + dpus.dynamic) * (1 + loss)};
  return boxes;
}

Boxes draw(const StorageUnits& units, Seconds duration, const Traffic& traffic) {
  const Seconds box_time = duration * units.count;
  if (units.enclosure) return draw(*units.enclosure, box_time, traffic);
  Boxes boxes;
  boxes.storage_path = draw(*units.service, box_time, traffic);
  boxes.by.storage = boxes.storage_path.total();
  return boxes;
}

}  // namespace

Joules EnergyByComponent::total() const {
  return gpu + host + dram + drives + dpu + nic + switches + storage + fans_and_supply;
}

Energy energy(const Provision& provision, const hardware::FacilitySpec& facility,
              const Meters& meters) {
  const Seconds node_time = meters.duration * provision.nodes;
  const Boxes nodes = draw(provision.node, node_time, meters);
  Boxes beside;
  const auto stand_beside = [&beside](const Boxes& boxes) {
    add(beside.by, boxes.by);
    add(beside.storage_path, boxes.storage_path);
  };
  if (provision.fabric) {
    const Seconds switch_time = meters.duration * provision.switches;
    stand_beside(draw(*provision.fabric, switch_time, meters.switched));
  }
  if (provision.context) {
    stand_beside(draw(*provision.context, meters.duration, meters.context));
  }
  if (provision.external) {
    stand_beside(draw(*provision.external, meters.duration, meters.external));
  }

  Energy result;
  result.by_component = nodes.by;
  add(result.by_component, beside.by);
  result.storage_path = nodes.storage_path;
  add(result.storage_path, beside.storage_path);
  result.gpu = result.by_component.gpu;
  result.node_and_fabric = result.by_component.total();
  result.pue = facility.pue.value;
  result.facility = result.node_and_fabric * result.pue;
  // All that stands beside the nodes is in the storage path.
  result.idle = provision.node.idle_power() * node_time + beside.storage_path.idle;
  result.beside_nodes = beside.by.total();
  return result;
}

EnergySplit split(const Energy& energy, const Provision& provision, const Meters& meters) {
  const Seconds provisioned = meters.duration * provision.nodes * provision.node.gpus;
  EnergySplit result;
  result.dynamic = energy.node_and_fabric - energy.idle;
  if (provisioned.value() > 0) {
    result.occupied = energy.idle * ratio(meters.gpu_occupied, provisioned);
  }
  result.unoccupied = energy.idle - result.occupied;
  return result;
}

}  // namespace tiercast::ledger
