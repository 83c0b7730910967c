#include "models/ledger/ledger.hpp"

#include <cstddef>

#include "sim/base/field_type.hpp"

namespace tiercast::ledger {
namespace {

constexpr double kHoursPerYear = 8760;

double cores(uint32_t gpus) { return gpus + 2.0; }

}  // namespace

Seconds serving_core_time(Seconds instance_busy, uint32_t gpus_per_instance) {
  return instance_busy * cores(gpus_per_instance);
}

Joules EnergyByComponent::total() const {
  return gpu + host + dram + nic + switches + fans_and_supply;
}

Energy energy(const hardware::NodeSpec& node, const hardware::FacilitySpec& facility,
              const Meters& meters) {
  const hardware::HostSpec& host = node.host;
  const Seconds node_time = meters.duration * meters.nodes;
  Energy result;
  EnergyByComponent& by = result.by_component;
  by.gpu = node.gpu.idle_power.value * node_time * node.gpus + meters.gpu_dynamic;
  const Watts per_core = (host.active_power.value - host.idle_power.value) / host.cores;
  by.host = host.idle_power.value * node_time + per_core * meters.host_core_time;
  by.dram = host.dram_idle_power.value * node_time + host.dram_energy.value * meters.dram_bytes;
  for (size_t i = 0; i < node.nics.size(); ++i) {
    const hardware::NicSpec& nic = node.nics[i];
    by.nic += nic.idle_power.value * node_time * nic.count;
    if (i >= meters.nic_bytes.size()) continue;
    const Seconds at_full_rate = meters.nic_bytes[i] / nic.bandwidth.value;
    by.nic += (nic.active_power.value - nic.idle_power.value) * at_full_rate;
  }
  by.switches = node.switch_power.value * node_time;
  by.fans_and_supply = node.fan_power.value * node_time;
  by.fans_and_supply += by.total() * node.supply_loss.value;

  result.gpu = by.gpu;
  result.node_and_fabric = by.total();
  result.pue = facility.pue.value;
  result.facility = result.node_and_fabric * result.pue;
  result.idle = node.idle_power() * node_time;
  return result;
}

std::vector<Choice<Pricing>> choices(Pricing) {
  return {{"rent", Pricing::rent, "a price per GPU-hour, everything included"},
          {"own", Pricing::own, "purchase over its life, upkeep and metered energy"}};
}

Usd CostByComponent::total() const {
  return rent + gpu_capital + chassis_capital + upkeep + energy;
}

Cost cost(const hardware::NodeSpec& node, const hardware::FacilitySpec& facility, Pricing pricing,
          const Meters& meters, Joules facility_energy) {
  const Seconds node_time = meters.duration * meters.nodes;
  Cost result;
  CostByComponent& by = result.by_component;
  if (pricing == Pricing::rent) {
    by.rent = node.gpu.rent.value * node_time * node.gpus;
  } else {
    const double years = node_time.value() / kSecondsPerHour / kHoursPerYear;
    by.gpu_capital = node.gpu.price.value * node.gpus * (years / facility.life_years.value);
    by.chassis_capital = node.chassis_price.value * (years / facility.life_years.value);
    by.upkeep = node.price() * (years * facility.upkeep.value);
    by.energy = facility.electricity.value * facility_energy;
  }
  result.total = by.total();
  if (meters.duration.value() > 0) result.per_hour = result.total / meters.duration;
  return result;
}

Kilograms carbon(const hardware::FacilitySpec& facility, Joules facility_energy) {
  return facility.carbon.value * facility_energy;
}

}  // namespace tiercast::ledger
