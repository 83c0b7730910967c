#include "models/scenario/tier_fabric.hpp"

#include <algorithm>
#include <initializer_list>
#include <string>
#include <utility>

#include "models/scenario/tier_links.hpp"
#include "sim/base/check.hpp"

namespace tiercast::scenario {

using tiering::SwitchedFabric;
using tiering::TierLinkSpec;

namespace {

resources::Routing routing_of(hardware::Routing routing) {
  // Spraying leaves one route to take.
  return routing == hardware::Routing::ecmp ? resources::Routing::ecmp
                                            : resources::Routing::shortest;
}

// Wires one network of `size` between so many nodes.
class Wiring {
 public:
  Wiring(const hardware::FabricSpec& spec, const ledger::FabricSize& size, std::string network,
         std::vector<TierLinkSpec>& links)
      : spec_(spec), size_(size), network_(std::move(network)), links_(links) {}

  SwitchedFabric build(uint32_t nodes) {
    const uint32_t leaves = std::max(1u, size_.leaves);
    made_.routing = routing_of(spec_.routing);
    made_.switch_ns = spec_.switches.latency.value.value();
    const auto& queue = spec_.switches.queue_latency;
    made_.queue_ns = queue ? queue->value.value() : 0;
    for (uint32_t leaf = 0; leaf < leaves; ++leaf) {
      made_.topology.add_node("leaf" + std::to_string(leaf));
    }
    if (leaves > 1 && spec_.routing == hardware::Routing::adaptive) {
      spray(leaves);
    } else if (leaves > 1) {
      wire(leaves);
    }
    for (uint32_t n = 0; n < nodes; ++n) {
      made_.leaf_of.push_back(static_cast<uint32_t>(uint64_t{n} * leaves / nodes));
    }
    return std::move(made_);
  }

 private:
  // One link each way between a leaf and all spines, which are alike.
  void spray(uint32_t leaves) {
    const resources::NodeId spines = made_.topology.add_node("spines");
    for (uint32_t leaf = 0; leaf < leaves; ++leaf) join(leaf, spines, size_.uplinks, "");
  }

  void wire(uint32_t leaves) {
    const auto first = static_cast<resources::NodeId>(made_.topology.nodes().size());
    for (uint32_t spine = 0; spine < size_.spines; ++spine) {
      made_.topology.add_node("spine" + std::to_string(spine));
    }
    for (uint32_t leaf = 0; leaf < leaves; ++leaf) {
      for (uint32_t k = 0; k < size_.uplinks; ++k) {
        join(leaf, first + k % size_.spines, 1, std::to_string(k));
      }
    }
    // Of two leaves, any uplink of the one and any that the spine has to the other.
    const uint32_t to_each = (size_.uplinks + size_.spines - 1) / size_.spines;
    if (spec_.routing == hardware::Routing::ecmp) made_.routes = size_.uplinks * to_each;
  }

  void join(resources::NodeId leaf, resources::NodeId spine, uint32_t ports,
            const std::string& number) {
    const double bandwidth = spec_.switches.port_bandwidth.value.value() * ports;
    const std::string name = "leaf" + std::to_string(leaf) + "." + network_;
    for (const bool up : {true, false}) {
      const uint32_t link = add_link(links_, name + (up ? ".up" : ".down") + number, bandwidth);
      made_.topology.add_link(
          {up ? leaf : spine, up ? spine : leaf, links_[link].bytes_per_s, made_.switch_ns});
      made_.links.push_back(link);
    }
  }

