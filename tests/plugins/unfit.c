/* Plug-ins that cannot be used at all, one for each value of KIND. */
#include <signal.h>

#define tp_plugin_entry honest_entry
#include "models/policy/example/lowest_slot.c"
#undef tp_plugin_entry

enum {
  NO_ENTRY,
  OTHER_VERSION,
  OTHER_MAJOR,
  NO_TABLES,
  NO_SELECT,
  NEEDS_FUTURE,
  CRASHES,
  SMALL,
  CRASHES_IN_SELECT
};

#if KIND != 0
TP_API const tp_plugin* tp_plugin_entry(uint32_t abi_major, uint32_t abi_minor);

static const tp_info* unfit_info(void) {
  static tp_info facts;
  facts = *info();
  facts.name = "unfit";
  if (KIND == OTHER_MAJOR) facts.abi_major = TP_ABI_MAJOR + 1;
  if (KIND == NEEDS_FUTURE) facts.capabilities = TP_CAP_NEEDS_FUTURE;
  return &facts;
}

static int crashing_select(const tp_cache* self, int64_t now_ns, uint32_t need_blocks, tp_span* out,
                           size_t out_capacity, tp_victims* victims) {
  raise(SIGSEGV);
  return select_victims(self, now_ns, need_blocks, out, out_capacity, victims);
}

const tp_plugin* tp_plugin_entry(uint32_t abi_major, uint32_t abi_minor) {
  static tp_cache_table table;
  static tp_plugin plugin;
  if (KIND == CRASHES) raise(SIGSEGV);
  if (KIND == OTHER_VERSION) return NULL;
  table = *honest_entry(abi_major, abi_minor)->cache;
  table.info = unfit_info;
  if (KIND == NO_SELECT) table.select = NULL;
  if (KIND == CRASHES_IN_SELECT) table.select = crashing_select;
  plugin.size = KIND == SMALL ? 8 : sizeof plugin;
  plugin.cache = KIND == NO_TABLES ? NULL : &table;
  return &plugin;
}
#endif
