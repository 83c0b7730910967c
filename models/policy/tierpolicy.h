/* tierpolicy.h: the contract between a KV-cache manager (the host) and a placement or eviction
 * policy. C11; every struct starts with its size and only ever grows at the end.
 *
 * Who owns what. Host: key index, bytes, residency, reference and pin counts, what is in flight,
 * time. Policy: order, ghosts, sketches, class models. A slot is a frame number of one pool, dense
 * in [0, slot_count) and stable while the block stays in the pool; ghosts keep keys.
 *
 * Spans. A batch is an array of spans in prefix order; a span {first_slot, count} means its blocks
 * in order: slot first_slot holds the block nearest the prefix's head. A batch is canonical in its
 * blocks: a span of n equals n spans of one, by answers and by state hash. Batches are free of
 * doubles, except a touch's; an empty batch is fine.
 *
 * States of a slot. Absent; pinned (in use, from insert on); evictable; leaving (a committed victim
 * not yet gone). on_insert: absent to pinned. on_evictable: pinned or leaving to evictable, and
 * evictable to pinned. commit: evictable to leaving. on_remove: any but absent to absent.
 *
 * Rules for a policy. No clock, thread, I/O, environment, exception across this boundary or
 * address-dependent order; no allocation in notices after create; randomness from the seed and part
 * of save. Ties end in slot order. An instance is single-threaded and externally synchronised, and
 * shares nothing that changes with others. now_ns never decreases. No pointer passed in is kept
 * after the call returns.
 *
 * Minimal cache policy: info, create, destroy, on_remove, on_evictable, select, commit, abort.
 * Every other entry may be NULL and gets the host default stated beside it; a notice that is NULL
 * is not wanted.
 */
#ifndef TIERPOLICY_H
#define TIERPOLICY_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define TP_API __attribute__((visibility("default")))
#else
#define TP_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* MAJOR stays 0 until the simulator, a production manager and a Python binding all run on it. */
#define TP_ABI_MAJOR 0u
#define TP_ABI_MINOR 4u

/* Return codes of every call. */
enum {
  TP_OK = 0,
  TP_EINVAL = 1,   /* an argument breaks this contract; state unchanged */
  TP_ENOMEM = 2,   /* create or restore could not allocate */
  TP_ESTATE = 3,   /* call out of order, for example commit without select; state unchanged */
  TP_EREFUSED = 4, /* select cannot answer as asked; state unchanged */
  TP_ESPACE = 5    /* the caller's output array is too small and the needed size is told; state
                    * unchanged */
};

typedef struct tp_span {
  uint32_t first_slot;
  uint32_t count; /* at least 1 */
} tp_span;

/* Identity of a block: equal keys mean equal content and equal prefix. */
typedef struct tp_key {
  uint64_t hi;
  uint64_t lo;
} tp_key;

enum { TP_BLOCK_LEAF = 1u, TP_BLOCK_PINNED = 2u };

/* What the host tells about one block as it is inserted. One view for each block of the batch, in
 * batch order. Zero means unknown, except where stated. */
typedef struct tp_block {
  uint32_t size;  /* sizeof(tp_block) of the caller; that of an array's first is its stride */
  uint32_t flags; /* TP_BLOCK_* */
  tp_key key;
  uint32_t parent_slot; /* UINT32_MAX: none in this pool */
  uint32_t depth;       /* blocks from the head of the prefix, 0 is the first */
  uint32_t tokens;
  uint32_t bytes;
  uint32_t tenant;
  uint32_t priority; /* 0 to 100, larger is kept longer */
  uint64_t session;
  uint64_t recompute_ns; /* time to compute it again, its parent being present */
  int64_t expires_ns;    /* INT64_MAX: never */
} tp_block;

enum {
  TP_HINT_STEPS_TO_RUN = 1,   /* steps of the agent graph until the session runs again */
  TP_HINT_TOOL_RETURN_NS = 2, /* expected time until a tool returns */
  TP_HINT_TOOL_RETURN_P90_NS = 3,
  TP_HINT_SESSION_ENDS = 4,    /* 1: the session will not come back */
  TP_HINT_JOINING_SIBLINGS = 5 /* sub-agents that will still join */
};

typedef struct tp_hint {
  uint32_t kind; /* TP_HINT_*; unknown kinds are ignored */
  uint32_t reserved;
  int64_t value;
} tp_hint;

typedef struct tp_request {
  uint32_t size; /* sizeof(tp_request) of the caller */
  uint32_t tenant;
  uint64_t id;
  uint64_t session;
  uint64_t agent;
  uint32_t turn;
  uint32_t priority;
  int64_t arrival_ns;
  int64_t deadline_ns; /* INT64_MAX: none */
  uint32_t prompt_tokens;
  uint32_t hint_count;
  const tp_hint* hints;
  /* Since minor version 4. */
  int64_t retain_ns; /* its blocks keep its priority for so long from its arrival on; 0: for good */
} tp_request;

