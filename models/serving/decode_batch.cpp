#include "models/serving/decode_batch.hpp"

#include <algorithm>

#include "sim/base/check.hpp"

namespace tiercast::serving {

DecodeBatch::DecodeBatch(const llm::StepTable& table, uint32_t block_tokens,
                         std::vector<Sequence>& sequences)
    : table_(&table),
      sequences_(&sequences),
      block_tokens_(block_tokens),
      kv_tokens_(table.groups.size(), 0),
      windows_(table.groups.size()),
      heads_(block_tokens, kNoSequence),
      tails_(block_tokens, kNoSequence),
      counts_(block_tokens, 0) {
  for (size_t g = 0; g < windows_.size(); ++g) windows_[g].tokens = table.groups[g].window_tokens;
}

// Step s writes token offset + s - 1 (from 0), which opens a block when that divides.
size_t DecodeBatch::bucket_of(const Sequence& sequence) const {
  const int64_t r = (1 - sequence.offset) % block_tokens_;
  return static_cast<size_t>(r < 0 ? r + block_tokens_ : r);
}

bool DecodeBatch::stale(const Mark& mark) const {
  const Sequence& sequence = (*sequences_)[mark.id];
  return sequence.epoch != mark.epoch || !sequence.decoding;
}

void DecodeBatch::push(std::vector<Mark>& heap, Mark mark) {
  heap.push_back(mark);
  std::push_heap(heap.begin(), heap.end(), Later{});
}

void DecodeBatch::pop(std::vector<Mark>& heap) {
  std::pop_heap(heap.begin(), heap.end(), Later{});
  heap.pop_back();
}

void DecodeBatch::drop_stale(std::vector<Mark>& heap) {
  while (!heap.empty() && stale(heap.front())) pop(heap);
}

int64_t DecodeBatch::growing(size_t group) const {
  return windows_[group].tokens == 0 ? size_ : windows_[group].growing;
}

void DecodeBatch::join(SequenceId id, int64_t kv_tokens, int64_t steps) {
  TIERCAST_CHECK(steps >= 1, "a decode has at least one step");
  Sequence& sequence = (*sequences_)[id];
  ++sequence.epoch;
  sequence.decoding = true;
  sequence.offset = kv_tokens - step_;
  sequence.finish_step = step_ + steps;
  sequence.decode_from = kv_tokens;
  ++size_;
  push(finishes_, {sequence.finish_step, id, sequence.epoch});
  for (size_t g = 0; g < windows_.size(); ++g) {
    kv_tokens_[g] += table_->groups[g].kv_tokens(kv_tokens);
    if (windows_[g].tokens != 0 && kv_tokens < windows_[g].tokens) {
      ++windows_[g].growing;
      push(windows_[g].fills, {windows_[g].tokens - sequence.offset, id, sequence.epoch});
    }
  }
  const size_t b = bucket_of(sequence);
  sequence.bucket_prev = tails_[b];
  sequence.bucket_next = kNoSequence;
  (tails_[b] == kNoSequence ? heads_[b] : (*sequences_)[tails_[b]].bucket_next) = id;
  tails_[b] = id;
  ++counts_[b];
}

void DecodeBatch::leave(SequenceId id) {
  Sequence& sequence = (*sequences_)[id];
  TIERCAST_CHECK(sequence.decoding, "only a decoding sequence leaves the batch");
  const int64_t length = sequence.offset + step_;
  for (size_t g = 0; g < windows_.size(); ++g) {
    kv_tokens_[g] -= table_->groups[g].kv_tokens(length);
    if (windows_[g].tokens != 0 && length < windows_[g].tokens) --windows_[g].growing;
  }
  const size_t b = bucket_of(sequence);
  (sequence.bucket_prev == kNoSequence ? heads_[b]
                                       : (*sequences_)[sequence.bucket_prev].bucket_next) =
      sequence.bucket_next;
  (sequence.bucket_next == kNoSequence ? tails_[b]
                                       : (*sequences_)[sequence.bucket_next].bucket_prev) =
      sequence.bucket_prev;
  --counts_[b];
  --size_;
  sequence.decoding = false;
}

void DecodeBatch::advance(int64_t steps) {
  for (size_t g = 0; g < windows_.size(); ++g) kv_tokens_[g] += growing(g) * steps;
  step_ += steps;
}

void DecodeBatch::settle() {
  for (Window& window : windows_) {
    while (!window.fills.empty() &&
           (window.fills.front().step <= step_ || stale(window.fills.front()))) {
      if (!stale(window.fills.front())) --window.growing;
      pop(window.fills);
    }
  }
}

void DecodeBatch::finished(std::vector<SequenceId>& out) {
  out.clear();
  drop_stale(finishes_);
  while (!finishes_.empty() && finishes_.front().step == step_) {
    out.push_back(finishes_.front().id);
    pop(finishes_);
    drop_stale(finishes_);
  }
  std::sort(out.begin(), out.end(), [this](SequenceId a, SequenceId b) {
    return (*sequences_)[a].order < (*sequences_)[b].order;
  });
}

Series DecodeBatch::time() const {
  Series series{table_->decode_ticks(size_, kv_tokens_), 0};
  for (size_t g = 0; g < windows_.size(); ++g) {
    series.growth += table_->groups[g].piece_at(kv_tokens_[g]).slope * growing(g);
  }
  return series;
}

llm::Int128 DecodeBatch::energy_first() const { return table_->decode_energy(size_, kv_tokens_); }

llm::Int128 DecodeBatch::energy_growth() const {
  llm::Int128 growth = 0;
  for (size_t g = 0; g < windows_.size(); ++g) {
    growth += llm::Int128{table_->groups[g].energy_per_kv_token} * growing(g);
  }
  return growth;
}

int64_t DecodeBatch::steps_unchanged() {
  drop_stale(finishes_);
  TIERCAST_CHECK(!finishes_.empty(), "a decode batch ends some time");
  int64_t steps = finishes_.front().step - step_;
  for (size_t g = 0; g < windows_.size(); ++g) {
    drop_stale(windows_[g].fills);
    if (!windows_[g].fills.empty()) {
      steps = std::min(steps, windows_[g].fills.front().step - step_);
    }
    const int64_t grows = growing(g);
    const int64_t knot = table_->groups[g].next_knot(kv_tokens_[g]);
    if (grows > 0 && knot != INT64_MAX) {
      steps = std::min(steps, (knot - kv_tokens_[g]) / grows + 1);
    }
  }
  TIERCAST_CHECK(steps >= 1, "a change of the decode batch was missed");
  return steps;
}

int64_t DecodeBatch::steps_within(int64_t k, uint64_t frames) const {
  const uint64_t cycles_most = static_cast<uint64_t>((k - 1) / block_tokens_ + 1);
  if (cycles_most * size_ <= frames) return k;
  const int64_t cycles = static_cast<int64_t>(frames / size_);
  uint64_t left = frames - static_cast<uint64_t>(cycles) * size_;
  int64_t m = cycles * block_tokens_ + 1;
  while (m < k && bucket_size(step_ + m) <= left) {
    left -= bucket_size(step_ + m);
    ++m;
  }
  return std::min(m, k);
}

}  // namespace tiercast::serving
