// Writing: stores from GPU memory, what cascades on from host memory, what eviction moves down.
#include <algorithm>
#include <bit>
#include <utility>

#include "models/tiering/tier_manager.hpp"

namespace tiercast::tiering {

// Visits the parts of a piece that the pool neither has nor awaits; what it has counts as used.
template <class Visit>
void TierManager::for_absent(int64_t now_ns, TierPool& pool, const Piece& piece,
                             const tp_request* request, Visit visit) {
  const uint32_t end = piece.depth + piece.count;
  for (uint32_t depth = piece.depth; depth < end;) {
    if (const uint32_t run = store_->run_from(piece.node, pool.ready(), depth, end); run > 0) {
      pool.touch(now_ns, {piece.node, depth, run}, request);
      depth += run;
      continue;
    }
    if (const uint32_t run = store_->run_from(piece.node, pool.arriving(), depth, end); run > 0) {
      depth += run;
      continue;
    }
    const uint32_t ready = store_->next_present(piece.node, pool.ready(), depth, end);
    const uint32_t count = store_->next_present(piece.node, pool.arriving(), depth, ready) - depth;
    visit(Piece{piece.node, depth, count, piece.owner});
    depth += count;
  }
}

// Frames for a piece; what leaves for it moves down where the policy says so.
uint32_t TierManager::reserve(int64_t now_ns, const Job& job, const Piece& piece) {
  const uint32_t tier = job.to;
  const uint32_t pool = job.to_pool;
  const TierSpec& spec = spec_->tiers[tier];
  if (spec.simulated_blocks < spec.capacity_blocks &&
      uint64_t{pools_[tier][pool].used_blocks()} + piece.count > spec.simulated_blocks) {
    throw PoolTooLarge(spec.name, spec.simulated_blocks);
  }
  std::vector<Piece> departed;
  const bool last = tier + 1 == spec_->tiers.size();
  TierPool* const cache = cache_of(tier, pool);
  const bool ask = !last || cache != nullptr;
  const uint32_t got =
      pools_[tier][pool].reserve(now_ns, piece, ask ? &departed : nullptr, job.asker());
  if (departed.empty()) return got;
  if (cache != nullptr) {
    for (const Piece& gone : departed) cache->drop(now_ns, gone);
  }
  if (last) {
    let_go(departed);
  } else {
    demote(now_ns, job.engine, tier, pool, departed);
  }
  return got;
}

// Adds what the destination lacks of the piece to the job, up to the first block it refuses; true
// when that is anything.
bool TierManager::fill_job(int64_t now_ns, Job& job, const Piece& piece) {
  const size_t before = job.pieces.size();
  TierPool& pool = pools_[job.to][job.to_pool];
  bool refused = false;
  for_absent(now_ns, pool, piece, job.asker(), [&](const Piece& absent) {
    if (refused) return pool.refuse(absent.count);
    const uint32_t got = reserve(now_ns, job, absent);
    if (got > 0) job.pieces.push_back({absent.node, absent.depth, got, absent.owner});
    refused = got < absent.count;
  });
  return job.pieces.size() > before;
}

// Blocks that host memory holds go on to the tiers it feeds.
void TierManager::cascade(int64_t now_ns, uint32_t engine, uint32_t host_pool, const Piece& piece,
                          uint32_t mask, const tp_request* request) {
  TierPool& host = pools_[host_tier_][host_pool];
  for (; mask != 0; mask &= mask - 1) {
    const auto tier = static_cast<uint32_t>(std::countr_zero(mask));
    Job job;
    job.kind = JobKind::cascade;
    job.request = to_keep(request);
    job.engine = engine;
    job.from = host_tier_;
    job.from_pool = host_pool;
    job.to = tier;
    job.to_pool = pool_near(tier, engine);
    if (job.to_pool == kNone || !fill_job(now_ns, job, piece)) continue;
    for (const Piece& part : job.pieces) host.pin(now_ns, part);
    launch(now_ns, std::move(job));
  }
}

uint32_t TierManager::store(int64_t now_ns, uint32_t engine, const tp_request& request,
                            uint32_t phase, kvstore::NodeId leaf, uint32_t first, uint32_t count) {
  std::span<const tp_block> blocks;
  if (placement_.reads_keys()) {
    frames_.clear();
    store_->frames_of(leaf, engines_[engine].hbm, first, count, frames_);
    blocks = hbm_views_.of(*store_, engines_[engine].hbm, frames_);
  }
  const std::span<const tp_placed> answer =
      placement_.place(now_ns, request, phase, first, count, blocks, views(engine));
  placed_.assign(answer.begin(), answer.end());
  uint32_t jobs = 0;
  for (const tp_placed& part : placed_) {
    uint32_t mask = part.tier_mask >> 1;  // as bits of our own numbering
    const uint32_t host_pool = host_tier_ == kNone ? kNone : pool_near(host_tier_, engine);
    const bool host_keeps = host_pool != kNone && (mask >> host_tier_ & 1u) != 0;
    const uint32_t fed = host_keeps ? mask & through_host_ : 0;
    const Piece piece{leaf, part.first, part.count};
    if (fed != 0) {
      const uint32_t end = part.first + part.count;
      const kvstore::PoolId ready = pools_[host_tier_][host_pool].ready();
      for (uint32_t depth = store_->next_present(leaf, ready, part.first, end); depth < end;
           depth = store_->next_present(leaf, ready, depth, end)) {
        const uint32_t run = store_->run_from(leaf, ready, depth, end);
        cascade(now_ns, engine, host_pool, {leaf, depth, run}, fed, &request);
        depth += run;
      }
      mask &= ~fed;
    }
    for (; mask != 0; mask &= mask - 1) {
      const auto tier = static_cast<uint32_t>(std::countr_zero(mask));
      Job job;
      job.kind = JobKind::store;
      job.request = to_keep(&request);
      job.engine = engine;
      job.to = tier;
      job.to_pool = pool_near(tier, engine);
      job.leaf = leaf;
      if (tier == host_tier_) job.cascade = fed;
      if (job.to_pool == kNone || !fill_job(now_ns, job, piece)) continue;
      if (timed_) ++jobs;
      launch(now_ns, std::move(job));
    }
  }
  return jobs;
}

// Pieces that have left `from` (kNone: GPU memory) move to the tier the policy names, through a
// staging buffer: their frames are free already. Answers how many transfers began.
uint32_t TierManager::demote(int64_t now_ns, uint32_t engine, uint32_t from, uint32_t from_pool,
                             std::vector<Piece>& departed) {
  uint32_t blocks = 0;
  for (const Piece& piece : departed) blocks += piece.count;
  const uint32_t level = from == kNone ? 0 : from + 1;
  const uint32_t to = placement_.demote(now_ns, level, blocks, views(engine));
  uint32_t jobs = 0;
  if (to != TP_NO_TIER) {
    Job job;
    job.kind = JobKind::demote;
    job.engine = engine;
    job.from = from;
    job.from_pool = from_pool;
    job.to = to - 1;
    job.to_pool = pool_near(to - 1, engine);
    if (job.to_pool != kNone) {
      for (const Piece& piece : departed) fill_job(now_ns, job, piece);
    }
    if (!job.pieces.empty()) {
      ++jobs;
      launch(now_ns, std::move(job));
    }
  }
  let_go(departed);
  return jobs;
}

uint32_t TierManager::write_back(int64_t now_ns, uint32_t engine, std::vector<Piece>& departed) {
  const uint32_t jobs = demote(now_ns, engine, kNone, kNone, departed);
  departed.clear();
  return timed_ ? jobs : 0;
}

}  // namespace tiercast::tiering
