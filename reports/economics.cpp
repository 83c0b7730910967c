#include "reports/economics.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "models/llm/step_table.hpp"
#include "reports/figures.hpp"
#include "reports/metrics.hpp"
#include "reports/tier_meters.hpp"

namespace tiercast::reports {

namespace {

constexpr double kTicksPerSecond = static_cast<double>(llm::kTicksPerNs) * 1e9;

// What of `whole` goes where only `left` is left.
double share_less(double left, double whole) { return whole > 0 ? 1 - left / whole : 0; }

std::optional<double> per(double whole, double count) {
  if (count == 0) return std::nullopt;
  return whole / count;
}

}  // namespace

ledger::Provision Site::provision() const {
  ledger::Provision boxes;
  boxes.node = node;
  boxes.nodes = nodes;
  boxes.pods = pods;
  boxes.fabric = fabric;
  boxes.context = context;
  boxes.external = external;
  if (fabric) {
    const ledger::PortsUsed used = ledger::ports_used(boxes, fabric->switches.port_bandwidth.value);
    boxes.switches = ledger::switches_needed(*fabric, used, pods).value_or(0);
  }
  return boxes;
}

ledger::Meters meters_of(const serving::Outcome& outcome, const Site& site) {
  Int128 busy_ticks = 0;
  Int128 dynamic_energy = 0;  // mW x tick
  for (const serving::InstanceOutcome& instance : outcome.instances) {
    busy_ticks += instance.counts.busy_ticks;
    dynamic_energy += instance.counts.dynamic_energy;
  }
  const Seconds busy{static_cast<double>(busy_ticks) / kTicksPerSecond};
  ledger::Meters meters;
  // As rates do.
  meters.duration = Seconds{static_cast<double>(outcome.end_ns - window_start_ns(outcome)) / 1e9};
  meters.gpu_dynamic = Joules{static_cast<double>(dynamic_energy) / 1e3 / kTicksPerSecond};
  meters.gpu_occupied = busy * site.gpus_per_instance;
  meters.host_core_time = ledger::serving_core_time(busy, site.gpus_per_instance) +
                          Seconds{static_cast<double>(outcome.copy_core_fs) / 1e15};
  add_tier_meters(outcome, site.provision(), meters);
  return meters;
}

std::vector<std::string> unused_storage(const serving::Outcome& outcome, const Site& site,
                                        const ledger::Energy& energy, const ledger::Cost& cost) {
  struct Kind {
    const char* name;
    tiering::TierKind tier;
    std::optional<hardware::StorageUnits> Site::*units;
  };
  static constexpr Kind kKinds[] = {{"context", tiering::TierKind::context, &Site::context},
                                    {"external", tiering::TierKind::external, &Site::external}};
  std::vector<std::string> caveats;
  for (const Kind& kind : kKinds) {
    const bool used =
        std::any_of(outcome.tiers.begin(), outcome.tiers.end(),
                    [&](const serving::TierOutcome& tier) { return tier.kind == kind.tier; });
    if (used || !(site.*kind.units)) continue;
    Site without = site;
    (without.*kind.units).reset();
    const ledger::Meters meters = meters_of(outcome, without);
    const ledger::Provision boxes = without.provision();
    const ledger::Energy less = ledger::energy(boxes, site.facility, meters);
    const ledger::Cost cheaper =
        ledger::cost(boxes, site.facility, site.pricing, meters.duration, less);
    caveats.push_back(fmt::format(
        "no tier uses cluster.storage.{}, which is {} of the energy and {} of the cost: "
        "name the tier in `tiers`, or leave it out of cluster.storage",
        kind.name,
        show_percent(share_less(less.node_and_fabric.value(), energy.node_and_fabric.value())),
        show_percent(share_less(cheaper.total.value(), cost.total.value()))));
  }
  return caveats;
}

EnergyUse energy_use(const ledger::Energy& energy, const Output& output) {
  const ledger::EnergyByComponent& by = energy.by_component;
  const double joules = energy.node_and_fabric.value();
  EnergyUse use;
  use.scope = {energy.gpu.value(), joules, energy.facility.value()};
  use.pue = energy.pue;
  use.by_component = {{"gpu", by.gpu.value()},
                      {"host", by.host.value()},
                      {"dram", by.dram.value()},
                      {"drives", by.drives.value()},
                      {"dpu", by.dpu.value()},
                      {"nic", by.nic.value()},
                      {"switches", by.switches.value()},
                      {"storage", by.storage.value()},
                      {"fans_and_supply", by.fans_and_supply.value()}};
  use.j_per_output_token = per(joules, static_cast<double>(output.tokens.output));
  use.j_per_computed_token = per(joules, static_cast<double>(output.tokens.input_computed));
  use.j_per_task = per(joules, static_cast<double>(output.tasks));
  use.tokens_per_j = per(static_cast<double>(output.tokens.output), joules);
  if (energy.storage_path.total().value() > 0) {
    use.storage_path_j = energy.storage_path.total().value();
  }
  use.watts_mean = per(joules, output.duration.value());
  use.gpu_watts_mean = per(use.scope.gpu_j, output.duration.value());
  use.gpu_j_per_output_token = per(use.scope.gpu_j, static_cast<double>(output.tokens.output));
  return use;
}

CostUse cost_use(const ledger::Cost& cost, ledger::Pricing pricing, const Output& output) {
  const double hours = output.duration.value() / kSecondsPerHour;
  const auto hourly = [hours](Usd amount) { return per(amount.value(), hours).value_or(0); };
  const ledger::CostByComponent& by = cost.by_component;
  CostUse use;
  use.usd_per_hour = cost.per_hour.value();
  use.usd_per_million_output_tokens =
      per(cost.total.value() * 1e6, static_cast<double>(output.tokens.output));
  use.usd_per_task = per(cost.total.value(), static_cast<double>(output.tasks));
  // A rented run shows of the owner's lines only those that boxes beside its nodes fill.
  const auto add = [&](const char* name, Usd amount, bool always) {
    if (always || amount.value() != 0) use.by_component.emplace_back(name, hourly(amount));
  };
  const bool own = pricing == ledger::Pricing::own;
  add("rent", by.rent, !own);
  add("gpu_capital", by.gpu_capital, own);
  add("chassis_capital", by.chassis_capital, own);
  add("drive_capital", by.drive_capital, own);
  add("dpu_capital", by.dpu_capital, own);
  add("switch_capital", by.switch_capital, own);
  add("storage_capital", by.storage_capital, own);
  add("upkeep", by.upkeep, own);
  add("energy", by.energy, own);
  return use;
}

}  // namespace tiercast::reports
