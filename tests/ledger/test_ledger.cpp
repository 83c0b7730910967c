#include <catch2/catch.hpp>

#include "models/ledger/ledger.hpp"

using namespace tiercast;
using namespace tiercast::ledger;
using hardware::FacilitySpec;
using hardware::NicSpec;
using hardware::NodeSpec;

namespace {

NodeSpec node_with_round_figures() {
  NodeSpec node;
  node.gpus = 4;
  node.gpu.idle_power.value = watts(100);
  node.gpu.price.value = usd(20'000);
  node.gpu.rent.value = usd_per_hour(3);
  node.host.cores = 10;
  node.host.idle_power.value = watts(200);
  node.host.active_power.value = watts(300);
  node.host.dram_idle_power.value = watts(50);
  node.host.dram_energy.value = joules_per_byte(1e-9);
  NicSpec nic;
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

FacilitySpec facility_with_round_figures() {
  FacilitySpec facility;
  facility.pue.value = 1.5;
  facility.electricity.value = usd_per_kwh(0.1);
  facility.carbon.value = kg_per_kwh(0.4);
  facility.life_years.value = 5;
  facility.upkeep.value = 0.1;
  return facility;
}

}  // namespace

TEST_CASE("an idle cluster draws its idle watts for its time, and nothing else") {
  const NodeSpec node = node_with_round_figures();
  Meters meters;
  meters.duration = seconds(1000);
  meters.nodes = 3;
  const Energy result = energy(node, facility_with_round_figures(), meters);
  // 4 x 100 + 200 + 50 + 2 x 20 + 60 + 70 = 820 W inside, 25 % lost in the supply.
  const double watts_expected = 820 * 1.25;
  CHECK(result.node_and_fabric.value() == Approx(watts_expected * 3 * 1000));
  CHECK(result.idle.value() == Approx(result.node_and_fabric.value()));
  CHECK(result.gpu.value() == Approx(400.0 * 3 * 1000));
  CHECK(result.facility.value() == Approx(result.node_and_fabric.value() * 1.5));
}

TEST_CASE("what runs adds exactly its own joules, times the supply's loss") {
  const NodeSpec node = node_with_round_figures();
  const FacilitySpec facility = facility_with_round_figures();
  Meters idle;
  idle.duration = seconds(100);
  idle.nodes = 1;
  Meters busy = idle;
  busy.gpu_dynamic = joules(5000);
  busy.host_core_time = seconds(50);   // 10 W a core: 500 J
  busy.dram_bytes = gigabytes(400);    // 400 J
  busy.nic_bytes = {gigabytes(1000)};  // 20 s at full rate of one card, 10 W more: 200 J
  const Energy before = energy(node, facility, idle);
  const Energy after = energy(node, facility, busy);
  CHECK((after.by_component.gpu - before.by_component.gpu).value() == Approx(5000));
  CHECK((after.by_component.host - before.by_component.host).value() == Approx(500));
  CHECK((after.by_component.dram - before.by_component.dram).value() == Approx(400));
  CHECK((after.by_component.nic - before.by_component.nic).value() == Approx(200));
  CHECK((after.node_and_fabric - before.node_and_fabric).value() == Approx(6100 * 1.25));
  CHECK(after.by_component.total().value() == Approx(after.node_and_fabric.value()));
}

TEST_CASE("rent is GPU-hours times price; owning is capital over life, upkeep and energy") {
  const NodeSpec node = node_with_round_figures();
  const FacilitySpec facility = facility_with_round_figures();
  Meters meters;
  meters.duration = seconds(8760.0 * 3600);  // a year
  meters.nodes = 2;
  const Cost rented = cost(node, facility, Pricing::rent, meters, kilowatt_hours(1000));
  CHECK(rented.total.value() == Approx(2 * 4 * 3.0 * 8760));
  CHECK(rented.per_hour.value() == Approx(2 * 4 * 3.0));

  const Cost owned = cost(node, facility, Pricing::own, meters, kilowatt_hours(1000));
  CHECK(owned.by_component.gpu_capital.value() == Approx(2 * 80'000 / 5.0));
  CHECK(owned.by_component.chassis_capital.value() == Approx(2 * 40'000 / 5.0));
  CHECK(owned.by_component.upkeep.value() == Approx(2 * 120'000 * 0.1));
  CHECK(owned.by_component.energy.value() == Approx(100));
  CHECK(owned.total.value() == Approx(32'000 + 16'000 + 24'000 + 100));
}

TEST_CASE("carbon is facility energy times the grid's intensity") {
  CHECK(carbon(facility_with_round_figures(), kilowatt_hours(10)).value() == Approx(4));
}

TEST_CASE("serving keeps a core busy for each GPU and two for scheduler and front end") {
  CHECK(serving_core_time(seconds(10), 1).value() == Approx(30));
  CHECK(serving_core_time(seconds(10), 8).value() == Approx(100));
}
