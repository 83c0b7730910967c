/* The layout of every struct of the contract, asserted by the C and the C++ compiler alike. A line
 * here never changes; growth at a struct's end adds lines and moves its size. */
#pragma once

#include <assert.h>
#include <stddef.h>

#include "models/policy/tierpolicy.h"
#include "models/policy/tierpolicy_tape.h"

#define AT(type, member, offset) \
  static_assert(offsetof(type, member) == (offset), #type "." #member)
#define SIZE(type, bytes) static_assert(sizeof(type) == (bytes), #type)

AT(tp_span, first_slot, 0);
AT(tp_span, count, 4);
SIZE(tp_span, 8);

AT(tp_key, hi, 0);
AT(tp_key, lo, 8);
SIZE(tp_key, 16);

AT(tp_block, size, 0);
AT(tp_block, flags, 4);
AT(tp_block, key, 8);
AT(tp_block, parent_slot, 24);
AT(tp_block, depth, 28);
AT(tp_block, tokens, 32);
AT(tp_block, bytes, 36);
AT(tp_block, tenant, 40);
AT(tp_block, priority, 44);
AT(tp_block, session, 48);
AT(tp_block, recompute_ns, 56);
AT(tp_block, expires_ns, 64);
SIZE(tp_block, 72);

AT(tp_hint, kind, 0);
AT(tp_hint, reserved, 4);
AT(tp_hint, value, 8);
SIZE(tp_hint, 16);

AT(tp_request, size, 0);
AT(tp_request, tenant, 4);
AT(tp_request, id, 8);
AT(tp_request, session, 16);
AT(tp_request, agent, 24);
AT(tp_request, turn, 32);
AT(tp_request, priority, 36);
AT(tp_request, arrival_ns, 40);
AT(tp_request, deadline_ns, 48);
AT(tp_request, prompt_tokens, 56);
AT(tp_request, hint_count, 60);
AT(tp_request, hints, 64);
AT(tp_request, retain_ns, 72);
SIZE(tp_request, 80);

AT(tp_pool, size, 0);
AT(tp_pool, capacity_blocks, 4);
AT(tp_pool, block_tokens, 8);
AT(tp_pool, block_bytes, 12);
AT(tp_pool, slot_count, 16);
AT(tp_pool, reserved, 20);
SIZE(tp_pool, 24);

AT(tp_victims, token, 0);
AT(tp_victims, span_count, 8);
AT(tp_victims, block_count, 12);
SIZE(tp_victims, 16);

AT(tp_info, size, 0);
AT(tp_info, abi_major, 4);
AT(tp_info, abi_minor, 8);
AT(tp_info, capabilities, 12);
AT(tp_info, name, 16);
AT(tp_info, version, 24);
SIZE(tp_info, 32);

AT(tp_cache_table, size, 0);
AT(tp_cache_table, reserved, 4);
AT(tp_cache_table, info, 8);
AT(tp_cache_table, create, 16);
AT(tp_cache_table, destroy, 24);
AT(tp_cache_table, save, 32);
AT(tp_cache_table, restore, 40);
AT(tp_cache_table, hash_state, 48);
AT(tp_cache_table, on_request, 56);
AT(tp_cache_table, on_insert, 64);
AT(tp_cache_table, on_touch, 72);
AT(tp_cache_table, on_remove, 80);
AT(tp_cache_table, on_evictable, 88);
AT(tp_cache_table, admit, 96);
AT(tp_cache_table, select, 104);
AT(tp_cache_table, commit, 112);
AT(tp_cache_table, abort, 120);
AT(tp_cache_table, on_tick, 128);
AT(tp_cache_table, next_wakeup, 136);
AT(tp_cache_table, on_lookup, 144);
AT(tp_cache_table, on_hint, 152);
SIZE(tp_cache_table, 160);

AT(tp_future, size, 0);
AT(tp_future, reserved, 4);
AT(tp_future, host, 8);
AT(tp_future, next_use_ns, 16);
SIZE(tp_future, 24);

AT(tp_future_table, size, 0);
AT(tp_future_table, reserved, 4);
AT(tp_future_table, attach, 8);
SIZE(tp_future_table, 16);

AT(tp_tape, size, 0);
AT(tp_tape, checkpoint_calls, 4);
AT(tp_tape, pool_name, 8);
AT(tp_tape, host, 16);
AT(tp_tape, write, 24);
AT(tp_tape, policy_build, 32);
SIZE(tp_tape, 40);

AT(tp_tier, size, 0);
AT(tp_tier, kind, 4);
AT(tp_tier, flags, 8);
AT(tp_tier, reserved, 12);
AT(tp_tier, capacity_blocks, 16);
AT(tp_tier, used_blocks, 24);
AT(tp_tier, read_bytes_per_s, 32);
AT(tp_tier, write_bytes_per_s, 40);
AT(tp_tier, read_latency_ns, 48);
AT(tp_tier, write_latency_ns, 56);
AT(tp_tier, queued_read_bytes, 64);
AT(tp_tier, queued_write_bytes, 72);
AT(tp_tier, write_budget_bytes, 80);
SIZE(tp_tier, 88);

AT(tp_run, first, 0);
AT(tp_run, count, 4);
AT(tp_run, tier_mask, 8);
AT(tp_run, reserved, 12);
AT(tp_run, compute_ns, 16);
SIZE(tp_run, 24);

AT(tp_fetch, size, 0);
AT(tp_fetch, block_bytes, 4);
AT(tp_fetch, block_tokens, 8);
AT(tp_fetch, hit_blocks, 12);
AT(tp_fetch, prompt_blocks, 16);
AT(tp_fetch, run_count, 20);
AT(tp_fetch, runs, 24);
AT(tp_fetch, flags, 32);
AT(tp_fetch, reserved, 36);
AT(tp_fetch, half_compute_ns, 40);
SIZE(tp_fetch, 48);

AT(tp_segment, first, 0);
AT(tp_segment, count, 4);
AT(tp_segment, mode, 8);
AT(tp_segment, tier, 12);
AT(tp_segment, to, 16);
AT(tp_segment, reserved, 20);
SIZE(tp_segment, 24);

AT(tp_placed, first, 0);
AT(tp_placed, count, 4);
AT(tp_placed, tier_mask, 8);
AT(tp_placed, reserved, 12);
SIZE(tp_placed, 16);

AT(tp_placement_table, size, 0);
AT(tp_placement_table, reserved, 4);
AT(tp_placement_table, info, 8);
AT(tp_placement_table, create, 16);
AT(tp_placement_table, destroy, 24);
AT(tp_placement_table, hash_state, 32);
AT(tp_placement_table, place, 40);
AT(tp_placement_table, demote, 48);
AT(tp_placement_table, plan_fetch, 56);
AT(tp_placement_table, prefetch, 64);
AT(tp_placement_table, save, 72);
AT(tp_placement_table, restore, 80);
AT(tp_placement_table, capabilities, 88);
AT(tp_placement_table, admit, 96);
AT(tp_placement_table, on_request, 104);
AT(tp_placement_table, on_transfer, 112);
AT(tp_placement_table, on_tick, 120);
AT(tp_placement_table, next_wakeup, 128);
SIZE(tp_placement_table, 136);

AT(tp_transfer, size, 0);
AT(tp_transfer, from, 4);
AT(tp_transfer, to, 8);
AT(tp_transfer, block_count, 12);
AT(tp_transfer, bytes, 16);
AT(tp_transfer, start_ns, 24);
AT(tp_transfer, end_ns, 32);
AT(tp_transfer, ok, 40);
AT(tp_transfer, reserved, 44);
SIZE(tp_transfer, 48);

AT(tp_worker, size, 0);
AT(tp_worker, outstanding_requests, 4);
AT(tp_worker, outstanding_tokens, 8);
AT(tp_worker, queued_tokens, 16);
AT(tp_worker, active_blocks, 24);
AT(tp_worker, device_tokens, 32);
AT(tp_worker, host_tokens, 36);
AT(tp_worker, disk_tokens, 40);
AT(tp_worker, shared_tokens, 44);
SIZE(tp_worker, 48);

AT(tp_prompt, size, 0);
AT(tp_prompt, tokens, 4);
AT(tp_prompt, block_tokens, 8);
AT(tp_prompt, key_tokens, 12);
AT(tp_prompt, key_count, 16);
AT(tp_prompt, reserved, 20);
AT(tp_prompt, keys, 24);
SIZE(tp_prompt, 32);

AT(tp_router_table, size, 0);
AT(tp_router_table, reserved, 4);
AT(tp_router_table, info, 8);
AT(tp_router_table, create, 16);
AT(tp_router_table, destroy, 24);
AT(tp_router_table, save, 32);
AT(tp_router_table, restore, 40);
AT(tp_router_table, hash_state, 48);
AT(tp_router_table, route, 56);
SIZE(tp_router_table, 64);

AT(tp_plugin, size, 0);
AT(tp_plugin, reserved, 4);
AT(tp_plugin, cache, 8);
AT(tp_plugin, placement, 16);
AT(tp_plugin, router, 24);
SIZE(tp_plugin, 32);

static_assert(TP_OK == 0 && TP_EINVAL == 1 && TP_ENOMEM == 2, "return codes");
static_assert(TP_ESTATE == 3 && TP_EREFUSED == 4 && TP_ESPACE == 5, "return codes");
static_assert(TP_REMOVED_EVICTED == 1 && TP_REMOVED_FAILED == 4, "reasons");
static_assert(TP_CAP_SPANS == 1 && TP_CAP_PREFIX_CLOSED == 2 && TP_CAP_READS_KEYS == 4, "bits");
static_assert(TP_TIER_HBM == 1 && TP_TIER_DRAM == 2 && TP_TIER_PEER == 3, "kinds");
static_assert(TP_TIER_NVME == 4 && TP_TIER_CONTEXT == 5 && TP_TIER_EXTERNAL == 6, "kinds");
static_assert(TP_TIER_SHARED == 1 && TP_TIER_READ_ONLY == 2, "flags");
static_assert(TP_SEGMENT_LOAD == 1 && TP_SEGMENT_WAIT == 2, "modes");
static_assert(TP_SEGMENT_COMPUTE == 3 && TP_SEGMENT_STAGE == 4, "modes");
static_assert(TP_STORE_PROMPT == 1 && TP_STORE_OUTPUT == 2, "phases");
static_assert(TP_NO_TIER == UINT32_MAX, "none");
static_assert(TP_PLUGIN_SIZE_MIN == 24 && TP_TAPE_SIZE_MIN == 32 && TP_ROUTER_TABLE_SIZE_MIN == 64, "least sizes");
static_assert(TP_CAP_READS_MATCHES == 32 && TP_CAP_READS_TIERS == 64, "bits");
static_assert(TP_CAP_ADMITS == 128 && TP_FETCH_SPLITS == 1, "bits");
