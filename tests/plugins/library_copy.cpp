// Policies of the library as a plug-in: what they decide must not depend on where they come from.
#include "models/policy/lru.hpp"
#include "models/policy/plugin.hpp"

extern "C" const tp_plugin* tp_plugin_entry(uint32_t major, uint32_t minor) {
  static tp_plugin plugin{};
  const tp_plugin* lru = tiercast::policy::cache_plugin<tiercast::policy::Lru>(major, minor);
  if (lru == nullptr) return nullptr;
  plugin = *lru;
  plugin.placement = tp_find_builtin_placement("through");
  plugin.router = tp_find_builtin_router("replicate-hot");
  return &plugin;
}
