// Routes against every walk tried one by one, and how flows are spread over equal ones.
#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "sim/base/random.hpp"
#include "sim/resources/topology.hpp"

using namespace tiercast;
using resources::NodeId;
using resources::Route;
using resources::Routes;
using resources::Routing;
using resources::Topology;

namespace {

constexpr Purpose kGraphs{"test.topology"};

Topology random_topology(Stream& draw) {
  Topology topology;
  const auto nodes = static_cast<uint32_t>(draw.between(2, 7));
  for (uint32_t i = 0; i < nodes; ++i) topology.add_node("n" + std::to_string(i));
  const auto links = draw.between(1, 16);
  for (int64_t i = 0; i < links; ++i) {
    topology.add_link({static_cast<NodeId>(draw.below(nodes)),
                       static_cast<NodeId>(draw.below(nodes)), 1, draw.between(0, 2)});
  }
  return topology;
}

// Every walk that meets no node twice, in the order of its links' ids.
void walk(const Topology& topology, NodeId at, NodeId to, std::vector<bool>& met, Route& route,
          std::vector<Route>& found) {
  if (at == to) {
    found.push_back(route);
    return;
  }
  met[at] = true;
  for (uint32_t link = 0; link < topology.links().size(); ++link) {
    const auto& [from, next, rate, latency_ns] = topology.links()[link];
    if (from != at || met[next]) continue;
    route.links.push_back(link);
    route.latency_ns += latency_ns;
    walk(topology, next, to, met, route, found);
    route.latency_ns -= latency_ns;
    route.links.pop_back();
  }
  met[at] = false;
}

std::vector<Route> naive_routes(const Topology& topology, NodeId from, NodeId to) {
  std::vector<Route> found;
  std::vector<bool> met(topology.nodes().size(), false);
  Route route;
  walk(topology, from, to, met, route, found);
  const auto cost = [](const Route& r) { return std::pair{r.links.size(), r.latency_ns}; };
  if (found.empty()) return found;
  const auto least =
      cost(*std::min_element(found.begin(), found.end(),
                             [&](const Route& a, const Route& b) { return cost(a) < cost(b); }));
  std::erase_if(found, [&](const Route& r) { return cost(r) != least; });
  return found;
}

// Two hosts joined by `spines` equal ways.
Topology parallel_ways(uint32_t spines) {
  Topology topology;
  const NodeId a = topology.add_node("a"), b = topology.add_node("b");
  for (uint32_t i = 0; i < spines; ++i) {
    const NodeId spine = topology.add_node("spine" + std::to_string(i));
    topology.add_link({a, spine, 1, 500});
    topology.add_link({spine, b, 1, 500});
  }
  return topology;
}

}  // namespace

TEST_CASE("equal routes are those that trying every walk finds") {
  for (uint64_t number = 0; number < 200; ++number) {
    INFO("topology " << number);
    Stream draw(3, kGraphs, number);
    const Topology topology = random_topology(draw);
    Routes routes(topology, 1000);
    for (NodeId from = 0; from < topology.nodes().size(); ++from) {
      for (NodeId to = 0; to < topology.nodes().size(); ++to) {
        const auto expected = naive_routes(topology, from, to);
        const auto found = routes.equal(from, to);
        REQUIRE(found.size() == expected.size());
        for (size_t i = 0; i < found.size(); ++i) {
          REQUIRE(found[i].links == expected[i].links);
          REQUIRE(found[i].latency_ns == expected[i].latency_ns);
        }
      }
    }
  }
}

TEST_CASE("a pair that no links join is a value, and said in words") {
  Topology topology;
  const NodeId a = topology.add_node("a"), b = topology.add_node("b"), c = topology.add_node("c");
  topology.add_link({a, b, 1, 0});
  Routes routes(topology);
  REQUIRE(routes.pick(Routing::ecmp, a, c, 1) == nullptr);
  REQUIRE(routes.explain(a, c) == "no links lead from a to c; from a they lead to 1 nodes");
  REQUIRE(topology.find("c") == c);
  REQUIRE_FALSE(topology.find("d").has_value());
  const Route* here = routes.pick(Routing::shortest, a, a, 1);
  REQUIRE(here != nullptr);
  REQUIRE(here->links.empty());
}

TEST_CASE("no more routes are kept than the limit, the first ones") {
  const Topology topology = parallel_ways(9);
  Routes all(topology), some(topology, 4);
  REQUIRE(all.equal(0, 1).size() == 9);
  REQUIRE(some.equal(0, 1).size() == 4);
  for (size_t i = 0; i < 4; ++i) REQUIRE(some.equal(0, 1)[i].links == all.equal(0, 1)[i].links);
}

TEST_CASE("ecmp puts flows together as often as chance does") {
  // n flows on k ways: each of n (n - 1) / 2 pairs collides with probability 1 / k, pairwise
  // independently, so mean and variance are the binomial's.
  constexpr uint32_t ways = 8, flows = 16, trials = 4000;
  const Topology topology = parallel_ways(ways);
  Routes routes(topology);
  uint64_t collisions = 0;
  uint64_t key = 0;
  for (uint32_t trial = 0; trial < trials; ++trial) {
    std::array<uint64_t, ways> on{};
    for (uint32_t flow = 0; flow < flows; ++flow) {
      const Route* route = routes.pick(Routing::ecmp, 0, 1, key++);
      collisions += on[route->links.front() / 2]++;
    }
  }
  const double pairs = double{trials} * flows * (flows - 1) / 2;
  const double mean = pairs / ways, sigma = std::sqrt(mean * (1 - 1.0 / ways));
  REQUIRE(std::abs(static_cast<double>(collisions) - mean) < 4 * sigma);
}

TEST_CASE("adaptive routing fills ways evenly, whatever their order") {
  constexpr uint32_t ways = 8;
  const Topology topology = parallel_ways(ways);
  Routes routes(topology);
  std::vector<uint64_t> queued(topology.links().size(), 0);
  const auto load = [&](uint32_t link) { return queued[link]; };
  for (uint64_t flow = 0; flow < 10 * ways; ++flow) {
    for (const uint32_t link : routes.pick(Routing::adaptive, 0, 1, flow, load)->links) {
      queued[link] += 100;
    }
    const auto [least, most] = std::minmax_element(queued.begin(), queued.end());
    REQUIRE(*most - *least <= 100);
  }
  // On even ways the choice is that of the hash.
  REQUIRE(routes.pick(Routing::adaptive, 0, 1, 99, load) == routes.pick(Routing::ecmp, 0, 1, 99));
}
