#include "tests/ledger/naive_accounts.hpp"

#include <algorithm>
#include <cstddef>
#include <iterator>

#include "sim/base/random.hpp"
#include "tests/ledger/each_figure.hpp"
#include "tests/ledger/round_figures.hpp"

namespace tiercast::tests {
namespace {

double count_of(Bytes bytes) { return static_cast<double>(bytes.value()); }

void list_drives(std::vector<PowerLine>& lines, const hardware::DriveSpec& drive, double boxes_s,
                 const ledger::Traffic& traffic, double loss, bool beside) {
  const double reads_s = count_of(traffic.read) / drive.read.value.value();
  const double writes_s = count_of(traffic.written) / drive.write.value.value();
  const double idle_w = drive.idle_power.value.value();
  lines.push_back({"drives", idle_w, drive.read_power.value.value(), boxes_s * drive.count, reads_s,
                   loss, true, beside});
  // What writing adds to the same drives, whose idle watts the line above holds.
  lines.push_back({"drives", 0, drive.write_power.value.value() - idle_w, writes_s, writes_s, loss,
                   true, beside});
}

void list_dpus(std::vector<PowerLine>& lines, const hardware::DpuSpec& dpu, double boxes_s,
               const ledger::Traffic& traffic, double loss, bool beside) {
  const double operation_s = static_cast<double>(dpu.operation_time.value.value()) / 1e9;
  const double shares[] = {count_of(traffic.read) / dpu.network.value.value(),
                           count_of(traffic.written) / dpu.network.value.value(),
                           count_of(traffic.read) / dpu.pcie.value.value(),
                           count_of(traffic.written) / dpu.pcie.value.value(),
                           static_cast<double>(traffic.operations) * operation_s / dpu.cores};
  lines.push_back({"dpu", dpu.idle_power.value.value(), dpu.active_power.value.value(),
                   boxes_s * dpu.count, *std::max_element(std::begin(shares), std::end(shares)),
                   loss, true, beside});
}

void list_units(std::vector<PowerLine>& lines, const hardware::StorageUnits& units,
                double duration_s, const ledger::Traffic& traffic) {
  const double boxes_s = duration_s * units.count;
  if (units.enclosure) {
    const hardware::EnclosureSpec& box = *units.enclosure;
    const double loss = box.supply_loss.value;
    const ledger::Traffic at_drives{traffic.read - traffic.cached, traffic.written};
    list_drives(lines, box.drives, boxes_s, at_drives, loss, true);
    list_dpus(lines, box.dpus, boxes_s, traffic, loss, true);
    lines.push_back(
        {"fans_and_supply", box.fan_power.value.value(), 0, boxes_s, 0, loss, true, true});
  } else {
    const hardware::StorageServiceSpec& service = *units.service;
    const double busy_s = count_of(traffic.read) / service.read.value.value() +
                          count_of(traffic.written) / service.write.value.value();
    lines.push_back({"storage", service.idle_power.value.value(),
                     service.active_power.value.value(), boxes_s, busy_s, 0, true, true});
  }
}

}  // namespace

std::vector<PowerLine> power_lines(const ledger::Provision& boxes, const ledger::Meters& meters) {
  const hardware::NodeSpec& node = boxes.node;
  const hardware::HostSpec& host = node.host;
  const double duration_s = meters.duration.value();
  const double nodes_s = duration_s * boxes.nodes;
  const double loss = node.supply_loss.value;
  std::vector<PowerLine> lines;
  lines.push_back({"gpu", node.gpu.idle_power.value.value(), 0, nodes_s * node.gpus, 0, loss});
  lines.push_back({"gpu", 0, meters.gpu_dynamic.value(), 1, 1, loss});
  lines.push_back({"host", host.idle_power.value.value() / host.cores,
                   host.active_power.value.value() / host.cores, nodes_s * host.cores,
                   meters.host_core_time.value(), loss});
  lines.push_back({"dram", host.dram_idle_power.value.value(), 0, nodes_s, 0, loss});
  lines.push_back(
      {"dram", 0, host.dram_energy.value.value() * count_of(meters.dram_bytes), 1, 1, loss});
  lines.push_back({"switches", node.switch_power.value.value(), 0, nodes_s, 0, loss});
  lines.push_back({"fans_and_supply", node.fan_power.value.value(), 0, nodes_s, 0, loss});
  for (size_t i = 0; i < node.nics.size(); ++i) {
    const hardware::NicSpec& nic = node.nics[i];
    lines.push_back({"nic", nic.idle_power.value.value(), nic.active_power.value.value(),
                     nodes_s * nic.count,
                     count_of(meters.nic_bytes.at(i)) / nic.bandwidth.value.value(), loss,
                     nic.fabric == hardware::Fabric::north_south});
  }
  for (size_t i = 0; i < node.drives.size(); ++i) {
    list_drives(lines, node.drives[i], nodes_s, meters.drives.at(i), loss, false);
  }
  for (size_t i = 0; i < node.dpus.size(); ++i) {
    list_dpus(lines, node.dpus[i], nodes_s, meters.dpus.at(i), loss, false);
  }
  if (boxes.fabric) {
    const hardware::SwitchSpec& kind = boxes.fabric->switches;
    lines.push_back({"switches", kind.idle_power.value.value(), kind.active_power.value.value(),
                     duration_s * boxes.switches,
                     count_of(meters.switched) / kind.bandwidth.value.value(), 0, true, true});
  }
  if (boxes.context) list_units(lines, *boxes.context, duration_s, meters.context);
  if (boxes.external) list_units(lines, *boxes.external, duration_s, meters.external);
  return lines;
}

namespace {

constexpr Purpose kRun{"test.ledger.run"};

class RandomFigures {
 public:
  explicit RandomFigures(uint64_t seed) : stream_(seed, kRun) {}

