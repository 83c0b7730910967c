#include "models/serving/router_index.hpp"

#include <algorithm>

namespace tiercast::serving {

RouterIndex::RouterIndex(kvstore::PrefixStore& store, uint32_t block_tokens, int64_t delay_ns)
    : store_(&store), block_tokens_(block_tokens), delay_ns_(delay_ns) {}

void RouterIndex::watch(Instance& instance) {
  instance.publish_to(instances_.emplace_back(*store_, instance.pool().slot_count()));
}

void RouterIndex::catch_up(int64_t now_ns) {
  for (tiering::LateIndex& instance : instances_) instance.replay_before(now_ns - delay_ns_);
}

uint32_t RouterIndex::route(int64_t now_ns, CheckedRouter& router, CheckedRouter& informed_router,
                            const tp_request* request, const tp_prompt& prompt,
                            std::span<const uint32_t> matched, std::span<tp_worker> workers) {
  // As an instance would use them: the block with the last token is computed.
  const uint32_t usable = (prompt.tokens - 1) / block_tokens_;
  const auto held = [&](uint32_t instance) { return std::min(usable, matched[instance]); };
  const uint32_t informed = informed_router.route(now_ns, request, prompt, workers);
  for (size_t i = 0; i < workers.size(); ++i) {
    workers[i].device_tokens = matched[instances_[i].known()] * block_tokens_;
  }
  const uint32_t chosen = router.route(now_ns, request, prompt, workers);
  const uint32_t believed = std::min(usable, matched[instances_[chosen].known()]);
  ++counts_.requests;
  if (believed > held(chosen)) counts_.stale_hit_blocks += believed - held(chosen);
  if (chosen != informed) ++counts_.misrouted;
  if (held(informed) > held(chosen)) counts_.missed_blocks += held(informed) - held(chosen);
  return chosen;
}

}  // namespace tiercast::serving
