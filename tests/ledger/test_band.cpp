#include <catch2/catch.hpp>

#include "models/ledger/band.hpp"
#include "sim/base/random.hpp"
#include "tests/ledger/each_figure.hpp"
#include "tests/ledger/naive_accounts.hpp"
#include "tests/ledger/round_figures.hpp"

namespace tiercast::ledger {
namespace {

using tests::random_run;
using tests::RandomRun;
using tests::round_facility;
using tests::round_provision;

double total(const Provision& boxes, const hardware::FacilitySpec& facility, Pricing pricing,
             const Meters& meters) {
  const Energy drawn = energy(boxes, facility, meters);
  return cost(boxes, facility, pricing, meters.duration, drawn).total.value();
}

void move_all(RandomRun& run, bool high) {
  const auto move = [high](auto& figure) {
    figure.value = high ? figure.range->second : figure.range->first;
  };
  tests::each_figure(run.boxes, move);
  tests::each_figure(run.facility, move);
}

TEST_CASE("figures without a range have no band") {
  const Provision boxes = round_provision();
  Meters meters;
  meters.duration = seconds(1000);
  const double joules = energy(boxes, round_facility(), meters).node_and_fabric.value();
  const Band energy_only = energy_band(boxes, round_facility(), meters);
  CHECK(energy_only.low == joules);
  CHECK(energy_only.high == joules);
  const Band money = cost_band(boxes, round_facility(), Pricing::own, meters);
  CHECK(money.low == money.high);
}

TEST_CASE("a band by hand: an idle node whose fans and supply are estimates, written off late") {
  Provision boxes;
  boxes.node = tests::round_node();
  boxes.nodes = 1;
  boxes.node.fan_power.range = {watts(20), watts(170)};
  boxes.node.supply_loss.range = {0.2, 0.5};
  hardware::FacilitySpec facility = round_facility();
  facility.life_years.range = {4, 10};
  Meters meters;
  meters.duration = seconds(8760 * 3600.0);
  const Band joules = energy_band(boxes, facility, meters);
  CHECK(joules.low == Approx(770 * 1.2 * 8760 * 3600));
  CHECK(joules.high == Approx(920 * 1.5 * 8760 * 3600));
  const Band money = cost_band(boxes, facility, Pricing::own, meters);
  const double upkeep = 12'000;
  CHECK(money.low == Approx(12'000 + upkeep + 0.77 * 1.2 * 8760 * 1.5 * 0.1));
  CHECK(money.high == Approx(30'000 + upkeep + 0.92 * 1.5 * 8760 * 1.5 * 0.1));
}

TEST_CASE("a band's ends are the run with all its estimates at theirs") {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const RandomRun run = random_run(seed);
    INFO("seed " << seed);
    for (const bool high : {false, true}) {
      RandomRun moved = run;
      move_all(moved, high);
      const Band joules = energy_band(run.boxes, run.facility, run.meters);
      CHECK((high ? joules.high : joules.low) ==
            Approx(energy(moved.boxes, moved.facility, run.meters).node_and_fabric.value()));
      // A long life makes the cheap end.
      const auto [short_life, long_life] = *run.facility.life_years.range;
      moved.facility.life_years.value = high ? short_life : long_life;
      for (const Pricing pricing : {Pricing::rent, Pricing::own}) {
        const Band money = cost_band(run.boxes, run.facility, pricing, run.meters);
        CHECK((high ? money.high : money.low) ==
              Approx(total(moved.boxes, moved.facility, pricing, run.meters)));
      }
    }
  }
}

TEST_CASE("wherever in their ranges the estimates lie, joules and money lie in the band") {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const RandomRun run = random_run(seed);
    INFO("seed " << seed);
    RandomRun inside = run;
    if (seed % 2 == 1) {
      Stream stream(seed, Purpose{"test.ledger.band"});
      const auto draw = [&stream](auto& figure) {
        const auto [low, high] = *figure.range;
        figure.value = low + (high - low) * stream.uniform();
      };
      tests::each_figure(inside.boxes, draw);
      tests::each_figure(inside.facility, draw);
    }
    const Band joules = energy_band(run.boxes, run.facility, run.meters);
    const double drawn = energy(inside.boxes, inside.facility, run.meters).node_and_fabric.value();
    CHECK(joules.low <= drawn);
    CHECK(drawn <= joules.high);
    for (const Pricing pricing : {Pricing::rent, Pricing::own}) {
      const Band money = cost_band(run.boxes, run.facility, pricing, run.meters);
      const double paid = total(inside.boxes, inside.facility, pricing, run.meters);
      CHECK(money.low <= paid);
      CHECK(paid <= money.high);
    }
  }
}

}  // namespace
}  // namespace tiercast::ledger