/* Callers of every minor version tell at least this much of a request. */
#define TP_REQUEST_SIZE_MIN offsetof(tp_request, retain_ns)

enum {
  TP_PHASE_ARRIVE = 1,
  TP_PHASE_SCHEDULE = 2,
  TP_PHASE_PREEMPT = 3,
  TP_PHASE_FINISH = 4,
  TP_PHASE_TOOL_CALL = 5,
  TP_PHASE_RESUME = 6
};

enum {
  TP_REMOVED_EVICTED = 1, /* a committed victim has left */
  TP_REMOVED_DROPPED = 2, /* the host gave it up on its own */
  TP_REMOVED_MOVED = 3,   /* it lives on in another pool */
  TP_REMOVED_FAILED = 4   /* its content never arrived */
};

/* One pool as seen by its cache policy. */
typedef struct tp_pool {
  uint32_t size; /* sizeof(tp_pool) of the caller */
  uint32_t capacity_blocks;
  uint32_t block_tokens;
  uint32_t block_bytes;
  /* Slots are in [0, slot_count); 0, or a struct that ends before: capacity_blocks. A host that
   * numbers frames freely may ask for more slots than blocks, so that a prefix gets neighbouring
   * ones and its batches few spans. At most capacity_blocks are in use at a time. */
  uint32_t slot_count;
  uint32_t reserved;
} tp_pool;

typedef struct tp_victims {
  uint64_t token;      /* names this answer to commit or abort; never 0, never used before */
  uint32_t span_count; /* spans written; with TP_ESPACE, spans that would be */
  uint32_t block_count;
} tp_victims;

typedef struct tp_info {
  uint32_t size; /* sizeof(tp_info) as the library was compiled */
  uint32_t abi_major;
  uint32_t abi_minor;
  uint32_t capabilities; /* TP_CAP_* */
  const char* name;      /* registry name, lower case, static storage */
  const char* version;
} tp_info;

enum {
  TP_CAP_SPANS = 1u,         /* handles spans whole */
  TP_CAP_PREFIX_CLOSED = 2u, /* of blocks released in one batch, never names one before those
                              * behind it in the prefix */
  TP_CAP_READS_KEYS = 4u,    /* needs tp_block.key at insert (ghosts, sketches) */
  TP_CAP_READS_BLOCKS = 8u,  /* needs the rest of tp_block at insert too, as far as it is known */
  TP_CAP_NEEDS_FUTURE = 16u  /* an offline bound: needs a tp_future before its first block */
};

typedef struct tp_cache tp_cache; /* the policy's state, opaque */

/* Eviction and admission of one pool. */
typedef struct tp_cache_table {
  uint32_t size; /* sizeof(tp_cache_table) as the library was compiled */
  uint32_t reserved;

  const tp_info* (*info)(void);

  /* config: parameters as a NUL-terminated text of `name=value` lines, empty for all defaults.
   * error: receives a NUL-terminated message on failure, at most error_size bytes. */
  int (*create)(const char* config, const tp_pool* pool, uint64_t seed, tp_cache** out, char* error,
                size_t error_size);
  void (*destroy)(tp_cache* self);

  /* Serialised state, for an instance created with the same config, pool and seed; restore refuses
   * any other with TP_EINVAL. save with buffer NULL answers the size needed. NULL: not supported.
   */
  int (*save)(const tp_cache* self, void* buffer, size_t capacity, size_t* size);
  int (*restore)(tp_cache* self, const void* buffer, size_t size);
  /* Digest of everything that can influence a later answer, tokens apart; however it came about,
   * one state has one digest. NULL: 0. */
  uint64_t (*hash_state)(const tp_cache* self);

  /* Notices. The request may be NULL where none is behind the call. */
  int (*on_request)(tp_cache* self, int64_t now_ns, const tp_request* request, uint32_t phase);

  /* Blocks entered the pool. They are pinned until on_evictable(on) says otherwise. blocks has one
   * view a block, in batch order; it may be NULL unless info says TP_CAP_READS_KEYS. */
  int (*on_insert)(tp_cache* self, int64_t now_ns, const tp_request* request, const tp_span* spans,
                   size_t span_count, const tp_block* blocks);
  /* Blocks were used again. */
  int (*on_touch)(tp_cache* self, int64_t now_ns, const tp_request* request, const tp_span* spans,
                  size_t span_count);
  /* Blocks left the pool; their slots may be reused at once. */
  int (*on_remove)(tp_cache* self, int64_t now_ns, uint32_t reason, const tp_span* spans,
                   size_t span_count);
  /* The last pin went (on != 0) or the first one came (on == 0). */
  int (*on_evictable)(tp_cache* self, int64_t now_ns, uint32_t on, const tp_span* spans,
                      size_t span_count);

  /* Should a block be taken in at all? verdicts[i] = 1 admits. NULL: all are admitted. */
  int (*admit)(tp_cache* self, int64_t now_ns, const tp_request* request, const tp_block* blocks,
               size_t block_count, uint8_t* verdicts);

  /* Names exactly `need_blocks` (1 or more) evictable blocks to leave, or answers TP_EREFUSED; all
   * or nothing. The order of spans is the order of eviction; inside a span it is the policy's own,
   * from either end. need_blocks spans of room always suffice. Asking changes nothing: hands and
   * draws advance at commit. At most one answer is outstanding; it must be committed or aborted
   * before any other call but hash_state. */
  int (*select)(const tp_cache* self, int64_t now_ns, uint32_t need_blocks, tp_span* out,
                size_t out_capacity, tp_victims* victims);
  /* accepted: one byte a span, 0 refuses it (it stays evictable, where it was); NULL accepts all.
   * An accepted block is leaving: it is no candidate any more and the host reports on_remove once
   * it has gone, or on_evictable(on) again when its move failed. */
  int (*commit)(tp_cache* self, int64_t now_ns, uint64_t token, const uint8_t* accepted);
  int (*abort)(tp_cache* self, uint64_t token);

  int (*on_tick)(tp_cache* self, int64_t now_ns);
  /* When on_tick matters next, later than now just after a tick; INT64_MAX or NULL: never. */
  int64_t (*next_wakeup)(const tp_cache* self, int64_t now_ns);

  /* Since minor version 2. */

  /* A prompt's blocks are asked for, in prefix order, one view each: the first hit_count are in this
   * pool, the others are not and may be inserted soon. Told once a request, before the touch of the
   * first and before victims are selected for the others, so that a policy may know a key again. */
  int (*on_lookup)(tp_cache* self, int64_t now_ns, const tp_request* request,
                   const tp_block* blocks, size_t block_count, size_t hit_count);
  /* What is expected of a session from now on; a kind replaces what was said of it before. */
  int (*on_hint)(tp_cache* self, int64_t now_ns, uint64_t session, const tp_hint* hints,
                 size_t hint_count);
} tp_cache_table;

