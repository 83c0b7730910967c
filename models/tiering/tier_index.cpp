// Indices that are late: what they tell, what comes of believing them.
#include <algorithm>
#include <utility>

#include "models/tiering/tier_manager.hpp"

namespace tiercast::tiering {

// A peer tier's index is of the host memories it reads; their own nodes know them as they are.
void TierManager::keep_indices() {
  for (uint32_t t = 0; t < spec_->tiers.size(); ++t) {
    const TierSpec& tier = spec_->tiers[t];
    if (tier.index_delay_ns == 0) continue;
    any_late_ = true;
    const uint32_t holder = tier.kind == TierKind::peer ? host_tier_ : t;
    for (TierPool& pool : pools_[holder]) pool.keep_index(tier.index_delay_ns);
  }
}

void TierManager::catch_up(int64_t now_ns, uint32_t engine) {
  for (uint32_t t = 0; t < spec_->tiers.size(); ++t) {
    const TierSpec& tier = spec_->tiers[t];
    if (tier.index_delay_ns == 0) continue;
    if (tier.kind == TierKind::peer) {
      for (TierPool& pool : pools_[host_tier_]) pool.catch_up(now_ns);
    } else if (tier.pool_of[engine] != kNone) {
      pools_[t][tier.pool_of[engine]].catch_up(now_ns);
    }
  }
}

// What of [depth, end) the pool holds without a gap, as `tier` sees it.
uint32_t TierManager::run_seen(uint32_t tier, const TierPool& pool, kvstore::NodeId leaf,
                               uint32_t depth, uint32_t end) const {
  const bool late = spec_->tiers[tier].index_delay_ns > 0 && view_ != IndexView::true_now;
  const uint32_t run = store_->run_from(leaf, late ? pool.known() : pool.ready(), depth, end);
  if (!late || view_ == IndexView::told || run == 0) return run;
  return store_->run_from(leaf, pool.ready(), depth, depth + run);
}

// The first depth in [depth, end) that the pool holds, as `tier` sees it.
uint32_t TierManager::next_seen(uint32_t tier, const TierPool& pool, kvstore::NodeId leaf,
                                uint32_t depth, uint32_t end) const {
  if (spec_->tiers[tier].index_delay_ns == 0 || view_ == IndexView::true_now) {
    return store_->next_present(leaf, pool.ready(), depth, end);
  }
  depth = store_->next_present(leaf, pool.known(), depth, end);
  while (view_ == IndexView::checked && depth < end) {
    const uint32_t there = store_->next_present(leaf, pool.ready(), depth, end);
    if (there == depth) break;
    depth = store_->next_present(leaf, pool.known(), there, end);
  }
  return depth;
}

// Of what the plan loads from the tier, blocks that are not where its index says.
uint32_t TierManager::gone_blocks(uint32_t tier, uint32_t engine, kvstore::NodeId leaf) const {
  const bool peer = spec_->tiers[tier].kind == TierKind::peer;
  uint32_t gone = 0;
  for (const tp_segment& segment : plan_) {
    if (segment.mode != TP_SEGMENT_LOAD || segment.tier != tier + 1) continue;
    const uint32_t end = segment.first + segment.count;
    for (uint32_t depth = segment.first; depth < end;) {
      uint32_t run = 0;
      const uint32_t pool = holder_of(tier, engine, leaf, depth, end, run);
      const kvstore::PoolId ready = pools_[peer ? host_tier_ : tier][pool].ready();
      for (const uint32_t run_end = depth + run; depth < run_end;) {
        depth += store_->run_from(leaf, ready, depth, run_end);
        const uint32_t next = store_->next_present(leaf, ready, depth, run_end);
        gone += next - depth;
        depth = next;
      }
    }
  }
  return gone;
}

bool TierManager::read_in_vain(int64_t now_ns, uint32_t engine, uint32_t owner,
                               kvstore::NodeId leaf) {
  if (!any_late_ || view_ != IndexView::told) return false;
  TicketId id = kNone;
  for (uint32_t t = 0; t < spec_->tiers.size(); ++t) {
    if (spec_->tiers[t].index_delay_ns == 0) continue;
    const uint32_t gone = gone_blocks(t, engine, leaf);
    if (gone == 0) continue;
    if (id == kNone) {
      id = open_ticket(now_ns, engine, owner, kvstore::kNoNode);
      tickets_[id].tells = TierEvent::Kind::looked_up;
    }
    find_visits(*spec_, {engine, t, kNone, kNone, kNone}, gone, visits_);
    TransferPlan read{{}, 0, {.before_ns = spec_->tiers[t].load.before_ns}};
    read.visits = visits_;
    ++counts_[t].stale_reads;
    counts_[t].stale_hit_blocks += gone;
    counts_[t].stale_ns += transfers_.unloaded_ns(read);
    await_answer(transfers_.start(now_ns, read), id);
  }
  return id != kNone;
}

// What moves no blocks, and ends in an event for whoever holds the ticket.
void TierManager::await_answer(TransferId transfer, TicketId ticket) {
  Job job;
  job.kind = JobKind::lookup;
  job.engine = tickets_[ticket].engine;
  job.ticket = ticket;
  if (jobs_.size() <= transfer) jobs_.resize(transfer + 1);
  jobs_[transfer] = std::move(job);
  ++tickets_[ticket].parts_left;
}

void TierManager::count_unseen(uint32_t engine, kvstore::NodeId leaf, uint32_t first,
                               uint32_t end) {
  if (!any_late_) return;
  const IndexView before = view_;
  for (uint32_t t = 0; t < spec_->tiers.size(); ++t) {
    if (spec_->tiers[t].index_delay_ns == 0) continue;
    view_ = IndexView::true_now;
    uint32_t there = 0;
    holder_of(t, engine, leaf, first, end, there);
    view_ = IndexView::told;
    for (uint32_t depth = first; depth < first + there;) {
      const uint32_t told = next_held(t, engine, leaf, depth, first + there);
      counts_[t].unseen_blocks += told - depth;
      uint32_t run = 0;
      holder_of(t, engine, leaf, told, first + there, run);
      depth = told + run;
    }
  }
  view_ = before;
}

}  // namespace tiercast::tiering
