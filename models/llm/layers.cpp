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
  const double queries = heads * (mla.nope_dim + mla.rope_dim);
  const double latent = double{1} * mla.kv_rank + mla.rope_dim;
  Cost cost = rank.product(latent + (mla.q_rank == 0 ? queries : mla.q_rank), rank.hidden);
  if (mla.q_rank > 0) cost += rank.product(queries, mla.q_rank);
  cost += rank.product(heads * (mla.nope_dim + mla.v_dim), mla.kv_rank, WeightFormat::bf16);
  cost += rank.product(rank.hidden, heads * mla.v_dim);
  return cost;
}

Cost attention_products(const Rank& rank) {
  return std::visit([&](const auto& a) { return attention_products(rank, a); },
                    rank.input.model.attention);
}

Rank rank_of(const StepTableInput& input, const Machine& machine, double tokens) {
  return {input,
          machine,
          double{1} * input.parallel.tp,
          tokens,
          std::ceil(tokens / input.parallel.dp),
          double{1} * input.model.hidden};
}

Cost linear_products(const Rank& rank, const LinearSpec& linear) {
  Cost cost = rank.product(linear.input_width() / rank.tp, rank.hidden);
  cost += rank.product(rank.hidden, linear.value_width() / rank.tp);
  return cost;
}

// Every tensor rank scores with all of the indexer's heads.
Cost indexer_products(const Rank& rank, const IndexerSpec& indexer) {
  const auto* mla = std::get_if<MlaSpec>(&rank.input.model.attention);
  const double from = mla != nullptr && mla->q_rank > 0 ? mla->q_rank : rank.hidden;
  Cost cost = rank.product(double{1} * indexer.heads * indexer.dim, from);
  cost += rank.product(double{1} * indexer.dim + indexer.heads, rank.hidden);
  return cost;
}

Cost mlp_products(const Rank& rank, double intermediate) {
  const double columns = rank.input.model.gated ? 2 * intermediate : intermediate;
  Cost cost = rank.product(columns / rank.tp, rank.hidden);
  cost += rank.product(rank.hidden, intermediate / rank.tp);
  return cost;
}

double rotated_numbers(const GqaSpec& gqa) {
  return double{1} * gqa.head_dim * (gqa.heads + gqa.kv_heads);
}
double rotated_numbers(const MlaSpec& mla) { return double{1} * mla.rope_dim * (mla.heads + 1.0); }

// A norm fused with the residual addition: three passes, the fourth stays in cache.
Cost norm(const Rank& rank) {
  return elementwise(rank.machine, 3 * kBf16Bytes * rank.own_tokens * rank.hidden);
}

// Read and written.
Cost rotary(const Rank& rank) {
  const double rotated =
      std::visit([](const auto& a) { return rotated_numbers(a); }, rank.input.model.attention);
  return elementwise(rank.machine, 2 * kBf16Bytes * rank.own_tokens * rotated / rank.tp);
}

// What goes in and what comes out.
Cost activation(const Rank& rank, double intermediate) {
  if (intermediate == 0) return {};
  const double passes = rank.input.model.gated ? 3 : 2;
  return elementwise(rank.machine, passes * kBf16Bytes * rank.own_tokens * intermediate / rank.tp);
}

