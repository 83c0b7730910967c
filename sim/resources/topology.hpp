#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tiercast::resources {

using NodeId = uint32_t;

struct TopologyNode {
  std::string name;
  uint32_t kind = 0;  ///< the caller's own
};

/// One direction of a cable; ids are those of LinkNetwork where both are filled in the same order.
struct TopologyLink {
  NodeId from = 0;
  NodeId to = 0;
  uint64_t bytes_per_s = 0;
  int64_t latency_ns = 0;
};

struct Route {
  std::vector<uint32_t> links;  ///< in order of travel; none from a node to itself
  int64_t latency_ns = 0;       ///< summed over them
};

/// Nodes and directed links, numbered from 0 as they are added. Parallel links are fine.
class Topology {
 public:
  NodeId add_node(std::string name, uint32_t kind = 0);
  uint32_t add_link(const TopologyLink& link);
  std::span<const TopologyNode> nodes() const { return nodes_; }
  std::span<const TopologyLink> links() const { return links_; }
  std::optional<NodeId> find(std::string_view name) const;

 private:
  std::vector<TopologyNode> nodes_;
  std::vector<TopologyLink> links_;
};

enum class Routing : uint8_t {
  shortest,  ///< always the first of the equal routes
  ecmp,      ///< one of the equal routes, by a hash of the flow's key
  adaptive,  ///< the least loaded of the equal routes, ties in an order that starts at the ecmp one
};

/// Load of a link, in whatever the caller compares: queued bytes (LinkNetwork::queued_bytes) or ns.
using LinkLoad = std::function<uint64_t(uint32_t link)>;

/// Shortest routes: by links, then by latency, over a topology that has to stay as it is. Equal
/// routes have as many links and the same latency; they are ordered by the ids of their links, and
/// no more than `limit` of them are kept. Each pair is computed when first asked.
class Routes {
 public:
  explicit Routes(const Topology& topology, uint32_t limit = 64);
  ~Routes();
  Routes(const Routes&) = delete;
  Routes& operator=(const Routes&) = delete;

  /// All equal shortest routes; none where no links lead there.
  std::span<const Route> equal(NodeId from, NodeId to);

  /// The route of one flow, nullptr where no links lead there (explain() says so in words). A
  /// route's load is that of its most loaded link; `load` is asked in adaptive routing only.
  const Route* pick(Routing routing, NodeId from, NodeId to, uint64_t flow_key,
                    const LinkLoad& load = {});
  /// "no links lead from gpu3 to store1; from gpu3 they lead to 5 nodes": for a pair without route.
  std::string explain(NodeId from, NodeId to) const;

 private:
  struct Graph;
  std::unique_ptr<Graph> graph_;
};

}  // namespace tiercast::resources
