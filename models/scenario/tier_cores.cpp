// Cores of the nodes that copies keep busy.
#include <algorithm>
#include <limits>
#include <utility>

#include "models/ledger/ledger.hpp"
#include "models/scenario/tier_builder.hpp"
#include "models/scenario/tier_index.hpp"

namespace tiercast::scenario {

namespace {

using tiering::TwoWay;
using Way = std::vector<uint32_t> TwoWay::*;

constexpr Way kWays[] = {&TwoWay::up, &TwoWay::down};

}  // namespace

// Of a host core for one byte, in seconds.
double TierBuilder::core_time(const hardware::StackSpec& stack) const {
  double seconds = stack.core_time.value.value() / static_cast<double>(operation(stack).value());
  if (stack.core_bandwidth) seconds += 1 / stack.core_bandwidth->value.value();
  return seconds;
}

// Bytes a second, by node, that a tier and its engines exchange when all do both ways: each way,
// and each drive told apart, gets an even part of every link it crosses.
std::vector<double> TierBuilder::full_rates(const tiering::TierSpec& tier) const {
  std::vector<uint32_t> users(set_.links.size(), 0);
  const auto use = [&](const std::vector<uint32_t>& links) {
    for (const uint32_t link : links) ++users[link];
  };
  const auto part = [&](const std::vector<uint32_t>& links) {
    double rate = std::numeric_limits<double>::infinity();
    for (const uint32_t link : links) {
      rate = std::min(rate, static_cast<double>(set_.links[link].bytes_per_s) / users[link]);
    }
    return rate;
  };
  const auto pool_of = [&](uint32_t e) {
    const uint32_t pool = tier.pool_of[e];
    return pool == tiering::kNone ? nullptr : &tier.pools[pool];
  };
  std::vector<uint32_t> engines_of(tier.pools.size(), 0);
  for (const Way way : kWays) {
    for (uint32_t e = 0; e < engines(); ++e) {
      use(tier.to_engine[e].*way);
      if (pool_of(e) == nullptr) continue;
      use(pool_of(e)->links.*way);
      if (way == &TwoWay::up) ++engines_of[tier.pool_of[e]];
    }
    for (const tiering::TierPoolSpec& pool : tier.pools) {
      for (const TwoWay& device : pool.devices) use(device.*way);
    }
  }
  std::vector<double> rates(links_.nodes(), 0);
  for (const Way way : kWays) {
    for (uint32_t e = 0; e < engines(); ++e) {
      double rate = part(tier.to_engine[e].*way);
      if (const tiering::TierPoolSpec* const pool = pool_of(e); pool != nullptr) {
        rate = std::min(rate, part(pool->links.*way));
        double devices = 0;
        for (const TwoWay& device : pool->devices) devices += part(device.*way);
        if (devices > 0) rate = std::min(rate, devices / engines_of[tier.pool_of[e]]);
      }
      rates[set_.node_of[e]] += rate;
    }
  }
  return rates;
}

void TierBuilder::want_cores(const hardware::StackSpec& stack, const tiering::TierSpec& tier) {
  CoreDemand demand{set_.tiers.size() - 1, core_time(stack), full_rates(tier)};
  for (double& cores : demand.cores) cores *= demand.core_s_a_byte;
  core_demands_.push_back(std::move(demand));
}

// Where a node's cores, beside those that serve and hold indices, cannot move what all tiers could
// at once, each tier has a part of them, in proportion to what it could use: a link.
void TierBuilder::share_cores() {
  const double at_work = spec_.cluster.node.host.cores - host_index_cores(spec_);
  std::vector<double> free(links_.nodes(), at_work);
  for (const uint32_t node : set_.node_of) free[node] -= ledger::serving_cores(ranks());
  std::vector<double> wanted(links_.nodes(), 0);
  for (const CoreDemand& demand : core_demands_) {
    for (uint32_t n = 0; n < links_.nodes(); ++n) wanted[n] += demand.cores[n];
  }
  for (const CoreDemand& demand : core_demands_) {
    tiering::TierSpec& tier = set_.tiers[demand.tier];
    std::vector<std::vector<uint32_t>> link_of(links_.nodes());
    for (uint32_t n = 0; n < links_.nodes(); ++n) {
      const double cores = std::max(1.0, free[n]);
      if (demand.cores[n] <= 0 || cores >= wanted[n]) continue;
      const double part = cores * demand.cores[n] / wanted[n];
      link_of[n] = {add_link(set_.links, "node" + std::to_string(n) + ".cores." + tier.name,
                             part / demand.core_s_a_byte)};
      append(tier.to_node[n], {link_of[n], link_of[n]});
    }
    for (uint32_t e = 0; e < engines(); ++e) {
      const std::vector<uint32_t>& link = link_of[set_.node_of[e]];
      append(tier.to_engine[e], {link, link});
    }
  }
}

}  // namespace tiercast::scenario