// Convolution over queries, keys and values, gates, the normalised output; and the recurrence,
// which prefill computes in chunks of tokens by products of 16 bits: what each token adds to the
// state and reads from it, and the pairs within a chunk. The state's own traffic is a sequence's.
Cost linear_mixer(const Rank& rank, const LinearSpec& linear) {
  constexpr double kChunk = 64;
  const double mixed = 2 * linear.key_width() + linear.value_width();
  const double tokens = rank.own_tokens;
  Cost cost = elementwise(rank.machine, 2 * kBf16Bytes * tokens * mixed / rank.tp);
  cost += elementwise(rank.machine, 3 * kBf16Bytes * tokens * linear.value_width() / rank.tp);
  const double flops =
      tokens * linear.value_width() / rank.tp * (4.0 * linear.key_dim + 2 * kChunk);
  const double efficiency = rank.machine.kernels.attention.prefill_compute;
  cost += Cost{.us = flops / (efficiency * rank.machine.bf16), .flops = flops};
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

Cost attention_projections(const StepTableInput& input, const Machine& machine, double tokens) {
  return attention_products(rank_of(input, machine, tokens));
}

TokenCost token_cost(const StepTableInput& input, const Machine& machine, double tokens) {
  const ModelSpec& model = input.model;
  const ParallelSpec& parallel = input.parallel;
  const Rank rank = rank_of(input, machine, tokens);
  const double attention_layers = model.attention_layers();
  const double moe_layers = model.moe_layers();
  const double feedforward_layers = model.feedforward_layers();
  const double activations = kBf16Bytes * rank.own_tokens * rank.hidden;

  TokenCost cost;
  cost.projections = attention_products(rank) * attention_layers;
  cost.elementwise = norm(rank) * (model.layers + feedforward_layers);
  cost.elementwise += rotary(rank) * attention_layers;
  if (model.linear) {
    cost.projections += linear_products(rank, *model.linear) * model.linear->layers;
    cost.elementwise += linear_mixer(rank, *model.linear) * model.linear->layers;
  }
  if (model.indexer) {
    cost.projections += indexer_products(rank, *model.indexer) * model.full_layers();
  }
  if (model.dense_mlp_layers() > 0) {
    const double dense_layers = model.dense_mlp_layers();
    cost.projections += mlp_products(rank, model.intermediate) * dense_layers;
    cost.elementwise += activation(rank, model.intermediate) * dense_layers;
  }
  if (model.moe) {
    const double shared = model.moe->shared_width();
    cost.projections +=
        rank.product(model.moe->experts, rank.hidden, WeightFormat::bf16) * moe_layers;
    if (shared > 0) cost.projections += mlp_products(rank, shared) * moe_layers;
    cost.elementwise += activation(rank, shared) * moe_layers;
    cost.experts = expert_layer(rank) * moe_layers;
  }
  cost.communication =
      all_reduce(machine, parallel.tp, activations) * (model.layers + feedforward_layers);
  if (parallel.dp > 1 && model.moe) {
    const double routed = activations * model.moe->top;
    cost.communication += all_to_all(machine, parallel.tp * parallel.dp, routed) * (2 * moe_layers);
  }
  if (parallel.pp > 1) {
    cost.communication += all_gather(machine, 2, activations) * (parallel.pp - 1.0);
  }
  for (const AttentionKind& kind : attention_kinds(machine, model, input.kv, parallel.tp)) {
    cost.attention_launch += kind.cost.launch * kind.layers;
  }
  cost.elementwise = cost.elementwise.stretched(input.engine.elementwise);
  cost.communication = cost.communication.stretched(input.engine.communication);
  return cost;
}

Cost sample_cost(const StepTableInput& input, const Machine& machine, double sequences) {
  const double own = std::ceil(sequences / input.parallel.dp);
  const double vocabulary = input.model.vocabulary;
  Cost cost = gemm(machine, WeightFormat::bf16, own, std::ceil(vocabulary / input.parallel.tp),
                   input.model.hidden);
  cost += all_gather(machine, input.parallel.tp, kBf16Bytes * own * vocabulary)
              .stretched(input.engine.communication);
  constexpr double kLogitPasses = 10;  // bytes a logit: read 2, write 4, read 4 for the argmax
  cost += elementwise(machine, kLogitPasses * own * vocabulary);
  if (input.sampling == Sampling::top_p) {
    const double sort = input.engine.sort.value() * 1e6 * own * vocabulary / 1e5;
    cost += Cost{.us = sort, .sort_us = sort};
  }
  return cost;
}

Cost engine_cost(const StepTableInput& input, double sequences) {
  const double step_us = 1e6 * input.engine.step.value();
  return {.us = step_us + 1e6 * input.engine.sequence.value() * sequences, .idle_us = step_us};
}

Cost sequence_cost(const StepTableInput& input, const Machine& machine, double sequences) {
  const ModelSpec& model = input.model;
  const double own = std::ceil(sequences / input.parallel.dp);
  Cost cost;
  for (const AttentionKind& kind : attention_kinds(machine, model, input.kv, input.parallel.tp)) {
    cost += kind.cost.sequence * (kind.layers * own);
  }
  if (model.linear) {  // read and written
    const double bytes = 2 * model.linear->state_bytes() / input.parallel.tp;
    cost += elementwise(machine, bytes * own) * model.linear->layers;
  }
  return cost;
}

}  // namespace tiercast::llm
