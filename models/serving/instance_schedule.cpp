// What an instance does next: frames for decodes, the running prefill, then whom to admit.
#include <algorithm>

#include "models/serving/instance.hpp"
#include "sim/base/check.hpp"

namespace tiercast::serving {

namespace {

// Moves frames from the front of one list to the end of another.
void take_spans(std::vector<tp_span>& from, uint32_t count, std::vector<tp_span>& to) {
  size_t used = 0;
  while (count > 0) {
    tp_span& front = from[used];
    const uint32_t n = std::min(front.count, count);
    kvstore::add_span(to, {front.first_slot, n});
    front.first_slot += n;
    front.count -= n;
    count -= n;
    if (front.count == 0) ++used;
  }
  from.erase(from.begin(), from.begin() + static_cast<std::ptrdiff_t>(used));
}

}  // namespace

void Instance::start_work(int64_t now_ns) {
  chunks_.clear();
  work_ = Work::none;
  next_boundary_ns_ = kNever;
  pool_stands_to_ns_ = kNever;
  hold_ticks_ = 0;
  const uint64_t preempted_before = counts_.preemptions;
  frames_for_decodes(now_ns);
  uint32_t budget = spec_.max_batched_tokens - decodes_.size();
  continue_prefill(now_ns, budget);
  // A step that had to preempt admits nobody, unless nobody is left to run; where transfers hold
  // frames, the next of them that ends lets the line try again.
  const bool preempted = counts_.preemptions != preempted_before;
  const bool transfers = parked_ + stores_ + write_backs_ > 0;
  if (try_admission_ && (!preempted || (running_ == 0 && !transfers))) {
    admit_waiting(now_ns, budget);
  }
  while (chunks_.empty() && decodes_.size() == 0 && !in_head() && make_way(now_ns)) {
    admit_waiting(now_ns, budget);
  }
  write_back_departed(now_ns);
  if (!chunks_.empty()) {
    begin_step();
  } else if (decodes_.size() > 0) {
    begin_segment();
  } else {
    slowed_ticks_ = 0;  // beside nothing
    const bool facts_to_come = parked_ + stores_ + write_backs_ > 0;
    TIERCAST_CHECK(
        in_head() || (running_ == 0 && (facts_to_come || (waiting_.empty() && ready_.empty()))),
        "{} requests wait for an idle instance", waiting_.size() + ready_.size());
  }
  hold_or_schedule();
}

// One frame for each decode of the step's bucket, in running order, taken in one call.
void Instance::hand_out(int64_t now_ns, int64_t step) {
  scratch_spans_.clear();
  pool_.take(now_ns, decodes_.bucket_size(step), scratch_spans_);
  SequenceId id = decodes_.bucket(step);
  for (const tp_span& span : scratch_spans_) {
    for (uint32_t k = 0; k < span.count; ++k) {
      sequences_[id].open_slot = span.first_slot + k;
      id = sequences_[id].bucket_next;
    }
  }
}

void Instance::frames_for_decodes(int64_t now_ns) {
  const int64_t step = decodes_.step();
  const uint32_t needed = decodes_.bucket_size(step);
  if (needed == 0) return;
  if (needed <= pool_.available_blocks()) {
    hand_out(now_ns, step);
    return;
  }
  for (SequenceId id = decodes_.bucket(step); id != kNoSequence; id = sequences_[id].bucket_next) {
    if (!one_frame(now_ns, id)) return;
  }
}

// Preempts from the back until a frame is there; false when that was the sequence itself.
bool Instance::one_frame(int64_t now_ns, SequenceId id) {
  while (pool_.available_blocks() == 0) {
    const SequenceId victim = last_preemptible();
    preempt(now_ns, victim);
    if (victim == id) return false;
  }
  scratch_spans_.clear();
  pool_.take(now_ns, 1, scratch_spans_);
  sequences_[id].open_slot = scratch_spans_.front().first_slot;
  return true;
}

uint32_t Instance::frames_needed(const Sequence& sequence, uint32_t tokens) const {
  const uint32_t b = spec_.block_tokens;
  return (sequence.prefilled_tokens + tokens + b - 1) / b - (sequence.prefilled_tokens + b - 1) / b;
}

// A head's frames are set aside for it.
uint32_t Instance::frames_to_take(const Sequence& sequence, uint32_t tokens) const {
  return sequence.in_head ? 0 : frames_needed(sequence, tokens);
}

// Of its prompt, before whatever else comes.
uint32_t Instance::tokens_ahead(const Sequence& sequence) const {
  const uint32_t end =
      sequence.in_head ? sequence.tail_first * spec_.block_tokens : sequence.target_tokens;
  return end - sequence.prefilled_tokens;
}

void Instance::add_chunk(int64_t now_ns, SequenceId id, uint32_t tokens) {
  Sequence& sequence = sequences_[id];
  if (sequence.in_head) {
    take_spans(sequence.head, frames_needed(sequence, tokens), sequence.pending);
  } else {
    pool_.take(now_ns, frames_needed(sequence, tokens), sequence.pending);
  }
  chunks_.push_back({id, tokens, sequence.prefilled_tokens,
                     sequence.prefilled_tokens + tokens == sequence.target_tokens, sequence.holds});
}

// Only the sequence admitted last can be in the middle of its prompt.
void Instance::continue_prefill(int64_t now_ns, uint32_t& budget) {
  if (run_last_ == kNoSequence || sequences_[run_last_].decoding || budget == 0) return;
  const Sequence& sequence = sequences_[run_last_];
  if (sequence.in_head && tokens_ahead(sequence) == 0 && !leave_head(now_ns, budget)) return;
  const uint32_t tokens = std::min(tokens_ahead(sequence), budget);
  if (tokens == 0) return;
  if (frames_to_take(sequence, tokens) > pool_.available_blocks()) {
    preempt(now_ns, run_last_);
    return;
  }
  add_chunk(now_ns, run_last_, tokens);
  budget -= tokens;
}

void Instance::admit_waiting(int64_t now_ns, uint32_t& budget) {
  try_admission_ = false;
  while (!ready_.empty() || !waiting_.empty()) {
    if (running_ >= spec_.max_sequences) {
      cause_ = WaitCause::sequences;
      return;
    }
    // A prompt whose tail has yet to come is the only one to be in the middle, as any other.
    if (budget == 0 || in_head()) {
      cause_ = WaitCause::tokens;
      return;
    }
    if (!ready_.empty()) {
      if (!admit_ready(now_ns, ready_.front(), budget)) return;
      ready_.pop_front();
    } else {
      if (!admit(now_ns, waiting_.front(), budget)) return;
      waiting_.pop_front();
    }
  }
}

// The block with the prompt's last token is always computed: it gives the first output token.
uint32_t Instance::usable_hit(const Sequence& sequence) const {
  if (!spec_.prefix_caching) return 0;
  return std::min(pool_.hit_blocks(sequence.leaf),
                  (sequence.target_tokens - 1) / spec_.block_tokens);
}

bool Instance::admit(int64_t now_ns, Waiting& head, uint32_t& budget) {
  Sequence& sequence = sequences_[head.id];
  if (sequence.leaf == kvstore::kNoNode) {
    sequence.leaf = store_->enter(head.content.path(), (*log_)[sequence.request].id);
  }
  return admit_ready(now_ns, head.id, budget);
}

// True when the sequence has left the line: it runs, or is parked until blocks come.
bool Instance::admit_ready(int64_t now_ns, SequenceId id, uint32_t& budget) {
  Sequence& sequence = sequences_[id];
  const uint32_t hit = usable_hit(sequence);
  sequence.prefilled_tokens = hit * spec_.block_tokens;
  bool unfetched = false;
  if (tiers_ != nullptr && !sequence.pinned) {
    const Fetching fetching = sequence.handed_by != tiering::kNone
                                  ? fetch_handed(now_ns, id, hit)
                                  : fetch_for(now_ns, id, hit, budget);
    if (fetching == Fetching::parked) return true;
    if (fetching == Fetching::refused) return false;
    unfetched = fetching == Fetching::nothing;
  }
  if (!start_prefill(now_ns, id, budget)) return false;
  if (unfetched) {
    tiers_->count_unseen(engine_, sequence.leaf, hit,
                         (sequence.target_tokens - 1) / spec_.block_tokens);
  }
  return true;
}

bool Instance::start_prefill(int64_t now_ns, SequenceId id, uint32_t& budget) {
  Sequence& sequence = sequences_[id];
  RequestRecord& record = (*log_)[sequence.request];
  const uint32_t left = tokens_ahead(sequence);
  const uint32_t tokens = std::min(left, budget);
  if (!spec_.chunked_prefill && tokens < left) {
    cause_ = WaitCause::tokens;
    return false;
  }
  const uint32_t hit = sequence.prefilled_tokens / spec_.block_tokens;
  const uint64_t spare = running_ > 0 ? spec_.watermark_blocks : 0;
  const uint64_t unpinned = sequence.pinned ? 0 : pool_.unpinned_blocks(sequence.leaf, hit);
  const uint64_t needed = frames_to_take(sequence, tokens) + unpinned + spare;
  if (needed > pool_.available_blocks()) {
    cause_ = WaitCause::blocks;
    return false;
  }

  tell(now_ns, record, TP_PHASE_SCHEDULE);
  tp_request room;
  if (!sequence.pinned) {
    pool_.pin(now_ns, sequence.leaf, hit, asker(record, room), newly_asked(sequence));
  }
  sequence.pinned = true;
  sequence.park_order = 0;
  sequence.waits.queue_ns += now_ns - sequence.queued_since_ns;
  sequence.phase_start = clock_;
  sequence.phase_alone = 0;
  if (record.admitted_ns < 0) {
    record.admitted_ns = now_ns;
    const uint32_t coming = sequence.in_head ? sequence.loaded_blocks : 0;
    record.cached_tokens = sequence.prefilled_tokens + coming * spec_.block_tokens;
    record.loaded_tokens = sequence.loaded_blocks * spec_.block_tokens;
  }
  run_list_add(id);
  add_chunk(now_ns, id, tokens);
  budget -= tokens;
  return true;
}

void Instance::begin_step() {
  uint32_t tokens = decodes_.size();
  uint32_t samples = decodes_.size();
  int64_t attention = 0;
  step_energy_ = 0;
  for (const Chunk& chunk : chunks_) {
    tokens += chunk.tokens;
    samples += chunk.samples ? 1 : 0;
    attention += table_->prefill_attention_ticks(chunk.tokens, chunk.context);
    step_energy_ += table_->prefill_attention_energy(chunk.tokens, chunk.context);
  }
  const auto sequences = static_cast<uint32_t>(decodes_.size() + chunks_.size());
  for (size_t g = 0; g < table_->groups.size(); ++g) {
    attention += table_->groups[g].decode_ticks(decodes_.kv_tokens()[g]);
    step_energy_ += Int128{table_->groups[g].energy_per_kv_token} * decodes_.kv_tokens()[g];
  }
  step_energy_ += table_->token_energy[tokens] + table_->sample_energy[samples] +
                  table_->engine_energy[sequences];
  series_ = {table_->token_ticks[tokens] + table_->sample_ticks[samples] +
                 table_->engine_ticks[sequences] + attention + take_slowed(),
             0};
  work_ = Work::step;
  next_boundary_ns_ = ceil_ns(clock_ + series_.first);
}

void Instance::begin_segment() {
  series_ = decodes_.time();
  // Frames that must be written back first are not there yet.
  const bool writes_back = tiers_ != nullptr && tiers_->writes_back();
  segment_steps_ = decodes_.steps_within(
      decodes_.steps_unchanged(), writes_back ? pool_.free_blocks() : pool_.available_blocks());
  const bool admission_due = try_admission_ && !(waiting_.empty() && ready_.empty());
  if (!spec_.fuse || admission_due || slowed_ticks_ > 0) segment_steps_ = 1;
  series_.first += take_slowed();
  next_change_ = 1;
  look_ahead();
  work_ = Work::segment;
  next_boundary_ns_ = ceil_ns(clock_ + series_.sum(segment_steps_));
}

}  // namespace tiercast::serving
