#include "models/llm/compile.hpp"

#include <algorithm>
#include <functional>
#include <limits>

#include "models/llm/layers.hpp"
#include "sim/base/check.hpp"

namespace tiercast::llm {
namespace {

constexpr double kTicksPerUs = 1e3 * static_cast<double>(kTicksPerNs);
constexpr double kMilliwatts = 1e3;

// Turns costs of one GPU into ticks and into energy of the instance.
class Units {
 public:
  explicit Units(const StepTableInput& input, const Machine& machine) : machine_(machine) {
    const ParallelSpec& parallel = input.parallel;
    const double idle = input.gpu.idle_power.value.value();
    const double limit = input.gpu.power_limit.value.value();
    const GpuPowerSpec& power = input.kernels.power;
    // Pipeline stages work one after the other: one stage's GPUs draw dynamic power at a time.
    const double gpus = double{1} * parallel.tp * parallel.dp;
    range_mw_ = kMilliwatts * (limit - idle) * gpus;
    const double most = std::max(0.0, power.sustained * limit - idle) * gpus;
    most_mw_ = static_cast<int64_t>(kMilliwatts * most);
  }

  int64_t most_mw() const { return most_mw_; }

  int64_t ticks(const Cost& cost) const {
    return static_cast<int64_t>(std::min(cost.us * kTicksPerUs, 9e18));
  }
  Int128 energy(const Cost& cost) const {
    const GpuPowerSpec& power = machine_.kernels.power;
    const double busy_us = cost.us - cost.communication_us - cost.sort_us - cost.idle_us;
    const double weighted = power.busy * busy_us + power.communication * cost.communication_us +
                            power.sort * cost.sort_us + power.compute * cost.flops / machine_.bf16 +
                            power.memory * cost.bytes / machine_.hbm;
    const auto energy = static_cast<Int128>(range_mw_ * weighted * kTicksPerUs);
    return std::min(energy, Int128{most_mw_} * ticks(cost));
  }

