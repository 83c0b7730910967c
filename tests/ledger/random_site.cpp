#include "tests/ledger/random_site.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <catch2/catch.hpp>

#include "sim/base/random.hpp"
#include "tests/ledger/each_figure.hpp"
#include "tests/support/catalogue.hpp"

namespace tiercast::tests {

namespace {

using scenario::ScenarioSpec;
using scenario::TierName;
using scenario::TierSection;

constexpr Purpose kSite{"test.ledger.site"};

// Boxes of every kind; what a site leaves out of it is left out by chance.
constexpr const char* kAllBoxes = R"(
name: accounts
cluster:
  node:
    use: dgx-h100
    gpus: 4
    nics:
      - {use: connectx-7, count: 2}
      - {use: connectx-8, count: 1}
      - {use: connectx-7, count: 1, fabric: north-south}
      - {use: connectx-8, count: 2, fabric: north-south}
    drives: [{use: solidigm-d7-ps1010, count: 2}, {use: micron-9550-max, count: 3}]
    dpus: [{use: bluefield-3, count: 2}, {use: bluefield-4, count: 1}]
  nodes: 2
  fabric: {kind: flat, switch: sn5600}
  storage:
    context: {enclosure: jbof-bf3, count: 2}
    external: {service: file-store-rdma, count: 1}
model: {name: llama-3.1-8b, weights: bf16, kv: bf16}
engine: {max_batched_tokens: 256, max_sequences: 8, max_model_tokens: 1024, memory: {kv_blocks: 80}}
disaggregation: {prefill_instances: 1}
tiers: [hbm, dram, peer, nvme, context, external]
workload:
  closed:
    sessions: 6
    turns: {fixed: {value: 4}}
    think: {lognormal: {median: 100ms, sigma: 1}}
    shared_prefix: {groups: 3, tokens: {fixed: {value: 100}}, zipf: 1}
    input_tokens: {lognormal: {median: 100, sigma: 0.6, max: 300}}
    output_tokens: {lognormal: {median: 20, sigma: 0.8, max: 100}}
    context_limit: 900
run: {duration: 500ms}
)";

constexpr std::array kLocal{"vllm-native", "lmcache-cpu", "hicache-kernel"};
constexpr std::array kPeer{"nixl-rdma", "mooncake-te", "nixl-tcpxo"};
constexpr std::array kDrives{"gds", "posix"};
constexpr std::array kNetwork{"doca-memos", "nvmeof-rdma", "nvme-tcp", "nfs-rdma", "s3-tcp"};

}  // namespace

class SiteDraw {
 public:
  SiteDraw(const RandomSites& sites, uint64_t number)
      : stream_(20'261'124, kSite, number), sites_(sites), spec_(sites.base_.spec) {}

  ScenarioSpec spec(uint64_t number) {
    spec_.run.seed = number;
    if (one_in(4)) spec_.run.warmup.functional = milliseconds(between(100, 800));
    nodes();
    node(spec_.cluster.node);
    storage();
    fabric();
    each_figure(spec_.cluster.node, [this](auto& figure) { vary(figure); });
    each_figure(spec_.cluster.facility, [this](auto& figure) { vary(figure); });
    engines();
    tiers();
    policy();
    return std::move(spec_);
  }

  LinearCosts costs() {
    constexpr int64_t us = 1000 * llm::kTicksPerNs;
    LinearCosts costs;
    costs.engine_ticks = between(100, 5000) * us;
    costs.token_ticks = between(1, 50) * us;
    costs.sample_ticks = between(0, 50) * us;
    costs.kv_ticks = between(0, 100) * us / 1000;
    costs.pair_ticks = between(0, 100) * us / 100'000;
    costs.power_mw = between(50'000, 600'000);
    return costs;
  }

 private:
  bool one_in(uint64_t n) { return stream_.below(n) == 0; }
  int64_t between(int64_t first, int64_t last) { return stream_.between(first, last); }
  uint32_t count(int64_t first, int64_t last) {
    return static_cast<uint32_t>(between(first, last));
  }
  template <class F>
  void vary(F& figure) {
    figure.value = figure.value * (0.5 + 1.5 * stream_.uniform());
  }
  template <size_t n>
  const hardware::StackSpec& any_of(const std::array<const char*, n>& names) {
    return sites_.stack(names[stream_.below(n)]);
  }

