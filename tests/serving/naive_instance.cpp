// Numbers in comments are those of the rules in models/serving/README.md.
#include "tests/serving/naive_instance.hpp"

#include <algorithm>
#include <utility>

namespace tiercast::tests {

using llm::Int128;
using serving::RequestRecord;
using serving::WaitCause;

namespace {

int64_t ns_reached(Int128 ticks) {
  const Int128 whole = ticks / llm::kTicksPerNs;
  return static_cast<int64_t>(whole * llm::kTicksPerNs == ticks ? whole : whole + 1);
}

// Rule 10: whole ns of a running sum, the last part taking what is left.
serving::TimeParts parts_of(const NaiveSequence& sequence, int64_t route_ns, int64_t total_ns) {
  const int64_t computing = total_ns - route_ns - sequence.queue_ns;
  const auto whole = [&](Int128 ticks) {
    return std::min(static_cast<int64_t>(ticks / llm::kTicksPerNs), computing);
  };
  const int64_t to_engine = whole(sequence.engine_ticks);
  const int64_t to_interference = whole(sequence.engine_ticks + sequence.interference_ticks);
  const int64_t to_decode =
      whole(sequence.engine_ticks + sequence.interference_ticks + sequence.decode_ticks);
  serving::TimeParts parts{.route_ns = route_ns, .queue_ns = sequence.queue_ns};
  parts.engine_ns = to_engine;
  parts.interference_ns = to_interference - to_engine;
  parts.decode_ns = to_decode - to_interference;
  parts.prefill_ns = computing - to_decode;
  return parts;
}

}  // namespace

NaiveInstance::NaiveInstance(const serving::EngineSpec& spec, const llm::StepTable& table,
                             NaivePool pool, serving::RequestLog& log)
    : spec_(spec), table_(&table), pool_(std::move(pool)), log_(&log) {}

uint32_t NaiveInstance::requests() const {
  return static_cast<uint32_t>(running_.size() + waiting_.size());
}

uint64_t NaiveInstance::input_tokens() const {
  uint64_t sum = 0;
  for (const Sequence& s : running_) sum += (*log_)[s->record].input_tokens;
  for (const Sequence& s : waiting_) sum += (*log_)[s->record].input_tokens;
  return sum;
}

uint64_t NaiveInstance::queued_input_tokens() const {
  uint64_t sum = 0;
  for (const Sequence& s : running_) {
    if (s->generated == 0) sum += (*log_)[s->record].input_tokens;
  }
  for (const Sequence& s : waiting_) {
    if (s->generated == 0) sum += (*log_)[s->record].input_tokens;
  }
  return sum;
}

uint32_t NaiveInstance::decodes() const {
  uint32_t n = 0;
  for (const Sequence& s : running_) n += s->decoding ? 1 : 0;
  return n;
}

void NaiveInstance::waited(serving::WaitCause cause, Int128 request_ns) {
  counts_.waiting_area_ns[static_cast<size_t>(cause)] += request_ns;
}

void NaiveInstance::pass_time(int64_t now_ns) {
  const Int128 span = now_ns - passed_ns_;
  waited(why_waiting_, span * static_cast<Int128>(waiting_.size()));
  counts_.running_area_ns += span * static_cast<Int128>(running_.size());
  passed_ns_ = now_ns;
}

void NaiveInstance::arrive(int64_t now_ns, size_t record, NaivePath path) {
  const bool idle = boundary_ns_ < 0;
  const bool could_be_served =
      idle || (running_.size() < spec_.max_sequences && decodes() < spec_.max_batched_tokens);
  if (waiting_.empty()) {
    admission_due_ = admission_due_ || could_be_served;  // 5
    const bool full = running_.size() == spec_.max_sequences;
    why_waiting_ = could_be_served ? WaitCause::step
                   : full          ? WaitCause::sequences
                                   : WaitCause::tokens;
  }
  if (idle) {
    clock_ = std::max(clock_, Int128{now_ns} * llm::kTicksPerNs);  // 2
    boundary_ns_ = now_ns;
  }
  auto sequence = std::make_unique<NaiveSequence>();
  sequence->record = record;
  sequence->path = std::move(path);
  sequence->target = (*log_)[record].input_tokens;
  sequence->queued_since_ns = (*log_)[record].arrival_ns + spec_.request_ns;
  waited(WaitCause::step, now_ns - sequence->queued_since_ns);  // 10: it waited elsewhere
  waiting_.push_back(std::move(sequence));
}

void NaiveInstance::boundary(std::vector<size_t>& completed) {
  const int64_t now_ns = boundary_ns_;
  if (stepping_) end_step(now_ns, completed);
  schedule(now_ns);
  stepping_ = !running_.empty();
  boundary_ns_ = -1;
  if (stepping_) begin_step();
}

// 4
void NaiveInstance::schedule(int64_t now_ns) {
  preempted_ = false;
  frames_for_decodes(now_ns);
  continue_prefill(now_ns);
  if (admission_due_ && (!preempted_ || running_.empty())) admit_waiting(now_ns);
}

bool NaiveInstance::opens_block(const NaiveSequence& sequence) const {
  return sequence.decoding && sequence.written % spec_.block_tokens == 0;
}

// 4a
void NaiveInstance::frames_for_decodes(int64_t now_ns) {
  uint32_t needed = 0;
  for (const Sequence& s : running_) needed += opens_block(*s) ? 1 : 0;
  if (needed == 0) return;
  if (needed <= pool_.available()) {
    const std::vector<uint32_t> slots = pool_.take(now_ns, needed);
    size_t next = 0;
    for (const Sequence& s : running_) {
      if (opens_block(*s)) s->frames[s->written / spec_.block_tokens] = slots[next++];
    }
    return;
  }
  for (size_t i = 0; i < running_.size(); ++i) {
    if (!opens_block(*running_[i])) continue;
    while (i < running_.size() && pool_.available() == 0) preempt_last(now_ns);
    if (i == running_.size()) return;  // it was its own turn to go
    NaiveSequence& sequence = *running_[i];
    sequence.frames[sequence.written / spec_.block_tokens] = pool_.take(now_ns, 1).front();
  }
}

uint32_t NaiveInstance::budget_left() const {
  uint32_t budget = spec_.max_batched_tokens - decodes();
  for (const Sequence& s : running_) budget -= s->chunk;
  return budget;
}

uint32_t NaiveInstance::blocks_opened(const NaiveSequence& sequence, uint32_t tokens) const {
  uint32_t blocks = 0;
  for (uint32_t t = sequence.prefilled; t < sequence.prefilled + tokens; ++t) {
    blocks += t % spec_.block_tokens == 0 ? 1 : 0;
  }
  return blocks;
}

void NaiveInstance::add_chunk(int64_t now_ns, NaiveSequence& sequence, uint32_t tokens) {
  const uint32_t blocks = blocks_opened(sequence, tokens);
  uint32_t block = (sequence.prefilled + spec_.block_tokens - 1) / spec_.block_tokens;
  if (blocks > 0) {
    for (const uint32_t slot : pool_.take(now_ns, blocks)) sequence.frames[block++] = slot;
  }
  sequence.chunk = tokens;
}

// 4b
void NaiveInstance::continue_prefill(int64_t now_ns) {
  if (running_.empty() || running_.back()->decoding) return;
  NaiveSequence& sequence = *running_.back();
  const uint32_t tokens = std::min(sequence.target - sequence.prefilled, budget_left());
  if (blocks_opened(sequence, tokens) > pool_.available()) {
    preempt_last(now_ns);
  } else {
    add_chunk(now_ns, sequence, tokens);
  }
}

// 4c
void NaiveInstance::admit_waiting(int64_t now_ns) {
  admission_due_ = false;
  while (!waiting_.empty() && running_.size() < spec_.max_sequences && budget_left() > 0) {
    if (!admit(now_ns, *waiting_.front())) return;  // which says why
    running_.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  why_waiting_ = running_.size() == spec_.max_sequences ? WaitCause::sequences : WaitCause::tokens;
}

// 6
bool NaiveInstance::admit(int64_t now_ns, NaiveSequence& head) {
  const uint32_t most = (head.target - 1) / spec_.block_tokens;
  const uint32_t hit = std::min(pool_.hit(head.path), most);
  head.prefilled = hit * spec_.block_tokens;
  const uint32_t rest = head.target - head.prefilled;
  const uint32_t chunk = std::min(rest, budget_left());
  why_waiting_ = WaitCause::tokens;
  if (!spec_.chunked_prefill && chunk < rest) return false;
  why_waiting_ = WaitCause::blocks;
  const uint32_t watermark = running_.empty() ? 0 : spec_.watermark_blocks;
  if (blocks_opened(head, chunk) + pool_.unused(head.path, hit) + watermark > pool_.available()) {
    return false;
  }
  pool_.start(now_ns, head.path, hit);
  add_chunk(now_ns, head, chunk);
  head.written = head.prefilled;
  head.queue_ns += now_ns - head.queued_since_ns;
  RequestRecord& record = (*log_)[head.record];
  if (record.admitted_ns < 0) {
    record.admitted_ns = now_ns;
    record.cached_tokens = head.prefilled;
  }
  return true;
}

void NaiveInstance::release(int64_t now_ns, NaiveSequence& sequence) {
  for (const auto& [block, slot] : sequence.frames) pool_.give_back(slot);
  sequence.frames.clear();
  pool_.stop(now_ns, sequence.path);
}

// 7
void NaiveInstance::preempt_last(int64_t now_ns) {
  Sequence sequence = std::move(running_.back());
  running_.pop_back();
  release(now_ns, *sequence);
  RequestRecord& record = (*log_)[sequence->record];
  ++record.preemptions;
  ++counts_.preemptions;
  sequence->target = record.input_tokens + sequence->generated;
  sequence->prefilled = 0;
  sequence->chunk = 0;
  sequence->decoding = false;
  sequence->queued_since_ns = now_ns;
  waiting_.push_front(std::move(sequence));
  preempted_ = true;
  admission_due_ = true;
  why_waiting_ = WaitCause::blocks;
}

void NaiveInstance::begin_step() {
  price_step();
  boundary_ns_ = ns_reached(clock_ + step_ticks_);
}

// 9
void NaiveInstance::price_step() {
  std::vector<int64_t> read(table_->groups.size(), 0);
  uint32_t tokens = 0;
  uint32_t samples = 0;
  step_ticks_ = 0;
  step_energy_ = 0;
  for (const Sequence& s : running_) {
    if (s->decoding) {
      ++tokens;
      ++samples;
      for (size_t g = 0; g < read.size(); ++g) {
        read[g] += table_->groups[g].kv_tokens(int64_t{s->written} + 1);
      }
    } else {
      tokens += s->chunk;
      samples += s->prefilled + s->chunk == s->target ? 1 : 0;
      step_ticks_ += table_->prefill_attention_ticks(s->chunk, s->prefilled);
      step_energy_ += table_->prefill_attention_energy(s->chunk, s->prefilled);
    }
  }
  for (size_t g = 0; g < read.size(); ++g) {
    step_ticks_ += table_->groups[g].decode_ticks(read[g]);
    step_energy_ += Int128{table_->groups[g].energy_per_kv_token} * read[g];
  }
  const size_t n = running_.size();
  step_ticks_ +=
      table_->token_ticks[tokens] + table_->sample_ticks[samples] + table_->engine_ticks[n];
  step_energy_ +=
      table_->token_energy[tokens] + table_->sample_energy[samples] + table_->engine_energy[n];
}

// 10: the step with nobody else in it.
int64_t NaiveInstance::alone_ticks(const NaiveSequence& sequence) const {
  if (!sequence.decoding) {
    const bool samples = sequence.prefilled + sequence.chunk == sequence.target;
    return table_->token_ticks[sequence.chunk] + table_->sample_ticks[samples ? 1 : 0] +
           table_->engine_ticks[1] +
           table_->prefill_attention_ticks(sequence.chunk, sequence.prefilled);
  }
  int64_t ticks = table_->token_ticks[1] + table_->sample_ticks[1] + table_->engine_ticks[1];
  for (const llm::AttentionGroup& group : table_->groups) {
    ticks += group.decode_ticks(group.kv_tokens(int64_t{sequence.written} + 1));
  }
  return ticks;
}

void NaiveInstance::charge(NaiveSequence& sequence) const {
  const int64_t alone = alone_ticks(sequence);
  const int64_t engine = table_->engine_ticks[1];
  sequence.engine_ticks += engine;
  (sequence.decoding ? sequence.decode_ticks : sequence.prefill_ticks) += alone - engine;
  sequence.interference_ticks += step_ticks_ - alone;
}

void NaiveInstance::complete_block(int64_t now_ns, NaiveSequence& sequence, uint32_t block) {
  if (!spec_.prefix_caching) return;
  if (pool_.complete(now_ns, sequence.path, block, sequence.frames.at(block))) {
    sequence.frames.erase(block);
  }
}

// 11
void NaiveInstance::gap(NaiveSequence& sequence) {
  const Int128 ticks = clock_ - sequence.last_token_ticks;
  const int64_t ns = ns_reached(ticks);
  itl_ns_.add_bucket(Histogram::bucket_of(ns), 1, ns, ns, 0);
  itl_ticks_ += ticks;
}

void NaiveInstance::first_token(int64_t now_ns, NaiveSequence& sequence) {
  RequestRecord& record = (*log_)[sequence.record];
  record.first_token_ns = now_ns;
  record.ttft = parts_of(sequence, spec_.request_ns, now_ns - record.arrival_ns);
}

void NaiveInstance::finish(int64_t now_ns, NaiveSequence& sequence,
                           std::vector<size_t>& completed) {
  release(now_ns, sequence);
  RequestRecord& record = (*log_)[sequence.record];
  record.finished_ns = now_ns;
  record.state = serving::RequestState::completed;
  record.e2e = parts_of(sequence, spec_.request_ns, now_ns - record.arrival_ns);
  ++counts_.completed;
  completed.push_back(sequence.record);
  admission_due_ = true;
}

// 3a
void NaiveInstance::complete_blocks(int64_t now_ns) {
  const uint32_t b = spec_.block_tokens;
  for (const Sequence& s : running_) {
    if (s->decoding && s->written % b == 0) complete_block(now_ns, *s, s->written / b - 1);
  }
  for (const Sequence& s : running_) {
    if (s->decoding) continue;
    for (uint32_t block = s->prefilled / b; block < s->written / b; ++block) {
      complete_block(now_ns, *s, block);
    }
  }
  pool_.announce(now_ns);
}

void NaiveInstance::token(int64_t now_ns, NaiveSequence& sequence, std::vector<size_t>& completed) {
  if (sequence.generated == 0) {
    first_token(now_ns, sequence);
  } else {
    gap(sequence);
  }
  ++sequence.generated;
  sequence.last_token_ticks = clock_;
  if (sequence.generated == (*log_)[sequence.record].output_tokens) {
    finish(now_ns, sequence, completed);
  }
}

// 3
void NaiveInstance::end_step(int64_t now_ns, std::vector<size_t>& completed) {
  clock_ += step_ticks_;
  counts_.busy_ticks += step_ticks_;
  counts_.dynamic_energy += step_energy_;
  ++counts_.steps;
  for (const Sequence& s : running_) {
    charge(*s);
    s->written += s->decoding ? 1 : s->chunk;
  }
  complete_blocks(now_ns);
  for (const Sequence& s : running_) {
    if (!s->decoding) continue;
    ++counts_.decode_tokens;
    token(now_ns, *s, completed);
  }
  for (const Sequence& s : running_) {
    if (s->decoding) continue;
    s->prefilled += s->chunk;
    counts_.prefill_tokens += s->chunk;
    (*log_)[s->record].computed_tokens += s->chunk;
    s->chunk = 0;
    admission_due_ = true;
    if (s->prefilled < s->target) continue;
    token(now_ns, *s, completed);
    s->decoding = true;
  }
  std::erase_if(running_,
                [this](const Sequence& s) { return (*log_)[s->record].finished_ns >= 0; });
}

}  // namespace tiercast::tests
