#include "models/scenario/tier_times.hpp"

#include <algorithm>

#include "models/hardware/transfer_time.hpp"
#include "models/scenario/tier_builder.hpp"
#include "models/scenario/tier_index.hpp"
#include "models/serving/attribution.hpp"
#include "models/tiering/routes.hpp"
#include "models/tiering/transfers.hpp"

namespace tiercast::scenario {

namespace {

using tiering::kNone;
using tiering::RouteEnds;
using tiering::TierKind;

constexpr uint32_t kEngine = 0;
constexpr uint32_t kLengths[] = {1 << 10, 8 << 10, 32 << 10, 128 << 10};

std::string name_of_stack(const hardware::StackSpec& stack) {
  if (!stack.use.empty()) return stack.use;
  return stack.title.empty() ? "the tier's stack" : stack.title;
}

// Time to compute prefixes of 1, 2, ... blocks from nothing, in ns.
std::vector<int64_t> recompute_times(const World& world, uint32_t longest) {
  const serving::AloneCost alone(world.steps);
  const serving::EngineSpec& engine = world.cluster.engine;
  const uint32_t chunk = world.steps.max_tokens;
  const uint32_t blocks = std::min(engine.max_model_tokens, longest) / engine.block_tokens;
  std::vector<int64_t> times;
  times.reserve(blocks);
  serving::Int128 whole_chunks = 0;  // of the first `done` tokens
  uint32_t done = 0;
  for (uint32_t n = 1; n <= blocks; ++n) {
    const uint32_t tokens = n * engine.block_tokens;
    for (; tokens - done > chunk; done += chunk) whole_chunks += alone.prompt_ticks(chunk, done);
    times.push_back(serving::ceil_ns(whole_chunks + alone.prompt_ticks(tokens - done, done)));
  }
  return times;
}

class Clock {
 public:
  Clock(const ScenarioSpec& spec, const World& world, uint32_t longest)
      : spec_(spec),
        world_(world),
        set_(*world.cluster.tiers),
        transfers_(set_.links, set_.stations, spec.run.seed),
        finder_(set_, spec.run.seed),
        stripes_(set_),
        recompute_ns_(recompute_times(world, longest)) {}

  HandOffTimes handoff(uint32_t giver, uint32_t taker) {
    const DisaggregationSection& section = *spec_.disaggregation;
    const RouteEnds ends{taker, kNone, giver, kNone, kNone};
    const TierObjects objects = engine_objects(spec_);
    HandOffTimes times;
    times.inside_node = set_.node_of[giver] == set_.node_of[taker];
    const hardware::StackSpec& stack = times.inside_node ? section.node_stack : section.stack;
    times.stack = name_of_stack(stack);
    times.way = way(ends, stack, objects);
    tiering::TransferPlan plan = finder_.find(ends, 0);
    for (const uint32_t link : plan.links) times.links.push_back(set_.links[link].name);
    plan.cost = {.rate_cap = plan.cost.rate_cap};
    for (const uint32_t blocks : sample_blocks()) {
      plan.bytes = blocks * moved_block_bytes(set_, ends);
      const int64_t moving_ns = transfers_.unloaded_ns(plan);
      times.prompts.push_back(
          {blocks * set_.block_tokens, plan.bytes, moving_ns, times.way.fixed_ns() + moving_ns});
    }
    return times;
  }

  TierTimes times(uint32_t t) {
    const tiering::TierSpec& tier = set_.tiers[t];
    const hardware::StackSpec& stack = *spec_.tiers[t + 1].stack;
    TierTimes times;
    times.name = tier.name;
    times.stack = name_of_stack(stack);
    times.index = index(t);
    times.index_delay_ns = tier.index_delay_ns;
    times.pools = static_cast<uint32_t>(tier.pools.size());
    times.pool_blocks = tier.capacity_blocks;
    times.pool_bytes = tier.capacity_blocks * tier.block_bytes;
    const TierObjects objects = tier_objects(spec_, t + 1);
    times.objects = objects_text(spec_, t + 1);
    times.token_bytes = tier.block_bytes / set_.block_tokens;
    times.usable = objects.usable;
    if (!times.usable) return times;
    const RouteEnds load{kEngine, t, source_pool(t), kNone, kNone};
    times.load = way(load, stack, objects);
    if (tier.cache_blocks > 0) {
      RouteEnds cached = load;
      cached.cached = true;
      times.cached_load = way(cached, stack, objects);
    }
    Moving moving{moving_times(load), {}};
    if (tier.kind != TierKind::peer && !tier.read_only) {
      times.store = way(store_ends(t), stack, objects);
      moving.store_ns = moving_times(store_ends(t));
    }
    for (const uint32_t blocks : sample_blocks()) {
      times.prefixes.push_back(prefix(t, times, moving, blocks));
    }
    compare(t, times, moving);
    return times;
  }

