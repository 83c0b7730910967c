#include "models/scenario/tier_links.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace tiercast::scenario {

using hardware::Fabric;
using hardware::NodeSpec;
using tiering::TierLinkSpec;
using tiering::TwoWay;

namespace {

double nic_bandwidth(const NodeSpec& node, Fabric fabric) {
  double sum = 0;
  for (const hardware::NicSpec& nic : node.nics) {
    if (nic.fabric == fabric) sum += nic.bandwidth.value.value() * nic.count;
  }
  return sum;
}

}  // namespace

void append(std::vector<uint32_t>& to, const std::vector<uint32_t>& more) {
  to.insert(to.end(), more.begin(), more.end());
}

void append(TwoWay& to, const TwoWay& more) {
  append(to.up, more.up);
  append(to.down, more.down);
}

uint32_t add_link(std::vector<TierLinkSpec>& links, std::string name, double bytes_per_s,
                  bool fifo) {
  const auto rate = static_cast<uint64_t>(std::clamp(std::floor(bytes_per_s), 1.0, kLinkRateMax));
  links.push_back({std::move(name), rate, fifo});
  return static_cast<uint32_t>(links.size() - 1);
}

Fabric storage_fabric(const NodeSpec& node) {
  return nic_bandwidth(node, Fabric::north_south) > 0 ? Fabric::north_south : Fabric::east_west;
}

Fabric gpu_fabric(const NodeSpec& node) {
  return nic_bandwidth(node, Fabric::east_west) > 0 ? Fabric::east_west : Fabric::north_south;
}

double storage_bandwidth(const NodeSpec& node, double efficiency) {
  if (node.dpus.empty()) return nic_bandwidth(node, storage_fabric(node)) * efficiency;
  double dpus = 0;
  for (const hardware::DpuSpec& dpu : node.dpus) {
    const double port = dpu.network.value.value() * efficiency;
    dpus += std::min(port, dpu.pcie.value.value()) * dpu.count;
  }
  return dpus;
}

double fabric_bandwidth(const NodeSpec& node) { return nic_bandwidth(node, gpu_fabric(node)); }

NodeLinks::NodeLinks(const ScenarioSpec& spec, const World& world, const Shares& shares,
                     std::vector<TierLinkSpec>& links) {
  const NodeSpec& node = spec.cluster.node;
  const uint32_t engines = world.cluster.instances;
  for (uint32_t e = 0; e < engines; ++e) {
    node_of_.push_back(static_cast<uint32_t>(uint64_t{e} * world.gpus_per_instance / node.gpus));
  }
  for (uint32_t n = 0; n < spec.cluster.nodes; ++n) {
    const std::string at = "node" + std::to_string(n);
    memory_.push_back(add_link(links, at + ".memory", node.host.dram_bandwidth.value.value()));
    const auto ports = [&](double bandwidth, const std::string& name) {
      if (bandwidth <= 0) return TwoWay{};
      return TwoWay{{add_link(links, at + "." + name + ".up", bandwidth)},
                    {add_link(links, at + "." + name + ".down", bandwidth)}};
    };
    storage_.push_back(ports(storage_bandwidth(node, shares.storage_efficiency), "storage"));
    fabric_.push_back(ports(fabric_bandwidth(node) * shares.fabric_efficiency, "fabric"));
  }
  const double bus = node.gpu.host_link.value.value() * world.gpus_per_instance;
  for (uint32_t e = 0; e < engines; ++e) {
    const std::string at = "engine" + std::to_string(e);
    const auto both_ways = [&](const std::string& name, double bandwidth) {
      return TwoWay{{add_link(links, at + name + ".up", bandwidth)},
                    {add_link(links, at + name + ".down", bandwidth)}};
    };
    buses_.push_back(shares.remote ? both_ways(".pcie", bus) : TwoWay{});
    TwoWay copies;
    if (shares.local) {
      const double one_way = bus * shares.host_efficiency;
      copies = both_ways(".copy", one_way);
      if (shares.host_duplex < 2) {
        const uint32_t both = add_link(links, at + ".copy.both", one_way * shares.host_duplex);
        copies.up.push_back(both);
        copies.down.push_back(both);
      }
      append(copies, buses_.back());
    }
    copies_.push_back(std::move(copies));
  }
}

}  // namespace tiercast::scenario
