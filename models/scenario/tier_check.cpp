#include "models/scenario/tier_check.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "models/scenario/tier_fabric.hpp"
#include "models/scenario/tier_index.hpp"
#include "models/scenario/tier_links.hpp"
#include "models/scenario/tier_objects.hpp"
#include "sim/base/check.hpp"
#include "sim/base/quantity.hpp"

namespace tiercast::scenario {

namespace {

// Every node has links and pools of its own; with that many a set-up takes a second.
constexpr uint32_t kNodesMax = 4096;

std::string path_of(size_t tier) { return "tiers." + std::to_string(tier); }

std::vector<TierScope> allowed_scopes(TierName kind) {
  switch (kind) {
    case TierName::hbm:
    case TierName::peer:
      return {};  // no pool of their own to share
    case TierName::dram:
      return {TierScope::engine, TierScope::node};
    case TierName::nvme:
      return {TierScope::node};
    case TierName::context:
      return {TierScope::pod, TierScope::site};
    case TierName::external:
      return {TierScope::site};
  }
  TIERCAST_CHECK(false, "a tier without a name");
}

class TierCheck {
 public:
  TierCheck(const ScenarioSpec& spec, Problems& problems) : spec_(spec), problems_(problems) {}

  void check_all() {
    check_order();
    for (size_t i = 0; i < spec_.tiers.size(); ++i) {
      check_own_pool(i);
      check_hardware(i);
    }
    check_size();
    check_caching();
    check_storage();
    check_pods();
    check_fabric();
    warn_of_idle_settings();
  }

 private:
  bool has(TierName kind) const {
    return std::any_of(spec_.tiers.begin(), spec_.tiers.end(),
                       [&](const TierSection& tier) { return tier.kind == kind; });
  }

  std::string protocol() const {
    const auto& external = spec_.cluster.storage.external;
    return external && external->service ? name_of_choice(external->service->protocol) : "";
  }

  // The order of lookup goes outwards, GPU memory first, each tier once.
  void check_order() {
    if (spec_.tiers.empty() || spec_.tiers.front().kind != TierName::hbm) {
      problems_.add("tiers", "the first tier is GPU memory", "begin the list with hbm");
    }
    for (size_t i = 1; i < spec_.tiers.size(); ++i) {
      const TierName kind = spec_.tiers[i].kind;
      const TierName before = spec_.tiers[i - 1].kind;
      const std::string name = name_of_choice(kind);
      const auto same = [&](const TierSection& tier) { return tier.kind == kind; };
      const auto here = spec_.tiers.begin() + static_cast<std::ptrdiff_t>(i);
      if (std::any_of(spec_.tiers.begin(), here, same)) {
        problems_.add(path_of(i) + ".kind", name + " is listed twice", "one entry a tier");
      } else if (kind < before) {
        problems_.add(
            path_of(i) + ".kind",
            name + " comes after " + name_of_choice(before) + ", which is farther from the GPU",
            "order: hbm, dram, peer, nvme, context, external");
      }
    }
  }

