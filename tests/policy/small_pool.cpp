#include "tests/policy/small_pool.hpp"

#include <algorithm>
#include <bit>
#include <functional>
#include <set>
#include <string>

#include <catch2/catch.hpp>

namespace tiercast::tests {
namespace {

constexpr uint32_t kNowhere = UINT32_MAX;

class SmallPool {
 public:
  SmallPool(const policy::CacheEntry& entry, uint32_t capacity, const SmallTrace& trace,
            SmallClock clock)
      : table_(*entry.table), trace_(trace), block_of_(capacity, kNowhere) {
    int64_t requests = 0;
    for (std::size_t i = 0; i < trace.size(); ++i) {
      requests += trace[i].depth == 0 ? 1 : 0;
      times_.push_back(clock == SmallClock::requests ? requests : static_cast<int64_t>(i));
    }
    const tp_pool pool{sizeof(tp_pool), capacity, 1, 1, 0, 0};
    REQUIRE(table_.create("", &pool, 1, &cache_, nullptr, 0) == TP_OK);
    if (entry.future == nullptr) return;
    const tp_future future{sizeof(tp_future), 0, this, next_use};
    REQUIRE(entry.future->attach(cache_, &future) == TP_OK);
  }
  SmallPool(const SmallPool&) = delete;
  SmallPool& operator=(const SmallPool&) = delete;
  ~SmallPool() { table_.destroy(cache_); }

  bool access(std::size_t now) {
    now_ = now;
    const int64_t time = times_[now];
    const uint32_t block = trace_[now].block;
    const auto held = std::find(block_of_.begin(), block_of_.end(), block);
    if (held != block_of_.end()) {
      const tp_span span{static_cast<uint32_t>(held - block_of_.begin()), 1};
      if (table_.on_touch != nullptr) {
        REQUIRE(table_.on_touch(cache_, time, nullptr, &span, 1) == TP_OK);
      }
      return true;
    }
    tp_block view{};
    view.size = sizeof view;
    view.key.lo = block;
    view.parent_slot = kNowhere;
    view.depth = trace_[now].depth;
    view.expires_ns = INT64_MAX;
    if (table_.on_lookup != nullptr) {
      REQUIRE(table_.on_lookup(cache_, time, nullptr, &view, 1, 0) == TP_OK);
    }
    uint8_t admitted = 1;
    if (table_.admit != nullptr) {
      REQUIRE(table_.admit(cache_, time, nullptr, &view, 1, &admitted) == TP_OK);
    }
    if (admitted == 0) return false;
    const tp_span span{free_slot(time), 1};
    REQUIRE(table_.on_insert(cache_, time, nullptr, &span, 1, &view) == TP_OK);
    REQUIRE(table_.on_evictable(cache_, time, 1, &span, 1) == TP_OK);
    block_of_[span.first_slot] = block;
    return false;
  }

 private:
  static int64_t next_use(void* self, const tp_key* key) {
    const SmallPool& pool = *static_cast<const SmallPool*>(self);
    for (std::size_t i = pool.now_ + 1; i < pool.trace_.size(); ++i) {
      if (pool.trace_[i].block == key->lo) return pool.times_[i];
    }
    return INT64_MAX;
  }

  uint32_t free_slot(int64_t time) {
    const auto empty = std::find(block_of_.begin(), block_of_.end(), kNowhere);
    if (empty != block_of_.end()) return static_cast<uint32_t>(empty - block_of_.begin());
    tp_span victim{};
    tp_victims answer{};
    REQUIRE(table_.select(cache_, time, 1, &victim, 1, &answer) == TP_OK);
    REQUIRE(table_.commit(cache_, time, answer.token, nullptr) == TP_OK);
    REQUIRE(table_.on_remove(cache_, time, TP_REMOVED_EVICTED, &victim, 1) == TP_OK);
    return victim.first_slot;
  }

