#pragma once

#include "models/policy/tierpolicy.h"

namespace tiercast::policy {

/// Whether a cache policy has every entry that has no default, `create` apart, which whoever was
/// handed an instance does not need.
inline bool has_required_entries(const tp_cache_table& table) {
  return table.info != nullptr && table.destroy != nullptr && table.on_remove != nullptr &&
         table.on_evictable != nullptr && table.select != nullptr && table.commit != nullptr &&
         table.abort != nullptr;
}

}  // namespace tiercast::policy
