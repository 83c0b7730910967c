#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "models/llm/step_table.hpp"
#include "models/serving/engine_spec.hpp"
#include "models/serving/instance_counts.hpp"
#include "models/serving/request_log.hpp"
#include "sim/base/histogram.hpp"
#include "tests/serving/naive_pool.hpp"

namespace tiercast::tests {

/// A request inside a naive instance.
struct NaiveSequence {
  size_t record = 0;  // in the log
  NaivePath path;
  uint32_t target = 0;     // tokens to prefill
  uint32_t prefilled = 0;  // of them
  uint32_t chunk = 0;      // of them in the step that runs
  uint32_t generated = 0;
  uint32_t written = 0;  // tokens whose KV lies in frames
  bool decoding = false;
  std::map<uint32_t, uint32_t> frames;  // its own, by block: filling, or not cached when full
  int64_t queued_since_ns = 0;
  int64_t queue_ns = 0;
  llm::Int128 last_token_ticks = 0;
  llm::Int128 engine_ticks = 0;
  llm::Int128 interference_ticks = 0;
  llm::Int128 decode_ticks = 0;
  llm::Int128 prefill_ticks = 0;
};

/// One engine replica that runs single steps.
class NaiveInstance {
 public:
  NaiveInstance(const serving::EngineSpec& spec, const llm::StepTable& table, NaivePool pool,
                serving::RequestLog& log);

  void arrive(int64_t now_ns, size_t record, NaivePath path);
  /// The step ends, the next one begins. Appends the records that completed.
  void boundary(std::vector<size_t>& completed);
  /// Of the running step; -1 while idle.
  int64_t boundary_ns() const { return boundary_ns_; }
  void pass_time(int64_t now_ns);

  uint32_t requests() const;
  uint64_t input_tokens() const;         // of all requests here
  uint64_t queued_input_tokens() const;  // of those without a first token
  const NaivePool& pool() const { return pool_; }
  const serving::InstanceCounts& counts() const { return counts_; }
  const Histogram& itl_ns() const { return itl_ns_; }
  llm::Int128 itl_ticks() const { return itl_ticks_; }

 private:
  void waited(serving::WaitCause cause, llm::Int128 request_ns);
  using Sequence = std::unique_ptr<NaiveSequence>;

  uint32_t decodes() const;
  bool opens_block(const NaiveSequence& sequence) const;
  void schedule(int64_t now_ns);
  void frames_for_decodes(int64_t now_ns);
  void continue_prefill(int64_t now_ns);
  void admit_waiting(int64_t now_ns);
  bool admit(int64_t now_ns, NaiveSequence& head);
  uint32_t budget_left() const;
  uint32_t blocks_opened(const NaiveSequence& sequence, uint32_t tokens) const;
  void add_chunk(int64_t now_ns, NaiveSequence& sequence, uint32_t tokens);
  void preempt_last(int64_t now_ns);
  void release(int64_t now_ns, NaiveSequence& sequence);

  void begin_step();
  void price_step();
  void end_step(int64_t now_ns, std::vector<size_t>& completed);
  void charge(NaiveSequence& sequence) const;
  int64_t alone_ticks(const NaiveSequence& sequence) const;
  void complete_blocks(int64_t now_ns);
  void complete_block(int64_t now_ns, NaiveSequence& sequence, uint32_t block);
  void token(int64_t now_ns, NaiveSequence& sequence, std::vector<size_t>& completed);
  void gap(NaiveSequence& sequence);
  void first_token(int64_t now_ns, NaiveSequence& sequence);
  void finish(int64_t now_ns, NaiveSequence& sequence, std::vector<size_t>& completed);

  serving::EngineSpec spec_;
  const llm::StepTable* table_;
  NaivePool pool_;
  serving::RequestLog* log_;
  std::vector<Sequence> running_;  // in order of admission
  std::deque<Sequence> waiting_;
  llm::Int128 clock_ = 0;
  bool stepping_ = false;
  int64_t step_ticks_ = 0;
  llm::Int128 step_energy_ = 0;
  int64_t boundary_ns_ = -1;
  bool admission_due_ = false;
  serving::WaitCause why_waiting_ = serving::WaitCause::step;
  bool preempted_ = false;  // in this round of scheduling
  int64_t passed_ns_ = 0;
  serving::InstanceCounts counts_;
  Histogram itl_ns_;
  llm::Int128 itl_ticks_ = 0;
};

}  // namespace tiercast::tests
