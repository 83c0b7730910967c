#include "models/ledger/ledger.hpp"

#include "sim/base/field_type.hpp"

namespace tiercast::ledger {
namespace {

constexpr double kHoursPerYear = 8760;

// What the time that boxes stood there, summed over them, costs as shares of one's price.
struct Shares {
  double written_off;
  double upkeep;
};

Shares shares(const hardware::FacilitySpec& facility, Seconds box_time) {
  const double years = box_time.value() / kSecondsPerHour / kHoursPerYear;
  return {years / facility.life_years.value, years * facility.upkeep.value};
}

void own(const hardware::NodeSpec& node, const Shares& share, CostByComponent& by) {
  by.gpu_capital += node.gpu.price.value * node.gpus * share.written_off;
  by.chassis_capital += node.chassis_price.value * share.written_off;
  for (const hardware::DriveSpec& drive : node.drives) {
    by.drive_capital += drive.price.value * drive.count * share.written_off;
  }
  for (const hardware::DpuSpec& dpu : node.dpus) {
    by.dpu_capital += dpu.price.value * dpu.count * share.written_off;
  }
  by.upkeep += node.price() * share.upkeep;
}

void own(const hardware::SwitchSpec& kind, const Shares& share, CostByComponent& by) {
  by.switch_capital += kind.price.value * share.written_off;
  by.upkeep += kind.price.value * share.upkeep;
}

void own(const hardware::EnclosureSpec& box, const Shares& share, CostByComponent& by) {
  by.chassis_capital += box.chassis_price.value * share.written_off;
  by.drive_capital += box.drives.price.value * box.drives.count * share.written_off;
  by.dpu_capital += box.dpus.price.value * box.dpus.count * share.written_off;
  by.upkeep += box.price() * share.upkeep;
}

void own(const hardware::StorageServiceSpec& service, const Shares& share, CostByComponent& by) {
  by.storage_capital += service.price.value * share.written_off;
  by.upkeep += service.price.value * share.upkeep;
}

}  // namespace

uint32_t serving_cores(uint32_t gpus_per_instance) { return gpus_per_instance + 2; }

Seconds serving_core_time(Seconds instance_busy, uint32_t gpus_per_instance) {
  return instance_busy * serving_cores(gpus_per_instance);
}

std::vector<Choice<Pricing>> choices(Pricing) {
  return {{"rent", Pricing::rent, "a price per GPU-hour, everything included"},
          {"own", Pricing::own, "purchase over its life, upkeep and metered energy"}};
}

Usd CostByComponent::total() const {
  return rent + gpu_capital + chassis_capital + drive_capital + dpu_capital + switch_capital +
         storage_capital + upkeep + energy;
}

Cost cost(const Provision& provision, const hardware::FacilitySpec& facility, Pricing pricing,
          Seconds duration, const Energy& energy) {
  const hardware::NodeSpec& node = provision.node;
  const Seconds node_time = duration * provision.nodes;
  Cost result;
  CostByComponent& by = result.by_component;
  if (pricing == Pricing::rent) {
    by.rent = node.gpu.rent.value * node_time * node.gpus;
    by.energy = facility.electricity.value * (energy.beside_nodes * energy.pue);
  } else {
    own(node, shares(facility, node_time), by);
    by.energy = facility.electricity.value * energy.facility;
  }
  if (provision.fabric) {
    own(provision.fabric->switches, shares(facility, duration * provision.switches), by);
  }
  for (const auto* units : {&provision.context, &provision.external}) {
    if (!*units) continue;
    const Shares share = shares(facility, duration * (*units)->count);
    if ((*units)->enclosure) own(*(*units)->enclosure, share, by);
    if ((*units)->service) own(*(*units)->service, share, by);
  }
  result.total = by.total();
  if (duration.value() > 0) result.per_hour = result.total / duration;
  return result;
}

Kilograms carbon(const hardware::FacilitySpec& facility, Joules facility_energy) {
  return facility.carbon.value * facility_energy;
}

}  // namespace tiercast::ledger
