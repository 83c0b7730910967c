#include "tests/policy/layout_checks.h"

/* Calls the library as a C program does; for test_c_interface.cpp. */
const char* name_of_builtin_as_seen_by_c(size_t index);
const char* name_of_placement_as_seen_by_c(size_t index);
const char* name_of_router_as_seen_by_c(size_t index);

const char* name_of_builtin_as_seen_by_c(size_t index) {
  const tp_cache_table* table = tp_builtin_cache(index);
  return table != NULL ? table->info()->name : NULL;
}

const char* name_of_placement_as_seen_by_c(size_t index) {
  const tp_placement_table* table = tp_builtin_placement(index);
  return table != NULL ? table->info()->name : NULL;
}

const char* name_of_router_as_seen_by_c(size_t index) {
  const tp_router_table* table = tp_builtin_router(index);
  return table != NULL ? table->info()->name : NULL;
}
