// Reading: what is where, what a request fetches, and who waits for what.
#include <algorithm>
#include <utility>

#include "models/tiering/tier_manager.hpp"
#include "sim/base/check.hpp"

namespace tiercast::tiering {

// The pool of a tier that gives the engine most blocks from `depth` on; kNone where none has it.
uint32_t TierManager::holder_of(uint32_t t, uint32_t engine, kvstore::NodeId leaf, uint32_t depth,
                                uint32_t end, uint32_t& run) const {
  run = 0;
  const TierSpec& tier = spec_->tiers[t];
  if (tier.kind != TierKind::peer) {
    const uint32_t pool = tier.pool_of[engine];
    if (pool != kNone) run = run_seen(t, pools_[t][pool], leaf, depth, end);
    return run > 0 ? pool : kNone;
  }
  const uint32_t own = spec_->tiers[host_tier_].pool_of[engine];
  uint32_t best = kNone;
  for (uint32_t p = 0; p < pools_[host_tier_].size(); ++p) {
    if (p == own) continue;
    const uint32_t blocks = run_seen(t, pools_[host_tier_][p], leaf, depth, end);
    if (blocks <= run) continue;
    run = blocks;
    best = p;
  }
  return best;
}

// The first depth from `depth` on at which the tier holds anything.
uint32_t TierManager::next_held(uint32_t t, uint32_t engine, kvstore::NodeId leaf, uint32_t depth,
                                uint32_t end) const {
  const TierSpec& tier = spec_->tiers[t];
  if (tier.kind == TierKind::peer) {
    const uint32_t own = spec_->tiers[host_tier_].pool_of[engine];
    for (uint32_t p = 0; p < pools_[host_tier_].size(); ++p) {
      if (p != own) end = next_seen(t, pools_[host_tier_][p], leaf, depth, end);
    }
    return end;
  }
  const uint32_t pool = tier.pool_of[engine];
  return pool == kNone ? end : next_seen(t, pools_[t][pool], leaf, depth, end);
}

std::span<tp_run> TierManager::find(int64_t now_ns, uint32_t engine, kvstore::NodeId leaf,
                                    uint32_t hit, uint32_t end, IndexView view) {
  view_ = view;
  if (any_late_) catch_up(now_ns, engine);
  runs_.clear();
  const kvstore::PoolId arriving = engines_[engine].arriving;
  for (uint32_t depth = hit; depth < end;) {
    tp_run run{depth, end - depth, 0, 0, 0};
    const uint32_t coming = store_->run_from(leaf, arriving, depth, end);
    if (coming > 0) {
      run.tier_mask = 1;
      run.count = coming;
    } else {
      run.count = store_->next_present(leaf, arriving, depth, end) - depth;
    }
    for (uint32_t t = 0; t < spec_->tiers.size(); ++t) {
      uint32_t held = 0;
      if (holder_of(t, engine, leaf, depth, depth + run.count, held) != kNone) {
        run.tier_mask |= 2u << t;
        run.count = held;
      } else {
        run.count = next_held(t, engine, leaf, depth, depth + run.count) - depth;
      }
    }
    if (run.tier_mask == 0) break;
    depth += run.count;
    runs_.push_back(run);
  }
  return runs_;
}

// What find() came to, as the policy sees it.
tp_fetch TierManager::found(uint32_t hit, uint32_t prompt_blocks,
                            const Splitting& splitting) const {
  return {.size = sizeof(tp_fetch),
          .block_bytes = spec_->block_bytes,
          .block_tokens = spec_->block_tokens,
          .hit_blocks = hit,
          .prompt_blocks = prompt_blocks,
          .run_count = static_cast<uint32_t>(runs_.size()),
          .runs = runs_.data(),
          .flags = splitting.possible ? uint32_t{TP_FETCH_SPLITS} : 0u,
          .reserved = 0,
          .half_compute_ns = splitting.half_compute_ns};
}

TierManager::Plan TierManager::plan(int64_t now_ns, uint32_t engine, const tp_request& request,
                                    uint32_t hit, uint32_t prompt_blocks,
                                    const Splitting& splitting) {
  const tp_fetch fetch = found(hit, prompt_blocks, splitting);
  const std::span<const tp_segment> segments =
      placement_.plan_fetch(now_ns, request, fetch, views(now_ns, engine));
  plan_.assign(segments.begin(), segments.end());
  Plan plan{hit, 0, LoadMode::layerwise, hit};
  if (!plan_.empty() && plan_.front().mode == TP_SEGMENT_COMPUTE) {
    plan.head_end = hit + plan_.front().count;
    plan_.erase(plan_.begin());
  }
  for (const tp_segment& segment : plan_) {
    plan.end = segment.first + segment.count;
    if (segment.mode == TP_SEGMENT_WAIT) {
      plan.mode = LoadMode::parked;  // whoever loads it decides when it comes
      continue;
    }
    plan.own_blocks += segment.count;
    plan.mode = std::min(plan.mode, spec_->tiers[segment.tier - 1].load_mode);
  }
  return plan;
}

TicketId TierManager::look_up(int64_t now_ns, uint32_t engine, uint32_t owner, uint32_t blocks) {
  const TicketId id = open_ticket(now_ns, engine, owner, kvstore::kNoNode);
  tickets_[id].tells = TierEvent::Kind::looked_up;
  for (uint32_t t = 0; t < spec_->tiers.size(); ++t) {
    const uint32_t station = asked_by(t, engine);
    if (station == kNone) continue;
    const IndexSpec& index = spec_->tiers[t].index;
    await_answer(
        transfers_.look_up(now_ns, {station, index.operations(blocks)}, index.round_trip_ns), id);
  }
  return id;
}

void TierManager::add_load(int64_t now_ns, uint32_t engine, TicketId ticket, kvstore::NodeId leaf,
                           const tp_segment& segment, const tp_request* request) {
  const uint32_t tier = segment.tier - 1;
  const uint32_t end = segment.first + segment.count;
  for (uint32_t depth = segment.first; depth < end;) {
    uint32_t run = 0;
    const uint32_t pool = holder_of(tier, engine, leaf, depth, end, run);
    TIERCAST_CHECK(pool != kNone, "block {} left tier {} between plan and fetch", depth, tier);
    const Piece piece{leaf, depth, run};
    const bool peer = spec_->tiers[tier].kind == TierKind::peer;
    TierPool& source = pools_[peer ? host_tier_ : tier][pool];
    source.touch(now_ns, piece, request);
    if (timed_) source.pin(now_ns, piece);
    counts_[tier].hit_blocks += run;
    const uint32_t keep = segment.to == TP_NO_TIER ? kNone : segment.to - 1;
    const auto same = std::find_if(loads_.begin(), loads_.end(), [&](const Job& job) {
      return job.from == tier && job.from_pool == pool && job.keep == keep;
    });
    Job& job = same != loads_.end() ? *same : loads_.emplace_back();
    job.kind = JobKind::load;
    job.engine = engine;
    job.ticket = ticket;
    job.from = tier;
    job.from_pool = pool;
    job.keep = keep;
    job.request = to_keep(request);
    job.pieces.push_back(piece);
    depth += run;
  }
}

TicketId TierManager::fetch(int64_t now_ns, uint32_t engine, uint32_t owner, kvstore::NodeId leaf,
                            std::span<const tp_span> frames, const tp_request* request) {
  const TicketId id = open_ticket(now_ns, engine, owner, leaf);
  loads_.clear();
  for (const tp_segment& segment : plan_) {
    if (segment.mode == TP_SEGMENT_WAIT) {
      wait_for(id, segment);
      continue;
    }
    tickets_[id].own.push_back({segment.first, segment.count});
    add_load(now_ns, engine, id, leaf, segment, request);
  }
  expect(id, frames);
  tickets_[id].parts_left += static_cast<uint32_t>(loads_.size());
  for (Job& job : loads_) launch(now_ns, std::move(job));
  return id;
}

void TierManager::absorb_plan(int64_t now_ns, uint32_t engine, kvstore::NodeId leaf,
                              const tp_request* request) {
  loads_.clear();
  for (const tp_segment& segment : plan_) {
    if (segment.mode == TP_SEGMENT_LOAD) add_load(now_ns, engine, kNone, leaf, segment, request);
  }
  for (Job& job : loads_) {
    look_into_cache(now_ns, job);
    cache_what_is_read(now_ns, job);
  }
  for (const Job& job : loads_) {
    if (job.keep != kNone) keep_copies(now_ns, job);
  }
}

bool TierManager::prefetch(int64_t now_ns, uint32_t engine, uint32_t owner,
                           const tp_request& request, kvstore::NodeId leaf, uint32_t hit,
                           uint32_t prompt_blocks, const Splitting& splitting) {
  const tp_fetch fetch = found(hit, prompt_blocks, splitting);
  const std::span<const tp_segment> segments =
      placement_.prefetch(now_ns, request, fetch, views(now_ns, engine));
  plan_.assign(segments.begin(), segments.end());
  TicketId id = kNone;
  for (const tp_segment& segment : plan_) {
    const uint32_t from = segment.tier - 1;
    const uint32_t to = segment.to - 1;
    const uint32_t to_pool = pool_near(to, engine);
    uint32_t run = 0;
    const uint32_t from_pool =
        holder_of(from, engine, leaf, segment.first, segment.first + segment.count, run);
    if (from_pool == kNone || to_pool == kNone) continue;
    const bool peer = spec_->tiers[from].kind == TierKind::peer;
    TierPool& source = pools_[peer ? host_tier_ : from][from_pool];
    Job job;
    job.kind = JobKind::stage;
    job.request = to_keep(&request);
    job.engine = engine;
    job.from = from;
    job.from_pool = from_pool;
    job.to = to;
    job.to_pool = to_pool;
    // What makes room may move down into the very pool this reads: pinned first, it stays.
    const Piece whole{leaf, segment.first, run};
    source.pin(now_ns, whole);
    fill_job(now_ns, job, whole);
    for (const Piece& piece : job.pieces) {
      source.pin(now_ns, piece);
      counts_[to].staged_blocks += piece.count;
    }
    source.unpin(now_ns, whole);
    if (job.pieces.empty()) continue;
    if (id == kNone) {
      id = open_ticket(now_ns, engine, owner, kvstore::kNoNode);
      tickets_[id].tells = TierEvent::Kind::staged;
    }
    ++tickets_[id].parts_left;
    job.ticket = id;
    launch(now_ns, std::move(job));
  }
  return id != kNone;
}

uint32_t TierManager::not_arriving(uint32_t engine, kvstore::NodeId leaf, BlockRange range) const {
  const kvstore::PoolId arriving = engines_[engine].arriving;
  const uint32_t end = range.first + range.count;
  uint32_t blocks = 0;
  for (uint32_t depth = range.first; depth < end;) {
    const uint32_t next = store_->next_present(leaf, arriving, depth, end);
    blocks += next - depth;
    depth = next + store_->run_from(leaf, arriving, next, end);
  }
  return blocks;
}

TicketId TierManager::hand_off(int64_t now_ns, uint32_t from, uint32_t to, uint32_t owner,
                               kvstore::NodeId leaf, BlockRange range,
                               std::span<const tp_span> frames) {
  const TicketId id = open_ticket(now_ns, to, owner, leaf);
  tickets_[id].parts_left = 1;
  Job job;
  job.kind = JobKind::handoff;
  job.engine = to;
  job.ticket = id;
  job.leaf = leaf;
  job.from_pool = from;
  const kvstore::PoolId arriving = engines_[to].arriving;
  const uint32_t end = range.first + range.count;
  for (uint32_t depth = range.first; depth < end;) {
    if (const uint32_t run = store_->run_from(leaf, arriving, depth, end); run > 0) {
      wait_for(id, {depth, run, TP_SEGMENT_WAIT, 0, TP_NO_TIER, 0});
      depth += run;
      continue;
    }
    const uint32_t count = store_->next_present(leaf, arriving, depth, end) - depth;
    tickets_[id].own.push_back({depth, count});
    job.pieces.push_back({leaf, depth, count});
    depth += count;
  }
  expect(id, frames);
  launch(now_ns, std::move(job));
  return id;
}

// A copy of what passed through host memory stays there; nothing moves for it.
void TierManager::keep_copies(int64_t now_ns, const Job& job) {
  const uint32_t pool = pool_near(job.keep, job.engine);
  if (pool == kNone) return;
  Job copy;
  copy.engine = job.engine;
  copy.to = job.keep;
  copy.to_pool = pool;
  copy.request = job.request;
  for (const Piece& piece : job.pieces) fill_job(now_ns, copy, piece);
  for (const Piece& piece : copy.pieces) {
    pools_[job.keep][pool].arrive(now_ns, piece, copy.asker());
    counts_[job.keep].staged_blocks += piece.count;
  }
}

}  // namespace tiercast::tiering
