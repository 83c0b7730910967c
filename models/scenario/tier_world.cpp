#include "models/scenario/tier_world.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "models/hardware/transfer_time.hpp"
#include "models/llm/placement.hpp"
#include "models/policy/placement.hpp"
#include "models/policy/registry.hpp"
#include "models/scenario/tier_links.hpp"
#include "sim/base/quantity.hpp"

namespace tiercast::scenario {

using hardware::StackSpec;
using tiering::kNone;
using tiering::TierSetSpec;
using tiering::TierSpec;
using tiering::TwoWay;

namespace {

// Blocks that one pool may hold in a simulation; larger pools are cut, and a run that fills such a
// pool ends in an error rather than in evictions that would not happen.
constexpr int64_t kBlocksMax = int64_t{1} << 24;
constexpr double kHostMemoryShare = 0.8;  // of a node's memory, where a scenario names no capacity

int64_t ns_of(Seconds time) { return ceil_to_ns(time).value(); }
Seconds seconds_of(Nanoseconds time) { return to_seconds(time); }

void append(std::vector<uint32_t>& to, const std::vector<uint32_t>& more) {
  to.insert(to.end(), more.begin(), more.end());
}

class Builder {
 public:
  Builder(const ScenarioSpec& spec, const World& world, Problems& problems)
      : spec_(spec),
        world_(world),
        problems_(problems),
        links_(spec, world, shares(), set_.links),
        layout_{tokens(spec.engine.block_tokens), spec.model.name.layers,
                bytes(llm::kv_layer_bytes_per_gpu(spec.model.name, world.kv, world.parallel.tp))} {}

  TierSetSpec build() {
    set_.block_tokens = spec_.engine.block_tokens;
    set_.block_bytes = static_cast<uint32_t>(world_.block_bytes);
    set_.node_of = links_.node_of();
    for (uint32_t e = 0; e < engines(); ++e) {
      TwoWay way;
      const TwoWay& port = links_.fabric(set_.node_of[e]);
      way.up = port.up;
      append(way.up, links_.engine(e).up);
      way.down = links_.engine(e).down;
      append(way.down, port.down);
      set_.engine_fabric.push_back(std::move(way));
    }
    const policy::PlacementEntry* placement =
        policy::find_placement_policy(spec_.policy.placement.policy_name());
    set_.placement = placement->table;
    set_.placement_config = spec_.policy.placement.config_lines();
    set_.writes_back = spec_.policy.placement.write == WritePolicy::back;
    set_.prefetches = spec_.policy.placement.prefetch;
    for (size_t i = 1; i < spec_.tiers.size(); ++i) add_tier(i);
    return std::move(set_);
  }

 private:
  uint32_t engines() const { return world_.cluster.instances; }
  uint32_t ranks() const { return world_.gpus_per_instance; }

  // What the best stack over each kind of link makes of it.
  NodeLinks::Shares shares() const {
    NodeLinks::Shares shares{0, 0, 0, 0};
    for (const TierSection& tier : spec_.tiers) {
      if (!tier.stack) continue;
      const double efficiency = tier.stack->efficiency.value;
      const bool local = tier.kind == TierName::dram || tier.kind == TierName::nvme;
      double& share = local                         ? shares.host_efficiency
                      : tier.kind == TierName::peer ? shares.fabric_efficiency
                                                    : shares.storage_efficiency;
      share = std::max(share, efficiency);
      if (local) shares.host_duplex = std::max(shares.host_duplex, tier.stack->duplex.value);
    }
    for (double* share :
         {&shares.host_efficiency, &shares.storage_efficiency, &shares.fabric_efficiency}) {
      if (*share == 0) *share = 1;
    }
    if (shares.host_duplex == 0) shares.host_duplex = 2;
    return shares;
  }

  std::string path(size_t i) const { return "tiers." + std::to_string(i); }

