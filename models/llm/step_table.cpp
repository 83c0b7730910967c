#include "models/llm/step_table.hpp"

#include <algorithm>
#include <cstddef>
#include <limits>

namespace tiercast::llm {
namespace {

// Index of the piece that holds x. Tables have one to a few pieces, so a scan beats bisection.
size_t piece_index(const std::vector<Piece>& pieces, int64_t x) {
  size_t index = 0;
  while (index + 1 < pieces.size() && pieces[index + 1].x_from <= x) ++index;
  return index;
}

int64_t padded_rows(uint32_t chunk, uint32_t tile) {
  return (int64_t{chunk} + tile - 1) / tile * tile;
}

template <typename Number>
Number chunk_cost(const ChunkCost<Number>& cost, const AttentionGroup& group, uint32_t chunk,
                  uint32_t context) {
  const int64_t window = group.window_tokens;
  const int64_t rows = padded_rows(chunk, group.row_tile);
  return cost.per_chunk + cost.per_token * Number{chunk} +
         cost.per_pair * Number{attention_pairs(rows, context, window)} +
         cost.per_kv_token * Number{attention_kv_tokens(chunk, context, window)};
}

}  // namespace

const Piece& AttentionGroup::piece_at(int64_t x) const {
  return decode_time[piece_index(decode_time, x)];
}

int64_t AttentionGroup::next_knot(int64_t x) const {
  const size_t next = piece_index(decode_time, x) + 1;
  return next < decode_time.size() ? decode_time[next].x_from : std::numeric_limits<int64_t>::max();
}

int64_t AttentionGroup::decode_ticks(int64_t x) const {
  const Piece& piece = piece_at(x);
  return piece.cost_at + piece.slope * (x - piece.x_from);
}

int64_t attention_pairs(int64_t rows, int64_t context, int64_t window) {
  // Rows that still see fewer keys than the window form an arithmetic series; the rest see it all.
  const int64_t growing = window == 0 ? rows : std::clamp<int64_t>(window - context, 0, rows);
  return growing * context + growing * (growing + 1) / 2 + (rows - growing) * window;
}

int64_t attention_kv_tokens(int64_t rows, int64_t context, int64_t window) {
  const int64_t all = context + rows;
  return window == 0 ? all : std::min(all, window + rows - 1);
}

int64_t StepTable::decode_ticks(uint32_t n, std::span<const int64_t> x) const {
  int64_t ticks = token_ticks[n] + sample_ticks[n] + engine_ticks[n];
  for (size_t g = 0; g < groups.size(); ++g) ticks += groups[g].decode_ticks(x[g]);
  return ticks;
}

Int128 StepTable::decode_energy(uint32_t n, std::span<const int64_t> x) const {
  Int128 energy = token_energy[n] + sample_energy[n] + engine_energy[n];
  for (size_t g = 0; g < groups.size(); ++g) energy += Int128{groups[g].energy_per_kv_token} * x[g];
  return energy;
}

int64_t StepTable::prefill_attention_ticks(uint32_t chunk, uint32_t context) const {
  int64_t ticks = 0;
  for (const AttentionGroup& group : groups) {
    ticks += chunk_cost(group.prefill_time, group, chunk, context);
  }
  return ticks;
}

Int128 StepTable::prefill_attention_energy(uint32_t chunk, uint32_t context) const {
  Int128 energy = 0;
  for (const AttentionGroup& group : groups) {
    energy += chunk_cost(group.prefill_energy, group, chunk, context);
  }
  return energy;
}

}  // namespace tiercast::llm
