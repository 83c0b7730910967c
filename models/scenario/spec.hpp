// What a scenario file may say: the rooms' specs, composed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/hardware/specs.hpp"
#include "models/ledger/ledger.hpp"
#include "models/llm/model_spec.hpp"
#include "models/serving/engine_settings.hpp"
#include "models/workload/spec.hpp"
#include "sim/base/field_info.hpp"
#include "sim/base/units.hpp"

namespace tiercast::scenario {

struct ClusterSection {
  hardware::NodeSpec node;
  uint32_t nodes = 1;
  hardware::FacilitySpec facility;
  ledger::Pricing pricing{};

  static const FieldTable<ClusterSection>& fields();
};

/// The architecture, and the formats it is served in (absent: as published, KV in 16 bits).
struct ModelSection {
  llm::ModelSpec name;
  std::optional<llm::WeightFormat> weights;
  llm::KvFormat kv{};

  static const FieldTable<ModelSection>& fields();
};

/// A policy of the library by name, with its own parameters beside it.
struct EvictionSection {
  std::string name;
  ParameterValues parameters;

  static const FieldTable<EvictionSection>& fields();
};

struct PolicySection {
  EvictionSection eviction;

  static const FieldTable<PolicySection>& fields();
};

/// What a request must meet to count as goodput.
struct LimitsSection {
  std::optional<Nanoseconds> ttft;
  std::optional<Nanoseconds> tpot;

  static const FieldTable<LimitsSection>& fields();
};

struct RunSection {
  std::optional<Nanoseconds> duration;
  uint64_t seed = 0;
  bool fuse = true;

  static const FieldTable<RunSection>& fields();
};

struct ScenarioSpec {
  std::string name;
  std::optional<std::string> description;
  ClusterSection cluster;
  ModelSection model;
  serving::EngineSettings engine;
  serving::RouterSettings router;
  PolicySection policy;
  workload::WorkloadSpec workload;
  LimitsSection limits;
  RunSection run;
  std::vector<std::string> thresholds;

  static const FieldTable<ScenarioSpec>& fields();
};

}  // namespace tiercast::scenario
