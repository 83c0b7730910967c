#pragma once

#include <cstdint>
#include <deque>
#include <span>
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
#include "models/tiering/tier_manager.hpp"
#include "sim/base/histogram.hpp"

namespace tiercast::serving {

inline constexpr int64_t kNever = INT64_MAX;

/// What an arriving request brings besides its record: the content of its first blocks.
struct Content {
  std::vector<uint64_t> ids;
  uint32_t last_blocks = 0;  ///< engine blocks the last id covers

  kvstore::Path path() const { return {ids, last_blocks}; }
};

/// A prompt that a prefill engine has computed: its blocks stay pinned there until a decode engine
/// has them. What it waited and computed so far goes with it.
struct HandOver {
  int64_t time_ns = 0;
  uint64_t request = 0;
  uint32_t engine = 0;
  kvstore::NodeId leaf = kvstore::kNoNode;  ///< entered once, for the receiver
  uint32_t blocks = 0;                      ///< of the prompt, complete
  WaitParts waits;
  TickParts ticks;
  std::vector<TierTime> load;
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
  /// Tiers below its memory, in which it is number `engine`.
  void use_tiers(tiering::TierManager& tiers, uint32_t engine);
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  /// An index that is late hears of all that its memory holds.
  void publish_to(tiering::LateIndex& index) { pool_.tell_index(&index); }

  /// Views of policies that read blocks say all: see BlockViews::tell_all. Before the first
  /// request.
  void tell_all(std::span<const uint64_t> recompute_ns);

  /// Prompts only: each is handed over once it is computed.
  void only_prefill() { only_prefill_ = true; }

  /// A request that fits the instance joins the queue.
  void arrive(int64_t now_ns, uint64_t request, Content content);
  /// A request computed elsewhere joins the queue; its blocks come once it is admitted.
  void arrive_handed(int64_t now_ns, const HandOver& from);
  /// Prompts handed over since the last call.
  std::vector<HandOver>& handed_over() { return handed_over_; }
  /// Ends the current work, then schedules the next. Appends requests that completed, in running
  /// order.
  void boundary(int64_t now_ns, std::vector<uint64_t>& completed);
  /// What the tiers say of this instance; more may follow from it.
  void on_tier_event(int64_t now_ns, const tiering::TierEvent& event,
                     std::vector<tiering::TierEvent>& more);
  /// The timed window begins.
  void open(int64_t now_ns) { areas_to_ns_ = now_ns; }
  /// Warm-up: the request's blocks are cached as if it had been served, without time. Answers what
  /// serving it alone would take, in ns.
  int64_t absorb(int64_t now_ns, const RequestRecord& record, const Content& content);
  /// Brings the pool to its state just before `now_ns`.
  void sync(int64_t now_ns);
  /// GPU memory's policy is told of a session, whether it has run here or not.
  void hint(int64_t now_ns, uint64_t session, std::span<const tp_hint> hints);
  /// Closes the time integrals at the end of the run.
  void close(int64_t now_ns);

  /// The request as policies see it.

  int64_t next_boundary_ns() const { return next_boundary_ns_; }
  /// sync() up to this time changes nothing.
  int64_t pool_stands_to_ns() const { return pool_stands_to_ns_; }

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
    bool loads;  // the step waits for blocks of its sequence
  };
  struct Waiting {
    SequenceId id;
    Content content;
  };
  // held: a step is scheduled, and starts once blocks have come or left.
  enum class Work : uint8_t { none, step, segment, held };

  // Ending work (instance_work.cpp).
  void end_step(int64_t now_ns, std::vector<uint64_t>& completed);
  void end_segment(int64_t now_ns, std::vector<uint64_t>& completed);
  void replay_next();
  void look_ahead();
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
  uint32_t usable_hit(const Sequence& sequence) const;
  bool admit_ready(int64_t now_ns, SequenceId id, uint32_t& budget);
  bool start_prefill(int64_t now_ns, SequenceId id, uint32_t& budget);
  void head_changed(int64_t now_ns);
  void retry_admission(int64_t now_ns);
  void cut_segment(int64_t now_ns);
  void join_queue(int64_t now_ns, SequenceId id, Content content);
  void hand_over(int64_t now_ns, SequenceId id);
  void add_chunk(int64_t now_ns, SequenceId id, uint32_t tokens);
  uint32_t frames_needed(const Sequence& sequence, uint32_t tokens) const;
  uint32_t frames_to_take(const Sequence& sequence, uint32_t tokens) const;
  uint32_t tokens_ahead(const Sequence& sequence) const;
  void begin_step();
  void begin_segment();

