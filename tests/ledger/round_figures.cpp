#include "tests/ledger/round_figures.hpp"

namespace tiercast::tests {

hardware::NodeSpec round_node() {
  hardware::NodeSpec node;
  node.gpus = 4;
  node.gpu.idle_power.value = watts(100);
  node.gpu.price.value = usd(20'000);
  node.gpu.rent.value = usd_per_hour(3);
  node.host.cores = 10;
  node.host.idle_power.value = watts(200);
  node.host.active_power.value = watts(300);
  node.host.dram_idle_power.value = watts(50);
  node.host.dram_energy.value = joules_per_byte(1e-9);
  hardware::NicSpec nic;
  nic.count = 2;
  nic.bandwidth.value = gigabytes_per_second(50);
  nic.idle_power.value = watts(20);
  nic.active_power.value = watts(30);
  node.nics = {nic};
  node.switch_power.value = watts(60);
  node.fan_power.value = watts(70);
  node.supply_loss.value = 0.25;
  node.chassis_price.value = usd(40'000);
  return node;
}

hardware::FacilitySpec round_facility() {
  hardware::FacilitySpec facility;
  facility.pue.value = 1.5;
  facility.electricity.value = usd_per_kwh(0.1);
  facility.carbon.value = kg_per_kwh(0.4);
  facility.life_years.value = 5;
  facility.upkeep.value = 0.1;
  return facility;
}

hardware::DriveSpec round_drive(uint32_t count) {
  hardware::DriveSpec drive;
  drive.count = count;
  drive.capacity.value = Bytes{10'000'000'000'000};
  drive.read.value = gigabytes_per_second(10);
  drive.write.value = gigabytes_per_second(5);
  drive.drive_writes_per_day.value = 1;
  drive.rated_years.value = 5;
  drive.rated_amplification.value = 2;
  drive.write_amplification.value = 2;
  drive.idle_power.value = watts(10);
  drive.read_power.value = watts(20);
  drive.write_power.value = watts(30);
  drive.price.value = usd(1000);
  return drive;
}

hardware::DpuSpec round_dpu(uint32_t count) {
  hardware::DpuSpec dpu;
  dpu.count = count;
  dpu.network.value = gigabytes_per_second(100);
  dpu.pcie.value = gigabytes_per_second(80);
  dpu.cores = 8;
  dpu.operation_time.value = microseconds(2);
  dpu.idle_power.value = watts(50);
  dpu.active_power.value = watts(150);
  dpu.price.value = usd(2000);
  return dpu;
}

hardware::EnclosureSpec round_enclosure() {
  hardware::EnclosureSpec box;
  box.drives = round_drive(8);
  box.dpus = round_dpu(2);
  box.usable.value = 1;
  box.fan_power.value = watts(20);
  box.supply_loss.value = 0.1;
  box.chassis_price.value = usd(3000);
  return box;
}

hardware::StorageServiceSpec round_service() {
  hardware::StorageServiceSpec service;
  service.read.value = gigabytes_per_second(40);
  service.write.value = gigabytes_per_second(20);
  service.write_copies.value = 3;
  service.idle_power.value = watts(400);
  service.active_power.value = watts(1000);
  service.price.value = usd(50'000);
  service.drives = round_drive(10);
  return service;
}

hardware::FabricSpec round_fabric() {
  hardware::FabricSpec fabric;
  fabric.switches.ports = 64;
  fabric.switches.port_bandwidth.value = gigabytes_per_second(100);
  fabric.switches.bandwidth.value = gigabytes_per_second(6400);
  fabric.switches.idle_power.value = watts(500);
  fabric.switches.active_power.value = watts(900);
  fabric.switches.price.value = usd(100'000);
  return fabric;
}

ledger::Provision round_provision() {
  ledger::Provision boxes;
  boxes.node = round_node();
  boxes.node.drives = {round_drive(4)};
  boxes.node.dpus = {round_dpu(1)};
  boxes.nodes = 3;
  boxes.fabric = round_fabric();
  boxes.switches = 3;
  boxes.context.emplace().enclosure = round_enclosure();
  boxes.context->count = 2;
  boxes.external.emplace().service = round_service();
  return boxes;
}

}  // namespace tiercast::tests
