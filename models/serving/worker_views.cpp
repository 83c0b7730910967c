#include "models/serving/worker_views.hpp"

#include <algorithm>

namespace tiercast::serving {

tp_worker worker_view(const Instance& instance) {
  tp_worker view{};
  view.size = sizeof view;
  view.outstanding_requests = instance.outstanding_requests();
  view.outstanding_tokens = instance.outstanding_input_tokens();
  view.queued_tokens = instance.queued_input_tokens();
  return view;
}

void count_active_blocks(uint32_t block_tokens, std::span<tp_worker> workers) {
  for (tp_worker& worker : workers) {
    worker.active_blocks = (worker.outstanding_tokens + block_tokens - 1) / block_tokens;
  }
}

tp_prompt PromptKeys::of(uint32_t tokens, uint32_t block_tokens, const Content& content,
                         bool with_keys) {
  tp_prompt prompt{};
  prompt.size = sizeof prompt;
  prompt.tokens = tokens;
  prompt.block_tokens = block_tokens;
  if (!with_keys || id_tokens_ == 0) return prompt;
  keys_.clear();
  for (const uint64_t id : content.ids) {
    if ((keys_.size() + 1) * id_tokens_ > tokens) break;
    keys_.push_back({id, keys_.size()});
  }
  prompt.key_tokens = id_tokens_;
  prompt.key_count = static_cast<uint32_t>(keys_.size());
  prompt.keys = keys_.data();
  return prompt;
}

void match_tiers(const tiering::TierManager& tiers, std::span<const uint32_t> matched,
                 uint32_t block_tokens, std::span<tp_worker> workers) {
  const tiering::TierSetSpec& spec = tiers.spec();
  for (uint32_t e = 0; e < workers.size(); ++e) {
    uint32_t host = 0;
    uint32_t disk = 0;
    uint32_t shared = 0;
    for (uint32_t t = 0; t < spec.tiers.size(); ++t) {
      const tiering::TierSpec& tier = spec.tiers[t];
      uint32_t* const kind = tier.kind == tiering::TierKind::dram   ? &host
                             : tier.kind == tiering::TierKind::nvme ? &disk
                                                                    : &shared;
      const uint32_t own = tier.pool_of[e];
      if (tier.kind != tiering::TierKind::peer) {
        if (own != tiering::kNone) {
          *kind = std::max(*kind, matched[tiers.pools(t)[own].ready()]);
        }
        continue;
      }
      for (uint32_t d = 0; d < spec.tiers.size(); ++d) {  // host memory of the other nodes
        if (spec.tiers[d].kind != tiering::TierKind::dram) continue;
        for (uint32_t p = 0; p < tiers.pools(d).size(); ++p) {
          if (p == spec.tiers[d].pool_of[e]) continue;
          *kind = std::max(*kind, matched[tiers.pools(d)[p].ready()]);
        }
      }
    }
    tp_worker& worker = workers[e];
    uint32_t reached = worker.device_tokens;
    const auto beyond = [&](uint32_t blocks) {
      const uint32_t tokens = std::max(reached, blocks * block_tokens) - reached;
      reached += tokens;
      return tokens;
    };
    worker.host_tokens = beyond(host);
    worker.disk_tokens = beyond(disk);
    worker.shared_tokens = beyond(shared);
  }
}

}  // namespace tiercast::serving
