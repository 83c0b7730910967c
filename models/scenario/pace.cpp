#include "models/scenario/pace.hpp"

#include <utility>

#include "models/scenario/census.hpp"

namespace tiercast::scenario {

namespace {

using ledger::End;

struct FastEnd {
  std::string_view key;
  End end;
};

constexpr FastEnd kFastEnds[] = {
    // Rates, shares of them, and what holds more: GPU memory of blocks, an operation of bytes.
    {"read", End::high},
    {"write", End::high},
    {"mixed", End::high},
    {"read_iops", End::high},
    {"write_iops", End::high},
    {"network", End::high},
    {"pcie", End::high},
    {"dram_bandwidth", End::high},
    {"bandwidth", End::high},
    {"port_bandwidth", End::high},
    {"client_bandwidth", End::high},
    {"memory_bandwidth", End::high},
    {"hbm", End::high},
    {"hbm_bandwidth", End::high},
    {"bf16", End::high},
    {"fp8", End::high},
    {"fp4", End::high},
    {"sms", End::high},
    {"nvlink", End::high},
    {"host_link", End::high},
    {"efficiency", End::high},
    {"duplex", End::high},
    {"copy_bandwidth", End::high},
    {"core_bandwidth", End::high},
    {"convert_bandwidth", End::high},
    {"max_operation", End::high},
    // Latencies and work.
    {"read_latency", End::low},
    {"write_latency", End::low},
    {"tail_probability", End::low},
    {"tail_latency", End::low},
    {"queue_latency", End::low},
    {"operation_time", End::low},
    {"tenant_check", End::low},
    {"latency", End::low},
    {"setup", End::low},
    {"operation_latency", End::low},
    {"metadata_latency", End::low},
    {"metadata_time", End::low},
    {"metadata_operations", End::low},
    {"acknowledge", End::low},
    {"round_trip", End::low},
    {"core_time", End::low},
    {"gpu_interference", End::low},
    {"min_operation", End::low},
    {"write_copies", End::low},
    {"server_copies", End::low},
    {"expert_imbalance", End::low},
    // Of no time, but joules of steps are compiled with it.
    {"power_limit", End::low},
};

// Calls `visit(figure, part, key)` for every figure that moves a run's time.
template <class Visit>
class Walk {
 public:
  Walk(const ScenarioSpec& spec, Visit visit) : bearing_(spec), visit_(std::move(visit)) {}

  template <class Tree>  // Node or const Node
  void go(Tree& node, const std::string& path) {
    if (const Node* range = node.find("range"); range != nullptr && node.find("value") != nullptr) {
      const size_t dot = path.rfind('.');
      const std::string key = path.substr(dot + 1);
      const bool wide = range->is_list() && range->items.at(0).text != range->items.at(1).text;
      if (wide && fast_end(key) && bearing_.on_time(path)) visit_(node, path.substr(0, dot), key);
      return;
    }
    const std::string below = path.empty() ? "" : path + ".";
    for (auto& entry : node.entries) go(entry.value, below + entry.key);
    for (size_t i = 0; i < node.items.size(); ++i) go(node.items[i], below + std::to_string(i));
  }

 private:
  Bearing bearing_;
  Visit visit_;
};

// The scenario and the calibration that its GPU names.
template <class AScenario, class Visit>
void walk_figures(AScenario& scenario, const ScenarioSpec& spec, Visit visit) {
  Walk<Visit> walk(spec, std::move(visit));
  walk.go(scenario.resolved, "");
  walk.go(scenario.resolved_kernels, "calibration." + spec.cluster.node.gpu.kernels);
}

}  // namespace

std::optional<End> fast_end(std::string_view key) {
  for (const FastEnd& known : kFastEnds) {
    if (known.key == key) return known.end;
  }
  return std::nullopt;
}

std::vector<PacedPart> paced_parts(const Scenario& scenario) {
  std::vector<PacedPart> parts;
  walk_figures(scenario, scenario.spec,
               [&](const Node&, const std::string& part, const std::string& key) {
                 // Figures of a part come one after the other, but for those of parts inside it.
                 for (PacedPart& known : parts) {
                   if (known.path == part) return known.figures.push_back(key);
                 }
                 parts.push_back({part, {key}});
               });
  return parts;
}

std::optional<Scenario> at_pace(const Scenario& scenario, Pace pace, Diagnostics& found,
                                std::string_view part) {
  Scenario moved = scenario;
  walk_figures(moved, scenario.spec,
               [&](Node& figure, const std::string& of, const std::string& key) {
                 if (!part.empty() && part != of) return;
                 const bool low = (*fast_end(key) == End::low) == (pace == Pace::fast);
                 figure.find("value")->text = figure.find("range")->items[low ? 0 : 1].text;
               });
  return read_again(std::move(moved), found);
}

}  // namespace tiercast::scenario
