// Drives, DPUs, switches, enclosures and services: the arithmetic of the specs.
#include <catch2/catch.hpp>

#include "models/hardware/specs.hpp"
#include "models/hardware/storage_specs.hpp"

using namespace tiercast;
using namespace tiercast::hardware;

namespace {

EnclosureSpec small_enclosure() {
  EnclosureSpec box;
  box.drives.count = 3;
  box.drives.capacity.value = bytes(1000);
  box.drives.read.value = gigabytes_per_second(10);
  box.drives.write.value = gigabytes_per_second(4);
  box.drives.idle_power.value = watts(5);
  box.drives.price.value = usd(100);
  box.dpus.count = 2;
  box.dpus.network.value = gigabytes_per_second(12);
  box.dpus.pcie.value = gigabytes_per_second(50);
  box.dpus.idle_power.value = watts(60);
  box.dpus.price.value = usd(2000);
  box.usable.value = 0.9;
  box.fan_power.value = watts(85);
  box.supply_loss.value = 0.1;
  box.chassis_price.value = usd(700);
  return box;
}

}  // namespace

TEST_CASE("a drive written at its rating lasts its rated years, less what it writes besides") {
  DriveSpec drive;
  drive.capacity.value = gigabytes(1000);
  drive.drive_writes_per_day.value = 2;
  drive.rated_years.value = 5;
  drive.rated_amplification.value = 3;
  drive.write_amplification.value = 3;
  // Two capacities a day through five years of 365 days.
  const double life_bytes = 1e12 * 2 * 365 * 5;
  CHECK(drive.wear(0) == 0);
  CHECK(drive.wear(life_bytes) == Approx(1));
  CHECK(drive.wear(life_bytes / 4) == Approx(0.25));
  drive.write_amplification.value = 1.5;  // half as many flash writes: twice the life
  CHECK(drive.wear(life_bytes) == Approx(0.5));
}

TEST_CASE("an enclosure lets through what its narrowest part does") {
  EnclosureSpec box = small_enclosure();
  CHECK(box.capacity() == bytes(2700));
  CHECK(box.read_bandwidth() == gigabytes_per_second(24));   // network: 2 x 12 below 3 x 10
  CHECK(box.write_bandwidth() == gigabytes_per_second(12));  // drives: 3 x 4 below 2 x 12
  box.dpus.pcie.value = gigabytes_per_second(5);
  CHECK(box.read_bandwidth() == gigabytes_per_second(10));  // PCIe: 2 x 5
  box.usable.value = 0.3333;
  CHECK(box.capacity() == bytes(999));  // 999.9 rounded down
}

TEST_CASE("an enclosure's watts and price are its parts', each once") {
  const EnclosureSpec box = small_enclosure();
  CHECK(box.idle_power().value() == Approx((3 * 5 + 2 * 60 + 85) * 1.1));
  CHECK(box.price().value() == Approx(3 * 100 + 2 * 2000 + 700));
}

TEST_CASE("a node adds its drives and DPUs once, and no NIC that a DPU contains") {
  NodeSpec node;
  node.gpu.price.value = usd(30'000);
  node.gpus = 2;
  node.chassis_price.value = usd(10'000);
  node.fan_power.value = watts(100);
  node.supply_loss.value = 0.2;
  const double empty_watts = node.idle_power().value();
  const double empty_price = node.price().value();

  DriveSpec small;
  small.count = 4;
  small.idle_power.value = watts(5);
  small.price.value = usd(500);
  DriveSpec large = small;
  large.count = 2;
  large.idle_power.value = watts(8);
  large.price.value = usd(9000);
  node.drives = {small, large};
  DpuSpec dpu;
  dpu.contained_nic = "connectx-9";
  dpu.idle_power.value = watts(110);
  dpu.price.value = usd(6000);
  node.dpus = {dpu};
  CHECK(node.drive_count() == 6);
  CHECK(node.idle_power().value() - empty_watts == Approx((4 * 5 + 2 * 8 + 110) * 1.2));
  CHECK(node.price().value() - empty_price == Approx(4 * 500 + 2 * 9000 + 6000));
}

TEST_CASE("cores and metadata servers share their operations") {
  DpuSpec dpu;
  dpu.cores = 16;
  dpu.operation_time.value = microseconds(2);
  CHECK(dpu.operations().value() == Approx(8e6));  // each core 500,000 a second
  StorageServiceSpec service;
  service.metadata_servers = 4;
  service.metadata_time.value = microseconds(20);
  CHECK(service.metadata_rate().value() == Approx(200'000));
}
