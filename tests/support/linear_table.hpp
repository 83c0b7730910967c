#pragma once

#include <cstdint>

#include "models/llm/step_table.hpp"

namespace tiercast::tests {

/// Costs of a step as a sum of proportions, so that tests can work times out by hand:
/// engine + sequence * n + token * T + sample * s + kv * (KV tokens decodes read) + chunks.
struct LinearCosts {
  int64_t engine_ticks = 0;    ///< per step with anything in it
  int64_t sequence_ticks = 0;  ///< per scheduled sequence
  int64_t token_ticks = 0;     ///< per new token
  int64_t sample_ticks = 0;    ///< per sampled sequence
  int64_t kv_ticks = 0;        ///< per KV token that a decode reads
  int64_t chunk_ticks = 0;     ///< per prefill chunk
  int64_t pair_ticks = 0;      ///< per query-key pair of a prefill chunk
  int64_t power_mw = 300'000;  ///< drawn above idle whenever a step runs
};

/// One group of full attention. Energy is power_mw times every tick.
llm::StepTable make_linear_table(uint32_t max_tokens, uint32_t max_sequences,
                                 const LinearCosts& costs);

/// An H100 that runs an 8B model, roughly: what makes W1 a load, not a burden.
LinearCosts h100_like_costs();

}  // namespace tiercast::tests
