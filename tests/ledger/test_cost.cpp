#include <catch2/catch.hpp>

#include "models/ledger/ledger.hpp"
#include "tests/ledger/naive_accounts.hpp"
#include "tests/ledger/round_figures.hpp"

namespace tiercast::ledger {
namespace {

using tests::round_facility;
using tests::round_provision;

const Seconds kYear{8760.0 * 3600};

// A year in which the nodes' share and that of all beside them drew these, before PUE.
Energy drawn(double nodes_kwh, double beside_kwh) {
  Energy energy;
  energy.pue = round_facility().pue.value;
  energy.beside_nodes = kilowatt_hours(beside_kwh);
  energy.node_and_fabric = kilowatt_hours(nodes_kwh + beside_kwh);
  energy.facility = energy.node_and_fabric * energy.pue;
  return energy;
}

TEST_CASE("owning is capital over life, upkeep and energy of every box") {
  const Cost owned =
      cost(round_provision(), round_facility(), Pricing::own, kYear, drawn(600, 400));
  const CostByComponent& by = owned.by_component;
  CHECK(by.rent.value() == 0);
  CHECK(by.gpu_capital.value() == Approx(3 * 80'000 / 5.0));
  CHECK(by.chassis_capital.value() == Approx((3 * 40'000 + 2 * 3000) / 5.0));
  CHECK(by.drive_capital.value() == Approx((3 * 4000 + 2 * 8000) / 5.0));
  CHECK(by.dpu_capital.value() == Approx((3 * 2000 + 2 * 4000) / 5.0));
  CHECK(by.switch_capital.value() == Approx(3 * 100'000 / 5.0));
  CHECK(by.storage_capital.value() == Approx(50'000 / 5.0));
  const double price = 3 * 126'000 + 2 * 15'000 + 300'000 + 50'000;
  CHECK(by.upkeep.value() == Approx(0.1 * price));
  CHECK(by.energy.value() == Approx(0.1 * 1.5 * 1000));
  CHECK(owned.total.value() == Approx(price * (1 / 5.0 + 0.1) + 150));
  CHECK(owned.per_hour.value() == Approx(owned.total.value() / 8760));
}

TEST_CASE("rent pays for nodes; what stands beside them is owned") {
  Provision boxes = round_provision();
  const Cost rented = cost(boxes, round_facility(), Pricing::rent, kYear, drawn(600, 400));
  const double rent = 3 * 4 * 3.0 * 8760;
  const double beside = 2 * 15'000 + 300'000 + 50'000;
  CHECK(rented.by_component.rent.value() == Approx(rent));
  CHECK(rented.total.value() == Approx(rent + beside * (1 / 5.0 + 0.1) + 0.1 * 1.5 * 400));

  boxes.fabric.reset();
  boxes.context.reset();
  boxes.external.reset();
  const Cost alone = cost(boxes, round_facility(), Pricing::rent, kYear, drawn(600, 0));
  CHECK(alone.total.value() == Approx(rent));
  CHECK(alone.per_hour.value() == Approx(3 * 4 * 3.0));
}

TEST_CASE("components sum to the total, and money grows in proportion to time") {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const tests::RandomRun run = tests::random_run(seed);
    const Energy energy_once = energy(run.boxes, run.facility, run.meters);
    Energy energy_twice = energy_once;
    energy_twice.facility += energy_once.facility;
    energy_twice.beside_nodes += energy_once.beside_nodes;
    for (const Pricing pricing : {Pricing::rent, Pricing::own}) {
      const Seconds duration = run.meters.duration;
      const Cost once = cost(run.boxes, run.facility, pricing, duration, energy_once);
      const Cost twice = cost(run.boxes, run.facility, pricing, duration * 2, energy_twice);
      CHECK(once.by_component.total().value() == once.total.value());
      CHECK(twice.total.value() == Approx(2 * once.total.value()));
      CHECK(twice.per_hour.value() == Approx(once.per_hour.value()));
    }
  }
}

}  // namespace
}  // namespace tiercast::ledger
