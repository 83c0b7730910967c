/* The example router with one of the faults of faults.h. It counts what it routed. */
#include <math.h>

#include "tests/plugins/faults.h"

#define tp_plugin_entry honest_entry
#include "models/policy/example/least_loaded.c"
#undef tp_plugin_entry
TP_API const tp_plugin* tp_plugin_entry(uint32_t abi_major, uint32_t abi_minor);

static uint64_t routed = 0;

static int faulty_create(const char* config, uint64_t seed, tp_router** out, char* error,
                         size_t error_size) {
  read_fault(config);
  routed = 0;
  if (is_due("refuses_config")) {
    snprintf(error, error_size, "it refuses its config");
    return TP_EINVAL;
  }
  crash_if_due("create");
  return create(honest_config(config), seed, out, error, error_size);
}

static void faulty_destroy(tp_router* self) {
  crash_if_due("destroy");
  destroy(self);
}

static int save(const tp_router* self, void* buffer, size_t capacity, size_t* size) {
  (void)self;
  *size = sizeof routed;
  if (buffer == NULL) return TP_OK;
  if (capacity < sizeof routed) return TP_ESPACE;
  memcpy(buffer, &routed, sizeof routed);
  return TP_OK;
}

static int restore(tp_router* self, const void* buffer, size_t size) {
  (void)self;
  if (size != sizeof routed || is_due("refuses_restore")) return TP_EINVAL;
  if (!is_due("forgets_to_restore")) memcpy(&routed, buffer, sizeof routed);
  return TP_OK;
}

static uint64_t hash_state(const tp_router* self) {
  (void)self;
  return routed;
}

static int faulty_route(tp_router* self, int64_t now_ns, const tp_request* request,
                        const tp_prompt* prompt, const tp_worker* workers, size_t worker_count,
                        uint32_t* chosen, double* costs) {
  crash_if_due("route");
  if (is_due("refuses")) return TP_ESTATE;
  route(self, now_ns, request, prompt, workers, worker_count, chosen, costs);
  if (is_due("outside")) *chosen = (uint32_t)worker_count;
  if (costs != NULL && is_due("cost_nan")) costs[worker_count - 1] = NAN;
  if (costs != NULL && is_due("other_with_costs")) *chosen = (uint32_t)worker_count - 1 - *chosen;
  ++routed;
  return TP_OK;
}

const tp_plugin* tp_plugin_entry(uint32_t abi_major, uint32_t abi_minor) {
  static tp_router_table table;
  static const tp_plugin plugin = {.size = sizeof plugin, .router = &table};
  const tp_plugin* honest = honest_entry(abi_major, abi_minor);
  if (honest == NULL) return NULL;
  table = *honest->router;
  table.create = faulty_create;
  table.destroy = faulty_destroy;
  table.save = save;
  table.restore = restore;
  table.hash_state = hash_state;
  table.route = faulty_route;
  return &plugin;
}
