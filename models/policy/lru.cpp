#include "models/policy/lru.hpp"

#include "models/policy/cache_entry.hpp"

namespace tiercast::policy {

CacheEntry lru_entry() {
  return cache_entry<Lru>(
      "Least recently used, tail first: what one request puts down goes in reverse order "
      "of its prefix, so the head stays longest. The order of vLLM's GPU block pool.",
      "vLLM v1: vllm/v1/core/block_pool.py, kv_cache_utils.py (FreeKVCacheBlockQueue); "
      "vllm/v1/kv_offload/cpu/policies/lru.py for touches of unused blocks");
}

}  // namespace tiercast::policy
