#include "sim/resources/topology.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/breadth_first_search.hpp>
#include <boost/graph/dijkstra_shortest_paths.hpp>
#include <boost/graph/reverse_graph.hpp>
#include <boost/property_map/function_property_map.hpp>

#include "sim/base/check.hpp"
#include "sim/base/hash.hpp"

namespace tiercast::resources {

namespace {

__extension__ typedef unsigned __int128 Uint128;

struct Edge {
  uint32_t link;
};
using BoostGraph = boost::adjacency_list<boost::vecS, boost::vecS, boost::bidirectionalS,
                                         boost::no_property, Edge>;

using Cost = std::pair<uint32_t, int64_t>;  // links, then ns
constexpr Cost kUnreachable{std::numeric_limits<uint32_t>::max(),
                            std::numeric_limits<int64_t>::max()};

Cost plus(const Cost& a, const Cost& b) {
  if (a == kUnreachable || b == kUnreachable) return kUnreachable;
  return {a.first + b.first, a.second + b.second};
}

}  // namespace

NodeId Topology::add_node(std::string name, uint32_t kind) {
  nodes_.push_back({std::move(name), kind});
  return static_cast<NodeId>(nodes_.size() - 1);
}

uint32_t Topology::add_link(const TopologyLink& link) {
  TIERCAST_CHECK(link.from < nodes_.size() && link.to < nodes_.size(), "a link of unknown nodes");
  TIERCAST_CHECK(link.latency_ns >= 0, "a link's latency is not negative");
  links_.push_back(link);
  return static_cast<uint32_t>(links_.size() - 1);
}

std::optional<NodeId> Topology::find(std::string_view name) const {
  const auto found = std::find_if(nodes_.begin(), nodes_.end(),
                                  [&](const TopologyNode& node) { return node.name == name; });
  if (found == nodes_.end()) return std::nullopt;
  return static_cast<NodeId>(found - nodes_.begin());
}

struct Routes::Graph {
  const Topology& topology;
  uint32_t limit;
  BoostGraph graph;
  std::vector<std::vector<Cost>> costs_to;  // by target, then node; empty until asked
  std::map<std::pair<NodeId, NodeId>, std::vector<Route>> routes;

  Graph(const Topology& of, uint32_t at_most)
      : topology(of), limit(at_most), graph(of.nodes().size()), costs_to(of.nodes().size()) {
    const auto links = of.links();
    for (uint32_t link = 0; link < links.size(); ++link) {
      boost::add_edge(links[link].from, links[link].to, Edge{link}, graph);
    }
  }

  Cost cost(uint32_t link) const { return {1, topology.links()[link].latency_ns}; }

  const std::vector<Cost>& distances(NodeId to) {
    std::vector<Cost>& costs = costs_to[to];
    if (!costs.empty()) return costs;
    costs.resize(topology.nodes().size());
    const auto reversed = boost::make_reverse_graph(graph);
    const auto edge_cost = boost::make_function_property_map<decltype(reversed)::edge_descriptor>(
        [&](const auto& edge) { return cost(boost::get(&Edge::link, reversed, edge)); });
    boost::dijkstra_shortest_paths(
        reversed, to,
        boost::weight_map(edge_cost)
            .distance_map(boost::make_iterator_property_map(
                costs.begin(), boost::get(boost::vertex_index, reversed)))
            .distance_compare(std::less<>{})
            .distance_combine(&plus)
            .distance_inf(kUnreachable)
            .distance_zero(Cost{0, 0}));
    return costs;
  }

  // Depth first along links that lose exactly their own cost, least id first.
  void extend(NodeId at, NodeId to, const std::vector<Cost>& costs, Route& route,
              std::vector<Route>& found) const {
    if (found.size() == limit) return;
    if (at == to) {
      found.push_back(route);
      return;
    }
    const auto [first, last] = boost::out_edges(at, graph);
    for (auto edge = first; edge != last; ++edge) {
      const uint32_t link = graph[*edge].link;
      const NodeId next = topology.links()[link].to;
      if (plus(costs[next], cost(link)) != costs[at]) continue;
      route.links.push_back(link);
      extend(next, to, costs, route, found);
      route.links.pop_back();
    }
  }
};

Routes::Routes(const Topology& topology, uint32_t limit)
    : graph_(std::make_unique<Graph>(topology, limit)) {}
Routes::~Routes() = default;

std::span<const Route> Routes::equal(NodeId from, NodeId to) {
  const size_t nodes = graph_->topology.nodes().size();
  TIERCAST_CHECK(from < nodes && to < nodes, "a route between unknown nodes");
  const auto [at, fresh] = graph_->routes.try_emplace({from, to});
  if (fresh) {
    const std::vector<Cost>& costs = graph_->distances(to);
    if (costs[from] != kUnreachable) {
      Route route{{}, costs[from].second};
      graph_->extend(from, to, costs, route, at->second);
    }
  }
  return at->second;
}

const Route* Routes::pick(Routing routing, NodeId from, NodeId to, uint64_t flow_key,
                          const LinkLoad& load) {
  const std::span<const Route> routes = equal(from, to);
  if (routes.empty()) return nullptr;
  if (routing == Routing::shortest) return routes.data();
  const auto first = static_cast<size_t>(Uint128{mix(flow_key)} * routes.size() >> 64);
  if (routing == Routing::ecmp) return &routes[first];
  const Route* best = nullptr;
  uint64_t least = 0;
  for (size_t i = 0; i < routes.size(); ++i) {
    const Route& route = routes[(first + i) % routes.size()];
    uint64_t most = 0;
    for (const uint32_t link : route.links) most = std::max(most, load(link));
    if (best != nullptr && most >= least) continue;
    best = &route;
    least = most;
  }
  return best;
}

std::string Routes::explain(NodeId from, NodeId to) const {
  const auto nodes = graph_->topology.nodes();
  int reached = -1;  // not counting the start
  struct Count : boost::default_bfs_visitor {
    explicit Count(int& of) : reached(of) {}
    void discover_vertex(NodeId, const BoostGraph&) { ++reached; }
    int& reached;
  };
  boost::breadth_first_search(graph_->graph, from, boost::visitor(Count(reached)));
  return "no links lead from " + nodes[from].name + " to " + nodes[to].name + "; from " +
         nodes[from].name + " they lead to " + std::to_string(reached) + " nodes";
}

}  // namespace tiercast::resources
