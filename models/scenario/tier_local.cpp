// Tiers on a node: host memory, drives; and the host memory of other nodes.
#include <cmath>
#include <utility>

#include "models/scenario/tier_builder.hpp"

namespace tiercast::scenario {

namespace {
constexpr double kHostMemoryShare = 0.8;  // of a node's memory, where a scenario names no capacity
}  // namespace

void TierBuilder::add_dram(size_t i, const TierSection& section, tiering::TierSpec& tier) {
  tier.kind = tiering::TierKind::dram;
  const TierScope scope = section.scope.value_or(default_scope(section.kind));
  pool_by_scope(tier, scope);
  const hardware::NodeSpec& node = spec_.cluster.node;
  const auto installed = static_cast<double>(node.host.dram.value.value());
  const double engines_on_node = std::max(1.0, std::floor(node.gpus / double(ranks())));
  const double pools_on_node = scope == TierScope::engine ? engines_on_node : 1;
  const double share = section.capacity ? 1 : kHostMemoryShare;
  set_capacity(i, tier, section, installed * share / pools_on_node,
               "a pool's share of the node's memory");
  set_costs(tier, *section.stack, nanoseconds(0), nanoseconds(0));
  for (uint32_t p = 0; p < tier.pools.size(); ++p) {
    const uint32_t on = scope == TierScope::node ? p : set_.node_of[p];
    tier.pools[p] = {on, {{links_.memory(on)}, {links_.memory(on)}}, {}};
  }
  for (uint32_t e = 0; e < engines(); ++e) tier.to_engine[e] = links_.copies(e);
}

void TierBuilder::add_peer(const TierSection& section, tiering::TierSpec& tier) {
  tier.kind = tiering::TierKind::peer;
  tier.fabric = switches_.gpus();
  set_costs(tier, *section.stack, nanoseconds(0), nanoseconds(0));
  for (uint32_t e = 0; e < engines(); ++e) {
    tier.to_engine[e] = set_.engine_fabric[e];
  }
  for (uint32_t n = 0; n < links_.nodes(); ++n) {
    tier.to_node[n] = links_.fabric(n);
    append(tier.to_node[n].up, {links_.memory(n)});
  }
}

// Between a tier's devices on a node and the GPU, or host memory, of that node.
void TierBuilder::reach_locally(const hardware::StackSpec& stack, tiering::TierSpec& tier) {
  for (uint32_t e = 0; e < engines(); ++e) {
    tier.to_engine[e] = links_.copies(e);
    if (stack.bypass_host) continue;
    append(tier.to_engine[e].up, {links_.memory(set_.node_of[e])});
    append(tier.to_engine[e].down, {links_.memory(set_.node_of[e])});
  }
}

void TierBuilder::add_nvme(size_t i, const TierSection& section, tiering::TierSpec& tier) {
  tier.kind = tiering::TierKind::nvme;
  const std::vector<hardware::DriveSpec>& drives = spec_.cluster.node.drives;
  pool_by_scope(tier, TierScope::node);
  DriveSums sums;
  size_t devices = 0;
  for (const hardware::DriveSpec& drive : drives) {
    sums.add(drive, operation(*section.stack), drive.count);
    devices += drive.count;
  }
  set_capacity(i, tier, section, sums.capacity, "the node's drives");
  set_costs(tier, *section.stack, sums.read_latency, sums.write_latency);
  set_delays(tier, drives);
  set_rated_writes(sums.writes_a_day, tier);
  const bool apart = stripe(i, section, devices, tier);
  for (uint32_t p = 0; p < tier.pools.size(); ++p) {
    const std::string name = "nvme" + std::to_string(p);
    tiering::TierPoolSpec& pool = tier.pools[p];
    pool.node = p;
    if (!apart) {
      pool.links = drive_links(name, sums, section);
      continue;
    }
    for (const hardware::DriveSpec& drive : drives) {
      for (uint32_t n = 0; n < drive.count; ++n) {
        const std::string number = std::to_string(pool.devices.size());
        pool.devices.push_back(device_links(name + "." + number, drive, section));
      }
    }
  }
  reach_locally(*section.stack, tier);
  for (uint32_t n = 0; n < links_.nodes(); ++n) {
    tier.to_node[n] = {{links_.memory(n)}, {links_.memory(n)}};
  }
}

}  // namespace tiercast::scenario
