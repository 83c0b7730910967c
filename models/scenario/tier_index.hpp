// Where tiers' indices live: defaults, checks, and what of machines is set aside for them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "models/scenario/problems.hpp"
#include "models/scenario/spec.hpp"
#include "sim/base/node.hpp"

namespace tiercast::scenario {

/// Of a tier below GPU memory, as the scenario says it or, where it does not, by default; `at` has
/// a value. A tier whose objects the engine cannot use is not asked.
IndexSection tier_index(const ScenarioSpec& spec, size_t tier);

/// Cores that indices keep from other work: of each card before the tier's flash, of all DPUs of a
/// kind that a node has, and of each node's host.
uint32_t enclosure_index_cores(const ScenarioSpec& spec);
uint32_t node_dpu_index_cores(const ScenarioSpec& spec);
uint32_t host_index_cores(const ScenarioSpec& spec);

/// Where servers are ours to guess: their operation_time, into spec and resolved scenario alike.
void estimate_indices(ScenarioSpec& spec, Node& resolved);

/// What a result must be read with because of a tier's index, in a whole sentence; or empty.
std::string index_caveat(const ScenarioSpec& spec, size_t tier);

/// Reports indices where they cannot be, and figures that are another's.
void check_indices(const ScenarioSpec& spec, Problems& problems);

}  // namespace tiercast::scenario