  // What policies hear of requests (instance_feeds.cpp).
  // What is behind a call, in `room`; null where no policy would read it.
  const tp_request* asker(const RequestRecord& record, tp_request& room) const;
  uint32_t newly_asked(Sequence& sequence) const;
  void tell(int64_t now_ns, const tp_request& request, uint32_t phase);
  void tell(int64_t now_ns, const RequestRecord& record, uint32_t phase);
  void tell_arrival(int64_t now_ns, const RequestRecord& record);
  void tell_end(int64_t now_ns, const RequestRecord& record);

  // Tiers below GPU memory (instance_tiers.cpp).
  enum class Fetching : uint8_t { nothing, parked, held, split, refused };
  Fetching fetch_for(int64_t now_ns, SequenceId id, uint32_t hit, uint32_t budget);
  tiering::Splitting fill_compute_times(std::span<tp_run> runs) const;
  Fetching fetch_handed(int64_t now_ns, SequenceId id, uint32_t hit);
  void prefetch_for(int64_t now_ns, Waiting& last);
  void park(int64_t now_ns, SequenceId id);
  void resume(int64_t now_ns, SequenceId id);
  void place_loaded(int64_t now_ns, SequenceId id, std::span<const tiering::BlockRange> ranges);
  bool in_head() const { return run_last_ != kNoSequence && sequences_[run_last_].in_head; }
  bool leave_head(int64_t now_ns, uint32_t budget);
  void hold_for(Sequence& sequence, tiering::LoadMode mode);
  void tail_loaded(int64_t now_ns, const tiering::TierEvent& event,
                   std::vector<tiering::TierEvent>& more);
  void place_tail(int64_t now_ns, SequenceId id);
  void loaded(int64_t now_ns, const tiering::TierEvent& event,
              std::vector<tiering::TierEvent>& more);
  void staged(int64_t now_ns, const tiering::TierEvent& event,
              std::vector<tiering::TierEvent>& more);
  void store_blocks(int64_t now_ns, const Sequence& sequence, uint32_t phase, uint32_t first,
                    uint32_t end);
  void write_back_departed(int64_t now_ns);
  bool make_way(int64_t now_ns);
  void release_hold(int64_t now_ns);
  void hold_or_schedule();
  void slow_down(int64_t now_ns, int64_t slowed_ns);
  void stored(int64_t now_ns, kvstore::NodeId node);
  Int128 take_slowed();

  // Sequences (instance.cpp).
  SequenceId new_sequence(uint64_t request);
  void run_list_add(SequenceId id);
  void run_list_remove(SequenceId id);
  void release_frames(int64_t now_ns, SequenceId id);
  SequenceId last_preemptible() const;
  void preempt(int64_t now_ns, SequenceId id);
  void finish(int64_t now_ns, SequenceId id, std::vector<uint64_t>& completed);
  void leave_decodes(SequenceId id);
  static void count_load(const Sequence& sequence, const TimeParts& parts,
                         std::vector<TierTime>& sums);
  void token_out(int64_t now_ns, Sequence& sequence);
  void place_block(int64_t now_ns, SequenceId id, uint32_t depth, tp_span frames);
  void place_from(int64_t now_ns, SequenceId id, std::vector<tp_span>& frames, uint32_t depth,
                  uint32_t count);
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
  std::deque<SequenceId> ready_;  // parked before, blocks there; in the order they were parked
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
  // The first boundary inside the segment, not replayed yet, at which frames change hands, and its
  // time; segment_steps_ or more: there is none.
  int64_t next_change_ = 0;
  int64_t pool_stands_to_ns_ = kNever;
  int64_t next_boundary_ns_ = kNever;
  bool try_admission_ = false;         // the queue's head may fit now
  WaitCause cause_ = WaitCause::step;  // why the queue's head still waits

  // Tiers below GPU memory.
  tiering::TierManager* tiers_ = nullptr;
  uint32_t engine_ = 0;
  uint32_t parked_ = 0;  // waiting outside the batch for the index or for blocks
  uint64_t parks_ = 0;
  uint32_t stores_ = 0;          // transfers that read this instance's memory
  uint32_t held_loads_ = 0;      // fetches the next step waits for
  uint32_t write_backs_ = 0;     // transfers that free frames of the next step
  bool held_layerwise_ = false;  // every such fetch comes layer by layer
  Int128 held_from_ = 0;         // clock at which the held step could have started
  Int128 hold_ticks_ = 0;        // of the present step
  Int128 slowed_ticks_ = 0;      // that copies took, for the next step
  std::vector<tiering::Piece> departed_;
  bool only_prefill_ = false;
  std::vector<HandOver> handed_over_;

  bool tells_requests_ = false;  // some policy hears of requests
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
