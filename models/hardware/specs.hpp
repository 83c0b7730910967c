// What the catalogue says about accelerators and the machines around them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/hardware/storage_specs.hpp"
#include "sim/base/field_type.hpp"
#include "sim/base/units.hpp"

namespace tiercast::hardware {

/// One accelerator. Links are per direction; FLOP/s are dense.
struct GpuSpec {
  std::string use;
  std::string title;
  Figure<Bytes> hbm;  ///< as NVML reports it
  Figure<BytesPerSecond> hbm_bandwidth;
  Figure<FlopsPerSecond> bf16;
  std::optional<Figure<FlopsPerSecond>> fp8;  ///< absent: no 8-bit tensor cores
  std::optional<Figure<FlopsPerSecond>> fp4;  ///< absent: no 4-bit tensor cores
  Figure<double> sms;                         ///< streaming multiprocessors
  std::optional<Figure<Bytes>> l2;            ///< last cache before HBM
  std::optional<Figure<BytesPerSecond>> nvlink;
  Figure<BytesPerSecond> host_link;
  Figure<Watts> idle_power;
  Figure<Watts> power_limit;
  Figure<Usd> price;
  Figure<UsdPerHour> rent;
  std::string kernels;  ///< catalogue entry of `calibration` that times this GPU's kernels

  static const FieldTable<GpuSpec>& fields();
};

/// Processors and memory of a node.
struct HostSpec {
  std::string cpu;
  uint32_t sockets = 0;
  uint32_t cores = 0;          ///< of all sockets
  Figure<Watts> idle_power;    ///< of all sockets
  Figure<Watts> active_power;  ///< of all sockets, busy
  Figure<Bytes> dram;
  Figure<BytesPerSecond> dram_bandwidth;
  Figure<Watts> dram_idle_power;  ///< all modules
  Figure<JoulesPerByte> dram_energy;

  static const FieldTable<HostSpec>& fields();
};

/// Which fabric a port belongs to: GPU to GPU, or to storage and users.
enum class Fabric { east_west, north_south };
std::vector<Choice<Fabric>> choices(Fabric);

/// Network cards of one kind in a node.
struct NicSpec {
  std::string use;
  std::string title;
  uint32_t count = 1;
  Fabric fabric = Fabric::east_west;
  Figure<BytesPerSecond> bandwidth;  ///< of one card, each way
  Figure<Watts> idle_power;          ///< of one card
  Figure<Watts> active_power;        ///< of one card at full rate

  static const FieldTable<NicSpec>& fields();
};

/// One machine. Its watts are what stands beside GPUs, host, NICs, drives and DPUs in the same box.
struct NodeSpec {
  std::string use;
  std::string title;
  GpuSpec gpu;
  uint32_t gpus = 1;
  HostSpec host;
  std::vector<NicSpec> nics;
  std::vector<DriveSpec> drives;        ///< for data; boot drives are in fan_power
  std::optional<uint32_t> drive_slots;  ///< absent: not checked
  std::vector<DpuSpec> dpus;            ///< beside the NICs; what a DPU contains is no NIC here
  Figure<Watts> switch_power;           ///< NVLink switches, drawn whether used or not
  Figure<Watts> fan_power;              ///< fans and board, drawn whether used or not
  Figure<double> supply_loss;           ///< of every watt delivered inside the box
  Figure<Usd> chassis_price;            ///< everything but GPUs and the drives and DPUs listed

  static const FieldTable<NodeSpec>& fields();

  /// Data drives of all kinds.
  uint64_t drive_count() const;
  /// Drawn with nothing running, supply loss included.
  Watts idle_power() const;
  Usd price() const;
};

/// What surrounds the nodes: electricity, carbon, accounting.
struct FacilitySpec {
  std::string use;
  std::string title;
  Figure<double> pue;  ///< facility watts per node and fabric watt
  Figure<UsdPerKwh> electricity;
  Figure<KgPerKwh> carbon;
  Figure<double> life_years;  ///< over which capital is written off
  Figure<double> upkeep;      ///< yearly cost of ownership beside energy, as a share of capital

  static const FieldTable<FacilitySpec>& fields();
};

}  // namespace tiercast::hardware