  void nodes() {
    scenario::ClusterSection& cluster = spec_.cluster;
    cluster.nodes = count(1, 4);
    for (const uint32_t size : {1u, 2u}) {
      if (cluster.nodes % size == 0 && one_in(3)) cluster.pod_nodes = size;
    }
    cluster.pricing = one_in(2) ? ledger::Pricing::own : ledger::Pricing::rent;
  }

  // Cards of every kind or of some; a node reaches storage by DPUs, or NICs to the north, or what
  // NICs it has.
  void node(hardware::NodeSpec& node) {
    node.gpus = 1u << stream_.below(3);
    if (one_in(2)) node.nics.erase(node.nics.begin() + between(2, 3));
    if (one_in(2)) node.nics.erase(node.nics.begin() + between(0, 1));
    if (one_in(4)) {
      std::erase_if(node.nics,
                    [](const auto& n) { return n.fabric == hardware::Fabric::north_south; });
    }
    if (one_in(2)) node.drives.erase(node.drives.begin() + between(0, 1));
    while (!node.dpus.empty() && one_in(2)) node.dpus.erase(node.dpus.begin());
    for (hardware::NicSpec& nic : node.nics) nic.count = count(1, 4), vary(nic.bandwidth);
    for (hardware::DriveSpec& drive : node.drives) drive.count = count(1, 4), rates(drive);
    for (hardware::DpuSpec& dpu : node.dpus) dpu.count = count(1, 2), rates(dpu);
  }

  void rates(hardware::DriveSpec& drive) { vary(drive.read), vary(drive.write), vary(drive.mixed); }
  void rates(hardware::DpuSpec& dpu) {
    vary(dpu.network), vary(dpu.pcie);
    // From cores that never bind to cores that always do.
    dpu.operation_time.value = microseconds(between(1, one_in(2) ? 3 : 3000));
  }

  void storage() {
    scenario::StorageSection& storage = spec_.cluster.storage;
    const uint32_t pods =
        spec_.cluster.nodes / spec_.cluster.pod_nodes.value_or(spec_.cluster.nodes);
    storage.context->count = pods * count(1, 3);
    rates(storage.context->enclosure->drives);
    rates(storage.context->enclosure->dpus);
    storage.external->count = count(1, 3);
    vary(storage.external->service->read), vary(storage.external->service->write);
    for (auto* units : {&storage.context, &storage.external}) {
      each_figure(**units, [this](auto& figure) { vary(figure); });
    }
  }

  // Switches that have a port for every card, and nodes on both networks.
  void fabric() {
    const hardware::NodeSpec& node = spec_.cluster.node;
    const bool north =
        !node.dpus.empty() || std::any_of(node.nics.begin(), node.nics.end(), [](const auto& nic) {
          return nic.fabric == hardware::Fabric::north_south;
        });
    if (!north || one_in(4)) {
      spec_.cluster.fabric.reset();
      return;
    }
    hardware::SwitchSpec& kind = spec_.cluster.fabric->switches;
    kind.ports = 256;
    kind.port_bandwidth.value = gigabytes_per_second(200);
    for (auto* figure : {&kind.idle_power, &kind.active_power}) vary(*figure);
  }

  void engines() {
    spec_.engine.tp = one_in(2) ? 1 : spec_.cluster.node.gpus;
    spec_.engine.memory.kv_blocks = count(64, 120);
    spec_.engine.chunked_prefill = true;
    const uint32_t instances = spec_.cluster.node.gpus / spec_.engine.tp * spec_.cluster.nodes;
    if (instances == 1 || !one_in(4)) {
      spec_.disaggregation.reset();
    } else {
      spec_.disaggregation->prefill_instances = count(1, int64_t{instances} - 1);
    }
    spec_.router.policy = std::array{"round-robin", "least-loaded", "prefix"}[stream_.below(3)];
  }

