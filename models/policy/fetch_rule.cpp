#include "models/policy/fetch_rule.hpp"

#include <algorithm>

namespace tiercast::policy {
namespace {

constexpr uint32_t kTiersMax = 32;

// Loads grow with the blocks; of all tiers the last to be done counts.
class LoadTime {
 public:
  LoadTime(const tp_fetch& fetch, const TierList& tiers) : fetch_(fetch), tiers_(tiers) {}

  // More blocks of a run.
  void add(const tp_run& run, uint32_t blocks) {
    const uint32_t tier = nearest_tier(run.tier_mask);
    if (tier == 0 || blocks == 0) return;
    bytes_[tier] += uint64_t{blocks} * fetch_.block_bytes;
    ns_ = std::max(ns_, tiers_.load_ns(tier, bytes_[tier]));
  }
  int64_t ns() const { return ns_; }

 private:
  const tp_fetch& fetch_;
  const TierList& tiers_;
  std::array<uint64_t, kTiersMax> bytes_{};
  int64_t ns_ = 0;
};

// Time to compute the first blocks of what was found.
class ComputeTime {
 public:
  explicit ComputeTime(const tp_fetch& fetch) {
    for (uint32_t i = 0; i < fetch.run_count; ++i) {
      blocks_ += fetch.runs[i].count;
      all_ += static_cast<double>(fetch.runs[i].compute_ns);
    }
    const double half = blocks_ / 2;
    if (half == 0 || fetch.half_compute_ns == 0) return;
    // Between growing with the square of the blocks and growing in proportion.
    const double share = half / blocks_;
    const double ns =
        std::clamp(static_cast<double>(fetch.half_compute_ns), all_ * share * share, all_ * share);
    // all = linear n + square n^2, ns = linear half + square half^2.
    square_ = (all_ / blocks_ - ns / half) / (blocks_ - half);
  }

  uint32_t blocks() const { return blocks_; }
  int64_t ns(uint32_t blocks) const {
    if (blocks_ == 0) return 0;
    const double linear = all_ / blocks_ - square_ * blocks_;
    return static_cast<int64_t>(blocks * (linear + square_ * blocks));
  }

 private:
  uint32_t blocks_ = 0;
  double all_ = 0;
  double square_ = 0;
};

}  // namespace

FetchRule::Range FetchRule::loaded(const tp_fetch& fetch, const TierList& tiers) const {
  const Range range = best(fetch, tiers);
  return range.end - range.first < min_load_ ? Range{range.first, range.first} : range;
}

FetchRule::Range FetchRule::best(const tp_fetch& fetch, const TierList& tiers) const {
  if (fetch.run_count == 0 || rule_ == Rule::recompute_all) return {0, 0};
  const tp_run& last = fetch.runs[fetch.run_count - 1];
  if (rule_ == Rule::load_all) return {fetch.runs[0].first, last.first + last.count};
  if (rule_ == Rule::load_or_recompute) return leading_runs(fetch, tiers);
  const bool splits = fetch.size >= sizeof(tp_fetch) && (fetch.flags & TP_FETCH_SPLITS) != 0;
  const bool waits = std::any_of(fetch.runs, fetch.runs + fetch.run_count,
                                 [](const tp_run& run) { return (run.tier_mask & 1u) != 0; });
  return splits && !waits ? meeting(fetch, tiers) : leading_runs(fetch, tiers);
}

FetchRule::Range FetchRule::leading_runs(const tp_fetch& fetch, const TierList& tiers) {
  int64_t compute = 0;
  for (uint32_t i = 0; i < fetch.run_count; ++i) compute += fetch.runs[i].compute_ns;
  int64_t best = compute;
  Range range{fetch.runs[0].first, fetch.runs[0].first};
  LoadTime load(fetch, tiers);
  for (uint32_t i = 0; i < fetch.run_count; ++i) {
    const tp_run& run = fetch.runs[i];
    compute -= run.compute_ns;
    load.add(run, run.count);
    if (load.ns() + compute >= best) continue;
    best = load.ns() + compute;
    range.end = run.first + run.count;
  }
  return range;
}

// Computing takes longer the later they meet, loading the earlier.
FetchRule::Range FetchRule::meeting(const tp_fetch& fetch, const TierList& tiers) {
  const ComputeTime compute(fetch);
  const uint32_t first = fetch.runs[0].first;
  const auto load_from = [&](uint32_t computed) {
    LoadTime load(fetch, tiers);
    for (uint32_t i = 0; i < fetch.run_count; ++i) {
      const tp_run& run = fetch.runs[i];
      const uint32_t skipped =
          std::min(run.count, computed - std::min(computed, run.first - first));
      load.add(run, run.count - skipped);
    }
    return load.ns();
  };
  const auto done = [&](uint32_t computed) {
    return std::max(compute.ns(computed), load_from(computed));
  };
  uint32_t low = 0;
  uint32_t high = compute.blocks();
  while (low < high) {  // the first at which loading is no later
    const uint32_t middle = low + (high - low) / 2;
    if (compute.ns(middle) >= load_from(middle)) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  if (low > 0 && done(low - 1) <= done(low)) --low;
  return {first + low, first + compute.blocks()};
}

}  // namespace tiercast::policy
