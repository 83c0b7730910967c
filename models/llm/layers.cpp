#include "models/llm/layers.hpp"

#include <cmath>

namespace tiercast::llm {
namespace {

constexpr double kBf16Bytes = 2;

// What one tensor rank sees of a model, and the shorthand its operators share.
struct Rank {
  const StepTableInput& input;
  const Machine& machine;
  double tp;
  double tokens;      // of the instance
  double own_tokens;  // of one attention replica
  double hidden;

  Cost product(double n, double k, WeightFormat format) const {
    return gemm(machine, format, own_tokens, std::ceil(n), std::ceil(k));
  }
  Cost product(double n, double k) const { return product(n, k, input.weights); }
};

Cost attention_products(const Rank& rank, const GqaSpec& gqa) {
  const double heads = std::ceil(gqa.heads / rank.tp);
  const double kv_heads = std::ceil(gqa.kv_heads / rank.tp);
  Cost cost = rank.product((heads + 2 * kv_heads) * gqa.head_dim, rank.hidden);
  cost += rank.product(rank.hidden, heads * gqa.head_dim);
  return cost;
}

Cost attention_products(const Rank& rank, const MlaSpec& mla) {
  const double heads = std::ceil(mla.heads / rank.tp);
  Cost cost = rank.product(double{1} * mla.q_rank + mla.kv_rank + mla.rope_dim, rank.hidden);
  cost += rank.product(heads * (mla.nope_dim + mla.rope_dim), mla.q_rank);
  cost += rank.product(heads * (mla.nope_dim + mla.v_dim), mla.kv_rank, WeightFormat::bf16);
  cost += rank.product(rank.hidden, heads * mla.v_dim);
  return cost;
}

Cost mlp_products(const Rank& rank, double intermediate) {
  Cost cost = rank.product(2 * intermediate / rank.tp, rank.hidden);
  cost += rank.product(rank.hidden, intermediate / rank.tp);
  return cost;
}

double rotated_numbers(const GqaSpec& gqa) {
  return double{1} * gqa.head_dim * (gqa.heads + gqa.kv_heads);
}
double rotated_numbers(const MlaSpec& mla) { return double{1} * mla.rope_dim * (mla.heads + 1.0); }

// Two norms fused with the residual addition (three passes each: the fourth stays in cache), the
// rotary embedding read and written, the activation's two inputs and output.
Cost layer_elementwise(const Rank& rank, double intermediate) {
  const double rotated =
      std::visit([](const auto& a) { return rotated_numbers(a); }, rank.input.model.attention);
  Cost cost = elementwise(rank.machine, 3 * kBf16Bytes * rank.own_tokens * rank.hidden) * 2;
  cost += elementwise(rank.machine, 2 * kBf16Bytes * rank.own_tokens * rotated / rank.tp);
  if (intermediate > 0) {
    cost += elementwise(rank.machine, 3 * kBf16Bytes * rank.own_tokens * intermediate / rank.tp);
  }
  return cost;
}

Cost expert_layer(const Rank& rank) {
  const MoeSpec& moe = *rank.input.model.moe;
  const ParallelSpec& parallel = rank.input.parallel;
  const bool whole = parallel.ep > 1;
  const double held = whole ? static_cast<double>(moe.experts) / parallel.ep : moe.experts;
  const double width = whole ? moe.intermediate : std::ceil(moe.intermediate / rank.tp);
  return experts(rank.machine, rank.input.model, rank.input.weights,
                 whole ? rank.tokens : rank.own_tokens, held, width,
                 whole ? rank.machine.kernels.expert_imbalance.value : 1);
}

}  // namespace

Cost TokenCost::total() const {
  Cost sum = projections;
  for (const Cost* part : {&experts, &elementwise, &communication, &attention_launch}) {
    sum += *part;
  }
  return sum;
}

TokenCost token_cost(const StepTableInput& input, const Machine& machine, double tokens) {
  const ModelSpec& model = input.model;
  const ParallelSpec& parallel = input.parallel;
  const Rank rank{input,
                  machine,
                  double{1} * parallel.tp,
                  tokens,
                  std::ceil(tokens / parallel.dp),
                  double{1} * model.hidden};
  const double layers = model.layers;
  const double moe_layers = model.moe_layers();
  const double activations = kBf16Bytes * rank.own_tokens * rank.hidden;

  TokenCost cost;
  cost.projections =
      std::visit([&](const auto& a) { return attention_products(rank, a); }, model.attention) *
      layers;
  if (layers > moe_layers) {
    cost.projections += mlp_products(rank, model.intermediate) * (layers - moe_layers);
    cost.elementwise += layer_elementwise(rank, model.intermediate) * (layers - moe_layers);
  }
  if (model.moe) {
    const double shared = double{1} * model.moe->shared * model.moe->intermediate;
    cost.projections +=
        rank.product(model.moe->experts, rank.hidden, WeightFormat::bf16) * moe_layers;
    if (shared > 0) cost.projections += mlp_products(rank, shared) * moe_layers;
    cost.elementwise += layer_elementwise(rank, shared) * moe_layers;
    cost.experts = expert_layer(rank) * moe_layers;
  }
  cost.communication = all_reduce(machine, parallel.tp, activations) * (2 * layers);
  if (parallel.dp > 1 && model.moe) {
    const double routed = activations * model.moe->top;
    cost.communication += all_to_all(machine, parallel.tp * parallel.dp, routed) * (2 * moe_layers);
  }
  if (parallel.pp > 1) {
    cost.communication += all_gather(machine, 2, activations) * (parallel.pp - 1.0);
  }
  cost.attention_launch = attention(machine, model, input.kv, parallel.tp, 0).launch * layers;
  return cost;
}

Cost sample_cost(const StepTableInput& input, const Machine& machine, double sequences) {
  const double own = std::ceil(sequences / input.parallel.dp);
  const double vocabulary = input.model.vocabulary;
  Cost cost = gemm(machine, WeightFormat::bf16, own, std::ceil(vocabulary / input.parallel.tp),
                   input.model.hidden);
  cost += all_gather(machine, input.parallel.tp, kBf16Bytes * own * vocabulary);
  constexpr double kLogitPasses = 10;  // bytes a logit: read 2, write 4, read 4 for the argmax
  cost += elementwise(machine, kLogitPasses * own * vocabulary);
  if (input.sampling == Sampling::top_p) {
    const double sort = machine.kernels.engine.sort.value() * 1e6 * own * vocabulary / 1e5;
    cost += Cost{.us = sort};
  }
  return cost;
}

Cost engine_cost(const StepTableInput& input, const Machine& machine, double sequences) {
  const EngineOverheadSpec& engine = machine.kernels.engine;
  const double step_us = 1e6 * engine.step.value();
  Cost cost{.us = step_us + 1e6 * engine.sequence.value() * sequences, .idle_us = step_us};
  cost += attention(machine, input.model, input.kv, input.parallel.tp, 0).sequence *
          (double{1} * input.model.layers * std::ceil(sequences / input.parallel.dp));
  return cost;
}

}  // namespace tiercast::llm