/* What a host reads of a table: entries behind its size count as NULL, so tables of every minor
 * version are welcome as long as they reach over `abort`. */
#define TP_CACHE_TABLE_SIZE_MIN offsetof(tp_cache_table, on_tick)

/* The future, for offline bounds alone: no production host has one, which is why it comes through a
 * table of its own. */
typedef struct tp_future {
  uint32_t size; /* sizeof(tp_future) of the caller */
  uint32_t reserved;
  void* host; /* handed back in each call */
  /* When the key is asked for next after now, on the clock of now_ns; INT64_MAX: never. */
  int64_t (*next_use_ns)(void* host, const tp_key* key);
} tp_future;

typedef struct tp_future_table {
  uint32_t size; /* sizeof(tp_future_table) as the library was compiled */
  uint32_t reserved;
  /* The instance keeps a copy of the struct; what it points to must outlive the instance. */
  int (*attach)(tp_cache* self, const tp_future* future);
} tp_future_table;

#ifdef __cplusplus
}
#endif

#include "tierpolicy_placement.h"
#include "tierpolicy_router.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Plug-ins ---------------------------------------------------------------------------------
 */

/* What a plug-in has to offer: a table of each kind, or NULL. Static storage. */
typedef struct tp_plugin {
  uint32_t size; /* sizeof(tp_plugin) as the plug-in was compiled */
  uint32_t reserved;
  const tp_cache_table* cache;
  const tp_placement_table* placement;

  /* Since minor version 3. */

  const tp_router_table* router;
} tp_plugin;

/* What a host reads of it: members behind its size count as NULL, so plug-ins of every minor version
 * are welcome as long as theirs reaches over `placement`. */
#define TP_PLUGIN_SIZE_MIN offsetof(tp_plugin, router)

/* The one symbol a plug-in exports, and defines itself. Returns NULL when it cannot serve a host of
 * this version: by itself MAJOR must be the same, MINOR no older than what it was compiled for. */
typedef const tp_plugin* (*tp_plugin_entry_fn)(uint32_t abi_major, uint32_t abi_minor);
#define TP_PLUGIN_ENTRY_SYMBOL "tp_plugin_entry"
TP_API const tp_plugin* tp_plugin_entry(uint32_t abi_major, uint32_t abi_minor);

/* Built-in policies of each kind, in a fixed order. NULL past the end or for an unknown name. */
TP_API const tp_cache_table* tp_builtin_cache(size_t index);
TP_API const tp_cache_table* tp_find_builtin_cache(const char* name);
/* Of a built-in policy that declares TP_CAP_NEEDS_FUTURE; NULL for any other. */
TP_API const tp_future_table* tp_find_builtin_future(const char* name);
TP_API const tp_placement_table* tp_builtin_placement(size_t index);
TP_API const tp_placement_table* tp_find_builtin_placement(const char* name);
TP_API const tp_router_table* tp_builtin_router(size_t index);
TP_API const tp_router_table* tp_find_builtin_router(const char* name);

#ifdef __cplusplus
}
#endif

#endif
