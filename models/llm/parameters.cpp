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
  return hidden * mla.q_rank + mla.q_rank * heads * (mla.nope_dim + mla.rope_dim) +
         hidden * (mla.kv_rank + mla.rope_dim) + mla.kv_rank * heads * (mla.nope_dim + mla.v_dim) +
         heads * mla.v_dim * hidden;
}

double small_attention(const GqaSpec& gqa, double hidden) {
  if (!gqa.bias) return 0;
  const double sinks = gqa.heads;
  return double{1} * gqa.head_dim * (gqa.heads + 2.0 * gqa.kv_heads) + hidden + sinks;
}

double small_attention(const MlaSpec& mla, double) { return double{1} * mla.q_rank + mla.kv_rank; }

double gated_mlp(double hidden, double intermediate) { return 3 * hidden * intermediate; }

}  // namespace

uint32_t ModelSpec::heads() const {
  return std::visit([](const auto& kind) { return kind.heads; }, attention);
}

ParameterCount count_parameters(const ModelSpec& model) {
  const double hidden = model.hidden;
  const double layers = model.layers;
  ParameterCount count;
  count.embedding = hidden * model.vocabulary;
  count.head = model.tied_embeddings ? 0 : count.embedding;
  count.attention =
      layers *
      std::visit([&](const auto& a) { return attention_parameters(a, hidden); }, model.attention);
  count.small =
      layers * (2 * hidden + std::visit([&](const auto& a) { return small_attention(a, hidden); },
                                        model.attention)) +
      hidden;
  count.mlp = (layers - model.moe_layers()) * gated_mlp(hidden, model.intermediate);
  if (model.moe) {
    const double moe_layers = model.moe_layers();
    const double expert = gated_mlp(hidden, model.moe->intermediate);
    count.mlp += moe_layers * model.moe->shared * expert;
    count.experts = moe_layers * model.moe->experts * expert;
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
  }
  return 2;
}

WeightFormat linear_format(WeightFormat format) {
  return format == WeightFormat::mxfp4 ? WeightFormat::bf16 : format;
}

}  // namespace tiercast::llm