  // What only a tier with a pool of its own, or with links of its own, can be told.
  void check_own_pool(size_t i) {
    const TierSection& tier = spec_.tiers[i];
    const auto takes_no = [&](const char* key, bool given, const std::string& why,
                              const std::string& hint) {
      if (given) problems_.add(path_of(i) + "." + key, why, hint);
    };
    if (tier.kind == TierName::hbm) {
      const std::string leave = "leave it out";
      takes_no("capacity", tier.capacity.has_value(), "GPU memory is sized by engine.memory",
               leave);
      takes_no("scope", tier.scope.has_value(), "GPU memory belongs to its engine", leave);
      takes_no("stack", tier.stack.has_value(), "nothing lies between an engine and its memory",
               leave);
      takes_no("load", tier.load != tiering::LoadMode{},
               "nothing is loaded into GPU memory from it", "say it of a tier below");
      takes_no("read_only", tier.read_only, "GPU memory takes what is computed", leave);
      takes_no("index_delay", tier.index_delay.value() > 0,
               "an engine knows its own memory; what the router sees of it may be late",
               "say router.index_delay");
      takes_no("eviction", tier.eviction.has_value(), "eviction from GPU memory is policy.eviction",
               "say it there");
    }
    if (tier.kind == TierName::peer) {
      const std::string why = "peer has no pool of its own: it reads the dram tier of other nodes";
      const std::string hint = "say it of dram";
      takes_no("capacity", tier.capacity.has_value(), why, hint);
      takes_no("scope", tier.scope.has_value(), why, hint);
      takes_no("eviction", tier.eviction.has_value(), why, hint);
    }
    const bool local = tier.kind == TierName::dram || tier.kind == TierName::nvme;
    takes_no("index_delay", local && tier.index_delay.value() > 0,
             "what a node holds is known on it at once",
             "say it of peer, context or external, or leave it out");
    const bool own_links = tier.kind == TierName::nvme || tier.kind == TierName::context ||
                           tier.kind == TierName::external;
    takes_no("sharing", !own_links && tier.sharing != LinkSharing{},
             name_of_choice(tier.kind) + " has no links of its own",
             "say it of nvme, context or external");
    const bool drives = tier.kind == TierName::nvme || tier.kind == TierName::context;
    takes_no("striping", !drives && tier.striping.has_value(),
             name_of_choice(tier.kind) + " has no drives to choose among",
             "say it of nvme or context");
    takes_no("cache", tier.kind != TierName::context && tier.cache.has_value(),
             name_of_choice(tier.kind) + " has no DPUs whose memory could hold one",
             "say it of context");
    if (tier.kind != TierName::hbm && !tier.stack) {
      problems_.add(path_of(i) + ".stack", "has no value",
                    "leave the key away to get " + default_stack(tier.kind, protocol()));
    }
    check_scope(i);
  }

  void check_scope(size_t i) {
    const TierSection& tier = spec_.tiers[i];
    const std::vector<TierScope> allowed = allowed_scopes(tier.kind);
    if (!tier.scope || allowed.empty() ||
        std::find(allowed.begin(), allowed.end(), *tier.scope) != allowed.end()) {
      return;
    }
    std::string known;
    for (const TierScope scope : allowed) {
      known += (known.empty() ? "" : " or ") + name_of_choice(scope);
    }
    problems_.add(path_of(i) + ".scope",
                  "a pool of " + name_of_choice(tier.kind) + " belongs to one " + known,
                  "say scope: " + name_of_choice(default_scope(tier.kind)) + ", or leave it out");
  }

  // A tier needs what holds it and a port to reach it.
  void check_hardware(size_t i) {
    const hardware::NodeSpec& node = spec_.cluster.node;
    const auto& context = spec_.cluster.storage.context;
    const auto& external = spec_.cluster.storage.external;
    const auto lacks = [&](const std::string& what, const std::string& hint) {
      problems_.add(path_of(i), what, hint);
    };
    switch (spec_.tiers[i].kind) {
      case TierName::hbm:
      case TierName::dram:
        return;
      case TierName::peer:
        if (!has(TierName::dram)) {
          lacks("peer reads the dram tier of other nodes, and there is none",
                "list dram before it");
        }
        if (spec_.cluster.nodes < 2) lacks("peer needs a second node", "raise cluster.nodes");
        check_fabric_port(path_of(i));
        return;
      case TierName::nvme:
        if (node.drives.empty()) {
          lacks("the node has no drives",
                "say cluster.node.drives, e.g. [{use: solidigm-d7-ps1010, count: 8}]");
        }
        return;
      case TierName::context:
        if (!context || !context->enclosure) {
          lacks("the cluster has no enclosures of flash behind DPUs",
                "say cluster.storage.context: {enclosure: cmx-bf4, count: 1}");
        }
        break;
      case TierName::external:
        if (!external || !external->service) {
          lacks("the cluster has no storage service",
                "say cluster.storage.external: {service: file-store-rdma, count: 1}");
        }
        break;
    }
    if (storage_bandwidth(node, 1) <= 0) {
      lacks("the node has no port to storage",
            "say cluster.node.nics with fabric: north-south, or cluster.node.dpus");
    }
  }

