#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "models/llm/step_table.hpp"
#include "models/serving/sequence.hpp"

namespace tiercast::serving {

/// Cost of consecutive steps whose i-th (from 0) costs first + growth * i.
struct Series {
  Int128 first = 0;
  int64_t growth = 0;

  /// Sum of the first k.
  Int128 sum(int64_t k) const { return first * k + Int128{k} * (k - 1) / 2 * growth; }
  Int128 at(int64_t i) const { return first + Int128{growth} * i; }
};

/// The decoding sequences of one instance as sums: what a step costs, and when the next one is
/// different in kind. Nothing here is touched per sequence per step.
///
/// `step()` counts steps; in step s a sequence reads offset + s KV tokens, and of group g's window
/// at most window_g. A sequence needs a frame in the steps congruent to its bucket modulo the block
/// size: those in which the token it writes is the first of a block.
class DecodeBatch {
 public:
  DecodeBatch(const llm::StepTable& table, uint32_t block_tokens, std::vector<Sequence>& sequences);

  uint32_t size() const { return size_; }
  int64_t step() const { return step_; }
  std::span<const int64_t> kv_tokens() const { return kv_tokens_; }

  /// Adds a sequence whose next step reads `kv_tokens` and which ends after `steps` >= 1 steps.
  /// Sequences join in running order.
  void join(SequenceId id, int64_t kv_tokens, int64_t steps);
  void leave(SequenceId id);

  /// Moves `steps` ahead; no sequence may finish or saturate before the last of them.
  void advance(int64_t steps);
  /// Takes note of sequences that have just filled a window. Call after advance.
  void settle();
  /// Sequences whose last step is done, in running order. They stay until leave().
  void finished(std::vector<SequenceId>& out);

  /// Time and dynamic energy of the next steps while nothing changes.
  Series time() const;
  llm::Int128 energy_first() const;
  llm::Int128 energy_growth() const;
  /// Steps until a sequence finishes, fills a window, or a cost piece ends; at least 1.
  int64_t steps_unchanged();

  /// Sequences that need a frame for step `s`, as a list through Sequence::bucket_next.
  SequenceId bucket(int64_t s) const { return heads_[residue(s)]; }
  uint32_t bucket_size(int64_t s) const { return counts_[residue(s)]; }
  /// Most steps k such that the steps after the first need at most `frames` frames in all.
  int64_t steps_within(int64_t k, uint64_t frames) const;

 private:
  struct Mark {
    int64_t step;
    SequenceId id;
    uint32_t epoch;
  };
  struct Later {
    bool operator()(const Mark& a, const Mark& b) const { return a.step > b.step; }
  };
  struct Window {
    uint32_t tokens = 0;      // 0: full attention
    uint32_t growing = 0;     // sequences not saturated
    std::vector<Mark> fills;  // heap by step
  };

  size_t residue(int64_t s) const { return static_cast<size_t>(s % block_tokens_); }
  size_t bucket_of(const Sequence& sequence) const;
  bool stale(const Mark& mark) const;
  static void push(std::vector<Mark>& heap, Mark mark);
  static void pop(std::vector<Mark>& heap);
  void drop_stale(std::vector<Mark>& heap);
  int64_t growing(size_t group) const;

  const llm::StepTable* table_;
  std::vector<Sequence>* sequences_;
  int64_t block_tokens_;
  uint32_t size_ = 0;
  int64_t step_ = 0;
  std::vector<int64_t> kv_tokens_;         // by group
  std::vector<Window> windows_;            // by group
  std::vector<Mark> finishes_;             // heap by step
  std::vector<SequenceId> heads_, tails_;  // by residue, in running order
  std::vector<uint32_t> counts_;
};

}  // namespace tiercast::serving
