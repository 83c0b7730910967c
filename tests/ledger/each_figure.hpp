// Every figure that bills depend on without the run depending on it.
#pragma once

#include "models/hardware/specs.hpp"
#include "models/ledger/provision.hpp"

namespace tiercast::tests {

template <class Op>
void each_figure(hardware::DriveSpec& drive, Op op) {
  op(drive.idle_power), op(drive.read_power), op(drive.write_power), op(drive.price);
}

template <class Op>
void each_figure(hardware::DpuSpec& dpu, Op op) {
  op(dpu.idle_power), op(dpu.active_power), op(dpu.price);
}

template <class Op>
void each_figure(hardware::NodeSpec& node, Op op) {
  op(node.gpu.idle_power), op(node.gpu.price), op(node.gpu.rent);
  op(node.host.idle_power), op(node.host.active_power);
  op(node.host.dram_idle_power), op(node.host.dram_energy);
  op(node.switch_power), op(node.fan_power), op(node.supply_loss), op(node.chassis_price);
  for (hardware::NicSpec& nic : node.nics) op(nic.idle_power), op(nic.active_power);
  for (hardware::DriveSpec& drive : node.drives) each_figure(drive, op);
  for (hardware::DpuSpec& dpu : node.dpus) each_figure(dpu, op);
}

template <class Op>
void each_figure(hardware::StorageUnits& units, Op op) {
  if (units.enclosure) {
    hardware::EnclosureSpec& box = *units.enclosure;
    each_figure(box.drives, op);
    each_figure(box.dpus, op);
    op(box.fan_power), op(box.supply_loss), op(box.chassis_price);
  } else {
    op(units.service->idle_power), op(units.service->active_power), op(units.service->price);
  }
}

template <class Op>
void each_figure(ledger::Provision& boxes, Op op) {
  each_figure(boxes.node, op);
  if (boxes.fabric) {
    hardware::SwitchSpec& kind = boxes.fabric->switches;
    op(kind.idle_power), op(kind.active_power), op(kind.price);
  }
  if (boxes.context) each_figure(*boxes.context, op);
  if (boxes.external) each_figure(*boxes.external, op);
}

template <class Op>
void each_figure(hardware::FacilitySpec& facility, Op op) {
  op(facility.pue), op(facility.electricity), op(facility.carbon);
  op(facility.life_years), op(facility.upkeep);
}

}  // namespace tiercast::tests
