#include "tests/serving/random_tiers.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "models/policy/tierpolicy.h"
#include "sim/base/random.hpp"

namespace tiercast::tests {

namespace {

using tiering::kNone;
using tiering::TierKind;
using tiering::TierSetSpec;
using tiering::TierSpec;
using tiering::TwoWay;

constexpr Purpose kTiers{"test.scenario.tiers"};
constexpr Purpose kIndex{"test.scenario.tier_index"};
constexpr Purpose kObjects{"test.scenario.tier_objects"};
constexpr Purpose kCopies{"test.scenario.tier_copies"};
constexpr Purpose kRules{"test.scenario.placement_rules"};

class Maker {
 public:
  explicit Maker(RandomScenario& scenario)
      : draw_(20'261'124, kTiers, scenario.number),
        index_draw_(20'261'124, kIndex, scenario.number),
        object_draw_(20'261'124, kObjects, scenario.number),
        copy_draw_(20'261'124, kCopies, scenario.number),
        rule_draw_(20'261'124, kRules, scenario.number),
        spec_(scenario.spec) {}

  void make() {
    spec_.engine.prefix_caching = true;
    spec_.engine.layers = static_cast<uint32_t>(draw_.between(1, 40));
    spec_.instances = static_cast<uint32_t>(draw_.between(1, 4));
    if (spec_.instances > 1 && draw_.below(4) == 0) {
      spec_.prefill_instances =
          static_cast<uint32_t>(draw_.between(1, int64_t{spec_.instances} - 1));
    }
    spec_.block_bytes = static_cast<uint32_t>(draw_.between(64, 8192));
    set_.block_tokens = spec_.engine.block_tokens;
    set_.block_bytes = spec_.block_bytes;
    nodes_ = static_cast<uint32_t>(draw_.between(1, spec_.instances));
    for (uint32_t e = 0; e < spec_.instances; ++e) {
      set_.node_of.push_back(e % nodes_);
      set_.engine_fabric.push_back(link_pair());
    }
    set_.handoff = cost();
    memory_.resize(nodes_);
    for (uint32_t& link : memory_) link = link_of();
    policy();
    set_.handoff_copies = copies();
    object_bytes_ = object_draw_.below(3) == 0 ? set_.block_bytes : size();
    for (const TierKind kind :
         {TierKind::dram, TierKind::peer, TierKind::nvme, TierKind::context, TierKind::external}) {
      if (draw_.below(3) == 0 && kind != TierKind::dram) continue;
      if (kind == TierKind::peer && nodes_ == 1) continue;
      add_tier(kind);
    }
    for (uint32_t e = 0; e < spec_.instances; ++e) set_.engine_local.push_back(link_pair());
    set_.local_handoff = cost();
    if (rule_draw_.below(3) == 0) {
      const bool dynamo = rule_draw_.below(2) == 0;
      spec_.router = tp_find_builtin_router(dynamo ? "dynamo-cost" : "replicate-hot");
      spec_.router_config = dynamo ? "temperature=0.3\ncredit_decay=1\nshared_weight=0.1\n"
                                   : "hot_rate=1e4\nwindow=0.001\ncopies=2\nhead=8\n";
    }
    if (draw_.below(2) == 0) add_switches();
    for (TierSpec& tier : set_.tiers) {
      if (draw_.below(2) == 0) tier.load.device_wait_ns = draw_.between(1, 50'000);
    }
    spec_.tiers = std::move(set_);
  }

 private:
  uint32_t size() { return static_cast<uint32_t>(object_draw_.between(64, 8192)); }
  uint32_t copies() {
    return object_draw_.below(4) == 0 ? static_cast<uint32_t>(object_draw_.between(2, 8)) : 1;
  }

  uint32_t link_of() {
    static constexpr std::array<int64_t, 6> kRates{100'000'000,     1'000'000'000,
                                                   3'000'000'000,   20'000'000'000,
                                                   100'000'000'000, 999'999'999'937};
    const bool fifo = draw_.below(8) == 0;
    set_.links.push_back({"link" + std::to_string(set_.links.size()),
                          static_cast<uint64_t>(kRates[draw_.below(kRates.size())]), fifo});
    return static_cast<uint32_t>(set_.links.size() - 1);
  }

  TwoWay link_pair() {
    TwoWay way{{link_of()}, {link_of()}};
    if (draw_.below(2) == 0) {
      const uint32_t both = link_of();
      way.up.push_back(both);
      way.down.push_back(both);
    }
    return way;
  }

  // The links of all its bytes, or those of each device and of the card that it shares with others.
  tiering::TierPoolSpec pool(uint32_t node, uint32_t devices) {
    tiering::TierPoolSpec made;
    made.node = node;
    if (devices == 0 || draw_.below(2) == 0) made.links = link_pair();
    std::vector<TwoWay> cards;
    for (int64_t n = devices == 0 ? 0 : draw_.between(1, 2); n > 0; --n) {
      cards.push_back(link_pair());
    }
    for (uint32_t d = 0; d < devices; ++d) {
      TwoWay device = link_pair();
      const TwoWay& card = cards[d % cards.size()];
      device.up.insert(device.up.end(), card.up.begin(), card.up.end());
      device.down.insert(device.down.end(), card.down.begin(), card.down.end());
      made.devices.push_back(std::move(device));
      made.cached.push_back(card);
    }
    return made;
  }

  tiering::TransferCost cost() {
    tiering::TransferCost cost;
    cost.before_ns = draw_.below(3) == 0 ? 0 : draw_.between(1, 20'000);
    cost.after_ns = draw_.below(2) == 0 ? 0 : draw_.between(1, 5'000);
    if (draw_.below(2) == 0) cost.rate_cap = 1'000'000'000;
    cost.operation_bytes = static_cast<uint64_t>(draw_.between(1, 4096));
    if (draw_.below(3) == 0) {
      cost.tail_ppm = static_cast<uint32_t>(draw_.between(0, 300'000));
      cost.tail_ns = draw_.between(1, 50'000);
    }
    if (copy_draw_.below(3) == 0) {
      cost.interference_ppm = static_cast<uint32_t>(copy_draw_.between(1, 1'000'000));
    }
    cost.core_fs_per_byte = static_cast<uint64_t>(copy_draw_.between(0, 1'000'000));
    return cost;
  }

  // Two leaves under a few spines; nodes hang on them in turn, shared storage on both.
  void add_switches() {
    tiering::SwitchedFabric fabric;
    for (const char* leaf : {"leaf0", "leaf1"}) fabric.topology.add_node(leaf);
    for (int64_t spines = draw_.between(1, 3); spines > 0; --spines) {
      const resources::NodeId spine = fabric.topology.add_node("spine");
      for (const resources::NodeId leaf : {0u, 1u}) {
        for (const auto& [from, to] : {std::pair{leaf, spine}, std::pair{spine, leaf}}) {
          fabric.links.push_back(link_of());
          fabric.topology.add_link({from, to, set_.links.back().bytes_per_s, 1});
        }
      }
    }
    fabric.routing = draw_.below(2) == 0 ? resources::Routing::shortest : resources::Routing::ecmp;
    fabric.routes = 3;
    fabric.switch_ns = draw_.between(0, 900);
    fabric.queue_ns = draw_.between(0, 5000);
    for (uint32_t n = 0; n < nodes_; ++n) fabric.leaf_of.push_back(n % 2);
    set_.fabrics.push_back(std::move(fabric));
    set_.gpu_fabric = 0;
    for (TierSpec& tier : set_.tiers) {
      if (tier.kind == TierKind::dram || tier.kind == TierKind::nvme) continue;
      tier.fabric = 0;
      for (tiering::TierPoolSpec& pool : tier.pools) pool.leaves = {0, 1};
    }
  }

  void policy() {
    static constexpr std::array<const char*, 4> kWrites{"through", "through", "selective", "back"};
    const std::string write = kWrites[draw_.below(kWrites.size())];
    set_.placement = tp_find_builtin_placement(write.c_str());
    set_.writes_back = write == "back";
    set_.prefetches = draw_.below(4) == 0;
    const auto flag = [&] { return std::to_string(draw_.below(2)); };
    const std::string fetch = std::to_string(draw_.below(5) == 0 ? 1 : 2 * draw_.below(2));
    const std::string least = std::to_string(draw_.between(1, 3));
    const std::string output = flag();
    const std::string promote = flag();
    const std::string demote = flag();
    set_.placement_config = "fetch=" + fetch + "\nmin_load=" + least + "\noutput=" + output +
                            "\npromote=" + promote + "\nprefetch=" + (set_.prefetches ? "1" : "0") +
                            "\ndemote=" + demote + "\n";
    // A later line of a name is refused, so the rule drawn above is replaced.
    if (rule_draw_.below(3) == 0) {
      set_.placement_config.replace(0, std::string("fetch=0").size(), "fetch=bidirectional");
    }
    static constexpr std::array<const char*, 4> kAdmissions{"all", "second-touch", "tinylfu",
                                                            "wear-budget"};
    if (rule_draw_.below(2) == 0) {
      set_.placement_config +=
          std::string("admission=") + kAdmissions[rule_draw_.below(kAdmissions.size())] +
          "\nadmission_tiers=" + (rule_draw_.below(2) == 0 ? "flash" : "lower") +
          "\nadmission_window=500\n";
    }
    moves_ = set_.writes_back || set_.prefetches || promote == "1" || demote == "1";
  }

  void add_tier(TierKind kind) {
    static constexpr std::array<const char*, 3> kPolicies{"lru", "fifo", "s3fifo"};
    TierSpec tier;
    tier.name = "tier" + std::to_string(set_.tiers.size());
    tier.kind = kind;
    tier.load_mode = static_cast<tiering::LoadMode>(draw_.below(3));
    tier.eviction = tp_find_builtin_cache(kPolicies[draw_.below(kPolicies.size())]);
    tier.load = cost();
    tier.store = cost();
    // GPUs convert what is of another size, whatever way it takes; between tiers nobody does.
    tier.to_nearer = tier.load;
    tier.from_nearer = tier.store;
    tier.load.after_ns += object_draw_.between(0, 500);
    tier.store.before_ns += object_draw_.between(0, 500);
    tier.read_only = draw_.below(12) == 0;
    tier.through_host = kind != TierKind::dram && draw_.below(2) == 0;
    // Only what moves between no two tiers may be of another size. Peers have what host memory has.
    const bool near = kind == TierKind::dram || kind == TierKind::peer;
    tier.block_bytes = moves_ || tier.through_host || near ? object_bytes_ : size();
    tier.load_copies = copies();
    tier.pool_of.assign(spec_.instances, kNone);
    const bool local = kind == TierKind::dram || kind == TierKind::nvme;
    const uint32_t pools = kind == TierKind::peer ? 0 : local ? nodes_ : 1;
    const bool drives = kind == TierKind::nvme || kind == TierKind::context;
    const uint32_t devices =
        drives && draw_.below(2) == 0 ? static_cast<uint32_t>(draw_.between(1, 5)) : 0;
    for (uint32_t p = 0; p < pools; ++p) tier.pools.push_back(pool(local ? p : kNone, devices));
    if (devices > 0) {
      tier.striping.width = static_cast<uint32_t>(draw_.between(1, devices));
      if (draw_.below(2) == 0) {
        tier.cache_blocks = static_cast<uint32_t>(draw_.between(1, 40));
        tier.cached_load = cost();
        tier.cached_to_nearer = cost();
      }
      if (draw_.below(2) == 0) {
        tier.striping.unit_bytes = static_cast<uint64_t>(draw_.between(1, set_.block_bytes));
      }
    }
    for (uint32_t e = 0; e < spec_.instances; ++e) {
      if (pools > 0) tier.pool_of[e] = local ? set_.node_of[e] : 0;
      tier.to_engine.push_back(link_pair());
    }
    for (uint32_t n = 0; n < nodes_; ++n) {
      tier.to_node.push_back(link_pair());
      tier.to_node.back().up.push_back(memory_[n]);
      tier.to_node.back().down.push_back(memory_[n]);
    }
    tier.capacity_blocks = static_cast<uint64_t>(
        draw_.between(1, 1 + 2 * int64_t{spec_.engine.kv_blocks} * (1 + draw_.between(0, 3))));
    tier.simulated_blocks = static_cast<uint32_t>(tier.capacity_blocks);
    if (rule_draw_.below(2) == 0) {
      tier.write_bytes_per_day =
          static_cast<uint64_t>(rule_draw_.between(1, 1'000'000)) * 10'000'000;
      tier.write_burst_ns = rule_draw_.between(0, 2'000'000);
    }
    add_index(tier);
    static constexpr std::array<int64_t, 5> kDelays{1, 20'000, 200'000, 1'000'000, 4'000'000};
    if (!local && index_draw_.below(2) == 0) {
      tier.index_delay_ns = kDelays[index_draw_.below(kDelays.size())];
    }
    set_.tiers.push_back(std::move(tier));
  }

  uint32_t add_station() {
    set_.stations.push_back({"index", index_draw_.between(1, 500),
                             static_cast<uint32_t>(index_draw_.between(1, 3)),
                             index_draw_.below(3) == 0});
    return static_cast<uint32_t>(set_.stations.size() - 1);
  }

  // With engines, on nodes, for each pool, or in one place; a storage service opens objects too.
  void add_index(TierSpec& tier) {
    tiering::IndexSpec& index = tier.index;
    index.blocks_per_object = static_cast<uint32_t>(index_draw_.between(1, 4));
    const bool storage = tier.kind == TierKind::external && index_draw_.below(2) == 0;
    if (storage) {
      index.opened = add_station();
      index.opens_as_asked = index_draw_.below(2) == 0;
      index.told = {{index.opened}};
    }
    if (index.opens_as_asked) {
      index.asked.assign(spec_.instances, index.opened);
    } else if (index_draw_.below(2) == 0) {
      const bool one_for_all = index_draw_.below(2) == 0;
      const uint32_t first = add_station();
      for (uint32_t n = 1; n < nodes_ && !one_for_all; ++n) add_station();
      const auto of_node = [&](uint32_t node) { return one_for_all ? first : first + node; };
      for (const uint32_t node : set_.node_of) index.asked.push_back(of_node(node));
      index.told.resize(tier.pools.size());
      for (uint32_t p = 0; p < tier.pools.size(); ++p) {
        const uint32_t node = tier.pools[p].node;
        index.told[p].push_back(of_node(node == kNone ? 0 : node));
      }
    }
    index.round_trip_ns = index.asked.empty() ? 0 : index_draw_.between(0, 3000);
    if (!index.told.empty()) index.told_trip_ns = index_draw_.between(0, 3000);
  }

  Stream draw_;
  Stream index_draw_;
  Stream object_draw_;
  Stream copy_draw_;
  Stream rule_draw_;
  serving::ClusterSpec& spec_;
  TierSetSpec set_;
  uint32_t nodes_ = 1;
  uint32_t object_bytes_ = 0;
  bool moves_ = false;  // between tiers
  std::vector<uint32_t> memory_;
};

}  // namespace

void add_random_tiers(RandomScenario& scenario) { Maker(scenario).make(); }

}  // namespace tiercast::tests
