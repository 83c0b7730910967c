// A million transfers of a cluster with 288 GPUs in 36 nodes, 1,104 links: from the node's
// own memory, from a peer node, or from a shared store, by turns of chance. Every GPU keeps a
// number of transfers going; the next begins in the instant in which one ends. Reports the time and
// the solver's work per transfer.
#include <cstdint>
#include <vector>

#include <benchmark/benchmark.h>

#include "sim/base/random.hpp"
#include "sim/resources/link_network.hpp"

namespace {

using namespace tiercast;
using namespace tiercast::resources;

constexpr uint32_t nodes = 36, gpus_per_node = 8, gpus = nodes * gpus_per_node, stores = 24;
constexpr uint32_t leaves = 9, spines = 8, nodes_per_leaf = nodes / leaves;
constexpr uint64_t gigabyte = 1'000'000'000;
constexpr Purpose kDraws{"bench.resources"};

struct Cluster {
  std::vector<LinkId> pcie, nic_in, nic_out;  // by GPU
  std::vector<LinkId> memory, storage_in;     // by node
  std::vector<LinkId> store_out;              // by store
  std::vector<LinkId> up, down;               // by leaf x spine
};

std::vector<LinkId> add_links(LinkNetwork& network, uint32_t count, uint64_t rate) {
  std::vector<LinkId> links;
  for (uint32_t i = 0; i < count; ++i) links.push_back(network.add_link(rate));
  return links;
}

Cluster build(LinkNetwork& network) {
  return {add_links(network, gpus, 55 * gigabyte),
          add_links(network, gpus, 48 * gigabyte),
          add_links(network, gpus, 48 * gigabyte),
          add_links(network, nodes, 300 * gigabyte),
          add_links(network, nodes, 96 * gigabyte),
          add_links(network, stores, 40 * gigabyte),
          add_links(network, leaves * spines, 200 * gigabyte),
          add_links(network, leaves * spines, 200 * gigabyte)};
}

PathId random_path(LinkNetwork& network, const Cluster& at, uint32_t gpu, Stream& draw) {
  const uint32_t node = gpu / gpus_per_node;
  const uint64_t kind = draw.below(10);
  std::vector<LinkId> links{at.pcie[gpu]};
  if (kind < 6) {
    links.push_back(at.memory[node]);
  } else if (kind < 8) {
    const auto peer = static_cast<uint32_t>(draw.below(gpus));
    const auto spine = static_cast<uint32_t>(draw.below(spines));
    const uint32_t from = peer / gpus_per_node / nodes_per_leaf, to = node / nodes_per_leaf;
    links.insert(links.end(), {at.nic_out[peer], at.nic_in[gpu]});
    if (from != to) {
      links.insert(links.end(), {at.up[from * spines + spine], at.down[to * spines + spine]});
    }
  } else {
    links.insert(links.end(), {at.store_out[draw.below(stores)], at.storage_in[node]});
  }
  return network.add_path(links);
}

void run_transfers(benchmark::State& state) {
  const auto live = static_cast<uint64_t>(state.range(0)) * gpus;
  constexpr uint64_t transfers = 1'000'000;
  for (auto _ : state) {
    LinkNetwork network;
    const Cluster cluster = build(network);
    Stream draw(1, kDraws);
    uint64_t started = 0;
    std::vector<uint64_t> ended;
    const auto start = [&](int64_t now_ns) {
      // Tags name the GPU: its transfer number times the GPUs, plus its own.
      const auto gpu = static_cast<uint32_t>(ended.empty() ? started % gpus : ended.back() % gpus);
      if (!ended.empty()) ended.pop_back();
      const PathId path = random_path(network, cluster, gpu, draw);
      network.start(now_ns, path, 1'000'000 + draw.below(50'000'000), started++ * gpus + gpu);
    };
    while (started < live) start(0);
    for (int64_t now_ns = network.next_end_ns(); now_ns != kNever; now_ns = network.next_end_ns()) {
      network.advance(now_ns, ended);
      while (!ended.empty() && started < transfers) start(now_ns);
      ended.clear();
    }
    const auto per_transfer = [&](uint64_t count) {
      return static_cast<double>(count) / static_cast<double>(transfers);
    };
    state.counters["solves"] = per_transfer(network.counters().solves);
    state.counters["bundles"] = per_transfer(network.counters().bundles_solved);
    state.counters["links"] = per_transfer(network.counters().links_solved);
  }
}
BENCHMARK(run_transfers)->Arg(1)->Arg(2)->Arg(4)->Unit(benchmark::kMillisecond)->Iterations(1);

}  // namespace