  const tp_cache_table& table_;
  const SmallTrace& trace_;
  std::vector<int64_t> times_;      // by access
  std::vector<uint32_t> block_of_;  // by slot
  tp_cache* cache_ = nullptr;
  std::size_t now_ = 0;
};

}  // namespace

std::vector<bool> replay_small(const policy::CacheEntry& entry, uint32_t capacity,
                               const SmallTrace& trace, SmallClock clock) {
  SmallPool pool(entry, capacity, trace, clock);
  std::vector<bool> hits;
  for (std::size_t i = 0; i < trace.size(); ++i) hits.push_back(pool.access(i));
  return hits;
}

uint32_t count_misses(const SmallTrace& trace, const std::vector<bool>& hits, SmallRule rule) {
  uint32_t misses = 0;
  bool missed = false;  // in this request
  for (std::size_t i = 0; i < trace.size(); ++i) {
    if (trace[i].depth == 0 || rule == SmallRule::block) missed = false;
    missed = missed || !hits[i];
    misses += missed ? 1 : 0;
  }
  return misses;
}

std::vector<std::vector<uint32_t>> forests(uint32_t blocks) {
  std::vector<std::vector<uint32_t>> found;
  std::set<std::string> shapes;
  std::vector<uint32_t> parents(blocks);
  // The shape of the trees below a node: those of its children in brackets, in alphabetical order.
  const std::function<std::string(uint32_t)> shape = [&](uint32_t parent) {
    std::vector<std::string> below;
    for (uint32_t node = 0; node < blocks; ++node) {
      const bool root = parents[node] == node;
      if (parent == blocks ? root : !root && parents[node] == parent) below.push_back(shape(node));
    }
    std::sort(below.begin(), below.end());
    std::string text = "(";
    for (const std::string& tree : below) text += tree;
    return text + ")";
  };
  const std::function<void(uint32_t)> choose = [&](uint32_t node) {
    if (node == blocks) {
      if (shapes.insert(shape(blocks)).second) found.push_back(parents);
      return;
    }
    for (parents[node] = 0; parents[node] <= node; ++parents[node]) choose(node + 1);
  };
  choose(0);
  return found;
}

void append_request(SmallTrace& trace, const std::vector<uint32_t>& forest, uint32_t block) {
  std::vector<uint32_t> path{block};
  while (forest[path.back()] != path.back()) path.push_back(forest[path.back()]);
  std::reverse(path.begin(), path.end());
  for (uint32_t depth = 0; depth < path.size(); ++depth) trace.push_back({path[depth], depth});
}

AllDecisions::AllDecisions(uint32_t capacity, SmallRule rule, bool demand_filled)
    : capacity_(capacity), rule_(rule), demand_filled_(demand_filled), fewest_(64, UINT32_MAX) {
  fewest_[0] = 0;
}

void AllDecisions::access(SmallAccess access) {
  std::vector<uint32_t> next(fewest_.size(), UINT32_MAX);
  for (uint32_t state = 0; state < fewest_.size(); ++state) {
    if (fewest_[state] == UINT32_MAX) continue;
    const uint32_t held = state >> 1;
    const uint32_t block = 1u << access.block;
    const bool fresh = access.depth == 0 || rule_ == SmallRule::block;
    const bool hit = (held & block) != 0;
    const bool missed = !hit || (!fresh && (state & 1) != 0);
    const uint32_t misses = fewest_[state] + (missed ? 1 : 0);
    const uint32_t choice = held | block;
    for (uint32_t kept = choice;; kept = (kept - 1) & choice) {
      const uint32_t left = choice & ~kept;
      const bool full = std::popcount(choice) > static_cast<int>(capacity_);
      const bool on_demand = (kept & block) != 0 && std::popcount(left) == (full ? 1 : 0);
      if (std::popcount(kept) <= static_cast<int>(capacity_) && (!demand_filled_ || on_demand)) {
        uint32_t& best = next[kept << 1 | (missed ? 1 : 0)];
        best = std::min(best, misses);
      }
      if (kept == 0) break;
    }
  }
  fewest_ = std::move(next);
}

uint32_t AllDecisions::fewest_misses() const {
  return *std::min_element(fewest_.begin(), fewest_.end());
}

}  // namespace tiercast::tests
