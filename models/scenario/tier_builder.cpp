// What all tiers share: costs of a stack, capacities, who reaches which pool.
#include "models/scenario/tier_builder.hpp"

#include <cmath>
#include <utility>

#include "models/llm/placement.hpp"
#include "models/policy/placement.hpp"
#include "models/policy/registry.hpp"
#include "models/scenario/tier_index.hpp"
#include "sim/base/quantity.hpp"

namespace tiercast::scenario {

namespace {

// Blocks that one pool, and all pools of a tier together, may hold in a simulation. Larger pools
// are cut, and a run that fills such a pool ends in an error rather than in evictions that would
// not happen.
constexpr uint64_t kBlocksMax = uint64_t{1} << 25;
constexpr uint64_t kTierBlocksMax = uint64_t{1} << 29;

// Bytes/s of a link: slower ones are starved by the flows of a large cluster.
constexpr uint64_t kLinkRateMin = 1'000'000;

int64_t ns_of(Seconds time) { return ceil_to_ns(time).value(); }

}  // namespace

hardware::TransferPath engine_path(const ScenarioSpec& spec, Nanoseconds device_latency) {
  return {to_seconds(device_latency), spec.cluster.node.gpu.host_link.value, std::nullopt};
}

// In millionths, so that the order of drives makes no difference.
void set_delays(tiering::TierSpec& tier, const std::vector<hardware::DriveSpec>& drives) {
  uint64_t ppm_of_all = 0;
  uint64_t count = 0;
  int64_t tail_ns = 0;
  int64_t wait_ns = 0;
  for (const hardware::DriveSpec& drive : drives) {
    const auto ppm = static_cast<uint64_t>(std::round(drive.tail_probability.value * 1e6));
    ppm_of_all += ppm * drive.count;
    count += drive.count;
    if (ppm > 0) tail_ns = std::max(tail_ns, drive.tail_latency.value.value());
    if (drive.queue_latency) wait_ns = std::max(wait_ns, drive.queue_latency->value.value());
  }
  for (tiering::TransferCost* cost : {&tier.load, &tier.to_nearer}) {
    cost->tail_ppm = static_cast<uint32_t>((ppm_of_all + count / 2) / count);
    cost->tail_ns = tail_ns;
    cost->device_wait_ns = wait_ns;
  }
}

void set_delays(tiering::TierSpec& tier, const hardware::DriveSpec& drive) {
  set_delays(tier, std::vector<hardware::DriveSpec>{drive});
}

void TierBuilder::DriveSums::add(const hardware::DriveSpec& drive, Bytes operation, double count) {
  const auto each = static_cast<double>(operation.value());
  capacity += static_cast<double>(drive.capacity.value.value()) * count;
  read += std::min(drive.read.value.value(), drive.read_iops.value.value() * each) * count;
  write += std::min(drive.write.value.value(), drive.write_iops.value.value() * each) * count;
  both += drive.mixed.value.value() * count;
  writes_a_day += rated_bytes_per_day(drive) * count;
  read_latency = std::max(read_latency, drive.read_latency.value);
  write_latency = std::max(write_latency, drive.write_latency.value);
}

TierBuilder::TierBuilder(const ScenarioSpec& spec, const World& world, Problems& problems)
    : spec_(spec),
      world_(world),
      problems_(problems),
      links_(spec, world, shares(), set_.links),
      switches_(spec, set_.links, set_.fabrics),
      objects_(engine_objects(spec)) {}

tiering::TierSetSpec TierBuilder::build() {
  set_.block_tokens = spec_.engine.block_tokens;
  set_.block_bytes = static_cast<uint32_t>(world_.block_bytes);
  set_.handoff_copies = objects_.copies;
  set_.node_of = links_.node_of();
  for (uint32_t e = 0; e < engines(); ++e) {
    tiering::TwoWay way;
    const tiering::TwoWay& port = links_.fabric(set_.node_of[e]);
    way.up = port.up;
    append(way.up, links_.engine(e).up);
    way.down = links_.engine(e).down;
    append(way.down, port.down);
    set_.engine_fabric.push_back(std::move(way));
  }
  set_.gpu_fabric = switches_.gpus();
  if (spec_.disaggregation) add_handoff();
  const PlacementSection& placement = spec_.policy.placement;
  set_.placement = placement_table(placement, world_.plugins);
  set_.placement_config = placement.config_lines();
  set_.policy_checks = world_.cluster.policy_checks;
  if (placement.plugin) {  // what it has an entry for it is asked
    set_.writes_back = set_.placement->demote != nullptr;
    set_.prefetches = set_.placement->prefetch != nullptr;
  } else {
    set_.writes_back = placement.write == WritePolicy::back;
    set_.prefetches = placement.prefetch;
  }
  for (size_t i = 1; i < spec_.tiers.size(); ++i) add_tier(i);
  share_cores();
  check_links();
  return std::move(set_);
}

// Between engines of one node through its NVLink switches, which hold up nobody, or over PCIe.
void TierBuilder::add_handoff() {
  const hardware::StackSpec& stack = spec_.disaggregation->node_stack;
  const hardware::GpuSpec& gpu = spec_.cluster.node.gpu;
  const BytesPerSecond link = gpu.nvlink ? gpu.nvlink->value : gpu.host_link.value;
  for (uint32_t e = 0; e < engines(); ++e) {
    if (!gpu.nvlink) {
      set_.engine_local.push_back(links_.engine(e));
      continue;
    }
    const std::string name = "engine" + std::to_string(e) + ".nvlink";
    const double rate = link.value() * ranks() * stack.efficiency.value;
    set_.engine_local.push_back(
        {{add_link(set_.links, name + ".up", rate)}, {add_link(set_.links, name + ".down", rate)}});
  }
  set_.handoff = cost(spec_.disaggregation->stack, engine_path(spec_, nanoseconds(0)));
  set_.local_handoff = cost(stack, {Seconds{}, link, std::nullopt});
}

// One link stands for all others of the same part.
void TierBuilder::check_links() {
  const auto wrong = [](const tiering::TierLinkSpec& link) {
    return link.bytes_per_s < kLinkRateMin;
  };
  const auto found = std::find_if(set_.links.begin(), set_.links.end(), wrong);
  if (found == set_.links.end()) return;
  problems_.add(
      "tiers",
      "`" + found->name + "` would carry " +
          format_rounded(to_quantity(bytes_per_second(static_cast<double>(found->bytes_per_s)))) +
          ", and a link carries 1MB/s at least",
      "look at bandwidths and operations a second of its parts, and at the stack's efficiency",
      "disaggregation");
}

// What the best stack over each kind of link makes of it.
NodeLinks::Shares TierBuilder::shares() const {
  NodeLinks::Shares shares{false, spec_.disaggregation.has_value(), 0, 0, 0, 0};
  for (const TierSection& tier : spec_.tiers) {
    if (!tier.stack) continue;  // GPU memory
    const double efficiency = tier.stack->efficiency.value;
    const bool local = tier.kind == TierName::dram || tier.kind == TierName::nvme;
    double& share = local                         ? shares.host_efficiency
                    : tier.kind == TierName::peer ? shares.fabric_efficiency
                                                  : shares.storage_efficiency;
    share = std::max(share, efficiency);
    (local ? shares.local : shares.remote) = true;
    if (local) shares.host_duplex = std::max(shares.host_duplex, tier.stack->duplex.value);
  }
  if (spec_.disaggregation) {
    shares.fabric_efficiency =
        std::max(shares.fabric_efficiency, spec_.disaggregation->stack.efficiency.value);
  }
  for (double* share :
       {&shares.host_efficiency, &shares.storage_efficiency, &shares.fabric_efficiency}) {
    if (*share == 0) *share = 1;
  }
  if (shares.host_duplex == 0) shares.host_duplex = 2;
  return shares;
}

void TierBuilder::add_tier(size_t i) {
  objects_ = tier_objects(spec_, i);
  TierSection section = spec_.tiers[i];
  section.stack = objects_.stack;
  tiering::TierSpec& tier = set_.tiers.emplace_back();
  tier.name = name_of_choice(section.kind);
  tier.load_mode = section.load;
  tier.block_bytes = static_cast<uint32_t>(objects_.block_bytes);
  tier.load_copies = objects_.broadcast ? 1 : objects_.copies;
  tier.read_only = section.read_only;
  tier.index_delay_ns = section.index_delay.value();
  const EvictionSection& eviction = eviction_of(spec_, i);
  tier.eviction = cache_table(eviction, world_.plugins);
  tier.eviction_config = eviction.config_lines();
  tier.pool_of.assign(engines(), tiering::kNone);
  tier.to_engine.resize(engines());
  tier.to_node.resize(links_.nodes());
  tier.index.opens_as_asked = *tier_index(spec_, i).at == IndexAt::storage;
  tier.through_host = !section.stack->bypass_host && section.kind != TierName::dram;
  switch (section.kind) {
    case TierName::hbm:
      break;
    case TierName::dram:
      add_dram(i, section, tier);
      break;
    case TierName::peer:
      add_peer(section, tier);
      break;
    case TierName::nvme:
      add_nvme(i, section, tier);
      break;
    case TierName::context:
      add_context(i, section, tier);
      break;
    case TierName::external:
      add_external(i, section, tier);
      break;
  }
  add_index(i, section, tier);
  add_conversion(tier);
  add_replicas(tier);
  if (!objects_.usable) {
    tier.pool_of.assign(engines(), tiering::kNone);
  } else if (section.kind != TierName::hbm) {
    want_cores(*section.stack, tier);
  }
}

// GPUs convert in passing, and both ways share what they manage. Peers give what host memory holds.
void TierBuilder::add_conversion(tiering::TierSpec& tier) {
  if (objects_.convert_bandwidth <= 0) return;
  const bool peer = tier.kind == tiering::TierKind::peer;
  std::vector<uint32_t> converters;
  for (uint32_t e = 0; e < engines(); ++e) {
    converters.push_back(peer ? host_converters_[e]
                              : add_link(set_.links, tier.name + ".convert" + std::to_string(e),
                                         objects_.convert_bandwidth * ranks()));
    append(tier.to_engine[e].up, {converters[e]});
    append(tier.to_engine[e].down, {converters[e]});
  }
  if (tier.kind == tiering::TierKind::dram) host_converters_ = std::move(converters);
}

// Of ranks that hold the same KV the first alone stores it, and where it broadcasts it loads alone:
// over its own part of the engine's bus.
void TierBuilder::add_replicas(tiering::TierSpec& tier) {
  if (objects_.copies == 1) return;
  const bool local = tier.kind == tiering::TierKind::dram || tier.kind == tiering::TierKind::nvme;
  for (uint32_t e = 0; e < engines(); ++e) {
    const std::string engine = "engine" + std::to_string(e);
    if (first_buses_.size() == e) {
      first_buses_.push_back(first_rank(engine + ".pcie.first", links_.engine(e)));
      first_copies_.push_back(first_rank(engine + ".copy.first", links_.copies(e)));
      append(first_copies_[e], first_buses_[e]);
    }
    const tiering::TwoWay& first = local ? first_copies_[e] : first_buses_[e];
    append(tier.to_engine[e].down, first.down);
    if (!objects_.broadcast) continue;
    if (broadcasts_.size() == e) {
      const double one = spec_.cluster.node.gpu.nvlink->value.value();
      broadcasts_.push_back(
          add_link(set_.links, engine + ".broadcast", one * ranks() / objects_.copies));
    }
    append(tier.to_engine[e].up, first.up);
    append(tier.to_engine[e].up, {broadcasts_[e]});
  }
}

// Its part of what all ranks of an engine have.
tiering::TwoWay TierBuilder::first_rank(const std::string& name, const tiering::TwoWay& all) {
  if (all.up.empty()) return {};
  const auto bandwidth = static_cast<double>(set_.links[all.up.front()].bytes_per_s);
  return {{add_link(set_.links, name + ".up", bandwidth / objects_.copies)},
          {add_link(set_.links, name + ".down", bandwidth / objects_.copies)}};
}

// What comes before bytes flow, objects opened included, and the rate that operations reach, on all
// GPUs of an engine at once.
tiering::TransferCost TierBuilder::cost(const hardware::StackSpec& stack,
                                        const hardware::TransferPath& path,
                                        uint32_t objects) const {
  tiering::TransferCost result;
  result.operation_bytes = static_cast<uint64_t>(operation(stack).value());
  const hardware::FlowTime flow = hardware::flow_time(stack, path, operation(stack), objects);
  result.before_ns = ns_of(flow.before);
  const double cap = flow.rate.value() * ranks();
  result.rate_cap = static_cast<uint64_t>(std::clamp(cap, 1.0, kLinkRateMax));
  result.interference_ppm = static_cast<uint32_t>(std::round(stack.gpu_interference.value * 1e6));
  result.core_fs_per_byte = static_cast<uint64_t>(std::round(core_time(stack) * 1e15));
  return result;
}

// Between tiers, and the same with a GPU at one end: where ranks hold the same KV one of them alone
// may move it, and converting is pipelined with moving, but for one operation: the first of a
// store, the last of a load. A load opened its objects when it looked up, where it had to.
void TierBuilder::set_costs(tiering::TierSpec& tier, const hardware::StackSpec& stack,
                            Nanoseconds read_latency, Nanoseconds write_latency) {
  tier.to_nearer = cost(stack, engine_path(spec_, read_latency));
  tier.load = cost(stack, engine_path(spec_, read_latency), tier.index.opens_as_asked ? 0 : 1);
  tier.from_nearer = cost(stack, engine_path(spec_, write_latency));
  tier.from_nearer.after_ns = ns_of(stack.acknowledge.value);
  tier.store = tier.from_nearer;
  const auto bound = [&](tiering::TransferCost& cost, bool firsts_alone) {
    auto cap = static_cast<double>(cost.rate_cap);
    if (objects_.convert_bandwidth > 0) cap = std::min(cap, objects_.convert_bandwidth * ranks());
    cap /= firsts_alone ? objects_.copies : 1;
    cost.rate_cap = static_cast<uint64_t>(std::clamp(cap, 1.0, kLinkRateMax));
  };
  bound(tier.load, objects_.broadcast);
  bound(tier.store, true);
  tier.load.after_ns += objects_.convert_ns();
  tier.store.before_ns += objects_.convert_ns();
}

// A pool holds what is available, or the capacity the scenario gives it out of that.
void TierBuilder::set_capacity(size_t i, tiering::TierSpec& tier, const TierSection& section,
                               double available, const std::string& of_what) {
  const double wanted =
      section.capacity ? static_cast<double>(section.capacity->value()) : available;
  const auto text = [](double amount) {
    constexpr double kMost = 9e18;  // what an integer holds
    return format_rounded(to_quantity(bytes(static_cast<int64_t>(std::min(amount, kMost)))));
  };
  if (wanted > available) {
    problems_.add(path(i) + ".capacity", "exceeds " + of_what + ", " + text(available),
                  "lower it, or leave it out to get what there is");
  }
  const double blocks = std::floor(wanted / static_cast<double>(tier.block_bytes));
  if (blocks < 1) {
    problems_.add(path(i) + (section.capacity ? ".capacity" : ""),
                  "a pool of " + text(wanted) + " holds no block of " +
                      text(static_cast<double>(tier.block_bytes)),
                  "raise its capacity, or lower engine.block_tokens");
    return;
  }
  tier.capacity_blocks = static_cast<uint64_t>(blocks);
  tier.simulated_blocks =
      static_cast<uint32_t>(std::min({tier.capacity_blocks, kBlocksMax,
                                      kTierBlocksMax / std::max<uint64_t>(1, tier.pools.size())}));
}

double rated_bytes_per_day(const hardware::DriveSpec& drive) {
  return static_cast<double>(drive.capacity.value.value()) * drive.drive_writes_per_day.value *
         drive.rated_amplification.value / drive.write_amplification.value;
}

// Of each pool.
void TierBuilder::set_rated_writes(double bytes_per_day, tiering::TierSpec& tier) const {
  constexpr double kMost = 1e18;  // a second's worth of which still counts in integers
  tier.write_bytes_per_day = static_cast<uint64_t>(std::clamp(bytes_per_day, 1.0, kMost));
  tier.write_burst_ns = spec_.policy.placement.write_burst.value();
}

// Scope decides how many pools there are, and which one an engine reaches.
void TierBuilder::pool_by_scope(tiering::TierSpec& tier, TierScope scope) {
  const uint32_t nodes = links_.nodes();
  const uint32_t pod_nodes = spec_.cluster.pod_nodes.value_or(nodes);
  for (uint32_t e = 0; e < engines(); ++e) {
    const uint32_t node = set_.node_of[e];
    tier.pool_of[e] = scope == TierScope::engine ? e
                      : scope == TierScope::node ? node
                      : scope == TierScope::pod  ? node / pod_nodes
                                                 : 0;
  }
  uint32_t pools = 0;
  for (const uint32_t pool : tier.pool_of) pools = std::max(pools, pool + 1);
  if (scope == TierScope::node) pools = nodes;
  if (scope == TierScope::pod) pools = nodes / pod_nodes;  // a divisor, see check_tiers
  tier.pools.resize(pools);
}

tiering::TwoWay TierBuilder::drive_links(const std::string& name, const DriveSums& sums,
                                         const TierSection& section) {
  const bool fifo = section.sharing == LinkSharing::fifo;
  tiering::TwoWay way{{add_link(set_.links, name + ".read", sums.read, fifo)},
                      {add_link(set_.links, name + ".write", sums.write, fifo)}};
  const uint32_t both = add_link(set_.links, name + ".both", std::max(sums.both, sums.read));
  way.up.push_back(both);
  way.down.push_back(both);
  return way;
}

}  // namespace tiercast::scenario
