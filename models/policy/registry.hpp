#pragma once

#include <span>
#include <string_view>

#include "models/policy/parameters.hpp"
#include "models/policy/tierpolicy.h"

namespace tiercast::policy {

/// A built-in cache policy, as listings and scenario checks see it.
struct CacheEntry {
  std::string_view name;
  std::string_view description;  ///< one paragraph
  std::string_view source;       ///< paper or production file the behaviour follows
  std::span<const Parameter> parameters;
  const tp_cache_table* table;
  const tp_future_table* future;  ///< of an offline bound; NULL for others
};

/// All built-in cache policies, in a fixed order.
std::span<const CacheEntry> cache_policies();

/// NULL for an unknown name; nearest_name(cache_policies(), name) may know what was meant.
const CacheEntry* find_cache_policy(std::string_view name);

}  // namespace tiercast::policy
