// Meters of a run that the test reads itself: bytes as transfers start, each counted by what it
// goes from and to, and what requests took of the GPUs by the log.
#pragma once

#include <cstdint>
#include <vector>

#include "models/ledger/ledger.hpp"
#include "models/serving/outcome.hpp"
#include "models/tiering/tier_spec.hpp"
#include "tests/ledger/random_site.hpp"

namespace tiercast::tests {

/// Both ways past one place, as links that nothing waits for.
struct Gauge {
  uint32_t up = 0;
  uint32_t down = 0;
};

/// Gauges of one tier: towards each engine, towards each node, at each of its own pools.
struct TierGauges {
  std::vector<Gauge> engines;
  std::vector<Gauge> nodes;
  std::vector<Gauge> pools;
};

struct Gauges {
  std::vector<TierGauges> tiers;
  std::vector<Gauge> handoffs;        ///< by engine
  std::vector<Gauge> local_handoffs;  ///< the same inside a node
};

/// Puts gauges on every way of the set.
Gauges add_gauges(tiering::TierSetSpec& set);

struct OwnMeters : ledger::Meters {
  uint64_t copied_bytes = 0;  ///< each time that a stack moved them
};

/// What `outcome`, of a run with `gauges`, put through each box of the site. By which boxes a way
/// crosses, where the ledger goes by the counters of the simulated links and pools.
OwnMeters own_meters(const RandomSite& site, const serving::Outcome& outcome, const Gauges& gauges);

/// What requests took of the GPUs, in ticks: steps, tokens, samples and attention, each as often as
/// the log says. Attention where nothing was preempted or handed over, else the site's costs must
/// have none.
llm::Int128 own_step_ticks(const RandomSite& site, const serving::Outcome& outcome);

}  // namespace tiercast::tests
