// Tiers as the policy sees them: how fast they are, how full, and what is queued there.
#include <algorithm>

#include "models/tiering/tier_manager.hpp"
#include "sim/resources/fair_shares.hpp"

namespace tiercast::tiering {

namespace {

// What flows of some transfers get in all when they run at the same time.
class JointRate {
 public:
  explicit JointRate(const std::vector<TierLinkSpec>& links) {
    for (const TierLinkSpec& link : links) shares_.add_link(link.bytes_per_s);
  }

  void add(const TransferPlan& plan) {
    if (plan.parts.empty()) add_flow(plan.links, plan.cost.rate_cap);
    const uint64_t cap = plan.cost.rate_cap;
    for (const TransferPart& part : plan.parts) {
      links_.assign(plan.links.begin(), plan.links.end());
      links_.insert(links_.end(), part.from.begin(), part.from.end());
      links_.insert(links_.end(), part.to.begin(), part.to.end());
      add_flow(links_, cap == 0 ? 0 : std::max<uint64_t>(1, cap / plan.parts.size()));
    }
  }

  // Of those added since the last call; 0: nothing bounds them.
  uint64_t take() {
    shares_.settle();
    uint64_t sum = 0;
    for (const resources::PathId path : flows_) sum += shares_.rate(path);
    for (const resources::PathId path : flows_) shares_.remove_flow(path);
    flows_.clear();
    return sum;
  }

 private:
  void add_flow(std::span<const uint32_t> links, uint64_t cap) {
    if (links.empty() && cap == 0) return;
    flows_.push_back(shares_.add_path(links, 1, cap));
    shares_.add_flow(flows_.back());
  }

