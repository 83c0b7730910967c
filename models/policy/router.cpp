#include "models/policy/router.hpp"

#include <algorithm>
#include <array>

namespace tiercast::policy {

// The one list of built-in routers. An index is part of the C interface: append only.
std::span<const RouterEntry> router_policies() {
  static const std::array policies{round_robin_entry(), least_loaded_entry(), prefix_entry(),
                                   dynamo_cost_entry(), replicate_hot_entry()};
  return policies;
}

const RouterEntry* find_router_policy(std::string_view wanted) {
  const auto policies = router_policies();
  const auto found = std::find_if(policies.begin(), policies.end(),
                                  [&](const RouterEntry& known) { return known.name == wanted; });
  return found != policies.end() ? &*found : nullptr;
}

}  // namespace tiercast::policy

extern "C" const tp_router_table* tp_builtin_router(size_t index) {
  const auto policies = tiercast::policy::router_policies();
  return index < policies.size() ? policies[index].table : nullptr;
}

extern "C" const tp_router_table* tp_find_builtin_router(const char* name) {
  if (name == nullptr) return nullptr;
  const tiercast::policy::RouterEntry* found = tiercast::policy::find_router_policy(name);
  return found != nullptr ? found->table : nullptr;
}
