#include <catch2/catch.hpp>

#include "reports/summarise.hpp"
#include "tests/reports/outcomes.hpp"

namespace tiercast::reports {
namespace {

using tests::add;
using tests::kSecond;

// Two nodes of two GPUs: 100 W idle a GPU, 50 W idle a host of 10 cores that draw 10 W each when
// busy, 30 W of fans and 10 % of supply loss. PUE 1.5. A GPU-hour costs 3.6 USD.
Site small_site() {
  Site site;
  site.nodes = 2;
  site.gpus_per_instance = 1;
  site.node.gpus = 2;
  site.node.gpu.idle_power.value = Watts{100};
  site.node.gpu.rent.value = UsdPerHour{3.6};
  site.node.gpu.price.value = Usd{876'000};
  site.node.host.cores = 10;
  site.node.host.idle_power.value = Watts{50};
  site.node.host.active_power.value = Watts{150};
  site.node.fan_power.value = Watts{30};
  site.node.supply_loss.value = 0.1;
  site.facility.pue.value = 1.5;
  site.facility.electricity.value = UsdPerKwh{0.36};
  site.facility.life_years.value = 4;
  site.facility.carbon.value = kg_per_kwh(0.36);
  return site;
}

// 100 s, one instance busy for 40 of them at 500 W above idle; 10 output tokens a request.
serving::Outcome small_run() {
  serving::Outcome outcome;
  add(outcome, {.arrival_ns = 0, .decode_ns = 60 * kSecond});
  add(outcome, {.arrival_ns = 10 * kSecond, .decode_ns = 90 * kSecond, .cached_tokens = 50});
  outcome.instances.push_back(tests::busy_instance(40 * kSecond, 500));
  outcome.instances.push_back(tests::busy_instance(0, 0));
  return outcome;
}

double sum(const NamedNumbers& numbers) {
  double total = 0;
  for (const auto& [name, value] : numbers) total += value;
  return total;
}

TEST_CASE("energy is idle power over time and what the meters add") {
  SummaryInput input;
  input.site = small_site();
  const Result result = summarise(small_run(), input);
  REQUIRE(result.energy);
  const EnergyUse& energy = *result.energy;
  const double gpu_j = 4 * 100 * 100 + 40 * 500;
  const double host_j = 2 * 50 * 100 + 10 * 3 * 40;  // three cores busy for an instance of one GPU
  const double fans_j = 2 * 30 * 100;
  CHECK(energy.scope.gpu_j == Approx(gpu_j));
  CHECK(energy.scope.node_and_fabric_j == Approx(1.1 * (gpu_j + host_j + fans_j)));
  CHECK(energy.scope.facility_j == Approx(1.5 * 1.1 * (gpu_j + host_j + fans_j)));
  // 0.36 kg a kilowatt-hour is 0.1 g a kilojoule.
  CHECK(energy.carbon_kg.value() == Approx(energy.scope.facility_j * 1e-7));
  CHECK(sum(energy.by_component) == Approx(energy.scope.node_and_fabric_j).epsilon(1e-14));
  CHECK(*energy.watts_mean == Approx(energy.scope.node_and_fabric_j / 100));
  CHECK(*energy.gpu_watts_mean == Approx(gpu_j / 100));
  CHECK(*energy.gpu_j_per_output_token == Approx(gpu_j / 20));
  CHECK(*energy.j_per_output_token == Approx(energy.scope.node_and_fabric_j / 20));
  CHECK(*energy.j_per_computed_token == Approx(energy.scope.node_and_fabric_j / 150));
  CHECK(*energy.tokens_per_j == Approx(1 / *energy.j_per_output_token));
  CHECK(!energy.j_per_task);
  // One of four GPUs was occupied for 40 of 100 s.
  const double idle_j = 1.1 * (4 * 100 * 100 + 2 * 50 * 100 + fans_j);
  CHECK(energy.split.dynamic_j == Approx(1.1 * (40 * 500 + 10 * 3 * 40)));
  CHECK(energy.split.occupied_j == Approx(idle_j * 0.1));
  CHECK(energy.split.unoccupied_j == Approx(idle_j * 0.9));
  CHECK(*result.metrics.output_tokens_per_s_per_gpu == Approx(20.0 / 100 / 4));
}

TEST_CASE("rent is a price per GPU-hour") {
  SummaryInput input;
  input.site = small_site();
  const CostUse cost = *summarise(small_run(), input).cost;
  CHECK(cost.usd_per_hour == Approx(4 * 3.6));
  CHECK(sum(cost.by_component) == Approx(cost.usd_per_hour));
  // 100 s of four GPUs at 1 USD per 1000 s each, for 20 tokens.
  CHECK(*cost.usd_per_million_output_tokens == Approx(0.4 / 20 * 1e6));
  CHECK(!cost.usd_per_task);
}

TEST_CASE("owned boxes cost capital and the energy they draw") {
  SummaryInput input;
  input.site = small_site();
  input.site->pricing = ledger::Pricing::own;
  const Result result = summarise(small_run(), input);
  const CostUse& cost = *result.cost;
  // Four GPUs at 876,000 USD over 4 years of 8,760 hours; 0.36 USD/kWh is 1e-7 USD/J.
  const double energy_usd_per_hour = result.energy->scope.facility_j * 1e-7 * 36;
  CHECK(cost.usd_per_hour == Approx(100 + energy_usd_per_hour));
  CHECK(sum(cost.by_component) == Approx(cost.usd_per_hour));
}

TEST_CASE("with sessions, energy and cost are spread over tasks too") {
  serving::Outcome outcome = small_run();
  outcome.log[1].session = 0;
  SummaryInput input;
  input.site = small_site();
  const Result result = summarise(outcome, input);
  CHECK(*result.energy->j_per_task == Approx(result.energy->scope.node_and_fabric_j));
  CHECK(result.energy->band_j_per_task->low == Approx(*result.energy->j_per_task));  // no ranges
  CHECK(result.cost->band_usd_per_task->high == Approx(*result.cost->usd_per_task));
  CHECK(*result.cost->usd_per_task == Approx(0.4));
  CHECK(result.metrics.task_s->mean == 100);
}

TEST_CASE("storage that no tier uses is named with its shares") {
  SummaryInput input;
  input.site = small_site();
  hardware::StorageServiceSpec service;
  service.idle_power.value = Watts{165};
  service.read.value = service.write.value = BytesPerSecond{1};
  input.site->external = {std::nullopt, service, 2};
  serving::Outcome outcome = small_run();
  const Result result = summarise(outcome, input);
  // 2 x 165 W over 100 s beside 1.1 x (60,000 + 11,200 + 6,000) J of the nodes; the service is
  // free.
  const double share = 33'000 / (33'000 + 1.1 * 77'200);
  REQUIRE(share == Approx(0.27986).margin(1e-5));
  REQUIRE(result.provenance.caveats.size() == 1);
  CHECK_THAT(result.provenance.caveats[0],
             Catch::Contains(
                 "cluster.storage.external, which is 28.0 % of the energy and 1.22 % of the cost"));
  serving::TierOutcome tier;
  tier.kind = tiering::TierKind::external;
  outcome.tiers.push_back(tier);
  CHECK(summarise(outcome, input).provenance.caveats.empty());
}

}  // namespace
}  // namespace tiercast::reports