 private:
  const Machine& machine_;
  double range_mw_ = 0;
  int64_t most_mw_ = 0;
};

// Sizes at which a curve is evaluated: all up to 16, then steps of about a sixteenth of the size
// that meet the kernels' tile heights.
std::vector<uint32_t> grid(uint32_t most) {
  std::vector<uint32_t> sizes;
  uint32_t size = 1;
  while (size < most) {
    sizes.push_back(size);
    const uint32_t step = size < 16     ? 1
                          : size < 128  ? 16
                          : size < 512  ? 32
                          : size < 2048 ? 64
                                        : 256;
    size += step;
  }
  sizes.push_back(most);
  return sizes;
}

struct Curve {
  std::vector<int64_t> ticks;
  std::vector<Int128> energy;
};

// Straight line from entry `from` to entry `to`, both set.
template <typename Number>
void interpolate(std::vector<Number>& values, size_t from, size_t to) {
  const Number slope = (values[to] - values[from]) / static_cast<Number>(to - from);
  for (size_t i = from + 1; i < to; ++i) values[i] = values[i - 1] + slope;
}

Curve tabulate(uint32_t most, const Units& units, const std::function<Cost(double)>& cost) {
  Curve curve;
  curve.ticks.assign(size_t{most} + 1, 0);
  curve.energy.assign(size_t{most} + 1, 0);
  size_t last = 0;
  for (const uint32_t size : grid(most)) {
    const Cost at = cost(size);
    // A larger step never costs less, whatever shape its tiles happen to fit.
    curve.ticks[size] = std::max(units.ticks(at), curve.ticks[last]);
    curve.energy[size] = std::max(units.energy(at), curve.energy[last]);
    if (last != 0 || size == 1) {
      interpolate(curve.ticks, last, size);
      interpolate(curve.energy, last, size);
    }
    last = size;
  }
  for (size_t i = 0; i < curve.energy.size(); ++i) {
    curve.energy[i] = std::min(curve.energy[i], Int128{units.most_mw()} * curve.ticks[i]);
  }
  return curve;
}

AttentionGroup compile_group(const StepTableInput& input, const Units& units,
                             const AttentionKind& kind) {
  const AttentionCost& cost = kind.cost;
  const double times = static_cast<double>(kind.layers) / input.parallel.dp;
  AttentionGroup group;
  group.layers = kind.layers;
  group.window_tokens = kind.window;
  group.row_tile = cost.row_tile;
  const auto all = [&](const Cost& part) { return (part * times).stretched(input.engine.kernels); };
  group.decode_time = {{0, 0, units.ticks(all(cost.decode_kv))}};
  group.energy_per_kv_token = static_cast<int64_t>(units.energy(all(cost.decode_kv)));
  const auto set = [&](const Cost& part, int64_t& ticks, Int128& energy) {
    ticks = units.ticks(all(part));
    energy = units.energy(all(part));
  };
  set(cost.chunk, group.prefill_time.per_chunk, group.prefill_energy.per_chunk);
  set(cost.chunk_token, group.prefill_time.per_token, group.prefill_energy.per_token);
  set(cost.chunk_pair, group.prefill_time.per_pair, group.prefill_energy.per_pair);
  set(cost.chunk_kv, group.prefill_time.per_kv_token, group.prefill_energy.per_kv_token);
  return group;
}

// The longest step that can be asked for must fit 64-bit ticks; see kMaxTokenTicks.
bool fits(const StepTable& table, uint32_t max_context) {
  double longest = 0;
  for (const AttentionGroup& group : table.groups) {
    const double rows = double{1} * table.max_tokens + group.row_tile;
    const double reach = double{1} * max_context + rows;
    const double kv = double{1} * table.max_sequences * reach;
    const ChunkCost<int64_t>& prefill = group.prefill_time;
    longest += static_cast<double>(group.decode_time.back().slope) * kv +
               static_cast<double>(prefill.per_pair) * rows * reach +
               static_cast<double>(prefill.per_kv_token) * kv +
               static_cast<double>(prefill.per_token) * rows +
               static_cast<double>(prefill.per_chunk) * table.max_sequences;
  }
  return longest < static_cast<double>(kMaxAttentionTicks) &&
         table.token_ticks.back() <= kMaxTokenTicks &&
         table.sample_ticks.back() <= kMaxSequenceTicks &&
         table.engine_ticks.back() <= kMaxSequenceTicks;
}

}  // namespace

std::vector<Choice<Sampling>> choices(Sampling) {
  return {{"greedy", Sampling::greedy, "the likeliest token"},
          {"top-p", Sampling::top_p, "drawn from the likeliest; the vocabulary is sorted"}};
}

CompiledSteps compile_step_table(const StepTableInput& input) {
  const Machine machine(input.gpu, input.kernels);
  const Units units(input, machine);
  const double slower = input.engine.kernels;
  CompiledSteps compiled;
  StepTable& table = compiled.table;
  table.max_tokens = input.max_tokens;
  table.max_sequences = input.max_sequences;
  table.dynamic_power_max_mw = units.most_mw();

  Curve tokens = tabulate(input.max_tokens, units, [&](double size) {
    return token_cost(input, machine, size).total().stretched(slower);
  });
  Curve samples = tabulate(input.max_sequences, units, [&](double size) {
    return sample_cost(input, machine, size).stretched(slower);
  });
  Curve engine = tabulate(input.max_sequences, units, [&](double size) {
    Cost cost = sequence_cost(input, machine, size).stretched(slower);
    return cost += engine_cost(input, size);
  });
  table.token_ticks = std::move(tokens.ticks);
  table.token_energy = std::move(tokens.energy);
  table.sample_ticks = std::move(samples.ticks);
  table.sample_energy = std::move(samples.energy);
  table.engine_ticks = std::move(engine.ticks);
  table.engine_energy = std::move(engine.energy);

  for (const AttentionKind& kind :
       attention_kinds(machine, input.model, input.kv, input.parallel.tp)) {
    table.groups.push_back(compile_group(input, units, kind));
  }
  if (!fits(table, input.max_context)) {
    compiled.problem =
        "one step could take minutes: batched tokens, sequences or context are too large for this "
        "model on this GPU";
    return compiled;
  }
  const std::string violation = table_violation(table);
  TIERCAST_CHECK(violation.empty(), "compiled step table breaks its laws: {}", violation);
  return compiled;
}

StepParts step_parts(const StepTableInput& input, uint32_t tokens) {
  const Machine machine(input.gpu, input.kernels);
  const TokenCost cost = token_cost(input, machine, tokens);
  return {cost.projections.us, cost.experts.us, cost.elementwise.us, cost.communication.us,
          cost.attention_launch.us};
}

}  // namespace tiercast::llm
