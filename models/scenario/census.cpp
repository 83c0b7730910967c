#include "models/scenario/census.hpp"

#include <algorithm>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "sim/base/field_table.hpp"

namespace tiercast::scenario {

namespace {

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

class Counter {
 public:
  explicit Counter(const ScenarioSpec& spec) : spec_(spec) {}

  void count(const Node& node, const std::string& path) {
    const Node* kind = node.find("kind");
    if (kind != nullptr && kind->is_scalar() && node.find("value") != nullptr) {
      ++census_.counts_by_kind[kind->text];
      if (kind->text == name_of(FigureKind::estimate)) census_.estimates.push_back(path);
      return;
    }
    const std::string below = path.empty() ? "" : path + ".";
    for (const NodeEntry& entry : node.entries) {
      if (bears_on_result(path, entry.key)) count(entry.value, below + entry.key);
    }
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
  // Prices bear on a result only where the machines are paid for that way; no result states carbon;
  // with GPU memory as the only tier nothing moves over DRAM or NICs.
  bool bears_on_result(const std::string& path, const std::string& key) const {
    const bool own = spec_.cluster.pricing == ledger::Pricing::own;
    if (key == "rent") return !own;
    if (is_one_of(key, {"price", "chassis_price", "electricity", "life_years", "upkeep"}))
      return own;
    if (path.starts_with("cluster.node.nics.")) return key == "idle_power";
    if (key == "expert_imbalance") return spec_.model.name.moe.has_value() && spec_.engine.ep > 1;
    if (key == "nvlink") return spec_.engine.parallel().gpus() > 1;
    return !is_one_of(key, {"carbon", "dram", "dram_bandwidth", "dram_energy", "host_link"});
  }

  const ScenarioSpec& spec_;
  FigureCensus census_;
};

}  // namespace

FigureCensus count_figures(const Scenario& scenario) {
  Counter counter(scenario.spec);
  counter.count(scenario.resolved, "");
  counter.count(scenario.resolved_kernels, "calibration." + scenario.spec.cluster.node.gpu.kernels);
  return counter.take();
}

}  // namespace tiercast::scenario
