#include "reports/tiers.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "models/llm/step_table.hpp"

namespace tiercast::reports {

namespace {

constexpr double kNsPerSecond = 1e9;
constexpr double kNsPerMs = 1e6;

std::optional<double> fill_of(const TierUse& use) {
  if (use.capacity_bytes == 0) return std::nullopt;
  return static_cast<double>(use.used_bytes) / static_cast<double>(use.capacity_bytes);
}

std::optional<double> seconds_of(int64_t time_ns) {
  if (time_ns < 0) return std::nullopt;
  return static_cast<double>(time_ns) / kNsPerSecond;
}

TierUse hbm_use(const serving::Outcome& outcome, uint64_t block_bytes) {
  TierUse use;
  use.tier = "hbm";
  use.pools = outcome.instances.size();
  int64_t first_ns = -1;
  for (const serving::InstanceOutcome& instance : outcome.instances) {
    use.capacity_bytes += instance.pool_capacity_blocks * block_bytes;
    use.used_bytes += instance.pool_present_blocks * block_bytes;
    use.evicted_blocks += instance.pool.evicted;
    const int64_t evicted_ns = instance.pool.first_eviction_ns;
    if (evicted_ns >= 0 && (first_ns < 0 || evicted_ns < first_ns)) first_ns = evicted_ns;
  }
  use.fill = fill_of(use);
  use.first_eviction_s = seconds_of(first_ns);
  return use;
}

// The name without numbers: neither parts that are one nor those that end in one differ by it.
std::string group_of(std::string_view link) {
  std::string group;
  while (!link.empty()) {
    const size_t dot = std::min(link.find('.'), link.size());
    const std::string_view part = link.substr(0, dot);
    link.remove_prefix(std::min(dot + 1, link.size()));
    const size_t last = part.find_last_not_of("0123456789");
    if (last == std::string_view::npos) continue;
    if (!group.empty()) group += '.';
    group += part.substr(0, last + 1);
  }
  return group;
}

bool is_of(const std::string& group, const serving::TierOutcome& tier) {
  // Host memory has its links for others too, so they go by the name of their node.
  if (tier.kind == tiering::TierKind::dram && group == "node.memory") return true;
  return group.substr(0, group.find('.')) == tier.name;
}

std::optional<double> busy_of(const serving::LinkOutcome& link, int64_t span_ns) {
  if (span_ns <= 0 || link.bytes_per_s == 0) return std::nullopt;
  const double most_bytes =
      static_cast<double>(link.bytes_per_s) * (static_cast<double>(span_ns) / kNsPerSecond);
  return static_cast<double>(link.carried_bytes) / most_bytes;
}

std::optional<double> busiest_link(const serving::Outcome& outcome,
                                   const serving::TierOutcome& tier, int64_t span_ns) {
  std::optional<double> busy;
  for (const serving::LinkOutcome& link : outcome.links) {
    if (is_of(group_of(link.name), tier)) busy = std::max(busy, busy_of(link, span_ns));
  }
  return busy;
}

std::optional<double> imbalance_of(const std::vector<tiering::DeviceCounts>& devices) {
  uint64_t most = 0;
  uint64_t all = 0;
  for (const tiering::DeviceCounts& device : devices) {
    const uint64_t moved = device.read_bytes + device.written_bytes;
    most = std::max(most, moved);
    all += moved;
  }
  if (all == 0) return std::nullopt;
  return static_cast<double>(most) * static_cast<double>(devices.size()) / static_cast<double>(all);
}

TierUse lower_use(const serving::Outcome& outcome, const serving::TierOutcome& tier,
                  const TierInput& input) {
  TierUse use;
  use.tier = tier.name;
  use.pools = tier.pools;
  use.capacity_bytes = tier.capacity_blocks * tier.block_bytes;
  use.used_bytes = tier.present_blocks * tier.block_bytes;
  use.fill = fill_of(use);
  use.first_eviction_s = seconds_of(tier.pool_counts.first_eviction_ns);
  use.read_bytes = tier.counts.read_bytes;
  use.written_bytes = tier.counts.written_bytes;
  use.evicted_blocks = tier.pool_counts.evicted;
  use.busy = busiest_link(outcome, tier, input.span_ns);
  if (tier.index_delay_ns > 0) {
    const tiering::TierCounts& counts = tier.counts;
    use.index = IndexUse{static_cast<double>(tier.index_delay_ns) / kNsPerMs, counts.stale_reads,
                         counts.stale_hit_blocks, static_cast<double>(counts.stale_ns) / kNsPerMs,
                         counts.unseen_blocks};
  }
  if (tier.devices.size() > tier.pools) {
    use.devices = tier.devices.size();
    use.device_imbalance = imbalance_of(tier.devices);
  }
  if (tier.cache_blocks > 0) {
    CardCacheUse& cache = use.card_cache.emplace();
    cache.capacity_bytes = tier.cache_blocks * tier.block_bytes;
    cache.hit_blocks = tier.counts.cache_hit_blocks;
    cache.hit_bytes = tier.counts.cache_hit_bytes;
    if (tier.counts.read_bytes > 0) {
      cache.hit_ratio =
          static_cast<double>(cache.hit_bytes) / static_cast<double>(tier.counts.read_bytes);
    }
  }
  return use;
}

// Hits below HBM in proportion to fetched blocks: the log knows their sum, the tiers their shares
// (fetches after a preemption included).
void share_hits(const serving::Outcome& outcome, const TierInput& input,
                std::vector<TierUse>& uses) {
  Int128 fetched = 0;
  for (const serving::TierOutcome& tier : outcome.tiers) fetched += tier.counts.hit_blocks;
  uses[0].hit_tokens = input.cached_tokens;
  if (fetched == 0) return;
  // Rounding down the running sum, not each share, loses no token.
  Int128 before = 0;
  uint64_t given = 0;
  for (size_t t = 0; t < outcome.tiers.size(); ++t) {
    before += outcome.tiers[t].counts.hit_blocks;
    const auto up_to = static_cast<uint64_t>(Int128{input.loaded_tokens} * before / fetched);
    uses[t + 1].hit_tokens = up_to - given;
    given = up_to;
  }
  uses[0].hit_tokens -= given;
}

std::optional<double> load_wait(const std::vector<LoadTime>& loads, const std::string& tier) {
  const auto found = std::find_if(loads.begin(), loads.end(),
                                  [&](const LoadTime& load) { return load.tier == tier; });
  if (found == loads.end()) return std::nullopt;
  return found->wait;
}

}  // namespace

std::vector<TierUse> tier_uses(const serving::Outcome& outcome, const TierInput& input) {
  std::vector<TierUse> uses = {hbm_use(outcome, input.block_bytes)};
  for (const serving::TierOutcome& tier : outcome.tiers) {
    uses.push_back(lower_use(outcome, tier, input));
  }
  share_hits(outcome, input, uses);
  return uses;
}

std::vector<LoadTime> mean_loads(const serving::Outcome& outcome,
                                 std::vector<serving::TierTime> serving::InstanceCounts::*sums,
                                 uint64_t count) {
  const size_t tiers = outcome.tiers.size();
  std::vector<Int128> wait_ns(tiers + 1, 0);
  std::vector<Int128> move_ns(tiers + 1, 0);
  for (const serving::InstanceOutcome& instance : outcome.instances) {
    const std::vector<serving::TierTime>& times = instance.counts.*sums;
    for (size_t t = 0; t < times.size(); ++t) {
      wait_ns[t] += times[t].wait_ns;
      move_ns[t] += times[t].move_ns;
    }
  }
  const double unit = static_cast<double>(count) * kNsPerMs;
  std::vector<LoadTime> loads;
  for (size_t t = wait_ns[0] + move_ns[0] > 0 ? 0 : 1; t <= tiers; ++t) {
    loads.push_back({t == 0 ? kOtherEngines : outcome.tiers[t - 1].name,
                     static_cast<double>(wait_ns[t]) / unit,
                     static_cast<double>(move_ns[t]) / unit});
  }
  return loads;
}

std::vector<ServersUse> servers_uses(const serving::Outcome& outcome, int64_t span_ns) {
  std::vector<ServersUse> uses;
  std::vector<double> waited_ns;
  for (const serving::StationOutcome& station : outcome.stations) {
    const std::string name = group_of(station.name);
    const auto known = std::find_if(uses.begin(), uses.end(),
                                    [&](const ServersUse& use) { return use.servers == name; });
    const auto i = static_cast<size_t>(known - uses.begin());
    if (known == uses.end()) {
      uses.emplace_back().servers = name;
      waited_ns.push_back(0);
    }
    const tiering::IndexServers::Counts& counts = station.counts;
    ServersUse& use = uses[i];
    ++use.stations;
    use.operations += counts.operations;
    use.jobs += counts.jobs;
    waited_ns[i] += static_cast<double>(counts.there_ns - counts.alone_ns);
    if (use.jobs > 0) {
      use.wait_ms = std::max(0.0, waited_ns[i]) / static_cast<double>(use.jobs) / kNsPerMs;
    }
    if (span_ns <= 0) continue;
    const double work_ns =
        static_cast<double>(counts.operations) * static_cast<double>(station.operation_ns);
    const double busy = work_ns / (static_cast<double>(span_ns) * station.servers);
    use.busy = std::max(use.busy.value_or(0), busy);
  }
  return uses;
}

std::vector<Bottleneck> link_bottlenecks(const serving::Outcome& outcome,
                                         const std::vector<LoadTime>& loads, int64_t span_ns) {
  std::vector<Bottleneck> groups;
  for (const serving::LinkOutcome& link : outcome.links) {
    const std::string name = group_of(link.name);
    const std::optional<double> busy = busy_of(link, span_ns);
    const auto known = std::find_if(groups.begin(), groups.end(), [&](const Bottleneck& group) {
      return group.resource == name;
    });
    if (known != groups.end()) {
      known->busy = std::max(known->busy, busy);
      continue;
    }
    Bottleneck& group = groups.emplace_back(Bottleneck{name, busy, std::nullopt, true});
    for (const serving::TierOutcome& tier : outcome.tiers) {
      if (is_of(name, tier)) group.adds_ms = load_wait(loads, tier.name);
    }
  }
  return groups;
}

}  // namespace tiercast::reports
