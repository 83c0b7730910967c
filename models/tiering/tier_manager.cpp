// The hierarchy's set-up, its transfers and what their ends do.
#include "models/tiering/tier_manager.hpp"

#include <algorithm>
#include <array>
#include <new>
#include <optional>
#include <string>
#include <utility>

#include "models/tiering/block_pool.hpp"
#include "sim/base/check.hpp"
#include "sim/base/hash.hpp"

namespace tiercast::tiering {

namespace {

std::optional<CheckedPlacement> try_placement(const TierSetSpec& spec, uint64_t seed,
                                              std::string& error, const tp_tape* tape = nullptr) {
  return CheckedPlacement::create(*spec.placement, spec.placement_config, seed, error, tape);
}

// The scenario has made such policies before: memory is all that can be missing.
CheckedPlacement make_placement(const TierSetSpec& spec, uint64_t seed, Tapes* tapes) {
  std::string error;
  const tp_tape* const tape =
      tapes == nullptr ? nullptr : &tapes->open("placement", spec.placement);
  std::optional<CheckedPlacement> placement = try_placement(spec, seed, error, tape);
  if (!placement) throw std::bad_alloc();
  return std::move(*placement);
}

bool has_devices(const TierSetSpec& spec) {
  return std::any_of(spec.tiers.begin(), spec.tiers.end(), [](const TierSpec& tier) {
    return !tier.pools.empty() && !tier.pools.front().devices.empty();
  });
}

std::optional<CheckedCache> try_cache(const TierSetSpec& spec, const TierSpec& tier,
                                      uint32_t blocks, const tp_cache_table& eviction,
                                      const std::string& config, uint64_t seed, std::string& error,
                                      const tp_tape* tape = nullptr) {
  const tp_pool shape{sizeof(tp_pool),
                      blocks,
                      spec.block_tokens,
                      tier.block_bytes,
                      BlockPool::slots_for(blocks),
                      0};
  return CheckedCache::create(eviction, shape, config, seed, error, spec.policy_checks, tape);
}

TierPool make_pool(const TierSetSpec& spec, const TierSpec& tier, uint32_t blocks,
                   const tp_cache_table& eviction, const std::string& config,
                   kvstore::PrefixStore& store, uint64_t seed, const tp_tape* tape) {
  std::string error;
  std::optional<CheckedCache> cache =
      try_cache(spec, tier, blocks, eviction, config, seed, error, tape);
  if (!cache) throw std::bad_alloc();
  return {store, std::move(*cache), spec.block_tokens, tier.block_bytes};
}

}  // namespace

std::string why_no_placement(const TierSetSpec& spec, uint64_t seed) {
  std::string error;
  return try_placement(spec, seed, error) ? "" : error;
}

std::string why_no_pool(const TierSetSpec& spec, std::size_t t, uint64_t seed) {
  const TierSpec& tier = spec.tiers[t];
  std::string error;
  const bool made = try_cache(spec, tier, tier.simulated_blocks, *tier.eviction,
                              tier.eviction_config, seed, error)
                        .has_value();
  return made ? "" : error;
}

TierManager::TierManager(const TierSetSpec& spec, kvstore::PrefixStore& store, uint64_t seed,
                         Tapes* tapes)
    : spec_(&spec),
      store_(&store),
      placement_(make_placement(spec, seed, tapes)),
      transfers_(spec.links, spec.stations, seed, has_devices(spec)),
      finder_(spec, seed),
      hbm_views_(spec.block_tokens, spec.block_bytes, TP_BLOCK_PINNED),
      counts_(spec.tiers.size()),
      stripes_(spec),
      ways_(spec.node_of.size() * spec.tiers.size() * 2),
      asks_index_(spec.node_of.size(), false),
      host_tier_(host_tier(spec)) {
  for (uint32_t t = 0; t < spec.tiers.size(); ++t) {
    const TierSpec& tier = spec.tiers[t];
    std::vector<TierPool>& pools = pools_.emplace_back();
    std::vector<TierPool>& caches = caches_.emplace_back();
    pools.reserve(tier.pools.size());
    const auto tape_of = [&](const char* what, size_t pool, const tp_cache_table* policy) {
      return tapes == nullptr ? nullptr
                              : &tapes->open("tier" + std::to_string(t + 1) + "-" + tier.name +
                                                 "-" + what + std::to_string(pool),
                                             policy);
    };
    const tp_cache_table* const lru = tp_find_builtin_cache("lru");
    for (size_t p = 0; p < tier.pools.size(); ++p) {
      pools.push_back(make_pool(spec, tier, tier.simulated_blocks, *tier.eviction,
                                tier.eviction_config, store, seed,
                                tape_of("pool", p, tier.eviction)));
      if (tier.cache_blocks == 0) continue;
      caches.push_back(make_pool(spec, tier, tier.cache_blocks, *lru, "", store, seed,
                                 tape_of("cache", p, lru)));
    }
    for (const TierPool& pool : pools) {
      hears_of_requests_ = hears_of_requests_ || pool.hears_of_requests();
      reads_blocks_ = reads_blocks_ || pool.reads_blocks();
    }
    pool_queues_.emplace_back(tier.pools.size());
    budgets_.emplace_back(tier.pools.size(),
                          WriteBudget(tier.write_bytes_per_day, tier.write_burst_ns));
    engine_queues_.emplace_back(tier.pool_of.size());
    size_t devices = 0;
    for (const TierPoolSpec& pool : tier.pools) devices += pool.devices.size();
    devices_.emplace_back(devices);
    if (tier.through_host) through_host_ |= 1u << t;
    for (uint32_t e = 0; e < tier.pool_of.size(); ++e) {
      if (asked_by(t, e) != kNone) asks_index_[e] = true;
    }
  }
  keep_indices();
  share_queues();
}

void TierManager::add_engine(kvstore::PoolId hbm, uint32_t slots) {
  describe_tiers(static_cast<uint32_t>(engines_.size()));
  engines_.push_back({hbm, store_->add_pool(slots), std::vector<TicketId>(slots, kNone)});
}

// What warm-up moved is no part of the timed window.
void TierManager::set_timed(bool timed) {
  timed_ = timed;
  core_fs_ = 0;
  counts_.assign(counts_.size(), {});
}

// Between an engine and its own pool of a tier, where no switch and no device is chosen for each
// transfer, the way is always the same; else null.
TierManager::Way* TierManager::fixed_way(const RouteEnds& ends) {
  const bool load = ends.from != kNone;
  if ((ends.to != kNone) == load || ends.cached || has_parts(*spec_, ends)) return nullptr;
  const uint32_t t = load ? ends.from : ends.to;
  const TierSpec& tier = spec_->tiers[t];
  const uint32_t pool = load ? ends.from_pool : ends.to_pool;
  if (tier.fabric != kNone || tier.kind == TierKind::peer || pool == kNone ||
      pool != tier.pool_of[ends.engine]) {
    return nullptr;
  }
  return &ways_[(size_t{ends.engine} * spec_->tiers.size() + t) * 2 + (load ? 1 : 0)];
}

TransferPlan TierManager::route(const RouteEnds& ends, uint64_t bytes,
                                std::span<const StripePart> parts) {
  if (Way* const way = fixed_way(ends)) {
    if (!way->known) {
      way->plan = finder_.find(ends, 0);
      way->links.assign(way->plan.links.begin(), way->plan.links.end());
      way->plan.links = way->links;
      transfers_.prepare(way->plan);
      way->known = true;
    }
    TransferPlan plan = way->plan;
    plan.bytes = bytes;
    return plan;
  }
  TransferPlan plan = finder_.find(ends, transfers_.started());
  plan.bytes = bytes;
  find_part_links(*spec_, ends, parts, part_links_);
  plan.parts = part_links_;
  return plan;
}

void TierManager::launch(int64_t now_ns, Job&& job) {
  uint64_t blocks = 0;
  for (const Piece& piece : job.pieces) {
    store_->hold(piece.node);
    blocks += piece.count;
  }
  job.bytes = blocks * moved_block_bytes(*spec_, job);
  if (job.from != kNone) counts_[job.from].asked_read_bytes += job.bytes;
  if (job.to != kNone) {
    counts_[job.to].asked_written_bytes += job.bytes;
    budgets_[job.to][job.to_pool].spend(now_ns, job.bytes);
  }
  job.started_ns = now_ns;
  queue(job, job.bytes);
  look_into_cache(now_ns, job);
  if (!timed_) {
    finish(now_ns, job, nullptr);
    return;
  }
  split(job);
  TransferPlan plan = route(job, job.bytes, job.parts);
  find_visits(*spec_, job, static_cast<uint32_t>(blocks), visits_);
  plan.visits = visits_;
  job.unloaded_ns = transfers_.unloaded_ns(plan);
  core_fs_ += Int128{job.bytes} * plan.cost.core_fs_per_byte;
  if (job.from == kNone || job.to == kNone) {  // GPU memory is one end
    job.interference_ppm = plan.cost.interference_ppm;
  }
  const TransferId id = transfers_.start(now_ns, plan);
  if (jobs_.size() <= id) jobs_.resize(id + 1);
  jobs_[id] = std::move(job);
}

void TierManager::let_go(const std::vector<Piece>& pieces) {
  for (const Piece& piece : pieces) store_->leave(piece.node);
}

// What a copy that ends now took from its engine's steps: a share of the time its bytes flowed.
int64_t TierManager::slowed_ns(const Job& job) {
  constexpr int64_t kOne = 1'000'000;
  return static_cast<int64_t>(Int128{job.flowed_ns} * job.interference_ppm / kOne);
}

// Blocks read from a pool below GPU memory are no longer in use there. Demoted ones left it before.
void TierManager::release_source(int64_t now_ns, const Job& job) {
  if (job.from == kNone || job.kind == JobKind::demote) return;
  const bool peer = spec_->tiers[job.from].kind == TierKind::peer;
  TierPool& pool = pools_[peer ? host_tier_ : job.from][job.from_pool];
  for (const Piece& piece : job.pieces) pool.unpin(now_ns, piece);
}

void TierManager::arrive(int64_t now_ns, Job& job) {
  TierPool& pool = pools_[job.to][job.to_pool];
  for (const Piece& piece : job.pieces) {
    pool.arrive(now_ns, piece, job.asker());
    fill_cache(now_ns, job.to, job.to_pool, piece);
    if (job.cascade != 0) {
      cascade(now_ns, job.engine, job.to_pool, piece, job.cascade, job.asker());
    }
  }
}

void TierManager::tell_transfer(int64_t now_ns, const Job& job) {
  if (!placement_.hears_transfers() || job.pieces.empty() || job.kind == JobKind::handoff) return;
  uint32_t blocks = 0;
  for (const Piece& piece : job.pieces) blocks += piece.count;
  placement_.on_transfer(now_ns, {.size = sizeof(tp_transfer),
                                  .from = job.from == kNone ? 0 : job.from + 1,
                                  .to = job.to == kNone ? 0 : job.to + 1,
                                  .block_count = blocks,
                                  .bytes = job.bytes,
                                  .start_ns = job.started_ns,
                                  .end_ns = now_ns,
                                  .ok = 1,
                                  .reserved = 0});
}

void TierManager::finish(int64_t now_ns, Job& job, std::vector<TierEvent>* events) {
  queue(job, -job.bytes);
  if (job.from != kNone) counts_[job.from].read_bytes += job.bytes;
  if (job.to != kNone) {
    counts_[job.to].written_bytes += job.bytes;
    arrive(now_ns, job);
  }
  count_parts(job);
  cache_what_is_read(now_ns, job);
  release_source(now_ns, job);
  if (job.keep != kNone) keep_copies(now_ns, job);
  tell_transfer(now_ns, job);
  const int64_t slowed = slowed_ns(job);
  if (events != nullptr) {
    if (job.kind == JobKind::handoff) {
      events->push_back({TierEvent::Kind::stored, job.from_pool, kNone, kNone, job.leaf, slowed});
    } else if (job.kind == JobKind::store) {
      events->push_back({TierEvent::Kind::stored, job.engine, kNone, kNone, job.leaf, slowed});
    } else if (job.kind == JobKind::demote && job.from == kNone) {
      events->push_back(
          {TierEvent::Kind::written_back, job.engine, kNone, kNone, kvstore::kNoNode, slowed});
    }
  }
  if (job.ticket != kNone) {
    tickets_[job.ticket].slowed_ns += slowed;
    part_done(now_ns, job.ticket, job, events);
  }
  let_go(job.pieces);
}

void TierManager::advance(int64_t now_ns, std::vector<TierEvent>& events) {
  for (; !closing_.empty() && closing_.front().first <= now_ns; closing_.pop_front()) {
    close(now_ns, closing_.front().second, events);
  }
  ended_.clear();
  transfers_.advance(now_ns, ended_);
  for (size_t i = 0; i < ended_.size(); ++i) {
    const TransferId id = ended_[i];
    Job job = std::move(jobs_[id]);
    job.flowed_ns = transfers_.flowed_ns(id);
    finish(now_ns, job, &events);
    transfers_.release(id);
  }
}

// Where an engine asks what a tier holds for it; kNone: it knows, or reaches no pool.
uint32_t TierManager::asked_by(uint32_t tier, uint32_t engine) const {
  const TierSpec& spec = spec_->tiers[tier];
  const bool reaches = spec.kind == TierKind::peer || spec.pool_of[engine] != kNone;
  return reaches ? spec.index.asked_by(engine) : kNone;
}

uint32_t TierManager::pool_near(uint32_t tier, uint32_t engine) const {
  return spec_->tiers[tier].pool_of[engine];
}

uint64_t TierManager::policy_calls() const {
  uint64_t calls = placement_.policy_calls();
  for (const std::vector<TierPool>& pools : pools_) {
    for (const TierPool& pool : pools) calls += pool.policy_calls();
  }
  for (const std::vector<TierPool>& caches : caches_) {
    for (const TierPool& cache : caches) calls += cache.policy_calls();
  }
  return calls;
}

uint64_t TierManager::digest() const {
  StreamHash hash;
  for (uint32_t t = 0; t < pools_.size(); ++t) {
    uint64_t pools = 0;  // without order, as relabelled nodes do not show
    for (const TierPool& pool : pools_[t]) pools += pool.digest();
    hash.add(pools);
    for (const uint64_t count : {counts_[t].hit_blocks, counts_[t].staged_blocks,
                                 counts_[t].read_bytes, counts_[t].written_bytes}) {
      hash.add(count);
    }
    if (caches_[t].empty()) continue;
    uint64_t caches = 0;
    for (const TierPool& cache : caches_[t]) caches += cache.digest();
    hash.add(caches);
    hash.add(counts_[t].cache_hit_blocks);
  }
  return hash.digest64();
}

}  // namespace tiercast::tiering
