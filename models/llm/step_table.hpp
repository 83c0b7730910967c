// Integer step tables: what one forward pass costs, exactly, in ticks and in mW*tick.
//
// A step schedules n sequences with T new tokens in all, samples s of them, and costs
//
//   token_ticks[T] + sample_ticks[s] + engine_ticks[n]
//     + sum over groups g of f_g(x_g)                  decode attention, x_g = KV tokens read
//     + sum over prefill chunks of prefill_attention_ticks(chunk, context)
//
// Every term is nonnegative and nondecreasing in its argument, so a request alone never costs more
// than the same step with others beside it: attribution by difference is never negative.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace tiercast::llm {

/// Wide integers for sums of ticks and for energy in mW*tick.
__extension__ typedef __int128 Int128;

/// Ticks in one nanosecond: a tick is 2^-16 ps, so one second is 6.5536e16 ticks and int64 holds
/// 140 s. The terms of a step are limited so that their sum always fits: 35 s for the per-token
/// curve, 4.4 s each for sampling and engine, 88 s for attention (checked where tables are made,
/// which alone knows the longest context).
inline constexpr int64_t kTicksPerNs = 65'536'000;
inline constexpr int64_t kMaxTokenTicks = int64_t{1} << 61;
inline constexpr int64_t kMaxSequenceTicks = int64_t{1} << 58;
inline constexpr int64_t kMaxAttentionTicks = (int64_t{1} << 62) + (int64_t{1} << 60);

/// f(x) = cost_at + slope * (x - x_from) for x in [x_from, x_from of the next piece).
struct Piece {
  int64_t x_from = 0;
  int64_t cost_at = 0;
  int64_t slope = 0;
};

/// Attention cost of one prefill chunk in one group; see prefill_attention_ticks.
template <typename Number>
struct ChunkCost {
  Number per_chunk = 0;     ///< per chunk with at least one token
  Number per_token = 0;     ///< per new token (writing its KV)
  Number per_pair = 0;      ///< per (query row, key) pair, rows padded to row_tile
  Number per_kv_token = 0;  ///< per KV token read
};

/// Layers that read the same KV window. Costs are those of all `layers` together.
struct AttentionGroup {
  uint32_t layers = 0;
  uint32_t window_tokens = 0;       ///< 0: full attention
  std::vector<Piece> decode_time;   ///< ticks in x_g; first piece starts at (0, 0); continuous
  int64_t energy_per_kv_token = 0;  ///< mW*tick per KV token read in decode
  uint32_t row_tile = 1;            ///< prefill query rows are padded up to a multiple of this
  ChunkCost<int64_t> prefill_time;
  ChunkCost<Int128> prefill_energy;

  /// KV tokens a decode reads for a sequence of `length` tokens: min(length, window).
  int64_t kv_tokens(int64_t length) const {
    return window_tokens != 0 && length > window_tokens ? window_tokens : length;
  }
  /// The piece that holds x (x >= 0).
  const Piece& piece_at(int64_t x) const;
  /// First x beyond the piece that holds `x`; INT64_MAX in the last piece.
  int64_t next_knot(int64_t x) const;
  int64_t decode_ticks(int64_t x) const;
};

/// Query-key pairs of `rows` causal query rows after `context` cached tokens:
/// sum over i = 1..rows of min(context + i, window); window 0 means no limit.
int64_t attention_pairs(int64_t rows, int64_t context, int64_t window);

/// KV tokens that `rows` query rows after `context` cached tokens touch (their union).
int64_t attention_kv_tokens(int64_t rows, int64_t context, int64_t window);

/// Costs of one instance (all its GPUs together for energy). Dynamic energy only: what is drawn
/// above idle; idle power times time is metered apart. Energy is mW*tick.
struct StepTable {
  uint32_t max_tokens = 0;
  uint32_t max_sequences = 0;
  /// [0..max_tokens]: everything per token (projections, MLP or experts, norms, collectives, the
  /// launch of attention) for T tokens in the step; [0] = 0.
  std::vector<int64_t> token_ticks;
  /// [0..max_sequences]: LM head and sampling for s sampled sequences; [0] = 0.
  std::vector<int64_t> sample_ticks;
  /// [0..max_sequences]: engine overhead for n scheduled sequences (and attention's cost per
  /// sequence, so that a decode's slope does not depend on n); [0] = 0. engine_ticks[1] is what
  /// attribution calls "engine".
  std::vector<int64_t> engine_ticks;
  std::vector<Int128> token_energy;
  std::vector<Int128> sample_energy;
  std::vector<Int128> engine_energy;
  std::vector<AttentionGroup> groups;
  /// (power limit - idle) of all GPUs of the instance, mW: no step's mean dynamic power exceeds it.
  int64_t dynamic_power_max_mw = 0;

  /// A step of n decodes alone, each one sampled; x[g] = KV tokens read in group g.
  int64_t decode_ticks(uint32_t n, std::span<const int64_t> x) const;
  Int128 decode_energy(uint32_t n, std::span<const int64_t> x) const;

  /// Attention of one sequence's prefill chunk of `chunk` >= 1 tokens after `context` cached ones.
  int64_t prefill_attention_ticks(uint32_t chunk, uint32_t context) const;
  Int128 prefill_attention_energy(uint32_t chunk, uint32_t context) const;
};

/// Why the table breaks its laws (sizes, zeros at 0, monotone, continuous, nonnegative, energy
/// within dynamic_power_max_mw), or an empty string. Compiled tables always pass.
std::string table_violation(const StepTable& table);

}  // namespace tiercast::llm
