#pragma once

#include <string_view>

#include "models/policy/builtin_caches.hpp"
#include "models/policy/cache_adapter.hpp"

namespace tiercast::policy {

/// The registry's entry of a policy class.
template <class P>
CacheEntry cache_entry(std::string_view description, std::string_view source) {
  using Adapter = CacheAdapter<P>;
  return {P::name, description, source, P::parameters(), Adapter::table(), Adapter::future_table()};
}

}  // namespace tiercast::policy
