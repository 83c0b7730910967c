#include "models/tiering/cache_replay.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "models/policy/flat_array.hpp"
#include "models/tiering/checked_cache.hpp"

namespace tiercast::tiering {
namespace {

/// What policies that may know the future are told: when the block of this access is used next.
struct Future {
  std::span<const uint32_t> next;
  std::size_t access = 0;

  tp_future view() {
    return {sizeof(tp_future), 0, this, [](void* self, const tp_key*) {
              const Future& future = *static_cast<const Future*>(self);
              const uint32_t use = future.next[future.access];
              return use == kNoUse ? INT64_MAX : int64_t{use};
            }};
  }
};

/// One pool and its host.
class Pool {
 public:
  Pool(CheckedCache cache, uint32_t distinct)
      : cache_(std::move(cache)), slots_(distinct), blocks_(cache_.capacity_blocks()) {
    view_.size = sizeof view_;
    view_.parent_slot = UINT32_MAX;
    view_.tokens = 1;
    view_.bytes = 1;
    view_.expires_ns = INT64_MAX;
    request_.size = sizeof request_;
    request_.deadline_ns = INT64_MAX;
  }

  /// From now on accesses are the request's.
  void begin(int64_t now_ns, uint64_t number, const ReplayRequest& request, uint32_t blocks) {
    asks_ = true;
    request_.id = number;
    request_.session = request.session;
    request_.turn = request.turn;
    request_.arrival_ns = now_ns;
    request_.prompt_tokens = blocks;
    view_.session = request.session;
    cache_.request(now_ns, request_, TP_PHASE_ARRIVE);
    if (request.session != 0 && request.turn > 0) {
      cache_.request(now_ns, request_, TP_PHASE_RESUME);
    }
    cache_.request(now_ns, request_, TP_PHASE_SCHEDULE);
  }
  void end(int64_t now_ns, const ReplayRequest& request) {
    cache_.request(now_ns, request_, TP_PHASE_FINISH);
    if (request.calls_tool) cache_.request(now_ns, request_, TP_PHASE_TOOL_CALL);
  }

  /// The block is the depth-th of its request. Answers whether the pool held it.
  bool access(int64_t now_ns, uint32_t block, uint32_t depth) {
    const uint32_t parent = depth == 0 ? kNoUse : last_;
    last_ = block;
    const uint32_t slot_plus_1 = slots_[block];
    if (slot_plus_1 == 0) {
      take_in(now_ns, block, depth, parent);
      return false;
    }
    const tp_span span{slot_plus_1 - 1, 1};
    cache_.touch(now_ns, {&span, 1}, asker());
    return true;
  }

  void prefetch(uint32_t block) const { slots_.prefetch(block); }

 private:
  const tp_request* asker() const { return asks_ ? &request_ : nullptr; }

  void take_in(int64_t now_ns, uint32_t block, uint32_t depth, uint32_t parent) {
    view_.key.lo = block;
    view_.depth = depth;
    view_.parent_slot = UINT32_MAX;
    cache_.lookup(now_ns, {&view_, 1}, 0, asker());
    if (cache_.admitted(now_ns, {&view_, 1}, asker()) == 0) return;
    const tp_span span{free_slot(now_ns), 1};
    if (parent != kNoUse && slots_[parent] != 0) view_.parent_slot = slots_[parent] - 1;
    cache_.insert(now_ns, {&span, 1}, {&view_, 1}, asker());
    cache_.evictable(now_ns, true, {&span, 1});
    slots_[block] = span.first_slot + 1;
    blocks_[span.first_slot] = block;
  }

  uint32_t free_slot(int64_t now_ns) {
    if (filled_ < cache_.capacity_blocks()) return filled_++;
    victim_.clear();
    if (!cache_.take_victims(now_ns, 1, victim_)) {
      throw PolicyFault(cache_.policy_name(), "select", now_ns,
                        "refuses a victim where every block is evictable");
    }
    const uint32_t slot = victim_.front().first_slot;
    slots_[blocks_[slot]] = 0;
    return slot;
  }

  CheckedCache cache_;
  policy::FlatArray<uint32_t> slots_;  // by block: its slot + 1, or 0
  std::vector<uint32_t> blocks_;       // by slot
  uint32_t filled_ = 0;                // slots used so far; none is free again but by eviction
  std::vector<tp_span> victim_;
  uint32_t last_ = kNoUse;  // block accessed last
  tp_block view_{};
  tp_request request_{};
  bool asks_ = false;  // a request is behind the accesses
};

uint64_t count_misses(Pool& pool, const ReplayTrace& trace, HitRule rule, Future& future,
                      bool by_time) {
  constexpr std::size_t ahead = 16;
  uint64_t misses = 0;
  std::size_t begin = 0;
  int64_t now_ns = 0;
  const auto replay = [&](std::size_t end) {
    bool missed = false;  // in this request
    for (std::size_t i = begin; i < end; ++i) {
      if (i + ahead < trace.blocks.size()) pool.prefetch(trace.blocks[i + ahead]);
      future.access = i;
      if (!by_time) now_ns = static_cast<int64_t>(i);
      const bool hit = pool.access(now_ns, trace.blocks[i], static_cast<uint32_t>(i - begin));
      if (!hit || missed) ++misses;
      missed = missed || (rule == HitRule::prefix && !hit);
    }
    begin = end;
  };
  for (std::size_t r = 0; r < trace.request_ends.size(); ++r) {
    const uint64_t end = trace.request_ends[r];
    if (!by_time) {
      replay(end);
      continue;
    }
    const ReplayRequest& request = trace.requests[r];
    now_ns = std::max(now_ns, request.time_ns);
    pool.begin(now_ns, r, request, static_cast<uint32_t>(end - begin));
    replay(end);
    pool.end(now_ns, request);
  }
  replay(trace.blocks.size());
  return misses;
}

}  // namespace

std::vector<uint32_t> next_uses(const ReplayTrace& trace) {
  std::vector<uint32_t> next(trace.blocks.size());
  std::vector<uint32_t> later(trace.distinct, kNoUse);
  for (std::size_t i = trace.blocks.size(); i-- > 0;) {
    next[i] = std::exchange(later[trace.blocks[i]], static_cast<uint32_t>(i));
  }
  return next;
}

std::optional<ReplayResult> replay_cache(const ReplayPolicy& policy, uint32_t capacity,
                                         const ReplayTrace& trace, std::span<const uint32_t> next,
                                         HitRule rule, std::string& error) {
  const tp_pool shape{.size = sizeof(tp_pool),
                      .capacity_blocks = capacity,
                      .block_tokens = 1,
                      .block_bytes = 1,
                      .slot_count = 0,
                      .reserved = 0};
  std::optional<CheckedCache> cache =
      CheckedCache::create(*policy.table, shape, policy.config, policy.seed, error, policy.checks);
  if (!cache) return std::nullopt;
  Future future{next};
  if (policy.future != nullptr) cache->attach(*policy.future, future.view());
  Pool pool(std::move(*cache), trace.distinct);
  const bool by_time = policy.future == nullptr && !trace.requests.empty();
  const uint64_t misses = count_misses(pool, trace, rule, future, by_time);
  return ReplayResult{.capacity = capacity, .accesses = trace.blocks.size(), .misses = misses};
}

}  // namespace tiercast::tiering
