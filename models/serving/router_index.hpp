#pragma once

#include <cstdint>
#include <deque>
#include <span>

#include "models/kvstore/prefix_store.hpp"
#include "models/serving/checked_router.hpp"
#include "models/serving/instance.hpp"
#include "models/serving/worker_views.hpp"
#include "models/tiering/late_index.hpp"

namespace tiercast::serving {

/// What a router knows of GPU memory when news of blocks stored and removed takes `delay_ns`: each
/// instance's memory as it was just before that long ago. Loads it knows as they are.
class RouterIndex {
 public:
  RouterIndex(kvstore::PrefixStore& store, uint32_t block_tokens, int64_t delay_ns);

  /// Instances in order, before they hold anything; they must not move.
  void watch(Instance& instance);
  /// To be called before PrefixStore::match() at `now_ns`, once every instance that may hold
  /// anything of the path has been synced to it.
  void catch_up(int64_t now_ns);

  /// Routes by what is known, and counts how that fared. `matched`: by pool, as of now, blocks of
  /// the request; `workers`: with true matches in GPU memory. `informed`: another instance of the
  /// same router, which is asked with those: so routers may keep a state.
  uint32_t route(int64_t now_ns, CheckedRouter& router, CheckedRouter& informed,
                 const tp_request* request, const tp_prompt& prompt,
                 std::span<const uint32_t> matched, std::span<tp_worker> workers);

  const RouterCounts& counts() const { return counts_; }
  void reset_counts() { counts_ = {}; }

 private:
  kvstore::PrefixStore* store_;
  uint32_t block_tokens_;
  int64_t delay_ns_;
  std::deque<tiering::LateIndex> instances_;
  RouterCounts counts_;
};

}  // namespace tiercast::serving