 private:
  // What 1, 2, ... blocks flow for, in ns.
  struct Moving {
    std::vector<int64_t> load_ns;
    std::vector<int64_t> store_ns;
  };

  std::vector<uint32_t> sample_blocks() const {
    std::vector<uint32_t> sample;
    for (const uint32_t length : kLengths) {
      const uint32_t blocks = length / set_.block_tokens;
      if (blocks > 0 && blocks <= recompute_ns_.size()) sample.push_back(blocks);
    }
    return sample;
  }

  // Of a peer tier the first pool on another node: all are equally far.
  uint32_t source_pool(uint32_t t) const {
    const tiering::TierSpec& tier = set_.tiers[t];
    if (tier.kind != TierKind::peer) return tier.pool_of[kEngine];
    const std::vector<tiering::TierPoolSpec>& pools = set_.tiers[host_tier(set_)].pools;
    const auto other = std::find_if(pools.begin(), pools.end(), [&](const auto& pool) {
      return pool.node != set_.node_of[kEngine];
    });
    return other == pools.end() ? kNone : static_cast<uint32_t>(other - pools.begin());
  }

  RouteEnds store_ends(uint32_t t) const {
    const tiering::TierSpec& tier = set_.tiers[t];
    const uint32_t host = host_tier(set_);
    if (!tier.through_host || host == kNone || set_.tiers[host].pool_of[kEngine] == kNone) {
      return {kEngine, kNone, kNone, t, tier.pool_of[kEngine]};
    }
    return {kEngine, host, set_.tiers[host].pool_of[kEngine], t, tier.pool_of[kEngine]};
  }

  // Blocks on devices side by side, as evenly as can be: the n-th begins where the one before it
  // ended, and a round of all devices later one further on.
  void place(const RouteEnds& ends, uint32_t n, tiering::StripeSums& sums) const {
    const auto first = [&](const tiering::Stripes& stripes) {
      const uint64_t at = uint64_t{n} * stripes.bytes().size();
      return static_cast<uint32_t>((at + at / stripes.devices()) % stripes.devices());
    };
    sums.add_at(first(stripes_.from(ends)), first(stripes_.to(ends)));
  }

  std::vector<int64_t> moving_times(const RouteEnds& ends) {
    tiering::TransferPlan plan = finder_.find(ends, 0);
    plan.cost = {.rate_cap = plan.cost.rate_cap};
    const bool apart = has_parts(set_, ends);
    stripes_.begin(ends, sums_);
    std::vector<int64_t> times;
    for (uint32_t blocks = 1; blocks <= recompute_ns_.size(); ++blocks) {
      plan.bytes = blocks * moved_block_bytes(set_, ends);
      if (apart) {
        place(ends, blocks - 1, sums_);
        set_parts(ends, plan);
      }
      times.push_back(transfers_.unloaded_ns(plan));
    }
    return times;
  }

  // As what was summed up lies on devices.
  void set_parts(const RouteEnds& ends, tiering::TransferPlan& plan) {
    sums_.parts(parts_);
    find_part_links(set_, ends, parts_, part_links_);
    plan.parts = part_links_;
  }

