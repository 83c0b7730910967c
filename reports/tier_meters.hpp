#pragma once

#include "models/ledger/ledger.hpp"
#include "models/ledger/provision.hpp"
#include "models/serving/outcome.hpp"

namespace tiercast::reports {

/// Adds to `meters` what the tiers' transfers moved through the boxes of `boxes`: host memory,
/// drives, DPUs, network cards, switches, enclosures, services. From the bytes that each tier gave
/// and took, and each link carried, in the timed window; links are known by name (see
/// scenario/tier_world.hpp). Traffic of one fabric is spread over its cards, and of a node's drives
/// over its kinds, by bandwidth.
void add_tier_meters(const serving::Outcome& outcome, const ledger::Provision& boxes,
                     ledger::Meters& meters);

}  // namespace tiercast::reports
