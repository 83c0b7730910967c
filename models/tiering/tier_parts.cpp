// Transfers to and from devices that are told apart, and memory before these.
#include "models/tiering/tier_manager.hpp"

namespace tiercast::tiering {

namespace {

// Visits the runs of a piece that a pool has, or that it lacks.
template <class Visit>
void for_runs(const kvstore::PrefixStore& store, const TierPool* pool, const Piece& piece,
              Visit visit) {
  if (pool == nullptr) return visit(piece, false);
  const uint32_t end = piece.depth + piece.count;
  for (uint32_t depth = piece.depth; depth < end;) {
    const uint32_t run = store.run_from(piece.node, pool->ready(), depth, end);
    const uint32_t count =
        run > 0 ? run : store.next_present(piece.node, pool->ready(), depth, end) - depth;
    visit(Piece{piece.node, depth, count}, run > 0);
    depth += count;
  }
}

}  // namespace

// Of blocks that lie on all devices alike.
TransferPlan TierManager::even_route(const RouteEnds& ends) {
  if (!has_parts(*spec_, ends)) return route(ends);
  const uint64_t blocks = stripes_.spread(ends, sums_);
  std::vector<StripePart> parts;
  sums_.parts(parts);
  return route(ends, blocks * moved_block_bytes(*spec_, ends), parts);
}

TierPool* TierManager::cache_of(uint32_t tier, uint32_t pool) {
  return tier == kNone || caches_[tier].empty() ? nullptr : &caches_[tier][pool];
}

// What a demotion moves has left the pool and, with it, the cache.
void TierManager::look_into_cache(int64_t now_ns, Job& job) {
  TierPool* const cache = cache_of(job.from, job.from_pool);
  if (cache == nullptr || job.kind == JobKind::demote) return;
  uint32_t blocks = 0;
  for (const Piece& piece : job.pieces) {
    for_runs(*store_, cache, piece, [&](const Piece& run, bool cached) {
      blocks += run.count;
      if (!cached) return;
      cache->touch(now_ns, run);
      job.cached_blocks += run.count;
    });
  }
  job.cached = job.cached_blocks == blocks;
}

void TierManager::split(Job& job) {
  if (!has_parts(*spec_, job)) return;
  stripes_.begin(job, sums_);
  const TierPool* const cache =
      job.cached_blocks == 0 ? nullptr : cache_of(job.from, job.from_pool);
  for (const Piece& piece : job.pieces) {
    for_runs(*store_, cache, piece, [&](const Piece& run, bool cached) {
      keys_.resize(run.count);
      store_->keys_of(run.node, run.depth, keys_);
      for (const tp_key key : keys_) sums_.add(key, cached);
    });
  }
  sums_.parts(job.parts);
}

// What the pool holds is in the cache from now on, in the place of what was used longest ago.
void TierManager::fill_cache(int64_t now_ns, uint32_t tier, uint32_t pool, const Piece& piece) {
  TierPool* const cache = cache_of(tier, pool);
  if (cache == nullptr) return;
  for_runs(*store_, cache, piece, [&](const Piece& run, bool cached) {
    if (cached) return;
    const uint32_t got = cache->reserve(now_ns, run, nullptr);
    if (got > 0) cache->arrive(now_ns, {run.node, run.depth, got});
  });
}

void TierManager::cache_what_is_read(int64_t now_ns, const Job& job) {
  if (cache_of(job.from, job.from_pool) == nullptr || job.kind == JobKind::demote) return;
  counts_[job.from].cache_hit_blocks += job.cached_blocks;
  counts_[job.from].cache_hit_bytes += job.cached_blocks * moved_block_bytes(*spec_, job);
  for (const Piece& piece : job.pieces) fill_cache(now_ns, job.from, job.from_pool, piece);
}

void TierManager::count_parts(const Job& job) {
  const auto device = [&](uint32_t tier, uint32_t pool, uint32_t number) -> DeviceCounts& {
    return devices_[tier][pool * spec_->tiers[tier].pools[pool].devices.size() + number];
  };
  for (const StripePart& part : job.parts) {
    if (job.from != kNone && !devices_[job.from].empty() && !part.cached) {
      device(job.from, job.from_pool, part.from).read_bytes += part.bytes;
    }
    if (job.to != kNone && !devices_[job.to].empty()) {
      device(job.to, job.to_pool, part.to).written_bytes += part.bytes;
    }
  }
}

}  // namespace tiercast::tiering
