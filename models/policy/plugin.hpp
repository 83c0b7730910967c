#pragma once

#include <cstdint>

#include "models/policy/cache_adapter.hpp"
#include "models/policy/tierpolicy.h"

namespace tiercast::policy {

/// What the entry of a plug-in with one cache policy answers; NULL to a host of another version.
///
///     extern "C" const tp_plugin* tp_plugin_entry(uint32_t major, uint32_t minor) {
///       return cache_plugin<MyPolicy>(major, minor);
///     }
template <class P>
const tp_plugin* cache_plugin(uint32_t abi_major, uint32_t abi_minor) {
  static const tp_plugin plugin{.size = sizeof plugin,
                                .reserved = 0,
                                .cache = CacheAdapter<P>::table(),
                                .placement = nullptr,
                                .router = nullptr};
  return abi_major == TP_ABI_MAJOR && abi_minor >= TP_ABI_MINOR ? &plugin : nullptr;
}

}  // namespace tiercast::policy
