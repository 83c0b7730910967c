// What a scenario says about the engine and the router; `EngineSpec` is what follows from it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/llm/compile.hpp"
#include "models/llm/placement.hpp"
#include "models/serving/engine_spec.hpp"
#include "models/serving/policy_fields.hpp"
#include "sim/base/field_info.hpp"
#include "sim/base/field_type.hpp"
#include "sim/base/units.hpp"

namespace tiercast::serving {

/// continuous: continuous batching as vLLM v1 ships it. oracle: reference mode, requests one at a
/// time against an unbounded cache, without time.
enum class EngineRules : uint8_t { continuous, oracle };
std::vector<Choice<EngineRules>> choices(EngineRules);
std::vector<Choice<OverLength>> choices(OverLength);
std::vector<Choice<Isolation>> choices(Isolation);

struct EngineSettings {
  std::string preset;  ///< catalogue entry that the other keys override
  std::string title;
  std::string source;
  EngineRules rules{};
  llm::EngineOverheadSpec overhead;
  uint32_t tp = 1;
  uint32_t pp = 1;
  uint32_t dp = 1;
  uint32_t ep = 1;
  std::optional<uint32_t> instances;
  uint32_t block_tokens = 16;
  Tokens max_batched_tokens;
  uint32_t max_sequences = 0;
  std::optional<Tokens> max_model_tokens;
  OverLength over_length = OverLength::reject;
  llm::MemorySpec memory;
  llm::Sampling sampling{};
  double watermark = 0;  ///< share of the pool
  bool chunked_prefill = true;
  bool prefix_caching = true;
  std::optional<Isolation> isolation;

  static const FieldTable<EngineSettings>& fields();

  llm::ParallelSpec parallel() const { return {tp, pp, dp, ep}; }
};

struct RouterSettings {
  std::string policy = "prefix";
  Nanoseconds index_delay{};  ///< of what instances tell of their blocks
  ParameterValues parameters;
  std::optional<std::string> plugin;  ///< file; once loaded, as this process finds it
  std::optional<PluginConfig> config;

  static const FieldTable<RouterSettings>& fields();

  /// `name=value` lines, as routers read them: of the plug-in where there is one.
  std::string config_lines() const;
};

}  // namespace tiercast::serving
