// Networks and demands to try the real network and the naive one with.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "sim/resources/link_network.hpp"

namespace tiercast::tests {

struct TestLink {
  uint64_t bytes_per_s;
  resources::Discipline discipline;
};
struct TestPath {
  std::vector<uint32_t> links;
  uint32_t weight;
  uint64_t cap;
};
/// Starts at start_ns, or in the instant in which flow `after` ends.
struct TestFlow {
  int64_t start_ns;
  uint32_t path;
  uint64_t bytes;
  uint64_t tag;
  int after = -1;
};
struct TestNetwork {
  std::vector<TestLink> links;
  std::vector<TestPath> paths;
  std::vector<TestFlow> flows;  // those that start by the clock in order of time
};

struct NetworkOptions {
  bool with_fifo = false;
  bool large = false;  ///< changes reach far, or stay near
};
TestNetwork random_network(uint64_t number, const NetworkOptions& options = {});

/// Builds a network of the class `Network` and runs the demand through it, asking in every instant;
/// `each_solve(network)` sees it after each. Returns tag -> end.
template <class Network, class EachSolve>
std::map<uint64_t, int64_t> run_network(const TestNetwork& test, Network& network,
                                        EachSolve each_solve) {
  for (const TestLink& link : test.links) network.add_link(link.bytes_per_s, link.discipline);
  const auto start = [&](int64_t now_ns, const TestFlow& flow) {
    const TestPath& path = test.paths[flow.path];
    network.start(now_ns, network.add_path(path.links, path.weight, path.cap), flow.bytes,
                  flow.tag);
  };
  std::multimap<uint64_t, const TestFlow*> chained;  // by the tag they wait for
  for (const TestFlow& flow : test.flows) {
    if (flow.after >= 0) {
      chained.insert({test.flows[static_cast<size_t>(flow.after)].tag, &flow});
    }
  }
  std::map<uint64_t, int64_t> ends;
  std::vector<uint64_t> ended;
  size_t next = 0;
  int64_t now_ns = -1;
  for (;;) {
    while (next < test.flows.size() && test.flows[next].after >= 0) ++next;
    const int64_t start_ns =
        next < test.flows.size() ? test.flows[next].start_ns : resources::kNever;
    const int64_t end_ns = network.next_end_ns();
    if (end_ns > now_ns) each_solve(network);  // else there is more to come in this instant
    if (start_ns == resources::kNever && end_ns == resources::kNever) return ends;
    // Starts of an instant come before or after its ends, by turns.
    now_ns = std::min(start_ns, end_ns);
    const bool starts_first = start_ns < end_ns || (start_ns == end_ns && start_ns % 2 == 0);
    if (starts_first) {
      for (; next < test.flows.size() &&
             (test.flows[next].after >= 0 || test.flows[next].start_ns == start_ns);
           ++next) {
        if (test.flows[next].after < 0) start(start_ns, test.flows[next]);
      }
      continue;
    }
    ended.clear();
    network.advance(end_ns, ended);
    for (const uint64_t tag : ended) {
      ends[tag] = end_ns;
      const auto [from, to] = chained.equal_range(tag);
      for (auto at = from; at != to; ++at) start(end_ns, *at->second);
    }
  }
}

template <class Network>
std::map<uint64_t, int64_t> run_network(const TestNetwork& test, Network& network) {
  return run_network(test, network, [](const Network&) {});
}

}  // namespace tiercast::tests
