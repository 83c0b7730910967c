#pragma once

#include "models/policy/registry.hpp"

namespace tiercast::policy {

// Each built-in cache policy's entry, from the file that has its class. registry.cpp lists them.
CacheEntry arc_entry();
CacheEntry arc_vllm_entry();
CacheEntry belady_entry();
CacheEntry cacheus_entry();
CacheEntry classes_entry();
CacheEntry clock_entry();
CacheEntry fifo_entry();
CacheEntry gdsf_entry();
CacheEntry group_ttl_entry();
CacheEntry hyperbolic_entry();
CacheEntry leaf_lru_entry();
CacheEntry lease_entry();
CacheEntry lecar_entry();
CacheEntry lfu_entry();
CacheEntry lhd_entry();
CacheEntry lirs_entry();
CacheEntry lookahead_entry();
CacheEntry lru_entry();
CacheEntry multilru_entry();
CacheEntry prefix_bound_entry();
CacheEntry priority_entry();
CacheEntry s3fifo_entry();
CacheEntry session_entry();
CacheEntry sieve_entry();
CacheEntry slru_entry();
CacheEntry steps_entry();
CacheEntry ttl_entry();
CacheEntry twoq_entry();
CacheEntry wtinylfu_entry();

}  // namespace tiercast::policy
