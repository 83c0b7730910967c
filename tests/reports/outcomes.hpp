#pragma once

#include <cstdint>

#include "models/llm/step_table.hpp"
#include "models/serving/outcome.hpp"

namespace tiercast::tests {

inline constexpr int64_t kMs = 1'000'000;
inline constexpr int64_t kSecond = 1'000'000'000;

/// A request served without preemption: waits, prefills, decodes; the rest of its time is engine.
struct Served {
  int64_t arrival_ns = 0;
  int64_t queue_ns = 0;
  int64_t prefill_ns = 0;
  int64_t decode_ns = 0;
  uint32_t input_tokens = 100;
  uint32_t output_tokens = 10;
  uint32_t cached_tokens = 0;
};

/// Appends the request to the log, as the next id, a session of its own.
inline serving::RequestRecord& add(serving::Outcome& outcome, const Served& served) {
  serving::RequestRecord record;
  record.id = outcome.log.size();
  record.session = record.id;
  record.arrival_ns = served.arrival_ns;
  record.admitted_ns = served.arrival_ns + served.queue_ns;
  record.first_token_ns = record.admitted_ns + served.prefill_ns;
  record.finished_ns = record.first_token_ns + served.decode_ns;
  record.input_tokens = served.input_tokens;
  record.output_tokens = served.output_tokens;
  record.cached_tokens = served.cached_tokens;
  record.computed_tokens = served.input_tokens - served.cached_tokens;
  record.state = serving::RequestState::completed;
  record.ttft.queue_ns = record.e2e.queue_ns = served.queue_ns;
  record.ttft.prefill_ns = record.e2e.prefill_ns = served.prefill_ns;
  record.e2e.decode_ns = served.decode_ns;
  if (record.finished_ns > outcome.end_ns) outcome.end_ns = record.finished_ns;
  outcome.log.push_back(record);
  return outcome.log.back();
}

inline serving::RequestRecord& add_rejected(serving::Outcome& outcome, int64_t arrival_ns) {
  serving::RequestRecord record;
  record.id = outcome.log.size();
  record.session = record.id;
  record.arrival_ns = arrival_ns;
  record.input_tokens = 1'000'000;
  record.output_tokens = 7;
  record.state = serving::RequestState::rejected;
  if (arrival_ns > outcome.end_ns) outcome.end_ns = arrival_ns;
  outcome.log.push_back(record);
  return outcome.log.back();
}

/// `count` gaps of `gap_ns` between tokens.
inline void add_gaps(serving::Outcome& outcome, int64_t gap_ns, uint64_t count) {
  outcome.itl_ns.add(gap_ns, count);
  outcome.itl_ticks += llm::Int128{gap_ns} * llm::kTicksPerNs * static_cast<int64_t>(count);
}

/// An instance that worked for `busy_ns` and drew `watts` above idle meanwhile.
inline serving::InstanceOutcome busy_instance(int64_t busy_ns, int64_t watts) {
  serving::InstanceOutcome instance;
  instance.counts.busy_ticks = llm::Int128{busy_ns} * llm::kTicksPerNs;
  instance.counts.dynamic_energy = instance.counts.busy_ticks * watts * 1000;
  instance.pool_capacity_blocks = 1000;
  return instance;
}

}  // namespace tiercast::tests
