#pragma once

#include <span>
#include <string_view>

#include "models/policy/parameters.hpp"
#include "models/policy/tierpolicy.h"

namespace tiercast::policy {

/// A built-in routing policy, as listings and scenario checks see it.
struct RouterEntry {
  std::string_view name;
  std::string_view description;
  std::string_view source;
  std::span<const Parameter> parameters;
  const tp_router_table* table;
};

/// All built-in routers, in a fixed order.
std::span<const RouterEntry> router_policies();

/// NULL for an unknown name.
const RouterEntry* find_router_policy(std::string_view name);

// Each one's entry, from the file that has its class.
RouterEntry round_robin_entry();
RouterEntry least_loaded_entry();
RouterEntry prefix_entry();
RouterEntry dynamo_cost_entry();
RouterEntry replicate_hot_entry();

}  // namespace tiercast::policy