  void add_tier(size_t i) {
    const TierSection& section = spec_.tiers[i];
    TierSpec& tier = set_.tiers.emplace_back();
    tier.name = name_of_choice(section.kind);
    tier.load_mode = section.load;
    tier.read_only = section.read_only;
    const EvictionSection& eviction = section.eviction ? *section.eviction : spec_.policy.eviction;
    tier.eviction = policy::find_cache_policy(eviction.name)->table;
    tier.eviction_config = eviction.config_lines();
    tier.pool_of.assign(engines(), kNone);
    tier.to_engine.resize(engines());
    tier.to_node.resize(links_.nodes());
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
  }

  // Set-up, first operation and the rate that operations reach, on all GPUs of an engine at once.
  void set_costs(TierSpec& tier, const StackSpec& stack, Nanoseconds read_latency,
                 Nanoseconds write_latency) {
    const auto cost = [&](Nanoseconds device) {
      const hardware::TransferPath path{seconds_of(device), spec_.cluster.node.gpu.host_link.value,
                                        std::nullopt};
      const Bytes operation = hardware::operation_bytes(stack, layout_);
      tiering::TransferCost result;
      const Seconds metadata = stack.metadata_latency.value * stack.metadata_operations;
      result.before_ns = ns_of(stack.setup.value + metadata + stack.operation_time.value +
                               stack.operation_latency.value + seconds_of(device));
      result.rate_cap =
          static_cast<uint64_t>(hardware::rate_cap(stack, path, operation).value() * ranks());
      return result;
    };
    tier.load = cost(read_latency);
    tier.store = cost(write_latency);
    tier.store.after_ns = ns_of(stack.acknowledge.value);
  }

  // What one operation at a device carries, for all GPUs of an engine alike.
  double operation(const StackSpec& stack) const {
    return static_cast<double>(hardware::operation_bytes(stack, layout_).value());
  }

  void set_capacity(size_t i, TierSpec& tier, double available, bool given) {
    const double blocks = std::floor(available / static_cast<double>(world_.block_bytes));
    if (blocks < 1) {
      problems_.add(
          path(i) + (given ? ".capacity" : ""),
          "a pool of " + format_rounded(to_quantity(bytes(static_cast<int64_t>(available)))) +
              " holds no block of " + format_rounded(to_quantity(bytes(world_.block_bytes))),
          "raise its capacity, or lower engine.block_tokens");
      return;
    }
    tier.capacity_blocks = static_cast<uint32_t>(std::min(blocks, static_cast<double>(kBlocksMax)));
    tier.cut = blocks > static_cast<double>(kBlocksMax);
  }

  // Scope decides how many pools there are, and which one an engine reaches.
  void pool_by_scope(TierSpec& tier, TierScope scope) {
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
    tier.pools.resize(pools);
  }

  bool scope_is(size_t i, const TierSection& section, std::initializer_list<TierScope> allowed,
                TierScope& scope) {
    scope = section.scope.value_or(default_scope(section.kind));
    if (std::find(allowed.begin(), allowed.end(), scope) != allowed.end()) return true;
    std::string known;
    for (const TierScope one : allowed) {
      known += (known.empty() ? "" : " or ") + name_of_choice(one);
    }
    problems_.add(path(i) + ".scope",
                  "a pool of " + name_of_choice(section.kind) + " belongs to one " + known, "");
    return false;
  }