  void check_fabric_port(const std::string& path) {
    if (fabric_bandwidth(spec_.cluster.node) > 0) return;
    problems_.add(path, "the node has no port to other nodes",
                  "say cluster.node.nics with fabric: east-west");
  }

  void check_size() {
    const bool moves = spec_.tiers.size() > 1 || spec_.disaggregation;
    if (!moves || spec_.cluster.nodes <= kNodesMax) return;
    problems_.add("cluster.nodes",
                  "transfers are simulated between " + std::to_string(kNodesMax) + " nodes at most",
                  "simulate a part of the cluster with its share of the demand");
  }

  void check_caching() {
    if (spec_.disaggregation && spec_.cluster.nodes > 1) check_fabric_port("disaggregation");
    if (spec_.engine.prefix_caching) return;
    if (spec_.tiers.size() > 1) {
      problems_.add("engine.prefix_caching", "tiers below GPU memory need it", "set it to true");
    } else if (spec_.disaggregation) {
      problems_.add("engine.prefix_caching", "handing prompts over needs it", "set it to true");
    }
  }

  void check_storage() {
    const hardware::StorageUnits none;
    if (spec_.cluster.storage.context.value_or(none).service) {
      problems_.add("cluster.storage.context.service",
                    "context storage is flash behind DPUs: it takes enclosures",
                    "a service goes to cluster.storage.external");
    }
    if (spec_.cluster.storage.external.value_or(none).enclosure) {
      problems_.add("cluster.storage.external.enclosure", "external storage is a service",
                    "enclosures go to cluster.storage.context");
    }
  }

  void check_pods() {
    const uint32_t nodes = spec_.cluster.nodes;
    const uint32_t pod_nodes = spec_.cluster.pod_nodes.value_or(nodes);
    if (nodes % pod_nodes != 0) {
      problems_.add("cluster.pod_nodes",
                    "pods of " + std::to_string(pod_nodes) + " nodes do not divide the cluster's " +
                        std::to_string(nodes),
                    "choose a divisor of cluster.nodes");
      return;
    }
    const uint32_t pods = nodes / pod_nodes;
    const auto& context = spec_.cluster.storage.context;
    const auto shared_by_all = [](const TierSection& tier) {
      return tier.kind == TierName::context && tier.scope == TierScope::site;
    };
    if (!context || !context->enclosure || context->count % pods == 0 ||
        std::any_of(spec_.tiers.begin(), spec_.tiers.end(), shared_by_all)) {
      return;
    }
    problems_.add("cluster.storage.context.count",
                  std::to_string(context->count) + " enclosure(s) cannot be spread evenly over " +
                      std::to_string(pods) + " pods",
                  "give every pod as many, or let all share them with scope: site");
  }