  const hardware::FabricSpec& spec_;
  ledger::FabricSize size_;
  std::string network_;
  std::vector<TierLinkSpec>& links_;
  SwitchedFabric made_;
};

}  // namespace

ledger::Provision boxes_of(const ClusterSection& cluster) {
  ledger::Provision boxes;
  boxes.node = cluster.node;
  boxes.nodes = cluster.nodes;
  boxes.pods = cluster.pods();
  boxes.fabric = cluster.fabric;
  boxes.context = cluster.storage.context;
  boxes.external = cluster.storage.external;
  return boxes;
}

std::vector<FabricNetwork> fabric_networks(const ScenarioSpec& spec) {
  const ClusterSection& cluster = spec.cluster;
  std::vector<FabricNetwork> networks;
  if (!cluster.fabric) return networks;
  const ledger::PortsUsed used =
      ledger::ports_used(boxes_of(cluster), cluster.fabric->switches.port_bandwidth.value);
  const auto add = [&](const std::string& name, uint64_t ports) -> FabricNetwork& {
    const auto size = ledger::fabric_size(*cluster.fabric, ports, cluster.pods());
    TIERCAST_CHECK(size, "an unchecked fabric of {} ports", ports);
    return networks.emplace_back(FabricNetwork{name, ports, *size, false, false});
  };
  const auto any_tier = [&](std::initializer_list<TierName> kinds) {
    return std::any_of(spec.tiers.begin(), spec.tiers.end(), [&](const TierSection& tier) {
      return std::find(kinds.begin(), kinds.end(), tier.kind) != kinds.end();
    });
  };
  const bool has_storage = ledger::has_storage_network(cluster.node);
  const bool has_east_west =
      fabric_bandwidth(cluster.node) > 0 && gpu_fabric(cluster.node) == hardware::Fabric::east_west;
  if (any_tier({TierName::context, TierName::external})) {
    (has_storage ? add("storage", used.storage) : add("fabric", used.east_west)).storage = true;
  }
  if (any_tier({TierName::peer}) || spec.disaggregation) {
    const bool same = has_storage != has_east_west && !networks.empty();
    FabricNetwork& network = same            ? networks.front()
                             : has_east_west ? add("fabric", used.east_west)
                                             : add("storage", used.storage);
    network.gpus = true;
  }
  return networks;
}

std::string fabric_caveat(const ScenarioSpec& spec) {
  if (!spec.cluster.fabric) return "";
  const hardware::FabricSpec& fabric = *spec.cluster.fabric;
  if (fabric.kind == hardware::FabricKind::flat) {
    return fabric.routing == hardware::Routing::adaptive
               ? ""
               : "cluster.fabric.routing changes nothing: a flat fabric is one switch, without "
                 "uplinks to choose from";
  }
  const std::vector<FabricNetwork> networks = fabric_networks(spec);
  const bool any_uplinks = std::any_of(networks.begin(), networks.end(),
                                       [](const FabricNetwork& n) { return n.has_uplinks(); });
  if (networks.empty() || any_uplinks) return "";
  const std::string nothing = "routing and oversubscription of cluster.fabric change nothing: ";
  uint64_t ports = 0;
  for (const FabricNetwork& network : networks) ports = std::max(ports, network.ports);
  if (ports == 0) return nothing + "it joins fewer than two boxes";
  return nothing + "one leaf of " + std::to_string(fabric.switches.ports) + " ports joins all, " +
         std::to_string(ports) + " are used, and nothing goes by a spine";
}

Switches::Switches(const ScenarioSpec& spec, std::vector<TierLinkSpec>& links,
                   std::vector<SwitchedFabric>& fabrics) {
  for (const FabricNetwork& network : fabric_networks(spec)) {
    const auto index = static_cast<uint32_t>(fabrics.size());
    fabrics.push_back(
        Wiring(*spec.cluster.fabric, network.size, network.name, links).build(spec.cluster.nodes));
    if (network.storage) {
      storage_ = index;
      storage_leaves_ = std::max(1u, network.size.leaves);
    }
    if (network.gpus) gpus_ = index;
  }
}

std::vector<uint32_t> Switches::leaves(uint32_t pool, uint32_t pools, uint32_t boxes) const {
  if (storage_ == tiering::kNone) return {};
  const auto share = [&](uint32_t n) {
    return static_cast<uint32_t>(uint64_t{n} * storage_leaves_ / pools);
  };
  const uint32_t first = share(pool);
  const uint32_t count = std::max(1u, share(pool + 1) - first);
  std::vector<uint32_t> leaves;
  const uint32_t used = std::min(boxes, count);
  for (uint32_t i = 0; i < used; ++i) {
    leaves.push_back(first + static_cast<uint32_t>(uint64_t{i} * count / used));
  }
  return leaves;
}

}  // namespace tiercast::scenario
