// Costs of a step's parts on one GPU, summed over layers.
#pragma once

#include "models/llm/compile.hpp"
#include "models/llm/operators.hpp"

namespace tiercast::llm {

struct TokenCost {
  Cost projections;
  Cost experts;
  Cost elementwise;
  Cost communication;
  Cost attention_launch;

  Cost total() const;
};

/// The products around one layer's attention, for `tokens` tokens of the instance.
Cost attention_projections(const StepTableInput& input, const Machine& machine, double tokens);

/// All layers for `tokens` tokens of the instance, attention over KV left out.
TokenCost token_cost(const StepTableInput& input, const Machine& machine, double tokens);

/// LM head and choice of the next token for `sequences` sequences.
Cost sample_cost(const StepTableInput& input, const Machine& machine, double sequences);

/// The software's own time in a step with `sequences` scheduled.
Cost engine_cost(const StepTableInput& input, double sequences);

/// What kernels do for each of `sequences` sequences, however long they are.
Cost sequence_cost(const StepTableInput& input, const Machine& machine, double sequences);

}  // namespace tiercast::llm
