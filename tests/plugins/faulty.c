/* The example policy with one of the faults of faults.h. */
#include "tests/plugins/faults.h"

#define tp_plugin_entry honest_entry
#include "models/policy/example/lowest_slot.c"
#undef tp_plugin_entry
TP_API const tp_plugin* tp_plugin_entry(uint32_t abi_major, uint32_t abi_minor);

static uint64_t asked = 0; /* answers given, for a state that moves when it must not */
static uint64_t committed = 0;

static int faulty_create(const char* config, const tp_pool* pool, uint64_t seed, tp_cache** out,
                         char* error, size_t error_size) {
  read_fault(config);
  asked = 0;
  committed = 0;
  if (is_due("refuses_config")) {
    snprintf(error, error_size, "it refuses its config");
    return TP_EINVAL;
  }
  crash_if_due("create");
  return create(honest_config(config), pool, seed, out, error, error_size);
}

static void faulty_destroy(tp_cache* self) {
  crash_if_due("destroy");
  destroy(self);
}

static uint64_t hash_state(const tp_cache* self) {
  (void)self;
  return strcmp(fault, "asking_moves_state") == 0 ? asked : committed;
}

static int on_insert(tp_cache* self, int64_t now_ns, const tp_request* request,
                     const tp_span* spans, size_t span_count, const tp_block* blocks) {
  (void)self, (void)now_ns, (void)request, (void)spans, (void)span_count, (void)blocks;
  crash_if_due("on_insert");
  return is_due("refuses_insert") ? TP_EINVAL : TP_OK;
}

static int faulty_select(const tp_cache* self, int64_t now_ns, uint32_t need_blocks, tp_span* out,
                         size_t out_capacity, tp_victims* victims) {
  crash_if_due("select");
  const int code = select_victims(self, now_ns, need_blocks, out, out_capacity, victims);
  if (code != TP_OK) return code;
  ++asked;
  if (is_due("outside")) out[0].first_slot = self->slot_count;
  if (is_due("not_evictable")) {
    for (out[0].first_slot = 0; self->evictable[out[0].first_slot];) ++out[0].first_slot;
  }
  if (is_due("twice")) {
    out[victims->span_count++] = out[0];
    ++victims->block_count;
  }
  if (is_due("too_few")) --victims->span_count;
  if (is_due("token_zero")) victims->token = 0;
  if (is_due("token_again")) occasions_left = 1, victims->token = 7;
  if (is_due("token_of_old")) occasions_left = 1, victims->token = 7 + asked % 2;
  return TP_OK;
}

static int faulty_commit(tp_cache* self, int64_t now_ns, uint64_t token, const uint8_t* accepted) {
  if (is_due("refuses_commit")) return TP_ESTATE;
  ++committed;
  /* Some faults hide how many blocks the token stood for: the host asks for one at a time then. */
  return commit(self, now_ns, (uint32_t)token == 7 || (uint32_t)token == 8 ? 1 : token, accepted);
}

static int on_tick(tp_cache* self, int64_t now_ns) {
  (void)self, (void)now_ns;
  return TP_OK;
}

static int64_t next_wakeup(const tp_cache* self, int64_t now_ns) {
  (void)self;
  return is_due("wakes_in_the_past") ? now_ns - 1 : INT64_MAX;
}

const tp_plugin* tp_plugin_entry(uint32_t abi_major, uint32_t abi_minor) {
  static tp_cache_table table;
  static const tp_plugin plugin = {.size = sizeof plugin, .cache = &table};
  const tp_plugin* honest = honest_entry(abi_major, abi_minor);
  if (honest == NULL) return NULL;
  table = *honest->cache;
  table.create = faulty_create;
  table.destroy = faulty_destroy;
  table.hash_state = hash_state;
  table.on_insert = on_insert;
  table.select = faulty_select;
  table.commit = faulty_commit;
  table.on_tick = on_tick;
  table.next_wakeup = next_wakeup;
  return &plugin;
}
