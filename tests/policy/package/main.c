/* A host that links only the installed library: prints each policy and the first victim it names.
 */
#include <stdio.h>

#include <tierpolicy.h>

int main(void) {
  for (size_t i = 0; tp_builtin_cache(i) != NULL; ++i) {
    const tp_cache_table* table = tp_builtin_cache(i);
    const tp_pool pool = {sizeof pool, 4, 16, 4096};
    const tp_span all = {0, 4};
    tp_block blocks[4] = {0};
    tp_cache* cache = NULL;
    tp_victims victims;
    tp_span out;
    for (int k = 0; k < 4; ++k) blocks[k].size = sizeof blocks[k];
    if (table->create("", &pool, 0, &cache, NULL, 0) != TP_OK) return 1;
    if (table->on_insert(cache, 0, NULL, &all, 1, blocks) != TP_OK) return 2;
    if (table->on_evictable(cache, 0, 1, &all, 1) != TP_OK) return 3;
    if (table->select(cache, 0, 1, &out, 1, &victims) != TP_OK) return 4;
    printf("%s %u\n", table->info()->name, out.first_slot);
    table->abort(cache, victims.token);
    table->destroy(cache);
  }
  return 0;
}