  uint32_t count(int64_t first, int64_t last) {
    return static_cast<uint32_t>(stream_.between(first, last));
  }
  bool coin() { return stream_.below(2) == 0; }
  double between(double low, double high) { return low + (high - low) * stream_.uniform(); }

  // A new value near the old one, and a range around it.
  template <class Spec>
  void vary(Spec& spec) {
    each_figure(spec, [this](auto& figure) {
      figure.value = figure.value * between(0.8, 1.25);
      figure.range.emplace(figure.value * between(0.5, 1), figure.value * between(1, 1.5));
    });
  }

  hardware::StorageUnits units() {
    hardware::StorageUnits units;
    if (coin()) {
      units.enclosure = round_enclosure();
    } else {
      units.service = round_service();
    }
    units.count = count(1, 4);
    return units;
  }

  // The slowest of the parts that such traffic passes is busy for 40 % of 1,000 s at the most.
  ledger::Traffic traffic() {
    return {gigabytes(stream_.between(0, 2'000)), gigabytes(stream_.between(0, 1'000)),
            stream_.below(400'000'000)};
  }
  Bytes bytes() { return gigabytes(stream_.between(0, 20'000)); }

 private:
  Stream stream_;
};

}  // namespace

RandomRun random_run(uint64_t seed) {
  RandomFigures random(seed);
  RandomRun run;
  hardware::NodeSpec& node = run.boxes.node;
  node = round_node();
  hardware::NicSpec storage_side = node.nics[0];
  storage_side.fabric = hardware::Fabric::north_south;
  node.nics.push_back(storage_side);
  node.nics.push_back(node.nics[0]);
  for (uint32_t i = random.count(0, 2); i > 0; --i) {
    node.drives.push_back(round_drive(random.count(1, 8)));
  }
  for (uint32_t i = random.count(0, 2); i > 0; --i) {
    node.dpus.push_back(round_dpu(random.count(1, 3)));
  }
  run.boxes.nodes = random.count(1, 5);
  if (random.coin()) {
    run.boxes.fabric = round_fabric();
    run.boxes.switches = random.count(1, 6);
  }
  if (random.coin()) run.boxes.context = random.units();
  if (random.coin()) run.boxes.external = random.units();
  random.vary(run.boxes);
  run.facility = round_facility();
  random.vary(run.facility);

  ledger::Meters& meters = run.meters;
  meters.duration = seconds(1000);
  meters.gpu_dynamic = joules(random.between(0, 1e6));
  meters.host_core_time = seconds(random.between(0, 10'000));
  meters.gpu_occupied = seconds(random.between(0, 4000));
  meters.dram_bytes = random.bytes();
  for (size_t i = 0; i < node.nics.size(); ++i) meters.nic_bytes.push_back(random.bytes());
  for (size_t i = 0; i < node.drives.size(); ++i) meters.drives.push_back(random.traffic());
  for (size_t i = 0; i < node.dpus.size(); ++i) meters.dpus.push_back(random.traffic());
  meters.context = random.traffic();
  if (run.boxes.context && run.boxes.context->enclosure) {
    meters.context.cached =
        Bytes{static_cast<int64_t>(random.between(0, count_of(meters.context.read)))};
  }
  meters.external = random.traffic();
  meters.switched = random.bytes();
  return run;
}

}  // namespace tiercast::tests