  void add_dram(size_t i, const TierSection& section, TierSpec& tier) {
    tier.kind = tiering::TierKind::dram;
    TierScope scope{};
    if (!scope_is(i, section, {TierScope::engine, TierScope::node}, scope)) return;
    pool_by_scope(tier, scope);
    const hardware::NodeSpec& node = spec_.cluster.node;
    const auto installed = static_cast<double>(node.host.dram.value.value());
    const double engines_on_node = std::max(1.0, std::floor(node.gpus / double(ranks())));
    const double pools_on_node = scope == TierScope::engine ? engines_on_node : 1;
    double capacity = installed * kHostMemoryShare / pools_on_node;
    if (section.capacity) {
      capacity = static_cast<double>(section.capacity->value());
      if (capacity * pools_on_node > installed) {
        problems_.add(path(i) + ".capacity",
                      "the pools of a node exceed its memory of " +
                          format_rounded(to_quantity(node.host.dram.value)),
                      "lower it, or raise cluster.node.host.dram");
      }
    }
    set_capacity(i, tier, capacity, section.capacity.has_value());
    set_costs(tier, *section.stack, nanoseconds(0), nanoseconds(0));
    for (uint32_t p = 0; p < tier.pools.size(); ++p) {
      const uint32_t on = scope == TierScope::node ? p : set_.node_of[p];
      tier.pools[p] = {on, {{links_.memory(on)}, {links_.memory(on)}}};
    }
    for (uint32_t e = 0; e < engines(); ++e) tier.to_engine[e] = links_.engine(e);
  }

  void add_peer(const TierSection& section, TierSpec& tier) {
    tier.kind = tiering::TierKind::peer;
    set_costs(tier, *section.stack, nanoseconds(0), nanoseconds(0));
    for (uint32_t e = 0; e < engines(); ++e) {
      tier.to_engine[e] = set_.engine_fabric[e];
    }
    for (uint32_t n = 0; n < links_.nodes(); ++n) {
      tier.to_node[n] = links_.fabric(n);
      append(tier.to_node[n].up, {links_.memory(n)});
    }
  }

  // Between a tier's devices on a node and the GPU, or host memory, of that node.
  void reach_locally(const StackSpec& stack, TierSpec& tier) {
    for (uint32_t e = 0; e < engines(); ++e) {
      tier.to_engine[e] = links_.engine(e);
      if (stack.bypass_host) continue;
      append(tier.to_engine[e].up, {links_.memory(set_.node_of[e])});
      append(tier.to_engine[e].down, {links_.memory(set_.node_of[e])});
    }
  }

  void add_nvme(size_t i, const TierSection& section, TierSpec& tier) {
    tier.kind = tiering::TierKind::nvme;
    TierScope scope{};
    if (!scope_is(i, section, {TierScope::node}, scope)) return;
    const std::vector<hardware::DriveSpec>& drives = spec_.cluster.node.drives;
    if (drives.empty()) {
      problems_.add(path(i), "the node has no drives",
                    "say cluster.node.drives, e.g. {use: solidigm-d7-ps1010, count: 8}");
      return;
    }
    pool_by_scope(tier, scope);
    DriveSums sums;
    for (const hardware::DriveSpec& drive : drives) {
      sums.add(drive, operation(*section.stack), drive.count);
    }
    if (section.capacity && static_cast<double>(section.capacity->value()) > sums.capacity) {
      problems_.add(path(i) + ".capacity",
                    "exceeds the node's drives, " +
                        format_rounded(to_quantity(bytes(static_cast<int64_t>(sums.capacity)))));
    }
    set_capacity(i, tier,
                 section.capacity ? static_cast<double>(section.capacity->value()) : sums.capacity,
                 section.capacity.has_value());
    set_costs(tier, *section.stack, sums.read_latency, sums.write_latency);
    set_tail(tier, drives.front());
    for (uint32_t p = 0; p < tier.pools.size(); ++p) {
      tier.pools[p] = {p, drive_links("nvme" + std::to_string(p), sums, section)};
    }
    reach_locally(*section.stack, tier);
    for (uint32_t n = 0; n < links_.nodes(); ++n) {
      tier.to_node[n] = {{links_.memory(n)}, {links_.memory(n)}};
    }
  }

  // Drives of one pool together, for operations of so many bytes.
  struct DriveSums {
    double capacity = 0;
    double read = 0;
    double write = 0;
    double both = 0;
    Nanoseconds read_latency{};
    Nanoseconds write_latency{};

