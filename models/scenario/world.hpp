// From a checked spec to what runs: step tables, memory, instances.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/llm/compile.hpp"
#include "models/llm/placement.hpp"
#include "models/scenario/plugins.hpp"
#include "models/scenario/spec.hpp"
#include "models/serving/cluster.hpp"

namespace tiercast::scenario {

/// Everything derived from a scenario before the first event. Plain data but for the policy tables
/// that `cluster` points to, which live as long as the program or as `plugins`.
struct World {
  UsedPlugins plugins;
  llm::WeightFormat weights{};
  llm::KvFormat kv{};
  llm::ParallelSpec parallel;
  llm::HbmBudget memory;  ///< of one GPU
  bool kv_blocks_pinned = false;
  llm::StepTable steps;
  serving::ClusterSpec cluster;
  int64_t kv_bytes_per_token = 0;
  int64_t block_bytes = 0;
  uint32_t gpus_per_instance = 0;
  uint32_t gpus_provisioned = 0;
  std::vector<std::string> caveats;  ///< what a result must be read with, in whole sentences
};

/// Derives the world. What cannot work is reported at `place`s of the resolved scenario; then
/// nothing is returned.
std::optional<World> build_world(const ScenarioSpec& spec, const llm::KernelSpec& kernels,
                                 const Node& resolved, Diagnostics& found);

/// Tokens of one content id in this workload; 0 where requests carry none.
uint32_t id_tokens_of(const workload::WorkloadSpec& workload, uint32_t block_tokens);

}  // namespace tiercast::scenario
