// From model, GPU and calibration to integer step tables. Doubles end here.
#pragma once

#include <cstdint>
#include <string>

#include "models/hardware/specs.hpp"
#include "models/llm/engine_overhead.hpp"
#include "models/llm/kernels.hpp"
#include "models/llm/model_spec.hpp"
#include "models/llm/placement.hpp"
#include "models/llm/step_table.hpp"

namespace tiercast::llm {

/// How the next token is chosen; top-p sorts the vocabulary for every sequence.
enum class Sampling : uint8_t { greedy, top_p };
std::vector<Choice<Sampling>> choices(Sampling);

struct StepTableInput {
  const ModelSpec& model;
  WeightFormat weights = WeightFormat::bf16;
  KvFormat kv = KvFormat::bf16;
  ParallelSpec parallel;
  const hardware::GpuSpec& gpu;
  const KernelSpec& kernels;
  const EngineOverheadSpec& engine;
  Sampling sampling = Sampling::greedy;
  uint32_t max_tokens = 0;     ///< of a step
  uint32_t max_sequences = 0;  ///< of a step
  uint32_t max_context = 0;    ///< longest sequence that prefill may reach
};

struct CompiledSteps {
  StepTable table;
  std::string
      problem;  ///< why the input gives no table (steps too long for 64-bit ticks), or empty
};

/// Tables that satisfy table_violation. Token and sampling costs are evaluated at every size up to
/// 16, then on a grid that widens with size, made nondecreasing, and interpolated in integers.
/// Pipeline stages are taken one after the other: with pp > 1 a step's time is that of all stages.
/// With dp > 1 requests are taken as spread evenly over the attention replicas.
CompiledSteps compile_step_table(const StepTableInput& input);

/// Seconds of one forward pass at these sizes, part by part: what `explain` prints.
struct StepParts {
  double projections_us = 0;  ///< dense products of all layers
  double experts_us = 0;
  double elementwise_us = 0;
  double communication_us = 0;
  double attention_launch_us = 0;
};
StepParts step_parts(const StepTableInput& input, uint32_t tokens);

}  // namespace tiercast::llm
