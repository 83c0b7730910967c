#include "models/hardware/specs.hpp"

#include <string>

#include "sim/base/field_table.hpp"

namespace tiercast::hardware {

using namespace table;

std::vector<Choice<Fabric>> choices(Fabric) {
  return {{"east-west", Fabric::east_west, "between GPUs of different nodes"},
          {"north-south", Fabric::north_south, "to storage and users"}};
}

const FieldTable<GpuSpec>& GpuSpec::fields() {
  static const auto table =
      FieldTable<GpuSpec>(
          "gpu", "One accelerator; links each way, FLOP/s dense.",
          {
              field("use", &GpuSpec::use, by_default(""), "Catalogue entry to start from."),
              field("title", &GpuSpec::title, by_default(""), "Name for people."),
              field("hbm", &GpuSpec::hbm, required, above(0), "Memory as NVML reports it."),
              field("hbm_bandwidth", &GpuSpec::hbm_bandwidth, required, above(0), "Peak."),
              field("bf16", &GpuSpec::bf16, required, above(0), "Peak of 16-bit tensor cores."),
              field("fp8", &GpuSpec::fp8, absent_means("no 8-bit tensor cores"), above(0),
                    "Peak of 8-bit tensor cores."),
              field("fp4", &GpuSpec::fp4, absent_means("no 4-bit tensor cores"), above(0),
                    "Peak of 4-bit tensor cores."),
              field("sms", &GpuSpec::sms, required, between(1, 1000), "Streaming multiprocessors."),
              field("l2", &GpuSpec::l2, absent_means("not known"), above(0),
                    "Last cache before the memory."),
              field("nvlink", &GpuSpec::nvlink, absent_means("none"), above(0),
                    "To the other GPUs of the node, each way."),
              field("host_link", &GpuSpec::host_link, required, above(0), "PCIe or C2C, each way."),
              field("idle_power", &GpuSpec::idle_power, required, at_least(0), "Drawn when idle."),
              field("power_limit", &GpuSpec::power_limit, required, above(0), "Board limit."),
              field("price", &GpuSpec::price, required, at_least(0), "Purchase."),
              field("rent", &GpuSpec::rent, required, at_least(0), "One GPU-hour, host included."),
              field("kernels", &GpuSpec::kernels, required,
                    "Entry of the catalogue `calibration` that times this GPU's kernels."),
          })
          .catalogue("gpus")
          .shorthand("use")
          .must("idle_power must be below power_limit",
                [](const GpuSpec& gpu) { return gpu.idle_power.value < gpu.power_limit.value; });
  return table;
}

const FieldTable<HostSpec>& HostSpec::fields() {
  static const auto table =
      FieldTable<HostSpec>(
          "host", "Processors and memory of a node.",
          {
              field("cpu", &HostSpec::cpu, required, "Model name."),
              field("sockets", &HostSpec::sockets, required, between(1, 16), "Processors."),
              field("cores", &HostSpec::cores, required, between(1, 4096), "Of all sockets."),
              field("idle_power", &HostSpec::idle_power, required, at_least(0),
                    "Of all sockets, idle."),
              field("active_power", &HostSpec::active_power, required, above(0),
                    "Of all sockets, busy."),
              field("dram", &HostSpec::dram, required, above(0), "Installed memory."),
              field("dram_bandwidth", &HostSpec::dram_bandwidth, required, above(0),
                    "Peak of all channels."),
              field("dram_idle_power", &HostSpec::dram_idle_power, required, at_least(0),
                    "Of all modules, idle."),
              field("dram_energy", &HostSpec::dram_energy, required, at_least(0),
                    "Per byte read or written."),
          })
          .must("idle_power must not exceed active_power", [](const HostSpec& host) {
            return host.idle_power.value <= host.active_power.value;
          });
  return table;
}

const FieldTable<NicSpec>& NicSpec::fields() {
  static const auto table =
      FieldTable<NicSpec>(
          "nic", "Network cards of one kind in a node.",
          {
              field("use", &NicSpec::use, by_default(""), "Catalogue entry to start from."),
              field("title", &NicSpec::title, by_default(""), "Name for people."),
              field("count", &NicSpec::count, by_default("1"), between(1, 64), "Cards."),
              field("fabric", &NicSpec::fabric, by_default("east-west"), "Where its port leads."),
              field("bandwidth", &NicSpec::bandwidth, required, above(0), "Of one card, each way."),
              field("idle_power", &NicSpec::idle_power, required, at_least(0), "Of one card."),
              field("active_power", &NicSpec::active_power, required, at_least(0),
                    "Of one card at full rate."),
          })
          .catalogue("nics")
          .shorthand("use");
  return table;
}

const FieldTable<NodeSpec>& NodeSpec::fields() {
  static const auto table =
      FieldTable<NodeSpec>(
          "node", "One machine with its GPUs.",
          {
              field("use", &NodeSpec::use, by_default(""), "Catalogue entry to start from."),
              field("title", &NodeSpec::title, by_default(""), "Name for people."),
              field("gpu", &NodeSpec::gpu, required, "The accelerators, all alike."),
              field("gpus", &NodeSpec::gpus, required, between(1, 128), "How many of them."),
              field("host", &NodeSpec::host, required, "Processors and memory."),
              field("nics", &NodeSpec::nics, by_default("[]"), "Network cards."),
              field("drives", &NodeSpec::drives, by_default("[]"), "Drives for data."),
              field("drive_slots", &NodeSpec::drive_slots, absent_means("not checked"),
                    between(0, 4096), "How many data drives fit."),
              field("dpus", &NodeSpec::dpus, by_default("[]"),
                    "DPUs; a NIC that one contains is not listed among nics."),
              field("switch_power", &NodeSpec::switch_power, required, at_least(0),
                    "NVLink switches, drawn whether used or not."),
              field("fan_power", &NodeSpec::fan_power, required, at_least(0),
                    "Fans and board, drawn whether used or not."),
              field("supply_loss", &NodeSpec::supply_loss, required, between(0.0, 0.5),
                    "Share lost of every watt delivered inside the box."),
              field("chassis_price", &NodeSpec::chassis_price, required, at_least(0),
                    "Everything but the GPUs and the drives and DPUs listed."),
          })
          .catalogue("nodes")
          .shorthand("use")
          .must(
              "drives must fit into drive_slots",
              [](const NodeSpec& node) {
                return !node.drive_slots || node.drive_count() <= *node.drive_slots;
              },
              [](const NodeSpec& node) {
                return std::to_string(node.drive_count()) + " drives, " +
                       std::to_string(*node.drive_slots) + " slots";
              });
  return table;
}

const FieldTable<FacilitySpec>& FacilitySpec::fields() {
  static const auto table =
      FieldTable<FacilitySpec>(
          "facility", "What surrounds the nodes: electricity, carbon, accounting.",
          {
              field("use", &FacilitySpec::use, by_default(""), "Catalogue entry to start from."),
              field("title", &FacilitySpec::title, by_default(""), "Name for people."),
              field("pue", &FacilitySpec::pue, required, between(1, 5),
                    "Facility watts per watt of nodes and fabric."),
              field("electricity", &FacilitySpec::electricity, required, at_least(0), "Price."),
              field("carbon", &FacilitySpec::carbon, required, at_least(0),
                    "Emissions of the grid, CO2 equivalent."),
              field("life_years", &FacilitySpec::life_years, required, above(0),
                    "Years over which capital is written off."),
              field("upkeep", &FacilitySpec::upkeep, required, between(0, 1),
                    "Yearly cost of ownership beside energy, as a share of capital."),
          })
          .catalogue("facilities")
          .shorthand("use");
  return table;
}

uint64_t NodeSpec::drive_count() const {
  uint64_t count = 0;
  for (const DriveSpec& drive : drives) count += drive.count;
  return count;
}

Watts NodeSpec::idle_power() const {
  Watts inside = gpu.idle_power.value * gpus + host.idle_power.value + host.dram_idle_power.value +
                 switch_power.value + fan_power.value;
  for (const NicSpec& nic : nics) inside += nic.idle_power.value * nic.count;
  for (const DriveSpec& drive : drives) inside += drive.idle_power.value * drive.count;
  for (const DpuSpec& dpu : dpus) inside += dpu.idle_power.value * dpu.count;
  return inside * (1 + supply_loss.value);
}

Usd NodeSpec::price() const {
  Usd sum = gpu.price.value * gpus + chassis_price.value;
  for (const DriveSpec& drive : drives) sum += drive.price.value * drive.count;
  for (const DpuSpec& dpu : dpus) sum += dpu.price.value * dpu.count;
  return sum;
}

}  // namespace tiercast::hardware
