#pragma once

#include <cstdint>
#include <map>
#include <string>

#include <catch2/catch.hpp>

#include "tests/policy/random_host.hpp"

namespace tiercast::tests {

/// A small cache of one-block prompts of several tenants, which counts its hits.
class TenantCache {
 public:
  TenantCache(const tp_cache_table& table, uint32_t capacity, const std::string& config)
      : table_(table), capacity_(capacity), cache_(table, capacity, config, true) {}

  void ask(int64_t now_ns, uint64_t key, uint32_t tenant) {
    if (const auto found = slots_.find(key); found != slots_.end()) {
      ++hits_;
      cache_.touch(now_ns, {found->second});
      return;
    }
    const uint32_t slot = free_slot(now_ns);
    tp_block block = view_of(key);
    block.tenant = tenant;
    cache_.insert_blocks(now_ns, {slot}, {block});
    cache_.set_evictable(now_ns, true, {slot});
    slots_[key] = slot;
  }
  uint32_t hits() const { return hits_; }

 private:
  uint32_t free_slot(int64_t now_ns) {
    if (slots_.size() < capacity_) return static_cast<uint32_t>(slots_.size());
    uint64_t token = 0;
    const uint32_t slot = cache_.select(now_ns, 1, token).front().first_slot;
    REQUIRE(table_.commit(cache_.cache(), now_ns, token, nullptr) == TP_OK);
    cache_.remove(now_ns, TP_REMOVED_EVICTED, {slot});
    std::erase_if(slots_, [&](const auto& held) { return held.second == slot; });
    return slot;
  }

  const tp_cache_table& table_;
  uint32_t capacity_;
  Instance cache_;
  std::map<uint64_t, uint32_t> slots_;  // by key
  uint32_t hits_ = 0;
};

}  // namespace tiercast::tests
