/* The example policy as compiled for minor version 2, whose tp_plugin ends before `router`: what is
 * behind it is something else. */
#define tp_plugin_entry newer_entry
#include "models/policy/example/lowest_slot.c"
#undef tp_plugin_entry
TP_API const tp_plugin* tp_plugin_entry(uint32_t abi_major, uint32_t abi_minor);

const tp_plugin* tp_plugin_entry(uint32_t abi_major, uint32_t abi_minor) {
  static struct {
    uint32_t size;
    uint32_t reserved;
    const tp_cache_table* cache;
    const tp_placement_table* placement;
    uintptr_t behind;
  } plugin = {.size = 24, .behind = 1};
  plugin.cache = newer_entry(abi_major, abi_minor)->cache;
  return (const tp_plugin*)&plugin;
}
