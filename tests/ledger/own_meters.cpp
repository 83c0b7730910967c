#include "tests/ledger/own_meters.hpp"

#include <algorithm>
#include <initializer_list>

#include <catch2/catch.hpp>

#include "models/hardware/transfer_time.hpp"

namespace tiercast::tests {

namespace {

using hardware::Fabric;
using scenario::TierName;
using scenario::TierSection;
using serving::Outcome;
using serving::RequestRecord;
using tiering::TwoWay;

constexpr uint64_t kNothingWaits = 1'000'000'000'000'000'000;

Gauge add_gauge(tiering::TierSetSpec& set, TwoWay& way) {
  const auto first = static_cast<uint32_t>(set.links.size());
  for (int i = 0; i < 2; ++i) set.links.push_back({"gauge", kNothingWaits, false});
  way.up.push_back(first);
  way.down.push_back(first + 1);
  return {first, first + 1};
}

// Bytes of many transfers, by whether they go towards the engine or away from it.
struct Moved {
  uint64_t up = 0;
  uint64_t down = 0;

  uint64_t both() const { return up + down; }
};

Moved read(const Outcome& outcome, const std::vector<Gauge>& gauges) {
  Moved moved;
  for (const Gauge& gauge : gauges) {
    moved.up += outcome.links[gauge.up].started_bytes;
    moved.down += outcome.links[gauge.down].started_bytes;
  }
  return moved;
}

Bytes amount(uint64_t count) { return bytes(static_cast<int64_t>(count)); }

Bytes share(uint64_t count, double part) {
  return bytes(static_cast<int64_t>(static_cast<double>(count) * part));
}

// Llama-3.1-8B: keys and values of 8 heads of 128 in 16 bits, in 32 layers, over tp GPUs.
uint64_t operation(const RandomSite& site, const hardware::StackSpec& stack) {
  const hardware::KvLayout layout{tokens(16), 32, bytes(2 * 8 * 128 * 2 / site.spec.engine.tp)};
  return static_cast<uint64_t>(hardware::operation_bytes(stack, layout).value());
}

// Those that reach the cores of such a card, of the smallest ones of the tiers it serves.
uint64_t operations(const RandomSite& site, const hardware::DpuSpec& card,
                    std::initializer_list<TierName> kinds, uint64_t count) {
  auto least = static_cast<uint64_t>(card.max_operation.value.value());
  for (const TierSection& tier : site.spec.tiers) {
    if (std::find(kinds.begin(), kinds.end(), tier.kind) == kinds.end()) continue;
    least = std::min(least, operation(site, *tier.stack));
  }
  return count / least;
}

void copy(const RandomSite& site, const hardware::StackSpec& stack, uint64_t count,
          OwnMeters& meters) {
  const auto moved = static_cast<double>(count);
  Seconds time = stack.core_time.value * (moved / static_cast<double>(operation(site, stack)));
  if (stack.core_bandwidth) time += Seconds{moved / stack.core_bandwidth->value.value()};
  meters.host_core_time += time;
  meters.copied_bytes += count;
}

bool has(const hardware::NodeSpec& node, Fabric fabric) {
  for (const hardware::NicSpec& nic : node.nics) {
    if (nic.fabric == fabric) return true;
  }
  return false;
}

// What passes ports of nodes, and switches.
struct Network {
  Moved storage;         // ports of nodes to storage
  Moved fabric;          // ports of nodes to one another
  uint64_t between = 0;  // from one storage box to another, past no node
};

void spread(const RandomSite& site, const Network& network, ledger::Meters& meters) {
  const hardware::NodeSpec& node = site.spec.cluster.node;
  const Fabric to_storage =
      has(node, Fabric::north_south) ? Fabric::north_south : Fabric::east_west;
  double nic_rate[2] = {0, 0};
  for (const hardware::NicSpec& nic : node.nics) {
    nic_rate[static_cast<size_t>(nic.fabric)] += nic.bandwidth.value.value() * nic.count;
  }
  for (const hardware::NicSpec& nic : node.nics) {
    const double part =
        nic.bandwidth.value.value() * nic.count / nic_rate[static_cast<size_t>(nic.fabric)];
    uint64_t passing = 0;
    if (nic.fabric == Fabric::east_west) passing += network.fabric.both();
    if (node.dpus.empty() && nic.fabric == to_storage) passing += network.storage.both();
    meters.nic_bytes.push_back(share(passing, part));
  }
  double dpu_rate = 0;
  for (const hardware::DpuSpec& dpu : node.dpus) dpu_rate += dpu.network.value.value() * dpu.count;
  for (const hardware::DpuSpec& dpu : node.dpus) {
    const uint64_t requests =
        operations(site, dpu, {TierName::context, TierName::external}, network.storage.both());
    const double part = dpu.network.value.value() * dpu.count / dpu_rate;
    meters.dpus.push_back({share(network.storage.up, part), share(network.storage.down, part),
                           static_cast<uint64_t>(static_cast<double>(requests) * part)});
  }
  if (!site.spec.cluster.fabric) return;
  meters.switched = amount(network.storage.both() + network.between + network.fabric.up);
}

void spread_drives(const hardware::NodeSpec& node, const Moved& moved, ledger::Meters& meters) {
  double rate = 0;
  for (const hardware::DriveSpec& drive : node.drives)
    rate += drive.read.value.value() * drive.count;
  for (const hardware::DriveSpec& drive : node.drives) {
    const double part = drive.read.value.value() * drive.count / rate;
    meters.drives.push_back({share(moved.up, part), share(moved.down, part)});
  }
}

}  // namespace

Gauges add_gauges(tiering::TierSetSpec& set) {
  Gauges gauges;
  for (tiering::TierSpec& tier : set.tiers) {
    TierGauges& of_tier = gauges.tiers.emplace_back();
    for (TwoWay& way : tier.to_engine) of_tier.engines.push_back(add_gauge(set, way));
    for (TwoWay& way : tier.to_node) of_tier.nodes.push_back(add_gauge(set, way));
    for (tiering::TierPoolSpec& pool : tier.pools) {
      of_tier.pools.push_back(add_gauge(set, pool.links));
    }
  }
  for (TwoWay& way : set.engine_fabric) gauges.handoffs.push_back(add_gauge(set, way));
  for (TwoWay& way : set.engine_local) gauges.local_handoffs.push_back(add_gauge(set, way));
  return gauges;
}

OwnMeters own_meters(const RandomSite& site, const Outcome& outcome, const Gauges& gauges) {
  OwnMeters meters;
  Network network;
  Moved drives;
  uint64_t dram = 0;
  for (size_t t = 0; t < gauges.tiers.size(); ++t) {
    const TierSection& tier = site.spec.tiers[t + 1];
    const Moved engines = read(outcome, gauges.tiers[t].engines);  // loads and stores
    const Moved nodes = read(outcome, gauges.tiers[t].nodes);      // to and from pools on nodes
    const Moved pools = read(outcome, gauges.tiers[t].pools);
    const uint64_t bounced = tier.stack->bypass_host ? 0 : engines.both();
    uint64_t copied = engines.both() + nodes.both();  // by the tier's stack
    switch (tier.kind) {
      case TierName::hbm:
        break;
      case TierName::dram:
        REQUIRE(nodes.both() == 0);
        dram += engines.both();
        break;
      case TierName::peer:  // a node's memory gives, engines or another node's memory take
        REQUIRE(nodes.down == engines.up + nodes.up);
        dram += nodes.both();
        network.fabric.up += engines.up + nodes.up;
        network.fabric.down += nodes.down;
        copied = engines.up + nodes.up;
        break;
      case TierName::nvme:
        drives = pools;
        dram += bounced + nodes.both();
        break;
      case TierName::context:
      case TierName::external: {
        const bool context = tier.kind == TierName::context;
        ledger::Traffic& box = context ? meters.context : meters.external;
        box = {amount(pools.up), amount(pools.down)};
        if (context) {
          const hardware::DpuSpec& card = site.spec.cluster.storage.context->enclosure->dpus;
          box.operations = operations(site, card, {tier.kind}, pools.both());
        }
        dram += bounced + nodes.both();
        network.storage.up += engines.up + nodes.up;
        network.storage.down += engines.down + nodes.down;
        network.between += pools.up - engines.up - nodes.up;
        if (!context) copied += network.between;  // the farther one's stack
      }
    }
    copy(site, *tier.stack, copied, meters);
  }
  int64_t cards_ns = 0;
  for (const serving::StationOutcome& station : outcome.stations) {
    const auto worked_ns = static_cast<int64_t>(station.counts.operations) * station.operation_ns;
    if (station.name.starts_with("node")) {
      meters.host_core_time += to_seconds(nanoseconds(worked_ns));
    } else if (station.name.starts_with("context")) {
      cards_ns += worked_ns;
    }
  }
  const hardware::DpuSpec& card = site.spec.cluster.storage.context->enclosure->dpus;
  int64_t one_ns = card.operation_time.value.value();
  if (card.tenant_check) one_ns += card.tenant_check->value.value();
  meters.context.operations += static_cast<uint64_t>(cards_ns / one_ns);
  const Moved handoffs = read(outcome, gauges.handoffs);
  network.fabric.up += handoffs.up;
  network.fabric.down += handoffs.down;
  if (site.spec.disaggregation) {
    // Inside a node through its NVLink switches, which draw as much at rest.
    const Moved local = read(outcome, gauges.local_handoffs);
    copy(site, site.spec.disaggregation->stack, handoffs.up, meters);
    copy(site, site.spec.disaggregation->node_stack, local.up, meters);
  }
  meters.dram_bytes = amount(dram);
  spread_drives(site.spec.cluster.node, drives, meters);
  spread(site, network, meters);
  return meters;
}

llm::Int128 own_step_ticks(const RandomSite& site, const Outcome& outcome) {
  llm::Int128 steps = 0, tokens = 0, samples = 0, kv_tokens = 0, pairs = 0;
  for (const serving::InstanceOutcome& instance : outcome.instances) {
    steps += static_cast<int64_t>(instance.counts.steps);
    tokens += static_cast<int64_t>(instance.counts.decode_tokens);
  }
  for (const RequestRecord& r : outcome.log) {
    if (r.state != serving::RequestState::completed) continue;
    tokens += r.computed_tokens;
    samples += r.output_tokens;
    // The first token comes of the prompt; the next ones read all before them, and themselves.
    for (uint32_t i = 1; i < r.output_tokens; ++i) kv_tokens += r.input_tokens + i;
    for (uint32_t i = r.cached_tokens + 1; i <= r.input_tokens; ++i) pairs += i;
  }
  const LinearCosts& costs = site.costs;
  return steps * costs.engine_ticks + tokens * costs.token_ticks + samples * costs.sample_ticks +
         kv_tokens * costs.kv_ticks + pairs * costs.pair_ticks;
}

}  // namespace tiercast::tests
