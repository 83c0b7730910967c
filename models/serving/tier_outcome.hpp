#pragma once

#include "models/serving/outcome.hpp"
#include "models/tiering/tier_manager.hpp"

namespace tiercast::serving {

/// What the hierarchy did, into the facts of the run: tiers, links, stations, effort.
void collect_tiers(const tiering::TierManager& tiers, Outcome& outcome);

}  // namespace tiercast::serving
