// Whether what a scenario says of tiers, storage and fabric fits together.
#pragma once

#include "models/scenario/problems.hpp"
#include "models/scenario/spec.hpp"

namespace tiercast::scenario {

/// Reports every tier, unit of storage, pod and port that cannot work with the rest of the
/// scenario, and warns of settings that have nothing to act on. What depends on how instances are
/// placed, capacities above all, is build_tiers's to check.
void check_tiers(const ScenarioSpec& spec, Problems& problems);

}  // namespace tiercast::scenario
