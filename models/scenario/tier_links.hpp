#pragma once

#include <string>
#include <vector>

#include "models/scenario/spec.hpp"
#include "models/scenario/world.hpp"
#include "models/tiering/tier_spec.hpp"

namespace tiercast::scenario {

/// The links that nodes and engines have for themselves, whatever tiers use them. Names are
/// `part.index.direction`; both ways of a link that shares one bus end in `both`.
class NodeLinks {
 public:
  /// What the best stack over each kind of link makes of it. `local`: some tier lies on the node,
  /// so copies cross engines' buses. `remote`: what comes over NICs, or from engine to engine,
  /// does.
  struct Shares {
    bool local = false;
    bool remote = false;
    double host_efficiency = 1;
    double host_duplex = 2;
    double storage_efficiency = 1;
    double fabric_efficiency = 1;
  };
  /// `links` receives them.
  NodeLinks(const ScenarioSpec& spec, const World& world, const Shares& shares,
            std::vector<tiering::TierLinkSpec>& links);

  uint32_t nodes() const { return static_cast<uint32_t>(memory_.size()); }
  const std::vector<uint32_t>& node_of() const { return node_of_; }

  uint32_t memory(uint32_t node) const { return memory_[node]; }
  /// To and from GPU memory of an engine: PCIe or C2C of all its GPUs, raw. Empty where nothing
  /// comes from beyond the node.
  const tiering::TwoWay& engine(uint32_t engine) const { return buses_[engine]; }
  /// The same for what lies on the node: what its stacks' copies make of that bus, and the bus
  /// where others cross it, too. Empty where no tier lies there.
  const tiering::TwoWay& copies(uint32_t engine) const { return copies_[engine]; }
  /// Between a node and storage, and between a node and other nodes' GPUs; empty where it has no
  /// such port.
  const tiering::TwoWay& storage(uint32_t node) const { return storage_[node]; }
  const tiering::TwoWay& fabric(uint32_t node) const { return fabric_[node]; }

 private:
  std::vector<uint32_t> node_of_;
  std::vector<uint32_t> memory_;
  std::vector<tiering::TwoWay> buses_;
  std::vector<tiering::TwoWay> copies_;
  std::vector<tiering::TwoWay> storage_;
  std::vector<tiering::TwoWay> fabric_;
};

void append(std::vector<uint32_t>& to, const std::vector<uint32_t>& more);
void append(tiering::TwoWay& to, const tiering::TwoWay& more);

/// The fastest link, in bytes/s: far from the integers' end, and nothing waits for it.
inline constexpr double kLinkRateMax = 1e18;

/// Adds a link and answers its index. A rate beyond kLinkRateMax is cut to that.
uint32_t add_link(std::vector<tiering::TierLinkSpec>& links, std::string name, double bytes_per_s,
                  bool fifo = false);

/// Which of a node's NICs reach storage (where it has no DPUs for that): the north-south ones, or,
/// where it has none, the east-west ones; and which reach other nodes' GPUs, the other way round.
hardware::Fabric storage_fabric(const hardware::NodeSpec& node);
hardware::Fabric gpu_fabric(const hardware::NodeSpec& node);
/// Payload of a node's ports to storage at a network's efficiency: that of its DPUs, whose bus may
/// be narrower, or of those NICs; 0 without any.
double storage_bandwidth(const hardware::NodeSpec& node, double efficiency);
/// Bandwidth of a node's NICs to other nodes' GPUs.
double fabric_bandwidth(const hardware::NodeSpec& node);

}  // namespace tiercast::scenario
