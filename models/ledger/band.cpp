#include "models/ledger/band.hpp"

#include "sim/base/field_type.hpp"

namespace tiercast::ledger {
namespace {

template <class... T>
void move_to(End end, Figure<T>&... figures) {
  const auto one = [end](auto& figure) {
    if (!figure.range) return;
    figure.value = end == End::low ? figure.range->first : figure.range->second;
  };
  (one(figures), ...);
}

void move(hardware::DriveSpec& drive, End end) {
  move_to(end, drive.idle_power, drive.read_power, drive.write_power, drive.price);
}

void move(hardware::DpuSpec& dpu, End end) {
  move_to(end, dpu.idle_power, dpu.active_power, dpu.price);
}

void move(hardware::NodeSpec& node, End end) {
  hardware::HostSpec& host = node.host;
  move_to(end, node.gpu.idle_power, node.gpu.price, node.gpu.rent);
  move_to(end, host.idle_power, host.active_power, host.dram_idle_power, host.dram_energy);
  move_to(end, node.switch_power, node.fan_power, node.supply_loss, node.chassis_price);
  for (hardware::NicSpec& nic : node.nics) move_to(end, nic.idle_power, nic.active_power);
  for (hardware::DriveSpec& drive : node.drives) move(drive, end);
  for (hardware::DpuSpec& dpu : node.dpus) move(dpu, end);
}

void move(hardware::StorageUnits& units, End end) {
  if (units.enclosure) {
    hardware::EnclosureSpec& box = *units.enclosure;
    move(box.drives, end);
    move(box.dpus, end);
    move_to(end, box.fan_power, box.supply_loss, box.chassis_price);
  }
  if (units.service) {
    move_to(end, units.service->idle_power, units.service->active_power, units.service->price);
  }
}

}  // namespace

Provision at_end(Provision provision, End end) {
  move(provision.node, end);
  if (provision.fabric) {
    hardware::SwitchSpec& kind = provision.fabric->switches;
    move_to(end, kind.idle_power, kind.active_power, kind.price);
  }
  if (provision.context) move(*provision.context, end);
  if (provision.external) move(*provision.external, end);
  return provision;
}

hardware::FacilitySpec at_end(hardware::FacilitySpec facility, End end) {
  move_to(end, facility.pue, facility.electricity, facility.carbon, facility.upkeep);
  move_to(end == End::low ? End::high : End::low, facility.life_years);
  return facility;
}

Band energy_band(const Provision& provision, const hardware::FacilitySpec& facility,
                 const Meters& meters) {
  const auto joules = [&](End end) {
    return energy(at_end(provision, end), facility, meters).node_and_fabric.value();
  };
  return {joules(End::low), joules(End::high)};
}

Band cost_band(const Provision& provision, const hardware::FacilitySpec& facility, Pricing pricing,
               const Meters& meters) {
  const auto dollars = [&](End end) {
    const Provision boxes = at_end(provision, end);
    const hardware::FacilitySpec around = at_end(facility, end);
    const Energy drawn = energy(boxes, around, meters);
    return cost(boxes, around, pricing, meters.duration, drawn).total.value();
  };
  return {dollars(End::low), dollars(End::high)};
}

}  // namespace tiercast::ledger
