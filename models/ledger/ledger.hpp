// From meters and catalogue to joules, dollars and carbon. Pure functions.
#pragma once

#include <cstdint>
#include <vector>

#include "models/hardware/specs.hpp"
#include "sim/base/units.hpp"

namespace tiercast::ledger {

/// What a run drew beyond idle, summed over the cluster. Nothing appears twice: GPU joules hold
/// their HBM, as NVML reads them.
struct Meters {
  Seconds duration;
  uint32_t nodes = 0;            ///< provisioned, used or not
  Joules gpu_dynamic;            ///< above idle, all GPUs
  Seconds host_core_time;        ///< busy core-seconds, all nodes
  Bytes dram_bytes;              ///< read and written
  std::vector<Bytes> nic_bytes;  ///< by entry of NodeSpec::nics, all nodes; missing entries are 0
};

/// Busy core-seconds of serving: while an instance works, one core polls for each of its GPUs and
/// two run scheduler and front end (vLLM v1's processes; an estimate, 1 to 2 cores a GPU).
Seconds serving_core_time(Seconds instance_busy, uint32_t gpus_per_instance);

/// Joules of the node and fabric scope by what drew them; idle draw of provisioned boxes included.
struct EnergyByComponent {
  Joules gpu;
  Joules host;
  Joules dram;
  Joules nic;
  Joules switches;
  Joules fans_and_supply;

  Joules total() const;
};

/// Three scopes kept apart: GPUs as NVML reads them, node and fabric, facility (x PUE).
struct Energy {
  EnergyByComponent by_component;
  Joules gpu;
  Joules node_and_fabric;
  Joules facility;
  double pue = 1;
  Joules idle;  ///< part of node_and_fabric that the same boxes draw with nothing running
};

Energy energy(const hardware::NodeSpec& node, const hardware::FacilitySpec& facility,
              const Meters& meters);

/// `rent`: the catalogue's price of a GPU-hour, everything in it. `own`: purchase written off over
/// its life, upkeep, and metered energy.
enum class Pricing : uint8_t { rent, own };
std::vector<Choice<Pricing>> choices(Pricing);

struct CostByComponent {
  Usd rent;
  Usd gpu_capital;
  Usd chassis_capital;
  Usd upkeep;
  Usd energy;

  Usd total() const;
};

struct Cost {
  CostByComponent by_component;
  Usd total;
  UsdPerHour per_hour;
};

/// Money for `duration` of `nodes` provisioned nodes that drew `facility_energy`.
Cost cost(const hardware::NodeSpec& node, const hardware::FacilitySpec& facility, Pricing pricing,
          const Meters& meters, Joules facility_energy);

/// Emissions of the electricity at the grid's average intensity; making the machines is left out.
Kilograms carbon(const hardware::FacilitySpec& facility, Joules facility_energy);

}  // namespace tiercast::ledger
