// From meters and catalogue to joules, dollars and carbon. Pure functions.
#pragma once

#include <cstdint>
#include <vector>

#include "models/hardware/specs.hpp"
#include "models/ledger/provision.hpp"
#include "sim/base/units.hpp"

namespace tiercast::ledger {

/// What went through storage or its cards, as hosts see it: without copies and amplification.
struct Traffic {
  Bytes read;
  Bytes written;
  uint64_t operations = 0;  ///< reads and writes; what cores of DPUs are busy with
  Bytes cached{};           ///< of `read`: what memory of cards gave and no drive
};

/// What a run drew beyond idle, summed over the cluster. Nothing appears twice: GPU joules hold
/// their HBM, as NVML reads them. Entries that a vector lacks are 0.
struct Meters {
  Seconds duration;
  Joules gpu_dynamic;            ///< above idle, all GPUs
  Seconds gpu_occupied;          ///< GPU time in which an instance had work
  Seconds host_core_time;        ///< busy core-seconds, all nodes
  Bytes dram_bytes;              ///< read and written
  std::vector<Bytes> nic_bytes;  ///< by entry of NodeSpec::nics, all nodes
  std::vector<Traffic> drives;   ///< by entry of NodeSpec::drives, all nodes
  std::vector<Traffic> dpus;     ///< by entry of NodeSpec::dpus, all nodes
  Traffic context;               ///< all units
  Traffic external;              ///< all units
  Bytes switched;                ///< through the fabric's switches, once for each switch passed
};

/// Host cores that serving keeps busy while an instance works: one polls for each of its GPUs, two
/// run scheduler and front end (vLLM v1's processes; an estimate, 1 to 2 cores a GPU).
uint32_t serving_cores(uint32_t gpus_per_instance);
/// Their busy core-seconds.
Seconds serving_core_time(Seconds instance_busy, uint32_t gpus_per_instance);

/// Joules of the node and fabric scope by what drew them; idle draw of provisioned boxes included.
struct EnergyByComponent {
  Joules gpu;
  Joules host;
  Joules dram;
  Joules drives;           ///< of nodes and enclosures
  Joules dpu;              ///< of nodes and enclosures, contained NICs included
  Joules nic;              ///< cards of their own
  Joules switches;         ///< NVLink inside nodes, Ethernet between them
  Joules storage;          ///< services, their drives, fans and supplies included
  Joules fans_and_supply;  ///< of nodes and enclosures

  Joules total() const;
};

/// What some boxes draw at rest, and what running adds.
struct Draw {
  Joules idle;
  Joules dynamic;

  Joules total() const { return idle + dynamic; }
};

/// Three scopes kept apart: GPUs as NVML reads them, node and fabric, facility (x PUE).
struct Energy {
  EnergyByComponent by_component;
  Joules gpu;
  Joules node_and_fabric;
  Joules facility;
  double pue = 1;
  Joules idle;          ///< part of node_and_fabric that the same boxes draw with nothing running
  Joules beside_nodes;  ///< part of node_and_fabric: switches of the fabric, enclosures, services
  /// Part of node_and_fabric that stores and moves KV: drives, DPUs, cards of the storage network,
  /// Ethernet switches, services, with the supplies' loss on them and the enclosures' fans, as the
  /// watts of a service hold its own.
  Draw storage_path;
};

/// Idle watts of every provisioned box over the run, used or not, and beyond them:
///
///     NIC, switch   (active - idle) x bytes / bandwidth
///     drive         (read power - idle) x read bytes / read rate, and the same of writes
///     DPU           (active - idle) x max(max(read, written) / min(network, PCIe), ops / op rate)
///     service       (active - idle) x (read bytes / read rate + written bytes / write rate)
///
/// so a part draws its active watts at full rate. Nodes and enclosures lose `supply_loss` of every
/// watt inside. A drive's amplification draws nothing of its own: its sheet's watts hold it.
Energy energy(const Provision& provision, const hardware::FacilitySpec& facility,
              const Meters& meters);

/// node_and_fabric for tasks: `dynamic` goes to each by its use, `occupied` by the GPU time that it
/// occupied, and `unoccupied`, which boxes drew while GPUs had no work, is nobody's.
struct EnergySplit {
  Joules dynamic;
  Joules occupied;
  Joules unoccupied;
};

/// occupied = idle x gpu_occupied / (GPUs x duration).
EnergySplit split(const Energy& energy, const Provision& provision, const Meters& meters);

/// `rent`: the catalogue's price of a GPU-hour, everything of the node in it. `own`: purchase
/// written off over its life, upkeep, and metered energy.
enum class Pricing : uint8_t { rent, own };
std::vector<Choice<Pricing>> choices(Pricing);

struct CostByComponent {
  Usd rent;
  Usd gpu_capital;
  Usd chassis_capital;  ///< of nodes and enclosures
  Usd drive_capital;    ///< of nodes and enclosures
  Usd dpu_capital;      ///< of nodes and enclosures
  Usd switch_capital;   ///< of the fabric; NVLink switches are in the chassis
  Usd storage_capital;  ///< services
  Usd upkeep;
  Usd energy;

  Usd total() const;
};

struct Cost {
  CostByComponent by_component;
  Usd total;
  UsdPerHour per_hour;
};

/// Money for `duration` of everything provisioned, which drew `energy`. A rented GPU-hour pays for
/// its node with drives, DPUs and electricity; switches of the fabric, enclosures and services
/// stand beside it, and are owned either way: capital, upkeep and energy of theirs.
///
///     capital = price x duration / life, upkeep = price x duration x yearly share
Cost cost(const Provision& provision, const hardware::FacilitySpec& facility, Pricing pricing,
          Seconds duration, const Energy& energy);

/// Emissions of the electricity at the grid's average intensity; making the machines is left out.
Kilograms carbon(const hardware::FacilitySpec& facility, Joules facility_energy);

}  // namespace tiercast::ledger