    void add(const hardware::DriveSpec& drive, double operation, double count) {
      capacity += static_cast<double>(drive.capacity.value.value()) * count;
      read += std::min(drive.read.value.value(), drive.read_iops.value.value() * operation) * count;
      write +=
          std::min(drive.write.value.value(), drive.write_iops.value.value() * operation) * count;
      both += drive.mixed.value.value() * count;
      read_latency = std::max(read_latency, drive.read_latency.value);
      write_latency = std::max(write_latency, drive.write_latency.value);
    }
  };

  TwoWay drive_links(const std::string& name, const DriveSums& sums, const TierSection& section) {
    const bool fifo = section.sharing == LinkSharing::fifo;
    TwoWay way{{add_link(set_.links, name + ".read", sums.read, fifo)},
               {add_link(set_.links, name + ".write", sums.write, fifo)}};
    const uint32_t both = add_link(set_.links, name + ".both", std::max(sums.both, sums.read));
    way.up.push_back(both);
    way.down.push_back(both);
    return way;
  }

  void set_tail(TierSpec& tier, const hardware::DriveSpec& drive) {
    tier.load.tail_probability = drive.tail_probability.value;
    tier.load.tail_ns = drive.tail_latency.value.value();
  }

  // Between storage on the network and GPUs or host memory of a node, its own DPUs on the way.
  bool reach_over_network(size_t i, const StackSpec& stack, TierSpec& tier) {
    const hardware::NodeSpec& node = spec_.cluster.node;
    if (storage_bandwidth(node) <= 0) {
      problems_.add(path(i), "the node has no port to storage",
                    "say cluster.node.nics with fabric: north-south, or cluster.node.dpus");
      return false;
    }
    double operations = 0;
    for (const hardware::DpuSpec& dpu : node.dpus) {
      operations += dpu.operations().value() * dpu.count;
    }
    const bool first = dpu_links_.empty();
    for (uint32_t n = 0; n < links_.nodes(); ++n) {
      tier.to_node[n] = links_.storage(n);
      if (operations > 0) {
        if (first) {
          dpu_links_.push_back(add_link(set_.links, "node" + std::to_string(n) + ".dpu",
                                        operations * operation(stack)));
        }
        append(tier.to_node[n].up, {dpu_links_[n]});
        append(tier.to_node[n].down, {dpu_links_[n]});
      }
    }
    for (uint32_t e = 0; e < engines(); ++e) {
      const uint32_t on = set_.node_of[e];
      tier.to_engine[e] = tier.to_node[on];
      append(tier.to_engine[e].up, links_.engine(e).up);
      append(tier.to_engine[e].down, links_.engine(e).down);
      if (stack.bypass_host) continue;
      append(tier.to_engine[e].up, {links_.memory(on)});
      append(tier.to_engine[e].down, {links_.memory(on)});
    }
    for (uint32_t n = 0; n < links_.nodes(); ++n) {
      append(tier.to_node[n].up, {links_.memory(n)});
      append(tier.to_node[n].down, {links_.memory(n)});
    }
    return true;
  }