  TierWay way(const RouteEnds& ends, const hardware::StackSpec& stack, const TierObjects& objects) {
    tiering::TransferPlan plan = finder_.find(ends, 0);
    const tiering::TransferCost& cost = plan.cost;
    TierWay way;
    // Each rounded up by itself, they may exceed their sum by a nanosecond or two.
    const bool load = ends.to == kNone;
    const bool open = load && ends.from != kNone && set_.tiers[ends.from].index.opens_as_asked;
    const Seconds metadata =
        open ? Seconds{} : stack.metadata_latency.value * stack.metadata_operations;
    const int64_t told_ns = load ? 0 : set_.tiers[ends.to].index.told_trip_ns;
    way.convert_ns = load || ends.from == kNone ? objects.convert_ns() : 0;
    const int64_t before_ns = cost.before_ns - (load ? 0 : way.convert_ns);
    way.set_up_ns = std::min(before_ns, ceil_to_ns(stack.setup.value).value());
    way.metadata_ns = std::min(before_ns - way.set_up_ns, ceil_to_ns(metadata).value() + told_ns);
    way.first_operation_ns = before_ns - way.set_up_ns - way.metadata_ns;
    way.acknowledge_ns = cost.after_ns - (load ? way.convert_ns : 0);
    way.tail_ns = cost.tail_ppm == 0 ? 0 : cost.tail_ns;
    if (has_parts(set_, ends)) {
      stripes_.begin(ends, sums_);
      sums_.add_at(0, 0, ends.cached);
      plan.bytes = moved_block_bytes(set_, ends);
      set_parts(ends, plan);
      const uint64_t one = transfers_.rate(plan);
      const uint32_t blocks = stripes_.spread(ends, sums_);
      if (blocks > 1) way.block_bytes_per_s = one;
      plan.bytes *= blocks;
      set_parts(ends, plan);
    }
    const bool apart = !plan.parts.empty() && !plan.parts.front().from.empty();
    way.wait_ns = (plan.devices.empty() && !apart ? 0 : cost.device_wait_ns) +
                  (plan.cables.empty() ? 0 : cost.switch_wait_ns);
    way.bytes_per_s = transfers_.rate(plan);
    const hardware::GpuSpec& gpu = spec_.cluster.node.gpu;
    hardware::TransferPath path = engine_path(spec_, nanoseconds(0));
    const bool nvlink = ends.from == kNone && ends.to == kNone && gpu.nvlink &&
                        set_.node_of[ends.from_pool] == set_.node_of[ends.engine];
    if (nvlink) path.link = gpu.nvlink->value;
    way.bound = bound(transfers_.narrowest(plan), cost, stack, path);
    return way;
  }

  std::string bound(const tiering::Transfers::Narrowest& narrowest,
                    const tiering::TransferCost& cost, const hardware::StackSpec& stack,
                    const hardware::TransferPath& path) const {
    // A cap that comes from the same bandwidth as a link differs from it by rounding alone.
    constexpr uint64_t kParts = 1'000'000;
    const uint64_t cap = cost.rate_cap;
    if (narrowest.link != kNone && (cap == 0 || cap + cap / kParts >= narrowest.bytes_per_s)) {
      return set_.links[narrowest.link].name;
    }
    const double payload = payload_rate(stack, path).value() * world_.gpus_per_instance;
    const bool operations = static_cast<double>(cap + cap / kParts) < payload;
    const std::optional<BytesPerSecond> copying = hardware::copy_rate(stack);
    const bool copies = copying && *copying < path.link * stack.efficiency.value;
    return (operations ? "operations of "
            : copies   ? "host copies of "
                       : "efficiency of ") +
           name_of_stack(stack);
  }

  int64_t lookup_ns(const tiering::TierSpec& tier, uint32_t blocks) const {
    const tiering::IndexSpec& index = tier.index;
    const uint32_t station = index.asked_by(kEngine);
    if (station == kNone) return 0;
    const tiering::StationVisit visit{station, index.operations(blocks)};
    return transfers_.unloaded_visits_ns({&visit, 1}) + index.round_trip_ns;
  }

  int64_t visits_ns(const RouteEnds& ends, uint32_t blocks) const {
    std::vector<tiering::StationVisit> visits;
    find_visits(set_, ends, blocks, visits);
    return transfers_.unloaded_visits_ns(visits);
  }

  IndexTimes index(uint32_t t) const {
    IndexTimes times;
    times.at = name_of_choice(*tier_index(spec_, t + 1).at);
    const tiering::IndexSpec& index = set_.tiers[t].index;
    if (const uint32_t station = index.asked_by(kEngine); station != kNone) {
      const tiering::StationSpec& servers = set_.stations[station];
      times.station = servers.name;
      times.servers = servers.servers;
      times.operation_ns = servers.operation_ns;
      times.round_trip_ns = index.round_trip_ns;
    }
    const uint32_t pool = set_.tiers[t].pool_of[kEngine];
    if (pool != kNone && !index.told.empty() && !set_.tiers[t].read_only) {
      for (const uint32_t told : index.told[pool]) times.told.push_back(set_.stations[told].name);
    }
    if (index.opened != kNone && !index.opens_as_asked) {
      times.opened = set_.stations[index.opened].name;
    }
    const int64_t opening_ns = visits_ns({kEngine, t, kNone, kNone, kNone}, 1);
    times.in_vain_ns = std::max<int64_t>(1, opening_ns + set_.tiers[t].load.before_ns);
    return times;
  }

