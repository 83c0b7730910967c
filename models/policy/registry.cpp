#include "models/policy/registry.hpp"

#include <algorithm>
#include <array>

#include "models/policy/builtin_caches.hpp"

namespace tiercast::policy {

// The one list of built-in policies. An index is part of the C interface: append only.
std::span<const CacheEntry> cache_policies() {
  // clang-format off
  static const std::array policies{
      lru_entry(),
      fifo_entry(),
      s3fifo_entry(),
      clock_entry(),
      sieve_entry(),
      slru_entry(),
      twoq_entry(),
      arc_entry(),
      arc_vllm_entry(),
      leaf_lru_entry(),
      priority_entry(),
      multilru_entry(),
      lease_entry(),
      lfu_entry(),
      belady_entry(),
      prefix_bound_entry(),
      lirs_entry(),
      ttl_entry(),
      lookahead_entry(),
      session_entry(),
      gdsf_entry(),
      wtinylfu_entry(),
      hyperbolic_entry(),
      steps_entry(),
      classes_entry(),
      group_ttl_entry(),
      lecar_entry(),
      cacheus_entry(),
      lhd_entry(),
  };
  // clang-format on
  return policies;
}

const CacheEntry* find_cache_policy(std::string_view name) {
  const auto policies = cache_policies();
  const auto found = std::find_if(policies.begin(), policies.end(),
                                  [&](const CacheEntry& known) { return known.name == name; });
  return found != policies.end() ? &*found : nullptr;
}

}  // namespace tiercast::policy

extern "C" const tp_cache_table* tp_builtin_cache(size_t index) {
  const auto policies = tiercast::policy::cache_policies();
  return index < policies.size() ? policies[index].table : nullptr;
}

extern "C" const tp_cache_table* tp_find_builtin_cache(const char* name) {
  if (name == nullptr) return nullptr;
  const tiercast::policy::CacheEntry* found = tiercast::policy::find_cache_policy(name);
  return found != nullptr ? found->table : nullptr;
}

extern "C" const tp_future_table* tp_find_builtin_future(const char* name) {
  if (name == nullptr) return nullptr;
  const tiercast::policy::CacheEntry* found = tiercast::policy::find_cache_policy(name);
  return found != nullptr ? found->future : nullptr;
}
