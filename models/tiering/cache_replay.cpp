#include "models/tiering/cache_replay.hpp"

#include <map>
#include <utility>
#include <vector>

#include "models/tiering/block_index.hpp"
#include "models/tiering/checked_cache.hpp"

namespace tiercast::tiering {
namespace {

/// When each access' block is accessed next, told to policies that may know.
class Future {
 public:
  explicit Future(std::span<const uint64_t> ids) : next_(ids.size()) {
    std::map<uint64_t, int64_t> later;
    for (std::size_t i = ids.size(); i-- > 0;) {
      const auto [found, first] = later.try_emplace(ids[i], INT64_MAX);
      next_[i] = found->second;
      found->second = static_cast<int64_t>(i);
    }
  }

  tp_future view() {
    return {sizeof(tp_future), 0, this, [](void* self, const tp_key*) {
              const Future& future = *static_cast<const Future*>(self);
              return future.next_[future.now_];
            }};
  }
  /// The access that insert and touch are about.
  void at(std::size_t access) { now_ = access; }

 private:
  std::vector<int64_t> next_;
  std::size_t now_ = 0;
};

/// One pool and its host.
class Pool {
 public:
  explicit Pool(CheckedCache cache)
      : cache_(std::move(cache)), index_(cache_.capacity_blocks()), ids_(cache_.capacity_blocks()) {
    view_.size = sizeof view_;
    view_.parent_slot = UINT32_MAX;
    view_.expires_ns = INT64_MAX;
  }

  /// Answers whether the pool held the block.
  bool access(int64_t now_ns, uint64_t id) {
    const uint32_t slot = index_.find(id);
    if (slot == BlockIndex::none) {
      take_in(now_ns, id);
      return false;
    }
    const tp_span block{slot, 1};
    cache_.touch(now_ns, {&block, 1});
    return true;
  }

  void prefetch(uint64_t id) const { index_.prefetch(id); }

 private:
  void take_in(int64_t now_ns, uint64_t id) {
    view_.key.lo = id;
    cache_.lookup(now_ns, {&view_, 1}, 0);
    const tp_span block{free_slot(now_ns), 1};
    cache_.insert(now_ns, {&block, 1}, {&view_, 1});
    cache_.evictable(now_ns, true, {&block, 1});
    index_.insert(id, block.first_slot);
    ids_[block.first_slot] = id;
  }

  uint32_t free_slot(int64_t now_ns) {
    if (filled_ < cache_.capacity_blocks()) return filled_++;
    victim_.clear();
    if (!cache_.take_victims(now_ns, 1, victim_)) {
      throw PolicyFault(cache_.policy_name(), "select", now_ns,
                        "refuses a victim where every block is evictable");
    }
    const uint32_t slot = victim_.front().first_slot;
    index_.erase(ids_[slot]);
    return slot;
  }

  CheckedCache cache_;
  BlockIndex index_;
  std::vector<uint64_t> ids_;  // by slot
  uint32_t filled_ = 0;        // slots used so far; none is free again but by eviction
  std::vector<tp_span> victim_;
  tp_block view_{};
};

uint64_t count_misses(Pool& pool, const ReplayTrace& trace, HitRule rule, Future* future) {
  constexpr std::size_t ahead = 16;
  uint64_t misses = 0;
  std::size_t request = 0;
  bool missed = false;  // in this request, under HitRule::prefix
  for (std::size_t i = 0; i < trace.ids.size(); ++i) {
    if (i + ahead < trace.ids.size()) pool.prefetch(trace.ids[i + ahead]);
    if (rule == HitRule::prefix) {
      for (; request < trace.request_ends.size() && trace.request_ends[request] == i; ++request) {
        missed = false;
      }
    }
    if (future != nullptr) future->at(i);
    const bool hit = pool.access(static_cast<int64_t>(i), trace.ids[i]);
    if (!hit || missed) ++misses;
    missed = missed || (rule == HitRule::prefix && !hit);
  }
  return misses;
}

}  // namespace

std::optional<ReplayResult> replay_cache(const ReplayPolicy& policy, uint32_t capacity,
                                         const ReplayTrace& trace, HitRule rule,
                                         std::string& error) {
  const tp_pool shape{.size = sizeof(tp_pool),
                      .capacity_blocks = capacity,
                      .block_tokens = 0,
                      .block_bytes = 0,
                      .slot_count = 0,
                      .reserved = 0};
  std::optional<CheckedCache> cache =
      CheckedCache::create(*policy.table, shape, policy.config, policy.seed, error);
  if (!cache) return std::nullopt;
  std::optional<Future> future;
  if (policy.future != nullptr) {
    future.emplace(trace.ids);
    cache->attach(*policy.future, future->view());
  }
  Pool pool(std::move(*cache));
  const uint64_t misses = count_misses(pool, trace, rule, future ? &*future : nullptr);
  return ReplayResult{.capacity = capacity, .accesses = trace.ids.size(), .misses = misses};
}

}  // namespace tiercast::tiering
