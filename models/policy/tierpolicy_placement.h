/* The part of tierpolicy.h about placement over the hierarchy: what is stored where, and what comes
 * back how. That file includes this one. */
#include "tierpolicy.h"

#ifndef TIERPOLICY_PLACEMENT_H
#define TIERPOLICY_PLACEMENT_H

#ifdef __cplusplus
extern "C" {
#endif

enum {
  TP_TIER_HBM = 1,     /* memory of one engine's GPUs */
  TP_TIER_DRAM = 2,    /* memory of its node */
  TP_TIER_PEER = 3,    /* memory of other nodes, over the fabric */
  TP_TIER_NVME = 4,    /* drives of its node */
  TP_TIER_CONTEXT = 5, /* flash behind DPUs, shared by a pod */
  TP_TIER_EXTERNAL = 6 /* storage services */
};
enum { TP_TIER_SHARED = 1u, TP_TIER_READ_ONLY = 2u, TP_TIER_DIRECT = 4u };
#define TP_NO_TIER UINT32_MAX

/* One tier as one engine sees it. Tiers are numbered as they are looked up; tier 0 is the engine's
 * own GPU memory. At most 32. */
typedef struct tp_tier {
  uint32_t size;  /* sizeof(tp_tier) of the caller; that of an array's first is its stride */
  uint32_t kind;  /* TP_TIER_* */
  uint32_t flags; /* TP_TIER_SHARED: other engines use it too; TP_TIER_READ_ONLY: takes no stores;
                     TP_TIER_DIRECT: what it gives passes by host memory, which keeps no copy */
  uint32_t reserved;
  uint64_t capacity_blocks;
  uint64_t used_blocks;       /* present, or on their way in */
  uint64_t read_bytes_per_s;  /* one transfer to GPU memory, nothing beside it */
  uint64_t write_bytes_per_s; /* the other way */
  int64_t read_latency_ns;
  int64_t write_latency_ns;
  /* What the engine's next transfer waits for, in bytes at the rates above: its own that are asked
   * for and not moved yet, or, where others hold it up longer, its share of the pool's: all queued
   * there times the engine's rate over what all engines of the pool get together. */
  uint64_t queued_read_bytes;
  uint64_t queued_write_bytes; /* the same, into the tier */

  /* Since minor version 2. */

  /* What may be written into it now without wearing it out before its rated life, in bytes of
   * blocks as engines hold them: a token bucket that fills at the rated writes a day and that every
   * write empties. UINT64_MAX: no bound is known. */
  uint64_t write_budget_bytes;
} tp_tier;

/* Consecutive blocks of a prefix that the same tiers hold. Blocks count from the prefix's head. */
typedef struct tp_run {
  uint32_t first;
  uint32_t count;
  uint32_t tier_mask; /* bit i: tier i holds them all; bit 0: they are on their way to tier 0 */
  uint32_t reserved;
  int64_t compute_ns; /* time to compute them, those before being there */
} tp_run;

/* A prompt whose first hit_blocks are in tier 0. The runs follow on without a gap, to the first
 * block that no tier holds. */
typedef struct tp_fetch {
  uint32_t size; /* sizeof(tp_fetch) of the caller */
  uint32_t block_bytes;
  uint32_t block_tokens;
  uint32_t hit_blocks;
  uint32_t prompt_blocks; /* that may be fetched: the last token is always computed */
  uint32_t run_count;
  const tp_run* runs;

  /* Since minor version 2. */

  uint32_t flags; /* TP_FETCH_* */
  uint32_t reserved;
  /* Time to compute the first half of the blocks found, rounded down to whole ones: with the sum
   * over the runs it says how computing gets slower with depth. 0: not known. */
  int64_t half_compute_ns;
} tp_fetch;

/* The engine can compute the head of what was found while what is behind it loads. */
enum { TP_FETCH_SPLITS = 1u };

enum {
  TP_SEGMENT_LOAD = 1,    /* from tier `tier` to tier 0 */
  TP_SEGMENT_WAIT = 2,    /* for the copy that is on its way */
  TP_SEGMENT_COMPUTE = 3, /* the last: and everything behind; the first, where loads follow and the
                           * fetch says TP_FETCH_SPLITS: at once, while those are on their way */
  TP_SEGMENT_STAGE = 4    /* prefetch only: from tier `tier` to tier `to` */
};
typedef struct tp_segment {
  uint32_t first;
  uint32_t count;
  uint32_t mode; /* TP_SEGMENT_* */
  uint32_t tier;
  uint32_t to; /* of a load: host memory that keeps a copy on the way, or TP_NO_TIER */
  uint32_t reserved;
} tp_segment;

enum {
  TP_STORE_PROMPT = 1, /* the prompt is complete, found or computed */
  TP_STORE_OUTPUT = 2  /* the request has ended: its generated tokens */
};

/* Consecutive blocks and the tiers that shall get a copy. */
typedef struct tp_placed {
  uint32_t first;
  uint32_t count;
  uint32_t tier_mask;
  uint32_t reserved;
} tp_placed;

enum { TP_CAP_ADMITS = 128u /* a placement instance: asks to be asked before each write */ };

/* A copy that is over. */
typedef struct tp_transfer {
  uint32_t size; /* sizeof(tp_transfer) of the caller */
  uint32_t from; /* tier; 0: GPU memory */
  uint32_t to;
  uint32_t block_count;
  uint64_t bytes; /* that moved */
  int64_t start_ns;
  int64_t end_ns;
  uint32_t ok; /* 0: what arrived is of no use */
  uint32_t reserved;
} tp_transfer;

typedef struct tp_placement tp_placement; /* the policy's state, opaque */

/* What goes to which tier, and what comes back how. One instance serves all engines of a host.
 * `tiers`: tier_count views, first to last, as the engine behind the call sees them. */
typedef struct tp_placement_table {
  uint32_t size; /* sizeof(tp_placement_table) as the library was compiled */
  uint32_t reserved;

  const tp_info* (*info)(void);
  /* config, seed, error: as for a cache policy. */
  int (*create)(const char* config, uint64_t seed, tp_placement** out, char* error,
                size_t error_size);
  void (*destroy)(tp_placement* self);
  uint64_t (*hash_state)(const tp_placement* self);

  /* Which tiers get a copy of blocks [first, first + block_count) of a prefix, complete in tier 0?
   * phase: TP_STORE_*. blocks: one view each, or NULL unless info says TP_CAP_READS_KEYS. Answers
   * segments in order; blocks that none names stay where they are. NULL: nothing is stored. */
  int (*place)(tp_placement* self, int64_t now_ns, const tp_request* request, uint32_t phase,
               uint32_t first, uint32_t block_count, const tp_block* blocks, const tp_tier* tiers,
               size_t tier_count, tp_placed* out, size_t out_capacity, size_t* out_count);

  /* Blocks are about to leave tier `from`: which tier takes them? TP_NO_TIER: they are dropped.
   * NULL: dropped. */
  int (*demote)(tp_placement* self, int64_t now_ns, uint32_t from, uint32_t block_count,
                const tp_tier* tiers, size_t tier_count, uint32_t* to);

  /* How the prompt's blocks come: segments from hit_blocks on, in order and without a gap; what
   * they leave out is computed. A run with bit 0 is waited for; a load names a tier of another
   * run's mask. NULL: each run from its nearest tier. */
  int (*plan_fetch)(tp_placement* self, int64_t now_ns, const tp_request* request,
                    const tp_fetch* fetch, const tp_tier* tiers, size_t tier_count, tp_segment* out,
                    size_t out_capacity, size_t* out_count);

  /* Asked as a request arrives: what shall move nearer while it waits? TP_SEGMENT_STAGE segments
   * inside the runs, each to a nearer tier. NULL: nothing. */
  int (*prefetch)(tp_placement* self, int64_t now_ns, const tp_request* request,
                  const tp_fetch* fetch, const tp_tier* tiers, size_t tier_count, tp_segment* out,
                  size_t out_capacity, size_t* out_count);

  /* Since minor version 2. */

  /* As for a cache policy; the state is for an instance of the same config and seed. */
  int (*save)(const tp_placement* self, void* buffer, size_t capacity, size_t* size);
  int (*restore)(tp_placement* self, const void* buffer, size_t size);

  /* TP_CAP_* of this instance, as its config says; NULL: those of info. */
  uint32_t (*capabilities)(const tp_placement* self);

  /* Which of these blocks may be written into tier `to`, be they stored, passed on or demoted?
   * Asked for blocks that the tier lacks, in prefix order, as they would leave tier `from`;
   * verdicts[i] = 1 admits. Not asked without TP_CAP_ADMITS; NULL: all are. */
  int (*admit)(tp_placement* self, int64_t now_ns, const tp_request* request, uint32_t from,
               uint32_t to, const tp_block* blocks, size_t block_count, const tp_tier* tiers,
               size_t tier_count, uint8_t* verdicts);

  /* Notices. */
  int (*on_request)(tp_placement* self, int64_t now_ns, const tp_request* request, uint32_t phase);
  /* A copy between tiers is over, at now_ns. */
  int (*on_transfer)(tp_placement* self, int64_t now_ns, const tp_transfer* transfer);
  int (*on_tick)(tp_placement* self, int64_t now_ns);
  /* When on_tick matters next, behind now_ns; INT64_MAX: never. NULL: never. */
  int64_t (*next_wakeup)(const tp_placement* self, int64_t now_ns);
} tp_placement_table;

/* As TP_CACHE_TABLE_SIZE_MIN: tables reach over `prefetch` at least. */
#define TP_PLACEMENT_TABLE_SIZE_MIN offsetof(tp_placement_table, save)

#ifdef __cplusplus
}
#endif

#endif