  resources::FairShares shares_;
  std::vector<resources::PathId> flows_;
  std::vector<uint32_t> links_;  // scratch
};

}  // namespace

// The library counts bytes of blocks as engines hold them.
uint64_t TierManager::as_held(uint64_t bytes, const RouteEnds& ends) const {
  const uint64_t moved = moved_block_bytes(*spec_, ends);
  if (moved == spec_->block_bytes) return bytes;
  const Int128 held = Int128{bytes} * spec_->block_bytes / moved;
  return static_cast<uint64_t>(std::min<Int128>(held, UINT64_MAX));
}

// Visits grow with the bytes and come before them: of one object they add to the latency, and what
// each further one adds makes the rate less.
void TierManager::add_visits(const RouteEnds& ends, int64_t& latency_ns, uint64_t& bytes_per_s) {
  if (ends.from != kNone && ends.from_pool == kNone) return;  // a peer's, or none in reach
  const uint32_t blocks =
      spec_->tiers[ends.from != kNone ? ends.from : ends.to].index.blocks_per_object;
  find_visits(*spec_, ends, blocks, visits_);
  if (visits_.empty() || bytes_per_s == 0) return;
  const int64_t one_ns = transfers_.unloaded_visits_ns(visits_);
  constexpr uint32_t kMany = 1 << 16;
  for (StationVisit& visit : visits_) visit.operations = kMany;
  constexpr Int128 kPsPerNs = 1000;
  const Int128 more_ps = transfers_.unloaded_visits_ns(visits_) * kPsPerNs / kMany;
  latency_ns += std::max<int64_t>(0, one_ns - static_cast<int64_t>(more_ps / kPsPerNs));
  const Int128 nanobytes = Int128{blocks} * spec_->block_bytes * 1'000'000'000;
  const Int128 object_ps = nanobytes * kPsPerNs / bytes_per_s + more_ps;
  bytes_per_s = static_cast<uint64_t>(std::max<Int128>(1, nanobytes * kPsPerNs / object_ps));
}

// Tier 0 of the policy's numbering is the engine's memory; its own figures are not asked for.
void TierManager::describe_tiers(uint32_t engine) {
  std::vector<tp_tier>& views = views_.emplace_back(spec_->tiers.size() + 1, tp_tier{});
  views[0].size = sizeof(tp_tier);
  views[0].kind = TP_TIER_HBM;
  views[0].write_budget_bytes = UINT64_MAX;
  for (uint32_t t = 0; t < spec_->tiers.size(); ++t) {
    const TierSpec& tier = spec_->tiers[t];
    tp_tier& view = views[t + 1];
    view.size = sizeof(tp_tier);
    view.kind = static_cast<uint32_t>(tier.kind);
    view.write_budget_bytes = UINT64_MAX;
    view.write_latency_ns = tier.store.before_ns + tier.store.after_ns;
    const bool peer = tier.kind == TierKind::peer;
    const uint32_t pool = tier.pool_of[engine];
    if (peer || pool == kNone || tier.read_only) view.flags |= TP_TIER_READ_ONLY;
    if (peer || tier.pools.size() < spec_->node_of.size()) view.flags |= TP_TIER_SHARED;
    if (!tier.through_host && tier.kind != TierKind::dram) view.flags |= TP_TIER_DIRECT;
    const RouteEnds up{engine, t, pool, kNone, kNone};
    const TransferPlan load = even_route(up);
    view.read_latency_ns = load.cost.before_ns;
    view.read_bytes_per_s = as_held(transfers_.rate(load), up);
    add_visits(up, view.read_latency_ns, view.read_bytes_per_s);
    if (peer || pool == kNone) continue;
    const RouteEnds down{engine, kNone, kNone, t, pool};
    const TransferPlan store = even_route(down);
    view.write_latency_ns = store.cost.before_ns + store.cost.after_ns;
    view.write_bytes_per_s = as_held(transfers_.rate(store), down);
    add_visits(down, view.write_latency_ns, view.write_bytes_per_s);
    view.capacity_blocks = tier.capacity_blocks;
  }
}

// A pool works off its queue at the rate at which all its engines together move blocks, one of them
// at its own: that share of the queue is what its next transfer waits for.
void TierManager::share_queues() {
  JointRate joint(spec_->links);
  const auto share = [&](uint64_t own, uint64_t all) {
    if (own >= all) return kWholeQueue;
    return static_cast<uint64_t>(Int128{own} * kWholeQueue / all);
  };
  for (uint32_t t = 0; t < spec_->tiers.size(); ++t) {
    const TierSpec& tier = spec_->tiers[t];
    if (tier.kind == TierKind::peer) continue;
    for (uint32_t p = 0; p < tier.pools.size(); ++p) {
      const auto for_engines = [&](auto visit) {
        for (uint32_t e = 0; e < tier.pool_of.size(); ++e) {
          if (tier.pool_of[e] == p) visit(e);
        }
      };
      if (std::count(tier.pool_of.begin(), tier.pool_of.end(), p) < 2) continue;
      for_engines([&](uint32_t e) { joint.add(even_route({e, t, p, kNone, kNone})); });
      const uint64_t read = joint.take();
      for_engines([&](uint32_t e) { joint.add(even_route({e, kNone, kNone, t, p})); });
      const uint64_t written = joint.take();
      for_engines([&](uint32_t e) {
        EngineQueue& queue = engine_queues_[t][e];
        queue.read_share = share(transfers_.rate(even_route({e, t, p, kNone, kNone})), read);
        queue.write_share = share(transfers_.rate(even_route({e, kNone, kNone, t, p})), written);
      });
    }
  }
}

// More bytes of a job are asked for; of one that is over, fewer, modulo 2^64.
void TierManager::queue(const Job& job, uint64_t bytes) {
  if (job.from != kNone) {
    const bool peer = spec_->tiers[job.from].kind == TierKind::peer;
    pool_queues_[peer ? host_tier_ : job.from][job.from_pool].read += bytes;
    engine_queues_[job.from][job.engine].read += bytes;
  }
  if (job.to != kNone) {
    pool_queues_[job.to][job.to_pool].written += bytes;
    engine_queues_[job.to][job.engine].written += bytes;
  }
}

// As the tiers are now, for the policy.
std::span<const tp_tier> TierManager::views(int64_t now_ns, uint32_t engine) {
  std::vector<tp_tier>& views = views_[engine];
  const auto ahead = [](uint64_t own, uint64_t all, uint64_t share) {
    return std::max(own, static_cast<uint64_t>(Int128{all} * share / kWholeQueue));
  };
  for (uint32_t t = 0; t < spec_->tiers.size(); ++t) {
    const uint32_t pool = spec_->tiers[t].pool_of[engine];
    if (pool == kNone || spec_->tiers[t].kind == TierKind::peer) continue;
    const Queue& all = pool_queues_[t][pool];
    const EngineQueue& own = engine_queues_[t][engine];
    tp_tier& view = views[t + 1];
    view.used_blocks = pools_[t][pool].used_blocks();
    const uint64_t budget = budgets_[t][pool].left(now_ns);
    view.write_budget_bytes =
        budget == UINT64_MAX ? budget : as_held(budget, {engine, kNone, kNone, t, pool});
    view.queued_read_bytes =
        as_held(ahead(own.read, all.read, own.read_share), {engine, t, pool, kNone, kNone});
    view.queued_write_bytes =
        as_held(ahead(own.written, all.written, own.write_share), {engine, kNone, kNone, t, pool});
  }
  return views;
}

}  // namespace tiercast::tiering
