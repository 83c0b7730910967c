// The laws a step table must keep, checked once when it is made.

#include <cstddef>
#include <string>

#include "models/llm/step_table.hpp"

namespace tiercast::llm {
namespace {

template <typename Number>
bool grows_from_zero(const std::vector<Number>& values) {
  if (values.empty() || values[0] != 0) return false;
  for (size_t i = 1; i < values.size(); ++i) {
    if (values[i] < values[i - 1]) return false;
  }
  return true;
}

bool within_power(const std::vector<Int128>& energy, const std::vector<int64_t>& ticks,
                  int64_t power_mw) {
  for (size_t i = 0; i < energy.size(); ++i) {
    if (energy[i] > Int128{power_mw} * ticks[i]) return false;
  }
  return true;
}

struct CurveView {
  const char* name;
  const std::vector<int64_t>& ticks;
  const std::vector<Int128>& energy;
  size_t size;   // entries it should have
  int64_t most;  // ticks it may reach
};

std::string curve_violation(const CurveView& curve, int64_t power_mw) {
  const std::string label = curve.name;
  if (curve.ticks.size() != curve.size || curve.energy.size() != curve.size) {
    return label + ": wrong number of entries";
  }
  if (!grows_from_zero(curve.ticks)) return label + ": ticks do not grow from 0";
  if (!grows_from_zero(curve.energy)) return label + ": energy does not grow from 0";
  if (curve.ticks.back() > curve.most) return label + ": a step would overflow 64-bit ticks";
  if (!within_power(curve.energy, curve.ticks, power_mw)) return label + ": above the limit";
  return {};
}

std::string pieces_violation(const AttentionGroup& group, int64_t power_mw) {
  const std::vector<Piece>& pieces = group.decode_time;
  if (pieces.empty() || pieces[0].x_from != 0 || pieces[0].cost_at != 0) {
    return "decode attention does not start at (0, 0)";
  }
  for (size_t i = 0; i < pieces.size(); ++i) {
    if (pieces[i].slope < 0) return "decode attention decreases";
    // Energy is linear in x: within the limit everywhere once it is at every knot and beyond.
    const Int128 limit = Int128{power_mw} * pieces[i].cost_at;
    if (Int128{group.energy_per_kv_token} * pieces[i].x_from > limit) return "decode above limit";
    if (i == 0) continue;
    if (pieces[i].x_from <= pieces[i - 1].x_from) return "decode knots out of order";
    const int64_t run = pieces[i].x_from - pieces[i - 1].x_from;
    if (pieces[i].cost_at != pieces[i - 1].cost_at + pieces[i - 1].slope * run) {
      return "decode attention jumps at a knot";
    }
  }
  if (group.energy_per_kv_token < 0) return "negative decode energy";
  if (group.energy_per_kv_token > Int128{power_mw} * pieces.back().slope) {
    return "decode above limit";
  }
  return {};
}

std::string chunk_violation(const AttentionGroup& group, int64_t power_mw) {
  const ChunkCost<int64_t>& time = group.prefill_time;
  const ChunkCost<Int128>& energy = group.prefill_energy;
  const int64_t ticks[] = {time.per_chunk, time.per_token, time.per_pair, time.per_kv_token};
  const Int128 joules[] = {energy.per_chunk, energy.per_token, energy.per_pair,
                           energy.per_kv_token};
  for (size_t i = 0; i < 4; ++i) {
    if (ticks[i] < 0 || joules[i] < 0) return "negative prefill cost";
    if (joules[i] > Int128{power_mw} * ticks[i]) return "prefill above limit";
  }
  return group.row_tile == 0 ? "row_tile is 0" : std::string{};
}

}  // namespace

std::string table_violation(const StepTable& table) {
  const size_t tokens = size_t{table.max_tokens} + 1;
  const size_t sequences = size_t{table.max_sequences} + 1;
  const CurveView curves[] = {
      {"tokens", table.token_ticks, table.token_energy, tokens, kMaxTokenTicks},
      {"sampling", table.sample_ticks, table.sample_energy, sequences, kMaxSequenceTicks},
      {"engine", table.engine_ticks, table.engine_energy, sequences, kMaxSequenceTicks}};
  for (const CurveView& curve : curves) {
    std::string why = curve_violation(curve, table.dynamic_power_max_mw);
    if (!why.empty()) return why;
  }
  for (const AttentionGroup& group : table.groups) {
    std::string why = pieces_violation(group, table.dynamic_power_max_mw);
    if (why.empty()) why = chunk_violation(group, table.dynamic_power_max_mw);
    if (!why.empty()) return why;
  }
  return {};
}

}  // namespace tiercast::llm
