// The calls of a router that runs in a child process.
#include <algorithm>

#include "models/tiering/isolated_calls.hpp"

namespace tiercast::tiering {

// An entry that this file does not know would be missing where a plug-in is isolated.
static_assert(sizeof(tp_router_table) == 8 + 7 * sizeof(void*));

namespace {

const tp_prompt* copy_prompt(ChildProcess& child, const tp_prompt* prompt) {
  tp_prompt* copied = child.copy(prompt);
  if (copied != nullptr) copied->keys = child.copy(prompt->keys, prompt->key_count);
  return copied;
}

}  // namespace

struct IsolatedTables::RouterCalls
    : Calls<tp_router, tp_router_table, &IsolatedTables::router_info_,
            &IsolatedTables::router_there_> {
  static int route(tp_router* self, int64_t now_ns, const tp_request* request,
                   const tp_prompt* prompt, const tp_worker* workers, size_t worker_count,
                   uint32_t* chosen, double* costs) {
    return call(
        self, "route", now_ns, [&](ChildProcess& child, const auto& there, tp_router* router) {
          uint32_t* picked = child.copy(chosen);
          double* told = child.copy(costs, worker_count);
          const int code = ask(
              child, [entry = there.route, router, now_ns, asked_by = copy_request(child, request),
                      asked = copy_prompt(child, prompt), seen = child.copy(workers, worker_count),
                      worker_count, picked, told] {
                return entry(router, now_ns, asked_by, asked, seen, worker_count, picked, told);
              });
          *chosen = *picked;
          if (told != nullptr) std::copy_n(told, worker_count, costs);
          return code;
        });
  }
};

int IsolatedTables::create_router(const char* config, uint64_t seed, tp_router** out, char* error,
                                  size_t error_size) {
  return RouterCalls::create(
      *this, config, out, error, error_size,
      [&](ChildProcess& child, const char* text, tp_router** instance, char* said) {
        return ask(child, [entry = router_there_.create, text, seed, instance, said, error_size] {
          return entry(text, seed, instance, said, error_size);
        });
      });
}

void IsolatedTables::make_router_table() {
  router_.size = router_there_.size;
  const auto take = [&](auto tp_router_table::*entry, auto ours) {
    if (router_there_.*entry != nullptr) router_.*entry = ours;
  };
  take(&tp_router_table::destroy, RouterCalls::destroy);
  take(&tp_router_table::save, RouterCalls::save);
  take(&tp_router_table::restore, RouterCalls::restore);
  take(&tp_router_table::hash_state, RouterCalls::hash_state);
  take(&tp_router_table::route, RouterCalls::route);
}

}  // namespace tiercast::tiering
