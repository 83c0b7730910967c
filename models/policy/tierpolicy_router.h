/* The part of tierpolicy.h about routing: which engine serves a request. That file includes this
 * one. */
#include "tierpolicy.h"

#ifndef TIERPOLICY_ROUTER_H
#define TIERPOLICY_ROUTER_H

#ifdef __cplusplus
extern "C" {
#endif

/* One engine that may serve a request, as a router knows it when the request arrives. Tokens of the
 * request's prompt count as matched from its head on without a gap, and only where they are beyond
 * what the kinds before have. */
typedef struct tp_worker {
  uint32_t size; /* sizeof(tp_worker) of the caller; that of an array's first is its stride */
  uint32_t outstanding_requests; /* routed to it and not finished */
  uint64_t outstanding_tokens;   /* their prompts */
  uint64_t queued_tokens;        /* prompts of those without a first token yet */
  uint64_t active_blocks;        /* that they hold or will, as far as the host counts: of their
                                  * prompts at least */
  uint32_t device_tokens;        /* matched in its GPU memory; 0 unless info says
                                  * TP_CAP_READS_MATCHES */
  uint32_t host_tokens;          /* beyond that in memory of its node; this and the next two are 0
                                  * unless info says TP_CAP_READS_TIERS */
  uint32_t disk_tokens;          /* beyond these on its node's drives */
  uint32_t shared_tokens;        /* beyond these in storage or memory that others use too */
} tp_worker;

enum {
  TP_CAP_READS_MATCHES = 32u, /* a router: needs tp_worker.device_tokens */
  TP_CAP_READS_TIERS = 64u    /* a router: needs what lower tiers match, too */
};

/* The prompt to be routed. */
typedef struct tp_prompt {
  uint32_t size; /* sizeof(tp_prompt) of the caller */
  uint32_t tokens;
  uint32_t block_tokens;
  uint32_t key_tokens; /* that each key adds */
  uint32_t key_count;  /* 0 unless info says TP_CAP_READS_KEYS */
  uint32_t reserved;
  const tp_key* keys; /* of ever longer heads of it: key i names its first (i + 1) * key_tokens
                       * tokens */
} tp_prompt;

typedef struct tp_router tp_router; /* the policy's state, opaque */

/* Which engine serves a request. */
typedef struct tp_router_table {
  uint32_t size; /* sizeof(tp_router_table) as the library was compiled */
  uint32_t reserved;

  const tp_info* (*info)(void);
  /* config, seed, error: as for a cache policy. */
  int (*create)(const char* config, uint64_t seed, tp_router** out, char* error, size_t error_size);
  void (*destroy)(tp_router* self);
  /* As for a cache policy. NULL: not supported; 0. */
  int (*save)(const tp_router* self, void* buffer, size_t capacity, size_t* size);
  int (*restore)(tp_router* self, const void* buffer, size_t size);
  uint64_t (*hash_state)(const tp_router* self);

  /* The worker that gets the request: an index into `workers`, of which there is one at least.
   * costs: one a worker, lower is better, or NULL; a policy without costs leaves them alone.
   * request may be NULL. */
  int (*route)(tp_router* self, int64_t now_ns, const tp_request* request, const tp_prompt* prompt,
               const tp_worker* workers, size_t worker_count, uint32_t* chosen, double* costs);
} tp_router_table;

/* As TP_CACHE_TABLE_SIZE_MIN: tables reach over `route` at least. */
#define TP_ROUTER_TABLE_SIZE_MIN (offsetof(tp_router_table, route) + sizeof(void (*)(void)))

#ifdef __cplusplus
}
#endif

#endif
