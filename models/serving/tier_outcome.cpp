#include "models/serving/tier_outcome.hpp"

#include <utility>

namespace tiercast::serving {

namespace {

void collect_stations(const tiering::TierManager& tiers, Outcome& outcome) {
  const std::vector<tiering::StationSpec>& stations = tiers.spec().stations;
  const tiering::IndexServers& servers = tiers.transfers().servers();
  constexpr llm::Int128 kFsPerNs = 1'000'000;
  for (uint32_t s = 0; s < stations.size(); ++s) {
    const tiering::StationSpec& station = stations[s];
    const tiering::IndexServers::Counts& counts = servers.counts(s);
    outcome.stations.push_back(
        {station.name, station.place, station.servers, station.operation_ns, counts});
    if (station.place == tiering::StationPlace::node) {
      outcome.copy_core_fs += kFsPerNs * counts.operations * station.operation_ns;
    }
  }
}

}  // namespace

void collect_tiers(const tiering::TierManager& tiers, Outcome& outcome) {
  const tiering::TierSetSpec& spec = tiers.spec();
  for (uint32_t t = 0; t < spec.tiers.size(); ++t) {
    TierOutcome tier;
    tier.name = spec.tiers[t].name;
    tier.kind = spec.tiers[t].kind;
    tier.cut = spec.tiers[t].simulated_blocks < spec.tiers[t].capacity_blocks;
    tier.block_bytes = spec.tiers[t].block_bytes;
    tier.index_delay_ns = spec.tiers[t].index_delay_ns;
    tier.counts = tiers.counts(t);
    tier.devices = tiers.devices(t);
    tier.cache_blocks = uint64_t{spec.tiers[t].cache_blocks} * tiers.caches(t).size();
    for (const tiering::TierPool& pool : tiers.pools(t)) {
      ++tier.pools;
      tier.capacity_blocks += spec.tiers[t].capacity_blocks;
      tier.present_blocks += pool.present_blocks();
      tier.pool_counts += pool.counts();
    }
    outcome.tiers.push_back(std::move(tier));
  }
  const resources::LinkNetwork& network = tiers.transfers().network();
  for (uint32_t l = 0; l < spec.links.size(); ++l) {
    outcome.links.push_back({spec.links[l].name, spec.links[l].bytes_per_s,
                             network.carried_bytes(l), network.started_bytes(l)});
  }
  outcome.copy_core_fs = tiers.core_fs();
  collect_stations(tiers, outcome);
  outcome.effort.policy_calls += tiers.policy_calls();
  outcome.effort.transfers = tiers.transfers().started();
  outcome.effort.solves = network.counters().solves;
  outcome.effort.bundles_solved = network.counters().bundles_solved;
}

}  // namespace tiercast::serving
