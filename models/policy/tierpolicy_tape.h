/* tierpolicy_tape.h: decision tapes. The tape of one instance of a cache or placement policy holds
 * every call with its arguments and its answer, and digests of the state in between, so that
 * anybody can give the policy the same calls again and see the same answers: `tiercast tape verify
 * FILE`. The library does no I/O: bytes go to a function of the host's.
 */
#ifndef TIERPOLICY_TAPE_H
#define TIERPOLICY_TAPE_H

#include "tierpolicy.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tp_tape {
  uint32_t size;             /* sizeof(tp_tape) of the caller */
  uint32_t checkpoint_calls; /* a digest of the state every so many calls; 0: at both ends alone */
  const char* pool_name;     /* told by whoever reads the tape; NULL: none */
  void* host;                /* handed back in each call of write */
  /* The next bytes of the tape, in pieces of some 64 KiB, and at each checkpoint. Any answer but 0
   * ends the tape there, without its end mark; the policy goes on. */
  int (*write)(void* host, const void* bytes, size_t size);

  /* Since minor version 3. */

  /* Of a policy that is not the library's own: what tells its build from another of the same name
   * and version, such as a digest of its file. NULL: the library's. */
  const char* policy_build;
} tp_tape;

#define TP_TAPE_SIZE_MIN offsetof(tp_tape, policy_build)

/* Takes over a new instance of a policy, made with this config, pool and seed. From now on the host
 * calls `recorder` through `recording`, which has the entries that the policy's table has; what it
 * answers is the policy's. Its `destroy` ends the tape and destroys both; its `create` makes
 * nothing. `recording->size` must be set: sizeof(tp_cache_table) of the caller.
 *
 * A call whose arrays cannot be read (NULL with a count, structs of no known version) is passed on
 * and not recorded. Recording may allocate memory; where there is none, the tape ends as above.
 * Any answer but TP_OK leaves `cache` to the caller; TP_EINVAL for a policy that needs a future,
 * which no tape holds. error: as for create. */
TP_API int tp_record_cache(const tp_cache_table* table, tp_cache* cache, const char* config,
                           const tp_pool* pool, uint64_t seed, const tp_tape* tape,
                           tp_cache_table* recording, tp_cache** recorder, char* error,
                           size_t error_size);

/* The same of a placement policy, since minor version 3. A call that no host may make (a tier that
 * there is none of, runs with a gap) is passed on and not recorded. */
TP_API int tp_record_placement(const tp_placement_table* table, tp_placement* placement,
                               const char* config, uint64_t seed, const tp_tape* tape,
                               tp_placement_table* recording, tp_placement** recorder, char* error,
                               size_t error_size);

/* Version and build of this library, as tapes name it; the build is a digest of its sources and its
 * compiler. Static storage. */
TP_API const char* tp_library_version(void);
TP_API const char* tp_library_build(void);

#ifdef __cplusplus
}
#endif

#endif
