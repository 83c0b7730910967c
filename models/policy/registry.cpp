#include "models/policy/registry.hpp"

#include <algorithm>
#include <array>

#include "models/policy/cache_adapter.hpp"
#include "models/policy/fifo.hpp"
#include "models/policy/lru.hpp"
#include "models/policy/s3fifo.hpp"

namespace tiercast::policy {
namespace {

template <class P>
CacheEntry entry(std::string_view description, std::string_view source) {
  return {P::name, description, source, P::parameters(), CacheAdapter<P>::table()};
}

}  // namespace

// The one list of built-in policies. An index is part of the C interface: append only.
std::span<const CacheEntry> cache_policies() {
  static const std::array policies{
      entry<Lru>(
          "Least recently used, tail first: what one request puts down goes in reverse order "
          "of its prefix, so the head stays longest. The order of vLLM's GPU block pool.",
          "vLLM v1: vllm/v1/core/block_pool.py, kv_cache_utils.py (FreeKVCacheBlockQueue); "
          "vllm/v1/kv_offload/cpu/policies/lru.py for touches of unused blocks"),
      entry<Fifo>(
          "First in, first out: the block that entered first leaves first, however often it "
          "was used. Blocks in use are passed over and keep their place.",
          "textbook"),
      entry<S3Fifo>("Three queues: a small one filters newcomers, a main one keeps what proved "
                    "useful, and ghosts remember keys that left the small one, so that a block "
                    "which comes back enters main at once. Resists scans of one-time prefixes.",
                    "Yang, Zhang, Qiu, Yue, Rashmi: FIFO queues are all you need for cache "
                    "eviction, SOSP 2023"),
  };
  return policies;
}

const CacheEntry* find_cache_policy(std::string_view name) {
  const auto policies = cache_policies();
  const auto found = std::find_if(policies.begin(), policies.end(),
                                  [&](const CacheEntry& known) { return known.name == name; });
  return found != policies.end() ? &*found : nullptr;
}

}  // namespace tiercast::policy

extern "C" const tp_cache_table* tp_builtin_cache(size_t index) {
  const auto policies = tiercast::policy::cache_policies();
  return index < policies.size() ? policies[index].table : nullptr;
}

extern "C" const tp_cache_table* tp_find_builtin_cache(const char* name) {
  if (name == nullptr) return nullptr;
  const tiercast::policy::CacheEntry* found = tiercast::policy::find_cache_policy(name);
  return found != nullptr ? found->table : nullptr;
}
