#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "models/kvstore/prefix_store.hpp"
#include "models/llm/step_table.hpp"
#include "models/serving/attribution.hpp"
#include "models/serving/decode_batch.hpp"
#include "models/serving/engine_spec.hpp"
#include "models/serving/instance_counts.hpp"
#include "models/serving/request_log.hpp"
#include "models/serving/sequence.hpp"
#include "models/tiering/block_pool.hpp"
#include "sim/base/histogram.hpp"

namespace tiercast::serving {

inline constexpr int64_t kNever = INT64_MAX;

/// What an arriving request brings besides its record: the content of its first blocks.
struct Content {
  std::vector<uint64_t> ids;
  uint32_t last_blocks = 0;  ///< engine blocks the last id covers

  kvstore::Path path() const { return {ids, last_blocks}; }
};

/// One engine replica: continuous batching over one HBM pool.
///
/// Time inside is exact (ticks); outside sees the ceiling in ns. Work between two boundaries is
/// either one step with prefill in it, or a segment of decode steps advanced in closed form. A
/// segment is replayed no further than somebody asks (sync), and may be cut at any of its
/// boundaries: advance(a + b) = advance(b) after advance(a).
///
/// Contract: facts and boundaries come in time order; at equal ns facts first; boundary(now) is
/// called exactly at next_boundary_ns().
class Instance {
 public:
  Instance(const EngineSpec& spec, const llm::StepTable& table, kvstore::PrefixStore& store,
           tiering::BlockPool pool, RequestLog& log);
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  /// A request that fits the instance joins the queue.
  void arrive(int64_t now_ns, uint64_t request, Content content);
  /// Ends the current work, then schedules the next. Appends requests that completed, in running
  /// order.
  void boundary(int64_t now_ns, std::vector<uint64_t>& completed);
  /// Brings the pool to its state just before `now_ns`.
  void sync(int64_t now_ns);
  /// Closes the time integrals at the end of the run.
  void close(int64_t now_ns);

  int64_t next_boundary_ns() const { return next_boundary_ns_; }

  // Readable at any time, without sync.
  uint32_t outstanding_requests() const;
  uint64_t outstanding_input_tokens() const { return outstanding_input_tokens_; }
  uint64_t queued_input_tokens() const { return queued_input_tokens_; }  ///< first token not out

  const tiering::BlockPool& pool() const { return pool_; }
  const InstanceCounts& counts() const { return counts_; }
  /// Gaps between tokens of one request, in whole ns (up); counts and extremes. Their exact sum is
  /// itl_ticks().
  const Histogram& itl_ns() const { return itl_ns_; }
  Int128 itl_ticks() const { return itl_ticks_; }

 private:
  struct Chunk {
    SequenceId id;
    uint32_t tokens;
    uint32_t context;
    bool samples;
  };
  struct Waiting {
    SequenceId id;
    Content content;
  };
  enum class Work : uint8_t { none, step, segment };

  // Ending work (instance_work.cpp).
  void end_step(int64_t now_ns, std::vector<uint64_t>& completed);
  void end_segment(int64_t now_ns, std::vector<uint64_t>& completed);
  void replay_to(int64_t position);
  void seal_bucket(int64_t now_ns, int64_t step);
  void seal_chunks(int64_t now_ns);
  void end_prefill_phase(Sequence& sequence);
  void end_prefills(int64_t now_ns, std::vector<uint64_t>& completed);
  void finish_decodes(int64_t now_ns, std::vector<uint64_t>& completed);
  void count_itl(const Series& series, int64_t steps);
  int64_t last_boundary_before(int64_t now_ns) const;

  // Starting work (instance_schedule.cpp).
  void start_work(int64_t now_ns);
  void frames_for_decodes(int64_t now_ns);
  bool one_frame(int64_t now_ns, SequenceId id);
  void hand_out(int64_t now_ns, int64_t step);
  void continue_prefill(int64_t now_ns, uint32_t& budget);
  void admit_waiting(int64_t now_ns, uint32_t& budget);
  bool admit(int64_t now_ns, Waiting& head, uint32_t& budget);
  void add_chunk(int64_t now_ns, SequenceId id, uint32_t tokens);
  uint32_t frames_needed(const Sequence& sequence, uint32_t tokens) const;
  void begin_step();
  void begin_segment();

  // Sequences (instance.cpp).
  SequenceId new_sequence(uint64_t request);
  void run_list_add(SequenceId id);
  void run_list_remove(SequenceId id);
  void release_frames(int64_t now_ns, SequenceId id);
  void preempt_last(int64_t now_ns);
  void finish(int64_t now_ns, SequenceId id, std::vector<uint64_t>& completed);
  void leave_decodes(SequenceId id);
  void token_out(int64_t now_ns, Sequence& sequence);
  void place_block(int64_t now_ns, SequenceId id, uint32_t depth, tp_span frames);
  Int128& waiting_area(WaitCause cause);
  void count_areas(int64_t now_ns);

  const EngineSpec spec_;
  const llm::StepTable* table_;
  kvstore::PrefixStore* store_;
  tiering::BlockPool pool_;
  RequestLog* log_;
  AloneCost alone_;

  std::vector<Sequence> sequences_;
  std::vector<SequenceId> free_sequences_;
  std::deque<Waiting> waiting_;
  SequenceId run_first_ = kNoSequence;
  SequenceId run_last_ = kNoSequence;
  uint32_t running_ = 0;
  uint64_t next_order_ = 0;
  DecodeBatch decodes_;

  // The clock, and the work between the last boundary and the next one.
  Int128 clock_ = 0;
  Work work_ = Work::none;
  std::vector<Chunk> chunks_;  // of a step
  Series series_;              // ticks of the step, or of the segment's steps
  Int128 step_energy_ = 0;
  int64_t segment_steps_ = 0;  // planned
  int64_t replayed_ = 0;       // boundaries inside the segment already replayed
  int64_t next_boundary_ns_ = kNever;
  bool try_admission_ = false;         // the queue's head may fit now
  WaitCause cause_ = WaitCause::step;  // why the queue's head still waits

  uint64_t outstanding_input_tokens_ = 0;
  uint64_t queued_input_tokens_ = 0;
  InstanceCounts counts_;
  int64_t areas_to_ns_ = 0;
  Histogram itl_ns_;
  Int128 itl_ticks_ = 0;
  std::vector<SequenceId> scratch_ids_;
  std::vector<tp_span> scratch_spans_;
};

}  // namespace tiercast::serving