  void add_context(size_t i, const TierSection& section, TierSpec& tier) {
    tier.kind = tiering::TierKind::context;
    TierScope scope{};
    if (!scope_is(i, section, {TierScope::pod, TierScope::site}, scope)) return;
    const std::optional<hardware::StorageUnits>& units = spec_.cluster.storage.context;
    if (!units || !units->enclosure) {
      problems_.add(path(i), "the cluster has no enclosures of flash behind DPUs",
                    "say cluster.storage.context: {enclosure: cmx-bf4, count: 1}");
      return;
    }
    pool_by_scope(tier, scope);
    const auto pools = static_cast<double>(tier.pools.size());
    const double boxes = units->count / pools;
    const hardware::EnclosureSpec& box = *units->enclosure;
    DriveSums sums;
    sums.add(box.drives, operation(*section.stack), box.drives.count * boxes);
    const double usable = static_cast<double>(box.capacity().value()) * boxes;
    if (section.capacity && static_cast<double>(section.capacity->value()) > usable) {
      problems_.add(path(i) + ".capacity",
                    "exceeds the enclosures of one pool, " +
                        format_rounded(to_quantity(bytes(static_cast<int64_t>(usable)))));
    }
    set_capacity(i, tier,
                 section.capacity ? static_cast<double>(section.capacity->value()) : usable,
                 section.capacity.has_value());
    Nanoseconds initiator = nanoseconds(0);
    for (const hardware::DpuSpec& dpu : spec_.cluster.node.dpus) {
      initiator = std::max(initiator, dpu.read_latency.value);
    }
    const Nanoseconds dpus = box.dpus.read_latency.value + initiator;
    set_costs(tier, *section.stack, sums.read_latency + dpus, sums.write_latency + dpus);
    set_tail(tier, box.drives);
    const double cards = box.dpus.count * boxes;
    const double efficiency = section.stack->efficiency.value;
    for (uint32_t p = 0; p < tier.pools.size(); ++p) {
      const std::string name = "context" + std::to_string(p);
      TwoWay way = drive_links(name + ".drives", sums, section);
      const uint32_t cores =
          add_link(set_.links, name + ".cores",
                   box.dpus.operations().value() * operation(*section.stack) * cards);
      const double port =
          std::min(box.dpus.network.value.value() * efficiency, box.dpus.pcie.value.value()) *
          cards;
      append(way.up, {cores, add_link(set_.links, name + ".port.up", port)});
      append(way.down, {cores, add_link(set_.links, name + ".port.down", port)});
      tier.pools[p] = {kNone, std::move(way)};
    }
    reach_over_network(i, *section.stack, tier);
  }

  void add_external(size_t i, const TierSection& section, TierSpec& tier) {
    tier.kind = tiering::TierKind::external;
    TierScope scope{};
    if (!scope_is(i, section, {TierScope::site}, scope)) return;
    const std::optional<hardware::StorageUnits>& units = spec_.cluster.storage.external;
    if (!units || !units->service) {
      problems_.add(path(i), "the cluster has no storage service",
                    "say cluster.storage.external: {service: file-store-rdma, count: 1}");
      return;
    }
    pool_by_scope(tier, scope);
    const hardware::StorageServiceSpec& service = *units->service;
    const StackSpec& stack = *section.stack;
    const double count = units->count;
    const double usable = static_cast<double>(service.capacity.value.value()) * count;
    if (section.capacity && static_cast<double>(section.capacity->value()) > usable) {
      problems_.add(path(i) + ".capacity",
                    "exceeds the service, " +
                        format_rounded(to_quantity(bytes(static_cast<int64_t>(usable)))));
    }
    set_capacity(i, tier,
                 section.capacity ? static_cast<double>(section.capacity->value()) : usable,
                 section.capacity.has_value());
    set_costs(tier, stack, service.read_latency.value + service.tenant_check.value,
              service.write_latency.value + service.tenant_check.value);
    // Operations below the smallest one cost as much as it; each pass through server memory beside
    // the first takes its share of what the servers move.
    const double bytes_of_one = operation(stack);
    const double least = static_cast<double>(service.min_operation.value.value());
    const double padding = std::max(1.0, least / bytes_of_one);
    const double copies = 1 + service.server_copies.value;
    const auto rate = [&](double bandwidth, double iops) {
      return std::min(bandwidth / padding / copies, iops * bytes_of_one) * count;
    };
    const bool fifo = section.sharing == LinkSharing::fifo;
    TwoWay way{
        {add_link(set_.links, "external0.read",
                  rate(service.read.value.value(), service.read_iops.value.value()), fifo)},
        {add_link(set_.links, "external0.write",
                  rate(service.write.value.value(), service.write_iops.value.value()), fifo)}};
    tier.pools[0] = {kNone, std::move(way)};
    if (!reach_over_network(i, stack, tier)) return;
    const double client = service.client_bandwidth.value.value();
    for (uint32_t n = 0; n < links_.nodes(); ++n) {
      const std::string name = "external0.client" + std::to_string(n);
      const uint32_t up = add_link(set_.links, name + ".up", client);
      const uint32_t down = add_link(set_.links, name + ".down", client);
      append(tier.to_node[n].up, {up});
      append(tier.to_node[n].down, {down});
      for (uint32_t e = 0; e < engines(); ++e) {
        if (set_.node_of[e] != n) continue;
        append(tier.to_engine[e].up, {up});
        append(tier.to_engine[e].down, {down});
      }
    }
    const double operations = service.metadata_operations.value;
    if (operations <= 0) return;
    tier.has_metadata = true;
    tier.metadata.station = static_cast<uint32_t>(set_.stations.size());
    tier.metadata.round_trip_ns = ns_of(stack.metadata_latency.value);
    const int64_t object = stack.chunk_tokens ? stack.chunk_tokens->value() : set_.block_tokens;
    tier.metadata.blocks_per_lookup =
        static_cast<uint32_t>(std::max<int64_t>(1, object / set_.block_tokens));
    set_.stations.push_back(
        {"external0.metadata",
         static_cast<int64_t>(static_cast<double>(service.metadata_time.value.value()) *
                              operations),
         static_cast<uint32_t>(service.metadata_servers * units->count)});
  }

