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

// Adds what the destination lacks of the piece to the job, as far as the placement policy admits it
// and up to the first block that the pool refuses; true when that is anything. Copies that loads
// leave behind or bring nearer are admitted unasked.
bool TierManager::fill_job(int64_t now_ns, Job& job, const Piece& piece,
                           const tp_request* request) {
  const size_t before = job.pieces.size();
  if (placement_.admits() &&
      (job.kind == JobKind::store || job.kind == JobKind::cascade || job.kind == JobKind::demote)) {
    fill_admitted(now_ns, job, piece, request);
    return job.pieces.size() > before;
  }
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

// All that the destination lacks is asked about in one call, so that the policy sees how much.
void TierManager::fill_admitted(int64_t now_ns, Job& job, const Piece& piece,
                                const tp_request* request) {
  TierPool& pool = pools_[job.to][job.to_pool];
  // What makes room for the blocks may ask about others.
  std::vector<Piece> absent = std::exchange(absent_, {});
  absent.clear();
  asked_.clear();
  for_absent(now_ns, pool, piece, job.asker(), [&](const Piece& part) {
    absent.push_back(part);
    keys_.resize(part.count);
    store_->keys_of(part.node, part.depth, keys_);
    for (uint32_t k = 0; k < part.count; ++k) {
      tp_block& block = asked_.emplace_back();
      block.size = sizeof block;
      block.key = keys_[k];
      block.parent_slot = UINT32_MAX;
      block.depth = part.depth + k;
      block.recompute_ns = block.depth < recompute_ns_.size() ? recompute_ns_[block.depth] : 0;
      block.tokens = spec_->block_tokens;
      block.bytes = spec_->block_bytes;
      block.expires_ns = INT64_MAX;
    }
  });
  if (!asked_.empty()) {
    const uint32_t from = job.from == kNone ? 0 : job.from + 1;
    const std::span<const uint8_t> answer =
        placement_.admit(now_ns, request, from, job.to + 1, asked_, views(now_ns, job.engine));
    const std::vector<uint8_t> verdicts(answer.begin(), answer.end());
    size_t at = 0;
    bool refused = false;  // by the pool, from here on
    for (const Piece& part : absent) {
      for (uint32_t done = 0; done < part.count;) {
        uint32_t run = done;
        while (run < part.count && verdicts[at + run] == 1) ++run;
        const uint32_t count = run - done;
        if (refused) pool.refuse(count);
        if (count > 0 && !refused) {
          const Piece run_piece{part.node, part.depth + done, count, part.owner};
          const uint32_t got = reserve(now_ns, job, run_piece);
          if (got > 0) job.pieces.push_back({part.node, part.depth + done, got, part.owner});
          refused = got < count;
        }
        done = std::max(run, done + 1);
      }
      at += part.count;
    }
  }
  absent_ = std::move(absent);
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
    if (job.to_pool == kNone || !fill_job(now_ns, job, piece, request)) continue;
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
      placement_.place(now_ns, request, phase, first, count, blocks, views(now_ns, engine));
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
      if (job.to_pool == kNone || !fill_job(now_ns, job, piece, &request)) continue;
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
  const uint32_t to = placement_.demote(now_ns, level, blocks, views(now_ns, engine));
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
