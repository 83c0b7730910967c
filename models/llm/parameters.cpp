// Counts of parameters; definitions in model_spec.hpp.

#include "models/llm/model_spec.hpp"

namespace tiercast::llm {
namespace {

double attention_parameters(const GqaSpec& gqa, double hidden) {
  const double query = double{1} * gqa.heads * gqa.head_dim;
  const double key = double{1} * gqa.kv_heads * gqa.head_dim;
  return hidden * (query + 2 * key) + query * hidden;
}

double attention_parameters(const MlaSpec& mla, double hidden) {
  const double heads = mla.heads;
  const double queries =
      mla.q_rank == 0 ? hidden * mla.query_width() : mla.q_rank * (hidden + mla.query_width());
  return queries + hidden * (mla.kv_rank + mla.rope_dim) +
         mla.kv_rank * heads * (mla.nope_dim + mla.v_dim) + heads * mla.v_dim * hidden;
}

double small_attention(const GqaSpec& gqa, double hidden) {
  if (!gqa.bias) return 0;
  const double sinks = gqa.heads;
  return double{1} * gqa.head_dim * (gqa.heads + 2.0 * gqa.kv_heads) + hidden + sinks;
}

double small_attention(const MlaSpec& mla, double) { return double{1} * mla.q_rank + mla.kv_rank; }

double linear_parameters(const LinearSpec& linear, double hidden) {
  return hidden * linear.input_width() + linear.value_width() * hidden;
}

double small_linear(const LinearSpec& linear) {
  return linear.conv * (2 * linear.key_width() + linear.value_width()) + linear.value_dim +
         2.0 * linear.value_heads;
}

// Its queries come from the latent of the attention's queries, or from the residual stream.
double indexer_parameters(const IndexerSpec& indexer, const ModelSpec& model) {
  const auto* mla = std::get_if<MlaSpec>(&model.attention);
  const double from = mla != nullptr && mla->q_rank > 0 ? mla->q_rank : model.hidden;
  return from * indexer.heads * indexer.dim +
         model.hidden * (double{1} * indexer.dim + indexer.heads);
}

}  // namespace

uint32_t ModelSpec::heads() const {
  return std::visit([](const auto& kind) { return kind.heads; }, attention);
}

ParameterCount count_parameters(const ModelSpec& model) {
  const double hidden = model.hidden;
  ParameterCount count;
  count.embedding = hidden * model.vocabulary;
  count.head = model.tied_embeddings ? 0 : count.embedding;
  count.attention =
      model.attention_layers() *
      std::visit([&](const auto& a) { return attention_parameters(a, hidden); }, model.attention);
  count.small =
      (model.layers + double{1} * model.feedforward_layers() + 1) * hidden +
      model.attention_layers() *
          std::visit([&](const auto& a) { return small_attention(a, hidden); }, model.attention);
  if (model.linear) {
    count.attention += model.linear->layers * linear_parameters(*model.linear, hidden);
    count.small += model.linear->layers * small_linear(*model.linear);
  }
  if (model.indexer) {
    count.attention += model.full_layers() * indexer_parameters(*model.indexer, model);
  }
  const double matrix = model.mlp_matrices() * hidden;  // of one unit of width
  count.mlp = model.dense_mlp_layers() * matrix * model.intermediate;
  if (model.moe) {
    const double moe_layers = model.moe_layers();
    count.mlp += moe_layers * matrix * model.moe->shared_width();
    count.experts = moe_layers * model.moe->experts * matrix * model.moe->intermediate;
    count.router = moe_layers * hidden * model.moe->experts;
    if (model.moe->bias) {
      const double per_expert = 2.0 * model.moe->intermediate + hidden + 1;
      count.small += moe_layers * model.moe->experts * per_expert;
    }
  }
  return count;
}

double active_parameters(const ModelSpec& model) {
  const ParameterCount count = count_parameters(model);
  const double head = model.tied_embeddings ? count.embedding : count.head;
  const double visited =
      model.moe ? count.experts * model.moe->top / model.moe->experts : count.experts;
  return head + count.attention + count.mlp + visited + count.router + count.small;
}

double weight_bytes(WeightFormat format) {
  switch (format) {
    case WeightFormat::bf16:
      return 2;
    case WeightFormat::fp8:
      return 1;
    case WeightFormat::fp8_block:
      return 1;
    case WeightFormat::mxfp4:
      return 17.0 / 32.0;
    case WeightFormat::int4:
      return 133.0 / 256.0;
    case WeightFormat::nvfp4:
      return 9.0 / 16.0;
  }
  return 2;
}

WeightFormat linear_format(WeightFormat format) {
  return format == WeightFormat::mxfp4 ? WeightFormat::bf16 : format;
}

}  // namespace tiercast::llm
