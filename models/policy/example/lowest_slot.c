/* A complete cache policy as a plug-in: the victims are the evictable blocks in the lowest slots.
 *
 *     cc -shared -fPIC lowest_slot.c -o lowest_slot.so $(pkg-config --cflags tierpolicy)
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <tierpolicy.h>

struct tp_cache {
  uint32_t slot_count;
  uint32_t answers;
  unsigned char evictable[]; /* by slot */
};

static const tp_info* info(void) {
  static const tp_info facts = {sizeof facts, TP_ABI_MAJOR, TP_ABI_MINOR, 0, "lowest-slot", "1.0"};
  return &facts;
}

static int create(const char* config, const tp_pool* pool, uint64_t seed, tp_cache** out,
                  char* error, size_t error_size) {
  (void)seed;
  if (config[0] != '\0') {
    snprintf(error, error_size, "this policy has no parameters");
    return TP_EINVAL;
  }
  const bool counted = pool->size >= sizeof *pool && pool->slot_count != 0;
  const uint32_t slot_count = counted ? pool->slot_count : pool->capacity_blocks;
  *out = calloc(1, sizeof **out + slot_count);
  if (*out == NULL) return TP_ENOMEM;
  (*out)->slot_count = slot_count;
  return TP_OK;
}

static void destroy(tp_cache* self) { free(self); }

static int on_evictable(tp_cache* self, int64_t now_ns, uint32_t on, const tp_span* spans,
                        size_t span_count) {
  (void)now_ns;
  for (size_t i = 0; i < span_count; ++i)
    for (uint32_t k = 0; k < spans[i].count; ++k)
      self->evictable[spans[i].first_slot + k] = on != 0;
  return TP_OK;
}

static int on_remove(tp_cache* self, int64_t now_ns, uint32_t reason, const tp_span* spans,
                     size_t span_count) {
  (void)reason;
  return on_evictable(self, now_ns, 0, spans, span_count);
}

/* The token numbers this answer, and says how many blocks it names, so that commit can find the
 * same ones again. The number is all that asking changes, and no answer depends on it. */
static int select_victims(const tp_cache* self, int64_t now_ns, uint32_t need_blocks, tp_span* out,
                          size_t out_capacity, tp_victims* victims) {
  (void)now_ns;
  uint32_t named = 0;
  for (uint32_t slot = 0; slot < self->slot_count && named < need_blocks; ++slot) {
    if (!self->evictable[slot]) continue;
    if (named < out_capacity) out[named] = (tp_span){slot, 1};
    ++named;
  }
  if (named < need_blocks) return TP_EREFUSED;
  const uint64_t number = ++((tp_cache*)self)->answers;
  *victims = (tp_victims){number << 32 | need_blocks, need_blocks, need_blocks};
  return named <= out_capacity ? TP_OK : TP_ESPACE;
}

static int commit(tp_cache* self, int64_t now_ns, uint64_t token, const uint8_t* accepted) {
  (void)now_ns;
  uint32_t named = 0;
  for (uint32_t slot = 0; named < (uint32_t)token; ++slot) {
    if (!self->evictable[slot]) continue;
    if (accepted == NULL || accepted[named]) self->evictable[slot] = 0;
    ++named;
  }
  return TP_OK;
}

static int abort_victims(tp_cache* self, uint64_t token) {
  (void)self, (void)token;
  return TP_OK;
}

const tp_plugin* tp_plugin_entry(uint32_t abi_major, uint32_t abi_minor) {
  static const tp_cache_table table = {
      .size = sizeof table,
      .info = info,
      .create = create,
      .destroy = destroy,
      .on_remove = on_remove,
      .on_evictable = on_evictable,
      .select = select_victims,
      .commit = commit,
      .abort = abort_victims,
  };
  static const tp_plugin plugin = {.size = sizeof plugin, .cache = &table};
  return abi_major == TP_ABI_MAJOR && abi_minor >= TP_ABI_MINOR ? &plugin : NULL;
}
