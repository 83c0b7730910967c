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

/// All built-in placement policies, in a fixed order: they differ in when blocks are written, and
/// share the rules by which they come back (fetch_rule.hpp) and may be written
/// (admission_rule.hpp).
std::span<const PlacementEntry> placement_policies();

/// NULL for an unknown name.
const PlacementEntry* find_placement_policy(std::string_view name);

}  // namespace tiercast::policy
