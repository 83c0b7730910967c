#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "models/policy/parameters.hpp"
#include "models/policy/tierpolicy.h"

namespace tiercast::policy {

/// A built-in placement policy, as listings and scenario checks see it.
struct PlacementEntry {
  std::string_view name;
  std::string_view description;
  std::string_view source;
  std::span<const Parameter> parameters;
  const tp_placement_table* table;
};

/// All built-in placement policies, in a fixed order: they differ in when blocks are written.
///
/// All share how blocks are fetched (parameter `fetch`): 0 loads whatever a tier holds; 1 computes
/// it all again; 2 loads the leading runs for which
///
///     T(s) = max over tiers(latency + (queued + bytes) / bandwidth) + sum over runs behind
///     s(compute)
///
/// is least, s being the number of runs loaded. Inside a run the time to compute a block grows with
/// its depth while that to load it does not, so T is concave there and least at an end.
std::span<const PlacementEntry> placement_policies();

/// NULL for an unknown name.
const PlacementEntry* find_placement_policy(std::string_view name);

}  // namespace tiercast::policy
