#include "reports/tier_meters.hpp"

#include <string_view>
#include <vector>

namespace tiercast::reports {

namespace {

using hardware::Fabric;
using serving::Outcome;
using serving::TierOutcome;
using tiering::StationPlace;
using tiering::TierKind;

// Whether a link's name after its part is `rest`, with or without a number.
bool is_one_of(std::string_view name, std::string_view rest) {
  return name.starts_with(rest) &&
         name.find_first_not_of("0123456789", rest.size()) == std::string_view::npos;
}

// Links `part<number>.rest` of all numbers, `part<number>.rest<number>`, or those of several cards,
// `part<number>.<number>.rest`, together.
struct Carried {
  double bytes = 0;
  double busy = 0;  ///< sum of bytes / bandwidth, in s
  uint32_t links = 0;
};

std::string_view without_number(std::string_view name) {
  const size_t dot = name.find_first_not_of("0123456789");
  return dot > 0 && dot < name.size() && name[dot] == '.' ? name.substr(dot + 1) : name;
}

Carried carried(const Outcome& outcome, std::string_view part, std::string_view rest) {
  Carried sum;
  for (const serving::LinkOutcome& link : outcome.links) {
    const std::string_view name = link.name;
    const size_t dot = name.find('.');
    if (!name.starts_with(part) || dot == std::string_view::npos) continue;
    if (!is_one_of(without_number(name.substr(dot + 1)), rest)) continue;
    const auto bytes = static_cast<double>(link.carried_bytes);
    sum.bytes += bytes;
    sum.busy += bytes / static_cast<double>(link.bytes_per_s);
    ++sum.links;
  }
  return sum;
}

Bytes whole(double amount) { return bytes(static_cast<int64_t>(amount)); }

bool has(const hardware::NodeSpec& node, Fabric fabric) {
  for (const hardware::NicSpec& nic : node.nics) {
    if (nic.fabric == fabric) return true;
  }
  return false;
}

// Spreads traffic over the cards of one fabric.
void add_nics(const hardware::NodeSpec& node, Fabric fabric, double amount,
              std::vector<Bytes>& nic_bytes) {
  double bandwidth = 0;
  for (const hardware::NicSpec& nic : node.nics) {
    if (nic.fabric == fabric) bandwidth += nic.bandwidth.value.value() * nic.count;
  }
  for (size_t i = 0; i < node.nics.size(); ++i) {
    const hardware::NicSpec& nic = node.nics[i];
    if (nic.fabric != fabric) continue;
    nic_bytes[i] += whole(amount * nic.bandwidth.value.value() * nic.count / bandwidth);
  }
}

// Drives told apart are numbered through the kinds of a node, node by node.
void add_each_drive(const hardware::NodeSpec& node, const TierOutcome& tier,
                    ledger::Meters& meters) {
  size_t device = 0;
  while (device < tier.devices.size()) {
    for (size_t i = 0; i < node.drives.size(); ++i) {
      for (uint32_t n = 0; n < node.drives[i].count; ++n, ++device) {
        meters.drives[i].read += bytes(static_cast<int64_t>(tier.devices[device].read_bytes));
        meters.drives[i].written += bytes(static_cast<int64_t>(tier.devices[device].written_bytes));
      }
    }
  }
}

void add_drives(const hardware::NodeSpec& node, const TierOutcome& tier, ledger::Meters& meters) {
  if (!tier.devices.empty()) return add_each_drive(node, tier, meters);
  double reads = 0;
  for (const hardware::DriveSpec& drive : node.drives) {
    reads += drive.read.value.value() * drive.count;
  }
  for (size_t i = 0; i < node.drives.size(); ++i) {
    const double share = node.drives[i].read.value.value() * node.drives[i].count / reads;
    meters.drives[i].read += whole(static_cast<double>(tier.counts.read_bytes) * share);
    meters.drives[i].written += whole(static_cast<double>(tier.counts.written_bytes) * share);
  }
}

void add_traffic(const TierOutcome& tier, ledger::Traffic& traffic) {
  traffic.read += bytes(static_cast<int64_t>(tier.counts.read_bytes));
  traffic.written += bytes(static_cast<int64_t>(tier.counts.written_bytes));
  traffic.cached += bytes(static_cast<int64_t>(tier.counts.cache_hit_bytes));
}

// Of indices in one place: cores kept for them, and time that these worked.
struct IndexWork {
  double cores = 0;
  uint64_t core_ns = 0;
};

IndexWork index_work(const Outcome& outcome, StationPlace place) {
  IndexWork work;
  for (const serving::StationOutcome& station : outcome.stations) {
    if (station.place != place) continue;
    work.cores += station.servers;
    work.core_ns += station.counts.operations * static_cast<uint64_t>(station.operation_ns);
  }
  return work;
}

// Operations of a card's own kind that take its cores as long.
uint64_t operations_in(uint64_t core_ns, const hardware::DpuSpec& dpu) {
  Nanoseconds one = dpu.operation_time.value;
  if (dpu.tenant_check) one += dpu.tenant_check->value;
  return core_ns / static_cast<uint64_t>(one.value());
}

}  // namespace

// A card's cores draw by what they work, at operations of its own kind; those kept for an index
// move nothing.
void add_tier_meters(const Outcome& outcome, const ledger::Provision& boxes,
                     ledger::Meters& meters) {
  if (outcome.links.empty()) return;
  const hardware::NodeSpec& node = boxes.node;
  meters.nic_bytes.resize(node.nics.size());
  meters.drives.resize(node.drives.size());
  meters.dpus.resize(node.dpus.size());
  meters.dram_bytes += whole(carried(outcome, "node", "memory").bytes);
  double stored = 0;  // through ports of enclosures and services
  for (const TierOutcome& tier : outcome.tiers) {
    if (tier.kind == TierKind::nvme) add_drives(node, tier, meters);
    if (tier.kind == TierKind::context || tier.kind == TierKind::external) {
      stored += static_cast<double>(tier.counts.read_bytes + tier.counts.written_bytes);
    }
    if (tier.kind == TierKind::context) add_traffic(tier, meters.context);
    if (tier.kind == TierKind::external) add_traffic(tier, meters.external);
  }
  if (boxes.context && boxes.context->enclosure) {
    const hardware::DpuSpec& dpus = boxes.context->enclosure->dpus;
    const double cores = static_cast<double>(dpus.cores) * dpus.count * boxes.context->count;
    const IndexWork index = index_work(outcome, StationPlace::enclosure);
    const double rate = dpus.operations().value() * (cores - index.cores) / dpus.cores;
    // All cards are alike, and each link stands for as many of them.
    const Carried moved = carried(outcome, "context", "cores");
    if (moved.links > 0) {
      meters.context.operations += static_cast<uint64_t>(moved.busy / moved.links * rate);
    }
    meters.context.operations += operations_in(index.core_ns, dpus);
  }

  const double up = carried(outcome, "node", "storage.up").bytes;
  const double down = carried(outcome, "node", "storage.down").bytes;
  const double between =
      carried(outcome, "node", "fabric.up").bytes + carried(outcome, "node", "fabric.down").bytes;
  const bool east_west = has(node, Fabric::east_west);
  const bool north_south = has(node, Fabric::north_south);
  if (!node.dpus.empty()) {
    double network = 0;
    double cards = 0;
    for (const hardware::DpuSpec& dpu : node.dpus) {
      network += dpu.network.value.value() * dpu.count;
      cards += dpu.count;
    }
    const IndexWork index = index_work(outcome, StationPlace::node_dpu);
    const double kept = index.cores / (cards * boxes.nodes);  // of each card
    double rate = 0;                                          // operations/s
    for (const hardware::DpuSpec& dpu : node.dpus) {
      rate += dpu.operations().value() * dpu.count * (1 - kept / dpu.cores);
    }
    const double operations = carried(outcome, "node", "dpu").busy * rate;
    for (size_t i = 0; i < node.dpus.size(); ++i) {
      const hardware::DpuSpec& dpu = node.dpus[i];
      const double share = dpu.network.value.value() * dpu.count / network;
      const double indexed = static_cast<double>(index.core_ns) * dpu.count / cards;
      meters.dpus[i].read += whole(up * share);
      meters.dpus[i].written += whole(down * share);
      meters.dpus[i].operations += static_cast<uint64_t>(operations * share);
      meters.dpus[i].operations += operations_in(static_cast<uint64_t>(indexed), dpu);
    }
  } else {
    add_nics(node, north_south ? Fabric::north_south : Fabric::east_west, up + down,
             meters.nic_bytes);
  }
  add_nics(node, east_west ? Fabric::east_west : Fabric::north_south, between, meters.nic_bytes);
  // Through one switch, or leaf, spine, leaf. What one box sends to another, node or store, crosses
  // two of their ports and is switched once.
  const double uplinks =
      carried(outcome, "leaf", "storage.up").bytes + carried(outcome, "leaf", "fabric.up").bytes;
  const double ports = up + down + stored + between;
  if (boxes.switches > 0) meters.switched += whole(ports / 2 + 2 * uplinks);
}

}  // namespace tiercast::reports
