#pragma once

#include <cstdint>

#include "models/llm/step_table.hpp"
#include "models/serving/request_log.hpp"

namespace tiercast::serving {

using llm::Int128;

/// First whole nanosecond at or after a clock reading in ticks (>= 0).
int64_t ceil_ns(Int128 ticks);

/// Time a request waited outside a batch, in whole ns.
struct WaitParts {
  int64_t route_ns = 0;
  int64_t queue_ns = 0;
  int64_t metadata_ns = 0;
  int64_t load_wait_ns = 0;
  int64_t load_move_ns = 0;
  int64_t handoff_ns = 0;

  int64_t total_ns() const {
    return route_ns + queue_ns + metadata_ns + load_wait_ns + load_move_ns + handoff_ns;
  }
};

/// Exact time of one request by cause, in ticks, gathered while it runs.
struct TickParts {
  Int128 load = 0;  ///< steps that waited for its blocks
  Int128 prefill = 0;
  Int128 interference = 0;
  Int128 decode = 0;
  Int128 engine = 0;
};

/// Spreads `total_ns` of waiting and computing over the parts. What was waited is exact already;
/// the ticks are rounded through their running sum, so that parts are nonnegative and add up.
TimeParts to_parts(int64_t total_ns, const WaitParts& waits, const TickParts& ticks);

/// What one sequence's decode steps would cost alone: sum over lengths [from, to) of
/// decode_ticks(1, ...), in closed form per piece and window.
class AloneCost {
 public:
  explicit AloneCost(const llm::StepTable& table) : table_(&table) {}

  /// Ticks of the decode steps that read `from` .. `to - 1` KV tokens.
  Int128 decode_ticks(int64_t from, int64_t to) const;
  /// Ticks of one prefill chunk alone in a step; `samples` when it completes the prompt.
  int64_t prefill_ticks(uint32_t chunk, uint32_t context, bool samples) const;
  /// Ticks of `tokens` prompt tokens behind `context` others, in steps of their own as large as
  /// steps may be, none of them sampled.
  Int128 prompt_ticks(uint32_t tokens, uint32_t context) const;
  /// The engine's share of any step of one sequence.
  int64_t engine_ticks() const { return table_->engine_ticks[1]; }

 private:
  const llm::StepTable* table_;
};

}  // namespace tiercast::serving
