#include "models/scenario/census.hpp"

#include <algorithm>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "models/scenario/tier_index.hpp"
#include "models/scenario/tier_links.hpp"
#include "sim/base/field_table.hpp"

namespace tiercast::scenario {

namespace {

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

constexpr std::string_view kNode = "cluster.node.";

class Counter {
 public:
  explicit Counter(const ScenarioSpec& spec) : bearing_(spec) {}

  void count(const Node& node, const std::string& path) {
    const Node* kind = node.find("kind");
    if (kind != nullptr && kind->is_scalar() && node.find("value") != nullptr) {
      if (!bearing_.on_result(path)) return;
      ++census_.counts_by_kind[kind->text];
      if (kind->text == name_of(FigureKind::estimate)) census_.estimates.push_back(path);
      return;
    }
    const std::string below = path.empty() ? "" : path + ".";
    for (const NodeEntry& entry : node.entries) count(entry.value, below + entry.key);
    for (size_t i = 0; i < node.items.size(); ++i) count(node.items[i], below + std::to_string(i));
  }

  FigureCensus take() {
    for (const FigureKind kind : {FigureKind::measured, FigureKind::datasheet, FigureKind::derived,
                                  FigureKind::scenario, FigureKind::estimate}) {
      const std::string name(name_of(kind));
      if (census_.counts_by_kind.contains(name)) census_.weakest = name;
    }
    return std::move(census_);
  }

 private:
  Bearing bearing_;
  FigureCensus census_;
};

std::string key_of(const std::string& path) { return path.substr(path.rfind('.') + 1); }

}  // namespace

Bearing::Bearing(const ScenarioSpec& spec) : spec_(spec) {
  bool over_network = false;
  for (const TierSection& tier : spec.tiers) {
    used_.insert(tier.kind);
    card_memory_ = card_memory_ || tier.cache.has_value();
    if (!tier.stack) continue;  // GPU memory
    moves_ = true;
    over_host_ = over_host_ || !tier.stack->bypass_host || tier.kind == TierName::dram ||
                 tier.kind == TierName::peer;
    over_network =
        over_network || tier.kind == TierName::context || tier.kind == TierName::external;
  }
  const bool over_fabric = uses(TierName::peer) || spec.disaggregation.has_value();
  moves_ = moves_ || over_fabric;
  over_switches_ = over_network || over_fabric;
  const ClusterSection& cluster = spec.cluster;
  hands_over_on_node_ =
      spec.disaggregation.has_value() && cluster.node.gpus >= 2 * spec.engine.parallel().gpus();
  beside_nodes_ = cluster.fabric || cluster.storage.context || cluster.storage.external;
  const hardware::NodeSpec& node = cluster.node;
  over_dpus_ = (over_network && !node.dpus.empty()) || node_dpu_index_cores(spec) > 0;
  if (over_network && node.dpus.empty()) ports_.insert(storage_fabric(node));
  if (over_fabric) ports_.insert(gpu_fabric(node));
}

// Rent covers the nodes alone: what stands beside them is bought, and its energy paid. What moves
// no blocks still stands there and draws its idle power.
bool Bearing::on_result(const std::string& path) const {
  const std::string key = key_of(path);
  const bool own = spec_.cluster.pricing == ledger::Pricing::own;
  if (key == "rent") return !own;
  if (is_one_of(key, {"price", "chassis_price"})) return own || !path.starts_with(kNode);
  if (is_one_of(key, {"electricity", "life_years", "upkeep"})) return own || beside_nodes_;
  return takes_part(path) || is_one_of(key, {"idle_power", "fan_power", "supply_loss"});
}

bool Bearing::on_time(const std::string& path) const {
  if (path.starts_with("cluster.fabric.")) return over_switches_;
  // A service's own figures say what it gives; its drives only wear.
  if (path.find(".service.drives.") != std::string::npos) return false;
  return takes_part(path);
}

bool Bearing::takes_part(const std::string& path) const {
  const std::string key = key_of(path);
  if (key == "expert_imbalance") return spec_.model.name.moe.has_value() && spec_.engine.ep > 1;
  if (key == "nvlink") return spec_.engine.parallel().gpus() > 1 || hands_over_on_node_;
  if (key == "host_link") return moves_;
  return in_use(path);
}

// Whether blocks move through the part that the figure is of.
bool Bearing::in_use(const std::string& path) const {
  const std::string node(kNode);
  const std::string storage = "cluster.storage.";
  if (path.starts_with("disaggregation.node_stack.")) return hands_over_on_node_;
  if (path == node + "host.dram") return uses(TierName::dram);
  if (path == node + "host.dram_bandwidth" || path == node + "host.dram_energy") return over_host_;
  if (path.starts_with(node + "nics.")) return ports_.contains(nic_of(path).fabric);
  if (path.starts_with(node + "drives.")) return uses(TierName::nvme);
  if (path.ends_with(".dram") || path.ends_with(".dram_bandwidth")) {  // of DPUs
    return card_memory_ && path.starts_with(storage + "context.");
  }
  if (path.starts_with(node + "dpus.")) return over_dpus_;
  if (path.starts_with(storage + "context.")) return uses(TierName::context);
  if (path.starts_with(storage + "external.")) return uses(TierName::external);
  return true;
}

const hardware::NicSpec& Bearing::nic_of(const std::string& path) const {
  const size_t at = std::string_view("cluster.node.nics.").size();
  return spec_.cluster.node.nics.at(std::stoul(path.substr(at)));
}

FigureCensus count_figures(const Scenario& scenario) {
  Counter counter(scenario.spec);
  counter.count(scenario.resolved, "");
  counter.count(scenario.resolved_kernels, "calibration." + scenario.spec.cluster.node.gpu.kernels);
  return counter.take();
}

}  // namespace tiercast::scenario
