#include "reports/steady.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include <fmt/format.h>

#include "reports/figures.hpp"
#include "sim/base/text.hpp"

namespace tiercast::reports {

namespace {

constexpr uint64_t kFewestRequests = 40;
constexpr double kGrowthShare = 0.02;
constexpr double kGrowthDeviations = 4;
constexpr double kHitRatioDrift = 0.05;
constexpr double kNearlyFull = 0.95;
constexpr double kNsPerMs = 1e6;

struct Half {
  uint64_t arrivals = 0;
  uint64_t completions = 0;
  uint64_t input_tokens = 0;
  uint64_t cached_tokens = 0;

  double hit_ratio() const {
    return input_tokens == 0
               ? 0
               : static_cast<double>(cached_tokens) / static_cast<double>(input_tokens);
  }
};

struct Window {
  int64_t first_ns = 0;
  int64_t last_ns = 0;
  std::array<Half, 2> halves;

  uint64_t arrivals() const { return halves[0].arrivals + halves[1].arrivals; }
};

bool accepted(const serving::RequestRecord& record) {
  return record.state != serving::RequestState::rejected;
}

Window window_of(const serving::RequestLog& log) {
  Window window;
  const auto first = std::find_if(log.begin(), log.end(), accepted);
  if (first == log.end()) return window;
  window.first_ns = first->arrival_ns;
  window.last_ns = std::find_if(log.rbegin(), log.rend(), accepted)->arrival_ns;
  const int64_t middle_ns = window.first_ns + (window.last_ns - window.first_ns) / 2;
  for (const serving::RequestRecord& record : log) {
    if (!accepted(record)) continue;
    Half& arrived = window.halves[record.arrival_ns > middle_ns ? 1 : 0];
    ++arrived.arrivals;
    arrived.input_tokens += record.input_tokens;
    arrived.cached_tokens += record.cached_tokens;
    if (record.finished_ns < 0 || record.finished_ns > window.last_ns) continue;
    ++window.halves[record.finished_ns > middle_ns ? 1 : 0].completions;
  }
  return window;
}

void check_growth(const Window& window, std::vector<std::string>& reasons) {
  const auto& [early, late] = window.halves;
  const uint64_t before = early.arrivals - early.completions;
  const uint64_t after = before + late.arrivals - late.completions;
  const double growth = static_cast<double>(after) - static_cast<double>(before);
  const double noise = kGrowthDeviations * std::sqrt(static_cast<double>(before) + 1);
  if (growth <= noise || growth <= kGrowthShare * static_cast<double>(late.arrivals)) return;
  reasons.push_back(
      fmt::format("saturated: requests in the system grew from {} to {} over the second half of "
                  "arrivals ({} came, {} left), so latencies tell how long the run was",
                  before, after, late.arrivals, late.completions));
}

void check_cache(const serving::Outcome& outcome, const Window& window,
                 std::vector<std::string>& reasons) {
  const auto& [early, late] = window.halves;
  if (std::abs(late.hit_ratio() - early.hit_ratio()) > kHitRatioDrift) {
    reasons.push_back(
        fmt::format("the token hit ratio moved from {:.3f} to {:.3f} between the "
                    "halves of the run",
                    early.hit_ratio(), late.hit_ratio()));
  }
  if (early.cached_tokens + late.cached_tokens == 0) return;
  uint64_t filling = 0;
  uint64_t present = 0;
  uint64_t capacity = 0;
  for (const serving::InstanceOutcome& instance : outcome.instances) {
    if (instance.pool.first_eviction_ns >= 0) continue;
    ++filling;
    present += instance.pool_present_blocks;
    capacity += instance.pool_capacity_blocks;
  }
  if (filling == 0 || capacity == 0) return;
  reasons.push_back(fmt::format(
      "{} of {} HBM pools never evicted ({:.0f} % full at the end): a longer run would meet a "
      "fuller cache",
      filling, outcome.instances.size(),
      100 * static_cast<double>(present) / static_cast<double>(capacity)));
}

void check_tiers(const serving::Outcome& outcome, std::vector<std::string>& reasons) {
  for (const serving::TierOutcome& tier : outcome.tiers) {
    const auto present = static_cast<double>(tier.present_blocks);
    const auto capacity = static_cast<double>(tier.capacity_blocks);
    if (tier.present_blocks == 0 || tier.pool_counts.first_eviction_ns >= 0) continue;
    if (present >= kNearlyFull * capacity) continue;
    // Without an eviction, all that is there has come since time 0, when pools are empty.
    const double so_far_ms = static_cast<double>(outcome.end_ns) / kNsPerMs;
    reasons.push_back(fmt::format(
        "tier {} is {} full, never evicted and takes at least {} more to fill at this rate: a "
        "filled one behaves otherwise ({})",
        tier.name, show_percent(present / capacity),
        show_ms((capacity - present) / present * so_far_ms),
        tier.cut ? "too large to be simulated full: with a smaller capacity, or longer "
                   "engine.block_tokens, a longer run.warmup fills it"
                 : "a longer run.warmup fills it"));
  }
}

}  // namespace

Steady steadiness_of(const serving::Outcome& outcome) {
  const Window window = window_of(outcome.log);
  if (window.arrivals() == 0 && !outcome.log.empty()) return {false, "all requests were refused"};
  if (window.arrivals() < kFewestRequests) {
    return {false, fmt::format("{} requests are too few to tell", window.arrivals())};
  }
  if (window.first_ns == window.last_ns) {
    return {false, "all requests arrived at one instant: a batch has no steady state"};
  }
  std::vector<std::string> reasons;
  check_growth(window, reasons);
  check_cache(outcome, window, reasons);
  check_tiers(outcome, reasons);
  return {reasons.empty(), join(reasons, "; ")};
}

}  // namespace tiercast::reports
