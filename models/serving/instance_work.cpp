// How an instance's work ends: closed-form segments, single steps, and what completes with them.
#include <algorithm>

#include "models/serving/instance.hpp"
#include "sim/base/check.hpp"

namespace tiercast::serving {

// Greatest boundary of the segment that lies before now_ns; 0 is the segment's start.
int64_t Instance::last_boundary_before(int64_t now_ns) const {
  const Int128 limit = Int128{now_ns - 1} * llm::kTicksPerNs - clock_;
  int64_t low = 0;
  int64_t high = segment_steps_;
  while (low < high) {
    const int64_t middle = low + (high - low + 1) / 2;
    if (series_.sum(middle) <= limit) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}

void Instance::sync(int64_t now_ns) {
  while (pool_stands_to_ns_ < now_ns) replay_next();
}

// Blocks that the decodes completed as step `step` begins: the frames of its bucket are full.
void Instance::seal_bucket(int64_t now_ns, int64_t step) {
  for (SequenceId id = decodes_.bucket(step); id != kNoSequence;) {
    Sequence& sequence = sequences_[id];
    const int64_t written = sequence.offset + step - 1;
    const auto block = static_cast<uint32_t>(written / spec_.block_tokens - 1);
    const tp_span frame{sequence.open_slot, 1};
    sequence.open_slot = kNoSlot;
    place_block(now_ns, id, block, frame);
    id = sequence.bucket_next;
  }
}

// Boundaries inside a segment change nothing but frames, so only those with a bucket are visited.
void Instance::look_ahead() {
  while (next_change_ < segment_steps_ && decodes_.bucket_size(decodes_.step() + next_change_) == 0)
    ++next_change_;
  pool_stands_to_ns_ =
      next_change_ < segment_steps_ ? ceil_ns(clock_ + series_.sum(next_change_)) : kNever;
}

void Instance::replay_next() {
  const int64_t now_ns = pool_stands_to_ns_;
  const int64_t step = decodes_.step() + next_change_;
  seal_bucket(now_ns, step);
  pool_.announce(now_ns);
  hand_out(now_ns, step);
  ++next_change_;
  look_ahead();
}

// One add per bucket crossed: within a segment the gap only grows.
void Instance::count_itl(const Series& series, int64_t steps) {
  const uint64_t n = decodes_.size();
  if (n == 0) return;
  itl_ticks_ += Int128{decodes_.size()} * series.sum(steps);
  for (int64_t i = 0; i < steps;) {
    const int64_t shortest = ceil_ns(series.at(i));
    const size_t bucket = Histogram::bucket_of(shortest);
    int64_t last = steps - 1;
    if (series.growth > 0) {
      const Int128 upper = Int128{Histogram::bucket_upper(bucket)} * llm::kTicksPerNs;
      const Int128 reach = (upper - series.first) / series.growth;
      last = static_cast<int64_t>(std::min<Int128>(reach, last));
    }
    const auto count = static_cast<uint64_t>(last - i + 1);
    itl_ns_.add_bucket(bucket, n * count, shortest, ceil_ns(series.at(last)), 0);
    i = last + 1;
  }
}

void Instance::end_segment(int64_t now_ns, std::vector<uint64_t>& completed) {
  const int64_t k = segment_steps_;
  while (next_change_ < k) replay_next();
  const Int128 ticks = series_.sum(k);
  count_itl(series_, k);
  counts_.dynamic_energy +=
      decodes_.energy_first() * k + Int128{k} * (k - 1) / 2 * decodes_.energy_growth();
  counts_.decode_tokens += static_cast<uint64_t>(k) * decodes_.size();
  counts_.steps += static_cast<uint64_t>(k);
  ++counts_.advances;
  counts_.busy_ticks += ticks - hold_ticks_;
  clock_ += ticks;
  decodes_.advance(k);
  decodes_.settle();
  seal_bucket(now_ns, decodes_.step());
  pool_.announce(now_ns);
  finish_decodes(now_ns, completed);
}

void Instance::end_step(int64_t now_ns, std::vector<uint64_t>& completed) {
  count_itl(series_, 1);
  counts_.dynamic_energy += step_energy_;
  counts_.decode_tokens += decodes_.size();
  ++counts_.steps;
  ++counts_.advances;
  counts_.busy_ticks += series_.first - hold_ticks_;
  clock_ += series_.first;
  decodes_.advance(1);
  decodes_.settle();
  seal_bucket(now_ns, decodes_.step());
  seal_chunks(now_ns);
  pool_.announce(now_ns);
  finish_decodes(now_ns, completed);
  end_prefills(now_ns, completed);
  try_admission_ = true;
}

void Instance::seal_chunks(int64_t now_ns) {
  for (const Chunk& chunk : chunks_) {
    Sequence& sequence = sequences_[chunk.id];
    counts_.prefill_tokens += chunk.tokens;
    (*log_)[sequence.request].computed_tokens += chunk.tokens;
    const int64_t alone = alone_.prefill_ticks(chunk.tokens, chunk.context, chunk.samples);
    sequence.phase_alone += alone + (chunk.loads ? hold_ticks_ : 0);
    if (chunk.loads) sequence.ticks.load += hold_ticks_;
    sequence.ticks.engine += alone_.engine_ticks();
    sequence.ticks.prefill += alone - alone_.engine_ticks();
    sequence.prefilled_tokens += chunk.tokens;
    const uint32_t block = chunk.context / spec_.block_tokens;
    place_from(now_ns, chunk.id, sequence.pending, block,
               sequence.prefilled_tokens / spec_.block_tokens - block);
  }
}

void Instance::finish_decodes(int64_t now_ns, std::vector<uint64_t>& completed) {
  decodes_.finished(scratch_ids_);
  for (const SequenceId id : scratch_ids_) {
    leave_decodes(id);
    finish(now_ns, id, completed);
  }
}

// A prompt is complete: its last forward pass gives the next token.
void Instance::token_out(int64_t now_ns, Sequence& sequence) {
  RequestRecord& record = (*log_)[sequence.request];
  if (sequence.generated_tokens == 0) {
    record.first_token_ns = now_ns;
    record.ttft = to_parts(now_ns - record.arrival_ns, sequence.waits, sequence.ticks);
    count_load(sequence, record.ttft, counts_.ttft_load);
    queued_input_tokens_ -= record.input_tokens;
  } else {
    const Int128 gap = clock_ - sequence.last_token_clock;
    itl_ticks_ += gap;
    const int64_t gap_ns = ceil_ns(gap);
    itl_ns_.add_bucket(Histogram::bucket_of(gap_ns), 1, gap_ns, gap_ns, 0);
  }
  ++sequence.generated_tokens;
}

void Instance::end_prefills(int64_t now_ns, std::vector<uint64_t>& completed) {
  for (const Chunk& chunk : chunks_) {
    if (!chunk.samples) continue;
    Sequence& sequence = sequences_[chunk.id];
    end_prefill_phase(sequence);
    if (!only_prefill_) token_out(now_ns, sequence);
    store_blocks(now_ns, sequence, TP_STORE_PROMPT, 0, sequence.target_tokens / spec_.block_tokens);
    if (only_prefill_) {
      hand_over(now_ns, chunk.id);
      continue;
    }
    if (sequence.generated_tokens == sequence.output_tokens) {
      finish(now_ns, chunk.id, completed);
      continue;
    }
    if (!sequence.pending.empty()) {
      sequence.open_slot = sequence.pending.front().first_slot;
      sequence.pending.clear();
    }
    sequence.phase_start = clock_;
    decodes_.join(chunk.id, int64_t{sequence.target_tokens} + 1,
                  sequence.output_tokens - sequence.generated_tokens);
  }
}

}  // namespace tiercast::serving
