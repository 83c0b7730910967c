#include "tests/support/linear_table.hpp"

#include <vector>

namespace tiercast::tests {

namespace {

using llm::Int128;

// base + each * i for i >= 1, and 0 for none.
std::vector<int64_t> line(uint32_t last, int64_t base, int64_t each) {
  std::vector<int64_t> values(size_t{last} + 1, 0);
  for (uint32_t i = 1; i <= last; ++i) values[i] = base + each * i;
  return values;
}

std::vector<Int128> energy_of(const std::vector<int64_t>& ticks, int64_t power_mw) {
  std::vector<Int128> energy;
  for (const int64_t t : ticks) energy.push_back(Int128{t} * power_mw);
  return energy;
}

}  // namespace

llm::StepTable make_linear_table(uint32_t max_tokens, uint32_t max_sequences,
                                 const LinearCosts& costs) {
  llm::StepTable table;
  table.max_tokens = max_tokens;
  table.max_sequences = max_sequences;
  table.token_ticks = line(max_tokens, 0, costs.token_ticks);
  table.sample_ticks = line(max_sequences, 0, costs.sample_ticks);
  table.engine_ticks = line(max_sequences, costs.engine_ticks, costs.sequence_ticks);
  table.token_energy = energy_of(table.token_ticks, costs.power_mw);
  table.sample_energy = energy_of(table.sample_ticks, costs.power_mw);
  table.engine_energy = energy_of(table.engine_ticks, costs.power_mw);
  llm::AttentionGroup group;
  group.layers = 1;
  group.decode_time = {{0, 0, costs.kv_ticks}};
  group.energy_per_kv_token = costs.kv_ticks * costs.power_mw;
  group.prefill_time.per_chunk = costs.chunk_ticks;
  group.prefill_time.per_pair = costs.pair_ticks;
  group.prefill_energy.per_chunk = Int128{costs.chunk_ticks} * costs.power_mw;
  group.prefill_energy.per_pair = Int128{costs.pair_ticks} * costs.power_mw;
  table.groups.push_back(group);
  table.dynamic_power_max_mw = costs.power_mw;
  return table;
}

LinearCosts h100_like_costs() {
  constexpr int64_t us = 1000 * llm::kTicksPerNs;
  LinearCosts costs;
  costs.engine_ticks = 6000 * us;  // weights read once a step, launches
  costs.sequence_ticks = 10 * us;
  costs.token_ticks = 30 * us;
  costs.sample_ticks = 2 * us;
  costs.kv_ticks = us / 25;  // 128 KiB at 3.3 TB/s
  costs.pair_ticks = us / 2000;
  return costs;
}

}  // namespace tiercast::tests
