// What the policies of pools below GPU memory hear of requests.
#include "models/tiering/tier_manager.hpp"

namespace tiercast::tiering {

template <class Visit>
void TierManager::for_pools_near(uint32_t engine, Visit visit) {
  for (uint32_t t = 0; t < spec_->tiers.size(); ++t) {
    if (spec_->tiers[t].kind == TierKind::peer) continue;
    if (const uint32_t pool = pool_near(t, engine); pool != kNone) visit(pools_[t][pool]);
  }
}

void TierManager::request(int64_t now_ns, uint32_t engine, const tp_request& request,
                          uint32_t phase) {
  if (placement_.hears_requests()) placement_.on_request(now_ns, request, phase);
  if (!hears_of_requests_) return;
  for_pools_near(engine, [&](TierPool& pool) { pool.request(now_ns, request, phase); });
}

void TierManager::hint(int64_t now_ns, uint32_t engine, uint64_t session,
                       std::span<const tp_hint> hints) {
  if (!hears_of_requests_) return;
  for_pools_near(engine, [&](TierPool& pool) { pool.hint(now_ns, session, hints); });
}

void TierManager::hint(int64_t now_ns, uint64_t session, std::span<const tp_hint> hints) {
  if (!hears_of_requests_) return;
  for (std::vector<TierPool>& pools : pools_) {
    for (TierPool& pool : pools) pool.hint(now_ns, session, hints);
  }
}

// Victims move down from pool to pool, so that all must know whose they are where one asks.
void TierManager::tell_all(std::span<const uint64_t> recompute_ns) {
  recompute_ns_ = recompute_ns;
  if (!reads_blocks_) return;
  for (std::vector<TierPool>& pools : pools_) {
    for (TierPool& pool : pools) {
      pool.keep_owners();
      if (pool.reads_blocks()) pool.tell_all(recompute_ns);
    }
  }
}

// A transfer outlives the call that asked for it, and the hints that came with it.
std::optional<tp_request> TierManager::to_keep(const tp_request* request) const {
  if (request == nullptr || !hears_of_requests_) return std::nullopt;
  tp_request kept = *request;
  kept.hint_count = 0;
  kept.hints = nullptr;
  return kept;
}

}  // namespace tiercast::tiering
