#include <map>
#include <string>

#include <catch2/catch.hpp>

#include "models/ledger/ledger.hpp"
#include "tests/ledger/naive_accounts.hpp"
#include "tests/ledger/round_figures.hpp"

namespace tiercast::ledger {
namespace {

using tests::round_facility;
using tests::round_node;
using tests::round_provision;

Provision round_nodes(uint32_t count) {
  Provision boxes;
  boxes.node = round_node();
  boxes.nodes = count;
  return boxes;
}

Meters idle_for(double duration_s) {
  Meters meters;
  meters.duration = seconds(duration_s);
  return meters;
}

TEST_CASE("an idle cluster draws its idle watts for its time, and nothing else") {
  const Energy result = energy(round_nodes(3), round_facility(), idle_for(1000));
  // 4 x 100 + 200 + 50 + 2 x 20 + 60 + 70 = 820 W inside, 25 % lost in the supply.
  const double watts_expected = 820 * 1.25;
  CHECK(result.node_and_fabric.value() == Approx(watts_expected * 3 * 1000));
  CHECK(result.idle.value() == Approx(result.node_and_fabric.value()));
  CHECK(result.gpu.value() == Approx(400.0 * 3 * 1000));
  CHECK(result.facility.value() == Approx(result.node_and_fabric.value() * 1.5));
  CHECK(result.beside_nodes.value() == 0);
}

TEST_CASE("boxes of storage and switches draw their idle watts whether used or not") {
  const Energy result = energy(round_provision(), round_facility(), idle_for(100));
  const double node_w = (820 + 4 * 10 + 50) * 1.25;
  const double enclosure_w = (8 * 10 + 2 * 50 + 20) * 1.1;
  const double beside_w = 3 * 500 + 2 * enclosure_w + 400;
  CHECK(result.node_and_fabric.value() == Approx(100 * (3 * node_w + beside_w)));
  CHECK(result.idle.value() == Approx(result.node_and_fabric.value()));
  CHECK(result.beside_nodes.value() == Approx(100 * beside_w));
  CHECK(result.storage_path.idle.value() == Approx(100 * (3 * (40 + 50) * 1.25 + beside_w)));
  CHECK(result.storage_path.dynamic.value() == 0);
}

TEST_CASE("no time draws nothing and costs nothing") {
  const Provision boxes = round_provision();
  const Energy drawn = energy(boxes, round_facility(), {});
  CHECK(drawn.facility.value() == 0);
  for (const Pricing pricing : {Pricing::rent, Pricing::own}) {
    const Cost paid = cost(boxes, round_facility(), pricing, {}, drawn);
    CHECK(paid.total.value() == 0);
    CHECK(paid.per_hour.value() == 0);
  }
  CHECK(split(drawn, boxes, {}).unoccupied.value() == 0);
}

TEST_CASE("what runs adds exactly its own joules, times the supply's loss") {
  const Provision boxes = round_nodes(1);
  const Meters idle = idle_for(100);
  Meters busy = idle;
  busy.gpu_dynamic = joules(5000);
  busy.host_core_time = seconds(50);   // 10 W a core: 500 J
  busy.dram_bytes = gigabytes(400);    // 400 J
  busy.nic_bytes = {gigabytes(1000)};  // 20 s at full rate of one card, 10 W more: 200 J
  const Energy before = energy(boxes, round_facility(), idle);
  const Energy after = energy(boxes, round_facility(), busy);
  CHECK((after.by_component.gpu - before.by_component.gpu).value() == Approx(5000));
  CHECK((after.by_component.host - before.by_component.host).value() == Approx(500));
  CHECK((after.by_component.dram - before.by_component.dram).value() == Approx(400));
  CHECK((after.by_component.nic - before.by_component.nic).value() == Approx(200));
  CHECK((after.node_and_fabric - before.node_and_fabric).value() == Approx(6100 * 1.25));
  CHECK(after.by_component.total().value() == Approx(after.node_and_fabric.value()));
}

TEST_CASE("bytes through storage add what its parts draw at full rate for as long as they take") {
  const Provision boxes = round_provision();
  const Meters idle = idle_for(1000);
  const Energy before = energy(boxes, round_facility(), idle);
  Meters busy = idle;
  Energy after;
  const auto added = [&](Joules EnergyByComponent::*part) {
    after = energy(boxes, round_facility(), busy);
    return (after.by_component.*part - before.by_component.*part).value();
  };
  SECTION("drives of nodes: 20 s of reads at 10 W more, 10 s of writes at 20 W more") {
    busy.drives = {{gigabytes(200), gigabytes(50)}};
    CHECK(added(&EnergyByComponent::drives) == Approx(400));
    CHECK(after.storage_path.dynamic.value() == Approx(400 * 1.25));
  }
  SECTION("DPUs moving bytes: PCIe binds, 10 s one way and 5 s the other at 100 W more") {
    busy.dpus = {{gigabytes(800), gigabytes(400), 1000}};
    CHECK(added(&EnergyByComponent::dpu) == Approx(1000));
    CHECK(after.storage_path.dynamic.value() == Approx(1000 * 1.25));
  }
  SECTION("DPUs that small operations keep busy: 4 million a second, 20 s") {
    busy.dpus = {{gigabytes(800), gigabytes(400), 80'000'000}};
    CHECK(added(&EnergyByComponent::dpu) == Approx(2000));
  }
  SECTION("enclosures: the same of their drives and DPUs, in their own supply") {
    busy.context = {gigabytes(800), gigabytes(400), 1000};
    CHECK(added(&EnergyByComponent::drives) == Approx(80 * 10 + 80 * 20));
    CHECK(added(&EnergyByComponent::dpu) == Approx(1000));
    CHECK(added(&EnergyByComponent::fans_and_supply) == Approx(0.1 * 3400));
    CHECK(after.storage_path.dynamic.value() == Approx(1.1 * 3400));
    CHECK((after.beside_nodes - before.beside_nodes).value() == Approx(1.1 * 3400));
  }
  SECTION("services: 10 s of reads and 5 s of writes at 600 W more") {
    busy.external = {gigabytes(400), gigabytes(100)};
    CHECK(added(&EnergyByComponent::storage) == Approx(9000));
    CHECK(after.storage_path.dynamic.value() == Approx(9000));
  }
  SECTION("switches: 2 s of full rate at 400 W more") {
    busy.switched = gigabytes(12'800);
    CHECK(added(&EnergyByComponent::switches) == Approx(800));
    CHECK(after.storage_path.dynamic.value() == Approx(800));
  }
  CHECK(after.idle.value() == Approx(before.idle.value()));
}

TEST_CASE("energy is the sum of power times time over all parts, in every breakdown") {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const tests::RandomRun run = tests::random_run(seed);
    std::map<std::string, double> by_component;
    double total = 0;
    double idle = 0;
    double beside_nodes = 0;
    double path_idle = 0;
    double path_dynamic = 0;
    for (const tests::PowerLine& line : tests::power_lines(run.boxes, run.meters)) {
      by_component[line.component] += line.joules();
      by_component["fans_and_supply"] += line.joules() * line.loss;
      total += line.joules() * (1 + line.loss);
      idle += line.idle_j() * (1 + line.loss);
      if (line.beside_nodes) beside_nodes += line.joules() * (1 + line.loss);
      if (!line.storage_path) continue;
      path_idle += line.idle_j() * (1 + line.loss);
      path_dynamic += (line.joules() - line.idle_j()) * (1 + line.loss);
    }
    const Energy result = energy(run.boxes, run.facility, run.meters);
    const EnergyByComponent& by = result.by_component;
    INFO("seed " << seed);
    CHECK(by.gpu.value() == Approx(by_component["gpu"]));
    CHECK(by.host.value() == Approx(by_component["host"]));
    CHECK(by.dram.value() == Approx(by_component["dram"]));
    CHECK(by.drives.value() == Approx(by_component["drives"]));
    CHECK(by.dpu.value() == Approx(by_component["dpu"]));
    CHECK(by.nic.value() == Approx(by_component["nic"]));
    CHECK(by.switches.value() == Approx(by_component["switches"]));
    CHECK(by.storage.value() == Approx(by_component["storage"]));
    CHECK(by.fans_and_supply.value() == Approx(by_component["fans_and_supply"]));
    CHECK(by.total().value() == Approx(total));
    CHECK(result.node_and_fabric.value() == Approx(total));
    CHECK(result.facility.value() == Approx(total * run.facility.pue.value));
    CHECK(result.idle.value() == Approx(idle));
    CHECK(result.beside_nodes.value() == Approx(beside_nodes));
    CHECK(result.storage_path.idle.value() == Approx(path_idle));
    CHECK(result.storage_path.dynamic.value() == Approx(path_dynamic));
  }
}

TEST_CASE("joules for tasks: by use, by occupied GPU time, and nobody's, sum to the whole") {
  const Provision boxes = round_provision();
  Meters meters = idle_for(100);
  meters.gpu_dynamic = joules(8000);
  meters.gpu_occupied = seconds(300);  // of 3 x 4 x 100
  const Energy drawn = energy(boxes, round_facility(), meters);
  const EnergySplit result = split(drawn, boxes, meters);
  CHECK(result.dynamic.value() == Approx(8000 * 1.25));
  CHECK(result.occupied.value() == Approx(drawn.idle.value() / 4));
  CHECK(result.unoccupied.value() == Approx(drawn.idle.value() * 3 / 4));
  CHECK((result.dynamic + result.occupied + result.unoccupied).value() ==
        Approx(drawn.node_and_fabric.value()));
}

TEST_CASE("what a box's figures hold is not counted again") {
  const Meters meters = [] {
    Meters busy = idle_for(1000);
    busy.external = {gigabytes(400), gigabytes(100)};
    busy.dpus = {{gigabytes(400), gigabytes(100), 100}};
    return busy;
  }();
  const Provision boxes = round_provision();
  Provision same = boxes;
  SECTION("a service's drives only wear") { same.external->service->drives.reset(); }
  SECTION("a DPU's NIC is in its watts") { same.node.dpus[0].contained_nic = "connectx-9"; }
  const Energy drawn = energy(boxes, round_facility(), meters);
  const Energy drawn_too = energy(same, round_facility(), meters);
  CHECK(drawn_too.facility.value() == drawn.facility.value());
  CHECK(cost(same, round_facility(), Pricing::own, meters.duration, drawn_too).total.value() ==
        cost(boxes, round_facility(), Pricing::own, meters.duration, drawn).total.value());
}

TEST_CASE("carbon is facility energy times the grid's intensity") {
  CHECK(carbon(round_facility(), kilowatt_hours(10)).value() == Approx(4));
}

TEST_CASE("serving keeps a core busy for each GPU and two for scheduler and front end") {
  CHECK(serving_core_time(seconds(10), 1).value() == Approx(30));
  CHECK(serving_core_time(seconds(10), 8).value() == Approx(100));
}

}  // namespace
}  // namespace tiercast::ledger