  // Operations of a node's DPUs are of one size, so that both tiers behind them go one way.
  void tiers() {
    const hardware::StackSpec network = any_of(kNetwork);
    const bool dpus = !spec_.cluster.node.dpus.empty();
    for (TierSection& tier : spec_.tiers) {
      if (tier.kind == TierName::hbm) continue;
      tier.load = static_cast<tiering::LoadMode>(stream_.below(3));
      tier.stack = tier.kind == TierName::dram   ? any_of(kLocal)
                   : tier.kind == TierName::peer ? any_of(kPeer)
                   : tier.kind == TierName::nvme ? any_of(kDrives)
                   : dpus                        ? network
                                                 : any_of(kNetwork);
      if (tier.kind == TierName::peer) continue;
      tier.read_only = tier.kind != TierName::dram && one_in(12);
      tier.capacity = bytes(2 << 20) * between(8, 200);
      if (tier.kind == TierName::dram && one_in(2)) tier.scope = scenario::TierScope::node;
      if (tier.kind == TierName::context && one_in(2)) tier.scope = scenario::TierScope::site;
      index(tier);
    }
    if (spec_.cluster.nodes == 1) {
      std::erase_if(spec_.tiers, [](const auto& tier) { return tier.kind == TierName::peer; });
    }
  }

  // On cores that the ledger bills, or not.
  void index(TierSection& tier) {
    if (tier.kind == TierName::external || one_in(2)) return;
    scenario::IndexSection& index = tier.index.emplace();
    index.at = tier.kind == TierName::context ? scenario::IndexAt::dpu : scenario::IndexAt::node;
    index.servers = count(1, 4);
    if (index.at == scenario::IndexAt::node || one_in(2)) {
      index.operation_time.emplace().value = microseconds(between(1, 500));
    }
    index.sharing = one_in(2) ? scenario::LinkSharing::fair : scenario::LinkSharing::fifo;
  }

  void policy() {
    scenario::PlacementSection& placement = spec_.policy.placement;
    placement.write = static_cast<scenario::WritePolicy>(stream_.below(3));
    placement.fetch =
        one_in(2) ? scenario::FetchPolicy::load_all : scenario::FetchPolicy::load_or_recompute;
    placement.content = static_cast<scenario::StoredContent>(stream_.below(2));
    placement.promote = one_in(2);
    placement.prefetch = one_in(4);
    placement.demote = one_in(2);
    placement.threshold = count(1, 2);
  }

  Stream stream_;
  const RandomSites& sites_;
  ScenarioSpec spec_;
};

RandomSites::RandomSites() {
  const std::string configs = (source_dir() / "configs").string();
  Diagnostics found;
  const auto document =
      scenario::parse_scenario(kAllBoxes, "accounts.yaml", {configs, {}, {}}, found);
  auto base =
      document ? scenario::load_scenario(*document, "accounts.yaml", configs, found) : std::nullopt;
  INFO(found.render());
  REQUIRE(base);
  base_ = std::move(*base);
  Catalogue catalogue;
  const auto add = [&](const auto& names) {
    for (const char* name : names) {
      stacks_.push_back(catalogue.load<hardware::StackSpec>("stacks", name));
      stacks_.back().use = name;
    }
  };
  add(kLocal), add(kPeer), add(kDrives), add(kNetwork);
}

const hardware::StackSpec& RandomSites::stack(const char* name) const {
  return *std::find_if(stacks_.begin(), stacks_.end(),
                       [&](const hardware::StackSpec& stack) { return stack.use == name; });
}

RandomSite RandomSites::make(uint64_t number) const {
  SiteDraw draw(*this, number);
  RandomSite site;
  site.spec = draw.spec(number);
  Diagnostics found;
  auto world = scenario::build_world(site.spec, base_.kernels, base_.resolved, found);
  INFO(found.render());
  REQUIRE(world);
  site.world = std::move(*world);
  LinearCosts costs = draw.costs();
  // What a handed-over prompt computes twice is not in the log token by token.
  if (site.hands_over()) costs.sample_ticks = costs.kv_ticks = costs.pair_ticks = 0;
  set_costs(site, costs);
  return site;
}

void RandomSites::set_costs(RandomSite& site, const LinearCosts& costs) {
  site.costs = costs;
  site.world.steps = make_linear_table(site.world.cluster.engine.max_batched_tokens,
                                       site.world.cluster.engine.max_sequences, costs);
}

reports::Site RandomSite::site() const {
  reports::Site site;
  site.node = spec.cluster.node;
  site.facility = spec.cluster.facility;
  site.nodes = spec.cluster.nodes;
  site.gpus_per_instance = world.gpus_per_instance;
  site.pricing = spec.cluster.pricing;
  site.fabric = spec.cluster.fabric;
  site.context = spec.cluster.storage.context;
  site.external = spec.cluster.storage.external;
  site.pods = spec.cluster.pods();
  return site;
}

}  // namespace tiercast::tests
