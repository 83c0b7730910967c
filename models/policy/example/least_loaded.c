/* A whole plug-in in plain C: sends each request to the worker with the fewest outstanding
 * requests, of equals to the one with the fewest tokens of theirs, of equals to the first. */
#include <stdio.h>

#include <tierpolicy.h>

struct tp_router {
  char nothing;
};

static const tp_info* info(void) {
  static const tp_info facts = {sizeof facts,      TP_ABI_MAJOR, TP_ABI_MINOR, 0,
                                "fewest-requests", "1.0"};
  return &facts;
}

static int create(const char* config, uint64_t seed, tp_router** out, char* error,
                  size_t error_size) {
  static tp_router stateless;
  (void)seed;
  if (config[0] != '\0') {
    snprintf(error, error_size, "this policy has no parameters");
    return TP_EINVAL;
  }
  *out = &stateless;
  return TP_OK;
}

static void destroy(tp_router* self) { (void)self; }

/* An array's stride is what its first says, so that hosts of later versions may send longer views.
 */
static const tp_worker* at(const tp_worker* workers, size_t index) {
  return (const tp_worker*)((const char*)workers + index * workers->size);
}

static int route(tp_router* self, int64_t now_ns, const tp_request* request,
                 const tp_prompt* prompt, const tp_worker* workers, size_t worker_count,
                 uint32_t* chosen, double* costs) {
  (void)self, (void)now_ns, (void)request, (void)prompt;
  const tp_worker* best = workers;
  *chosen = 0;
  for (size_t i = 0; i < worker_count; ++i) {
    const tp_worker* worker = at(workers, i);
    if (costs != NULL) costs[i] = worker->outstanding_requests;
    if (worker->outstanding_requests > best->outstanding_requests) continue;
    if (worker->outstanding_requests == best->outstanding_requests &&
        worker->outstanding_tokens >= best->outstanding_tokens) {
      continue;
    }
    best = worker;
    *chosen = (uint32_t)i;
  }
  return TP_OK;
}

const tp_plugin* tp_plugin_entry(uint32_t abi_major, uint32_t abi_minor) {
  static const tp_router_table table = {
      .size = sizeof table, .info = info, .create = create, .destroy = destroy, .route = route};
  static const tp_plugin plugin = {.size = sizeof plugin, .router = &table};
  return abi_major == TP_ABI_MAJOR && abi_minor >= TP_ABI_MINOR ? &plugin : NULL;
}