  const ScenarioSpec& spec_;
  const World& world_;
  Problems& problems_;
  TierSetSpec set_;
  NodeLinks links_;
  hardware::KvLayout layout_;
  std::vector<uint32_t> dpu_links_;  // by node, once a tier over the network needs them
};

// The order of lookup goes outwards, GPU memory first, each tier once.
bool check_order(const ScenarioSpec& spec, Problems& problems) {
  bool good = true;
  const auto wrong = [&](size_t i, const std::string& what, const std::string& hint) {
    problems.add("tiers." + std::to_string(i) + ".kind", what, hint);
    good = false;
  };
  if (spec.tiers.empty() || spec.tiers.front().kind != TierName::hbm) {
    problems.add("tiers", "the first tier is GPU memory", "begin the list with hbm");
    return false;
  }
  const TierSection& hbm = spec.tiers.front();
  if (hbm.capacity || hbm.stack || hbm.scope) {
    wrong(0, "GPU memory is sized by engine.memory and has neither scope nor stack",
          "leave capacity, scope and stack of hbm out");
  }
  bool has_host = false;
  for (size_t i = 1; i < spec.tiers.size(); ++i) {
    const TierName kind = spec.tiers[i].kind;
    const TierName before = spec.tiers[i - 1].kind;
    const std::string name = name_of_choice(kind);
    if (kind == before) {
      wrong(i, name + " is listed twice", "one entry a tier");
    } else if (kind < before) {
      wrong(i, name + " comes after " + name_of_choice(before) + ", which is farther from the GPU",
            "order: hbm, dram, peer, nvme, context, external");
    }
    if (kind == TierName::peer && !has_host) {
      wrong(i, "peer reads the dram tier of other nodes, and there is none", "list dram before it");
    }
    if (kind == TierName::peer && spec.cluster.nodes < 2) {
      wrong(i, "peer needs a second node", "raise cluster.nodes");
    }
    has_host = has_host || kind == TierName::dram;
  }
  if (spec.tiers.size() > 1 && !spec.engine.prefix_caching) {
    problems.add("engine.prefix_caching", "tiers below GPU memory need it", "set it to true");
    good = false;
  }
  return good;
}

}  // namespace

std::optional<TierSetSpec> build_tiers(const ScenarioSpec& spec, const World& world,
                                       Problems& problems) {
  if (!check_order(spec, problems) || spec.tiers.size() < 2) return std::nullopt;
  TierSetSpec set = Builder(spec, world, problems).build();
  if (problems.any()) return std::nullopt;
  return set;
}

}  // namespace tiercast::scenario