  // Ports run at the speed of what is plugged into them only if the switch can.
  void check_fabric() {
    if (!spec_.cluster.fabric) return;
    const hardware::FabricSpec& fabric = *spec_.cluster.fabric;
    const BytesPerSecond port = fabric.switches.port_bandwidth.value;
    uint64_t ends = 0;
    const auto plug = [&](const std::string& whose, BytesPerSecond speed, uint64_t count) {
      ends += count;
      if (speed <= port) return;
      problems_.add("cluster.fabric.switch",
                    "a port of " + format_rounded(to_quantity(port)) + " is slower than " + whose +
                        " of " + format_rounded(to_quantity(speed)),
                    "take a faster switch or a slower card");
    };
    const uint64_t nodes = spec_.cluster.nodes;
    for (const hardware::NicSpec& nic : spec_.cluster.node.nics) {
      plug("the node's NIC", nic.bandwidth.value, nodes * nic.count);
    }
    for (const hardware::DpuSpec& dpu : spec_.cluster.node.dpus) {
      plug("the node's DPU", dpu.network.value, nodes * dpu.count);
    }
    const auto& context = spec_.cluster.storage.context;
    if (context && context->enclosure) {
      const hardware::DpuSpec& dpus = context->enclosure->dpus;
      plug("the enclosure's DPU", dpus.network.value, uint64_t{context->count} * dpus.count);
    }
    if (fabric.kind == hardware::FabricKind::flat && ends > fabric.switches.ports) {
      problems_.add("cluster.fabric.kind",
                    "a flat fabric is one switch, and " + std::to_string(ends) +
                        " NICs and DPUs exceed its " + std::to_string(fabric.switches.ports) +
                        " ports",
                    "say kind: leaf-spine, or take a larger switch", "cluster.fabric");
      return;
    }
    check_leaves(fabric);
  }

  // A switch of the upper level has a port for every one of the lower.
  void check_leaves(const hardware::FabricSpec& fabric) {
    if (problems_.any()) return;  // counts may be out of all bounds
    const ledger::Provision boxes = boxes_of(spec_.cluster);
    const ledger::PortsUsed used = ledger::ports_used(boxes, fabric.switches.port_bandwidth.value);
    if (ledger::switches_needed(fabric, used, boxes.pods)) return;
    problems_.add("cluster.fabric.switch",
                  "switches of " + std::to_string(fabric.switches.ports) +
                      " ports cannot be wired to join the " +
                      std::to_string(std::max(used.east_west, used.storage)) +
                      " ports that end points of one network fill",
                  "take a larger switch, more oversubscription or fewer pods", "cluster.fabric");
  }

  // Some tier's drives are known, and worn by what is stored.
  bool wears() const {
    return std::any_of(spec_.tiers.begin(), spec_.tiers.end(), [&](const TierSection& tier) {
      if (tier.read_only) return false;
      if (tier.kind == TierName::nvme || tier.kind == TierName::context) return true;
      const auto& external = spec_.cluster.storage.external;
      return tier.kind == TierName::external && external && external->service &&
             external->service->drives;
    });
  }

  void warn_of_idle_settings() {
    const PlacementSection& placement = spec_.policy.placement;
    size_t stores = 0;
    size_t pools = 0;
    for (const TierSection& tier : spec_.tiers) {
      if (tier.kind == TierName::hbm || tier.kind == TierName::peer) continue;
      ++pools;
      if (!tier.read_only) ++stores;
    }
    if (pools > 0 && stores == 0) {
      problems_.warn("tiers", "every tier below GPU memory is read-only, so none holds anything",
                     "let one of them take stores");
    }
    if (placement.prefetch && !has(TierName::dram)) {
      problems_.warn("policy.placement.prefetch",
                     "fetches into host memory, and there is no dram tier", "list dram");
    }
    if (placement.admission == AdmissionPolicy::wear_budget && !wears()) {
      problems_.warn("policy.placement.admission",
                     "goes by what drives are rated for, and no tier that it guards has drives",
                     "list nvme, context, or a service whose drives are known");
    }
    if (placement.demote && stores < 2) {
      problems_.warn("policy.placement.demote",
                     "moves blocks from one lower tier to the next, and there is no next one",
                     "list another tier that takes stores");
    }
  }

  const ScenarioSpec& spec_;
  Problems& problems_;
};

}  // namespace

void check_tiers(const ScenarioSpec& spec, Problems& problems) {
  TierCheck(spec, problems).check_all();
  check_objects(spec, problems);
  check_indices(spec, problems);
}

}  // namespace tiercast::scenario