  PrefixTimes prefix(uint32_t t, const TierTimes& times, const Moving& moving,
                     uint32_t blocks) const {
    const tiering::TierSpec& tier = set_.tiers[t];
    PrefixTimes prefix;
    prefix.tokens = blocks * set_.block_tokens;
    prefix.bytes = uint64_t{blocks} * tier.block_bytes * tier.load_copies;
    prefix.lookup_ns = lookup_ns(tier, blocks);
    prefix.moving_ns = moving.load_ns[blocks - 1];
    prefix.opening_ns = visits_ns({kEngine, t, kNone, kNone, kNone}, blocks);
    prefix.load_ns =
        prefix.lookup_ns + prefix.opening_ns + times.load.fixed_ns() + prefix.moving_ns;
    prefix.tail_probability = tiering::Transfers::tail_probability(tier.load, prefix.bytes);
    if (times.store) {
      prefix.store_ns =
          visits_ns(store_ends(t), blocks) + times.store->fixed_ns() + moving.store_ns[blocks - 1];
    }
    prefix.recompute_ns = recompute_ns_[blocks - 1];
    return prefix;
  }

  // Every length is looked at: a step has a least duration, so a slow tier may be faster for short
  // prefixes and, as attention grows, for long ones, but not between.
  void compare(uint32_t t, TierTimes& times, const Moving& moving) const {
    const uint32_t b = set_.block_tokens;
    const auto most = static_cast<uint32_t>(recompute_ns_.size());
    times.block_tokens = b;
    times.longest_tokens = most * b;
    for (uint32_t blocks = 1; blocks <= most; ++blocks) {
      const PrefixTimes at = prefix(t, times, moving, blocks);
      if (at.load_ns >= at.recompute_ns) continue;
      std::vector<TokenRange>& ranges = times.load_faster;
      if (ranges.empty() || ranges.back().last + b != at.tokens) {
        ranges.push_back({at.tokens, at.tokens});
      }
      ranges.back().last = at.tokens;
    }
  }

  const ScenarioSpec& spec_;
  const World& world_;
  const tiering::TierSetSpec& set_;
  tiering::Transfers transfers_;
  tiering::RouteFinder finder_;
  tiering::EndStripes stripes_;
  std::vector<int64_t> recompute_ns_;  // of 1, 2, ... blocks
  tiering::StripeSums sums_;           // scratch, as all that follows
  std::vector<tiering::StripePart> parts_;
  std::vector<tiering::TransferPart> part_links_;
};

}  // namespace

std::optional<uint32_t> TierTimes::break_even_tokens() const {
  if (load_faster.empty() || load_faster.back().last != longest_tokens) return std::nullopt;
  return load_faster.back().first;
}

std::vector<HandOffTimes> handoff_times(const ScenarioSpec& spec, const World& world,
                                        uint32_t longest) {
  std::vector<HandOffTimes> times;
  if (!spec.disaggregation) return times;
  Clock clock(spec, world, longest);
  const std::vector<uint32_t>& node_of = world.cluster.tiers->node_of;
  for (const bool inside : {true, false}) {
    uint32_t taker = world.cluster.prefill_instances;
    while (taker < node_of.size() && (node_of[taker] == node_of[kEngine]) != inside) ++taker;
    if (taker < node_of.size()) times.push_back(clock.handoff(kEngine, taker));
  }
  return times;
}

std::vector<TierTimes> tier_times(const ScenarioSpec& spec, const World& world, uint32_t longest) {
  std::vector<TierTimes> times;
  if (!world.cluster.tiers || world.cluster.tiers->tiers.empty()) return times;
  Clock clock(spec, world, longest);
  for (uint32_t t = 0; t < world.cluster.tiers->tiers.size(); ++t) {
    times.push_back(clock.times(t));
  }
  return times;
}

int64_t prefill_ns(const World& world, uint32_t tokens) {
  return serving::ceil_ns(serving::AloneCost(world.steps).prompt_ticks(tokens, 0));
}

}  // namespace tiercast::scenario
