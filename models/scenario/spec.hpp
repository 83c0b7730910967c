// What a scenario file may say: the rooms' specs, composed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/hardware/fabric_specs.hpp"
#include "models/hardware/specs.hpp"
#include "models/ledger/ledger.hpp"
#include "models/llm/kernels.hpp"
#include "models/llm/model_spec.hpp"
#include "models/scenario/eviction_section.hpp"
#include "models/scenario/tier_sections.hpp"
#include "models/serving/engine_settings.hpp"
#include "models/workload/spec.hpp"
#include "sim/base/field_info.hpp"
#include "sim/base/units.hpp"

namespace tiercast::scenario {

/// What stores KV beside the nodes.
struct StorageSection {
  std::optional<hardware::StorageUnits> context;
  std::optional<hardware::StorageUnits> external;

  static const FieldTable<StorageSection>& fields();
};

struct ClusterSection {
  hardware::NodeSpec node;
  uint32_t nodes = 1;
  std::optional<uint32_t> pod_nodes;
  std::optional<hardware::FabricSpec> fabric;
  StorageSection storage;
  hardware::FacilitySpec facility;
  ledger::Pricing pricing{};

  static const FieldTable<ClusterSection>& fields();

  /// Nodes fall into them evenly, see check_tiers.
  uint32_t pods() const { return std::max(1u, nodes / pod_nodes.value_or(nodes)); }
};

/// The architecture, and the formats it is served in (absent: as published, KV in 16 bits).
struct ModelSection {
  llm::ModelSpec name;
  std::optional<llm::WeightFormat> weights;
  llm::KvFormat kv{};

  static const FieldTable<ModelSection>& fields();
};

/// What decides about blocks. A preset is an entry of the catalogue `policies`: what a real stack
/// does, with the source of each rule.
struct PolicySection {
  std::string preset;
  std::string title;
  EvictionSection eviction;
  std::optional<EvictionSection> lower_eviction;  ///< of lower tiers; absent: `eviction`
  PlacementSection placement;
  Nanoseconds call_limit;
  bool isolate_plugins = false;
  bool check_policies = false;
  std::optional<PluginConfig> sources;  ///< by dotted path

  static const FieldTable<PolicySection>& fields();
};

/// What a request must meet to count as goodput.
struct LimitsSection {
  std::optional<Nanoseconds> ttft;
  std::optional<Nanoseconds> tpot;

  static const FieldTable<LimitsSection>& fields();
};

/// Prefill and decode on instances of their own.
struct DisaggregationSection {
  uint32_t prefill_instances = 1;
  hardware::StackSpec stack;
  hardware::StackSpec node_stack;

  static const FieldTable<DisaggregationSection>& fields();
};

/// Demand that only fills the caches, before the timed window.
struct WarmupSection {
  Nanoseconds functional;

  static const FieldTable<WarmupSection>& fields();
};

/// So many requests are simulated three times without being asked.
inline constexpr uint64_t kBandedRequests = 10'000;

/// Whether a run is repeated with its estimates at either end of their ranges.
enum class BandRuns : uint8_t { automatic, always, never };
std::vector<Choice<BandRuns>> choices(BandRuns);

struct RunSection {
  std::optional<Nanoseconds> duration;
  WarmupSection warmup;
  uint64_t seed = 0;
  bool fuse = true;
  BandRuns band{};

  static const FieldTable<RunSection>& fields();
};

/// Where a scenario names no engine.
inline constexpr const char* kDefaultEngine = "vllm";

struct ScenarioSpec {
  std::string name;
  std::optional<std::string> description;
  ClusterSection cluster;
  ModelSection model;
  serving::EngineSettings engine;
  std::optional<llm::KernelSpec> calibration;  ///< absent: the entry the GPU names
  std::optional<DisaggregationSection> disaggregation;
  serving::RouterSettings router;
  std::vector<TierSection> tiers;
  PolicySection policy;
  workload::WorkloadSpec workload;
  LimitsSection limits;
  RunSection run;
  std::vector<std::string> thresholds;

  static const FieldTable<ScenarioSpec>& fields();
};

/// The eviction policy of tiers[i], i > 0, and the path it stands at.
const EvictionSection& eviction_of(const ScenarioSpec& spec, std::size_t tier);
std::string eviction_place(const ScenarioSpec& spec, std::size_t tier);

}  // namespace tiercast::scenario
