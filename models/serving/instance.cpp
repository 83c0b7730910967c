#include "models/serving/instance.hpp"

#include <algorithm>
#include <utility>

#include "sim/base/check.hpp"

namespace tiercast::serving {

Instance::Instance(const EngineSpec& spec, const llm::StepTable& table, kvstore::PrefixStore& store,
                   tiering::BlockPool pool, RequestLog& log)
    : spec_(spec),
      table_(&table),
      store_(&store),
      pool_(std::move(pool)),
      log_(&log),
      alone_(table),
      decodes_(table, spec.block_tokens, sequences_),
      tells_requests_(pool_.hears_of_requests()) {}

void Instance::use_tiers(tiering::TierManager& tiers, uint32_t engine) {
  tiers_ = &tiers;
  engine_ = engine;
  tiers.add_engine(pool_.id(), pool_.slot_count());
  if (tiers.writes_back()) pool_.tell_departed(&departed_);
  if (tiers.reads_blocks()) pool_.keep_owners();
  tells_requests_ = tells_requests_ || tiers.hears_of_requests();
  counts_.ttft_load.resize(tiers.spec().tiers.size() + 1);
  counts_.e2e_load.resize(tiers.spec().tiers.size() + 1);
}

uint32_t Instance::outstanding_requests() const {
  return static_cast<uint32_t>(waiting_.size() + ready_.size()) + parked_ + running_;
}

Int128& Instance::waiting_area(WaitCause cause) {
  return counts_.waiting_area_ns[static_cast<size_t>(cause)];
}

void Instance::count_areas(int64_t now_ns) {
  const Int128 span = now_ns - areas_to_ns_;
  waiting_area(cause_) += span * static_cast<Int128>(waiting_.size() + ready_.size());
  counts_.loading_area_ns += span * parked_;
  counts_.running_area_ns += span * running_;
  areas_to_ns_ = now_ns;
}

void Instance::close(int64_t now_ns) {
  TIERCAST_CHECK(outstanding_requests() == 0 && stores_ == 0 && write_backs_ == 0,
                 "a run ends with {} requests in an instance", outstanding_requests());
  count_areas(now_ns);
}

void Instance::arrive(int64_t now_ns, uint64_t request, Content content) {
  count_areas(now_ns);
  // Where the source held it back.
  waiting_area(WaitCause::step) += now_ns - (*log_)[request].arrival_ns - spec_.request_ns;
  join_queue(now_ns, new_sequence(request), std::move(content));
}

void Instance::arrive_handed(int64_t now_ns, const HandOver& from) {
  count_areas(now_ns);
  const SequenceId id = new_sequence(from.request);
  Sequence& sequence = sequences_[id];
  sequence.leaf = from.leaf;
  sequence.handed_by = from.engine;
  sequence.handed_blocks = from.blocks;
  sequence.queued_since_ns = now_ns;
  sequence.waits = from.waits;
  sequence.waits.handoff_ns += now_ns - from.time_ns;
  sequence.ticks = from.ticks;
  sequence.load = from.load;
  join_queue(now_ns, id, {});
}

void Instance::join_queue(int64_t now_ns, SequenceId id, Content content) {
  const RequestRecord& record = (*log_)[sequences_[id].request];
  tell_arrival(now_ns, record);
  outstanding_input_tokens_ += record.input_tokens;
  queued_input_tokens_ += record.input_tokens;
  const bool head = waiting_.empty() && ready_.empty();
  waiting_.push_back({id, std::move(content)});
  if (tiers_ != nullptr && tiers_->prefetches()) prefetch_for(now_ns, waiting_.back());
  if (head) head_changed(now_ns);
}

// Somebody else is first in line: it may fit at the next boundary.
void Instance::head_changed(int64_t now_ns) {
  cause_ = running_ >= spec_.max_sequences               ? WaitCause::sequences
           : decodes_.size() >= spec_.max_batched_tokens ? WaitCause::tokens
                                                         : WaitCause::step;
  retry_admission(now_ns);
}

// The head of the line is tried at the first boundary from now on.
void Instance::retry_admission(int64_t now_ns) {
  if (work_ == Work::none) {
    clock_ = std::max(clock_, Int128{now_ns} * llm::kTicksPerNs);
    next_boundary_ns_ = now_ns;
    try_admission_ = true;
  } else if (work_ == Work::segment && cause_ == WaitCause::step) {
    cut_segment(now_ns);
    try_admission_ = true;
  }
}

// The segment ends at its first boundary from now on.
void Instance::cut_segment(int64_t now_ns) {
  segment_steps_ = std::min(segment_steps_, last_boundary_before(now_ns) + 1);
  next_boundary_ns_ = ceil_ns(clock_ + series_.sum(segment_steps_));
}

void Instance::boundary(int64_t now_ns, std::vector<uint64_t>& completed) {
  TIERCAST_CHECK(now_ns == next_boundary_ns_, "boundary at {} instead of {} ns", now_ns,
                 next_boundary_ns_);
  count_areas(now_ns);
  if (work_ == Work::step) end_step(now_ns, completed);
  if (work_ == Work::segment) end_segment(now_ns, completed);
  start_work(now_ns);
}

SequenceId Instance::new_sequence(uint64_t request) {
  SequenceId id;
  if (free_sequences_.empty()) {
    id = static_cast<SequenceId>(sequences_.size());
    sequences_.emplace_back();
  } else {
    id = free_sequences_.back();
    free_sequences_.pop_back();
  }
  Sequence& sequence = sequences_[id];
  sequence.request = request;
  const RequestRecord& record = (*log_)[request];
  sequence.target_tokens = record.input_tokens;
  sequence.output_tokens = record.output_tokens;
  sequence.prefilled_tokens = 0;
  sequence.generated_tokens = 0;
  sequence.leaf = kvstore::kNoNode;
  sequence.queued_since_ns = record.arrival_ns + spec_.request_ns;
  sequence.pinned = false;
  sequence.asked = false;
  sequence.looked_up = false;
  sequence.misled = false;
  sequence.fetching = false;
  sequence.staging = false;
  sequence.staging_since_ns = -1;
  sequence.park_order = 0;
  sequence.loaded_blocks = 0;
  sequence.load_tier = 0;
  sequence.holds = false;
  sequence.in_head = false;
  sequence.handed_by = tiering::kNone;
  sequence.handing_over = false;
  sequence.load.clear();
  sequence.waits = {.route_ns = spec_.request_ns};
  sequence.ticks = {};
  return id;
}

void Instance::run_list_add(SequenceId id) {
  Sequence& sequence = sequences_[id];
  sequence.order = next_order_++;
  sequence.run_prev = run_last_;
  sequence.run_next = kNoSequence;
  (run_last_ == kNoSequence ? run_first_ : sequences_[run_last_].run_next) = id;
  run_last_ = id;
  ++running_;
}

void Instance::run_list_remove(SequenceId id) {
  const Sequence& sequence = sequences_[id];
  (sequence.run_prev == kNoSequence ? run_first_ : sequences_[sequence.run_prev].run_next) =
      sequence.run_next;
  (sequence.run_next == kNoSequence ? run_last_ : sequences_[sequence.run_next].run_prev) =
      sequence.run_prev;
  --running_;
}

void Instance::place_block(int64_t now_ns, SequenceId id, uint32_t depth, tp_span frames) {
  Sequence& sequence = sequences_[id];
  if (spec_.prefix_caching) {
    tp_request room;
    pool_.place(now_ns, sequence.leaf, depth, {&frames, 1}, sequence.own,
                asker((*log_)[sequence.request], room));
  } else {
    sequence.own.push_back(frames);
  }
}

// The first of these frames, some of the sequence's, are complete and hold these blocks.
void Instance::place_from(int64_t now_ns, SequenceId id, std::vector<tp_span>& frames,
                          uint32_t depth, uint32_t count) {
  size_t used = 0;
  while (count > 0) {
    tp_span& front = frames[used];
    const uint32_t n = std::min(front.count, count);
    place_block(now_ns, id, depth, {front.first_slot, n});
    front.first_slot += n;
    front.count -= n;
    depth += n;
    count -= n;
    if (front.count == 0) ++used;
  }
  frames.erase(frames.begin(), frames.begin() + static_cast<std::ptrdiff_t>(used));
}

void Instance::release_frames(int64_t now_ns, SequenceId id) {
  Sequence& sequence = sequences_[id];
  pool_.give_back(sequence.own);
  pool_.give_back(sequence.pending);
  sequence.own.clear();
  sequence.pending.clear();
  if (sequence.open_slot != kNoSlot) {
    const tp_span open{sequence.open_slot, 1};
    pool_.give_back({&open, 1});
    sequence.open_slot = kNoSlot;
  }
  pool_.unpin(now_ns, sequence.leaf);
  sequence.pinned = false;
}

// The decode phase ends: what the steps would have cost alone is its own, the rest interference.
void Instance::leave_decodes(SequenceId id) {
  Sequence& sequence = sequences_[id];
  const int64_t read_to = sequence.offset + decodes_.step();
  const int64_t steps = read_to - sequence.decode_from;
  const Int128 alone = alone_.decode_ticks(sequence.decode_from, read_to);
  const Int128 engine = Int128{alone_.engine_ticks()} * steps;
  sequence.ticks.engine += engine;
  sequence.ticks.decode += alone - engine;
  sequence.ticks.interference += clock_ - sequence.phase_start - alone;
  sequence.generated_tokens += static_cast<uint32_t>(steps);
  sequence.last_token_clock = clock_;
  decodes_.leave(id);
}

void Instance::end_prefill_phase(Sequence& sequence) {
  sequence.ticks.interference += clock_ - sequence.phase_start - sequence.phase_alone;
}

// Adds a request's fetching time to the sums by tier; what its steps waited is the last one's.
void Instance::count_load(const Sequence& sequence, const TimeParts& parts,
                          std::vector<TierTime>& sums) {
  for (size_t t = 0; t < sequence.load.size(); ++t) sums[t] += sequence.load[t];
  if (!sums.empty()) {
    sums[sequence.load_tier].move_ns += parts.load_move_ns - sequence.waits.load_move_ns;
  }
}

// One whose blocks are still coming is passed over; whoever needs a frame is another.
SequenceId Instance::last_preemptible() const {
  return in_head() ? sequences_[run_last_].run_prev : run_last_;
}

void Instance::preempt(int64_t now_ns, SequenceId id) {
  Sequence& sequence = sequences_[id];
  if (sequence.decoding) {
    leave_decodes(id);
  } else {
    end_prefill_phase(sequence);
  }
  RequestRecord& record = (*log_)[sequence.request];
  tell(now_ns, record, TP_PHASE_PREEMPT);
  release_frames(now_ns, id);
  run_list_remove(id);
  ++record.preemptions;
  ++counts_.preemptions;
  sequence.target_tokens = record.input_tokens + sequence.generated_tokens;
  sequence.prefilled_tokens = 0;
  sequence.looked_up = false;
  sequence.misled = false;
  sequence.loaded_blocks = 0;
  sequence.queued_since_ns = now_ns;
  waiting_.push_front({id, {}});
  cause_ = WaitCause::blocks;
  try_admission_ = true;
}

// The prompt is computed. Its blocks stay pinned until the `stored` event of their transfer; the
// block its last tokens left open is the receiver's to compute.
void Instance::hand_over(int64_t now_ns, SequenceId id) {
  Sequence& sequence = sequences_[id];
  const RequestRecord& record = (*log_)[sequence.request];
  handed_over_.push_back(
      {now_ns, sequence.request, engine_, sequence.leaf,
       std::min(pool_.hit_blocks(sequence.leaf), (sequence.target_tokens - 1) / spec_.block_tokens),
       sequence.waits, sequence.ticks, sequence.load});
  pool_.pin(now_ns, sequence.leaf, 0);
  store_->hold(sequence.leaf);
  ++stores_;
  tell(now_ns, record, TP_PHASE_FINISH);
  release_frames(now_ns, id);
  run_list_remove(id);
  outstanding_input_tokens_ -= record.input_tokens;
  queued_input_tokens_ -= record.input_tokens;
  free_sequences_.push_back(id);
  try_admission_ = true;
}

void Instance::finish(int64_t now_ns, SequenceId id, std::vector<uint64_t>& completed) {
  Sequence& sequence = sequences_[id];
  RequestRecord& record = (*log_)[sequence.request];
  tell_end(now_ns, record);
  const uint32_t prompt_blocks = record.input_tokens / spec_.block_tokens;
  store_blocks(now_ns, sequence, TP_STORE_OUTPUT, prompt_blocks, UINT32_MAX);
  release_frames(now_ns, id);
  run_list_remove(id);
  store_->leave(sequence.leaf);
  record.finished_ns = now_ns;
  record.state = RequestState::completed;
  record.e2e = to_parts(now_ns - record.arrival_ns, sequence.waits, sequence.ticks);
  count_load(sequence, record.e2e, counts_.e2e_load);
  outstanding_input_tokens_ -= record.input_tokens;
  ++counts_.completed;
  completed.push_back(sequence.request);
  free_sequences_.push_back(id);
  try_admission_ = true;
}

}  // namespace tiercast::serving
