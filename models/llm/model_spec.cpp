#include "models/llm/model_spec.hpp"

#include "sim/base/field_table.hpp"

namespace tiercast::llm {

using namespace table;

std::vector<Choice<WeightFormat>> choices(WeightFormat) {
  return {{"bf16", WeightFormat::bf16, "16-bit floats"},
          {"fp8", WeightFormat::fp8, "8-bit floats, one scale a tensor"},
          {"fp8-block", WeightFormat::fp8_block, "8-bit floats, a scale per 128 x 128 weights"},
          {"mxfp4", WeightFormat::mxfp4, "experts in 4-bit floats, the rest in 16 bits"}};
}

std::vector<Choice<KvFormat>> choices(KvFormat) {
  return {{"bf16", KvFormat::bf16, "16-bit floats"}, {"fp8", KvFormat::fp8, "8-bit floats"}};
}

const FieldTable<GqaSpec>& GqaSpec::fields() {
  static const auto table =
      FieldTable<GqaSpec>(
          "gqa", "Multi-head or grouped-query attention.",
          {
              field("heads", &GqaSpec::heads, required, between(1, 1024), "Query heads."),
              field("kv_heads", &GqaSpec::kv_heads, required, between(1, 1024),
                    "Key and value heads."),
              field("head_dim", &GqaSpec::head_dim, required, between(8, 1024),
                    "Numbers per head."),
              field("bias", &GqaSpec::bias, by_default("false"), "Biases on the four projections."),
          })
          .must("heads must be a multiple of kv_heads",
                [](const GqaSpec& gqa) { return gqa.heads % gqa.kv_heads == 0; });
  return table;
}

const FieldTable<MlaSpec>& MlaSpec::fields() {
  static const auto table = FieldTable<MlaSpec>(
      "mla", "Multi-head latent attention.",
      {
          field("heads", &MlaSpec::heads, required, between(1, 1024), "Query heads."),
          field("q_rank", &MlaSpec::q_rank, required, between(1, 65536), "Rank of the queries."),
          field("kv_rank", &MlaSpec::kv_rank, required, between(1, 65536), "Rank of the latent."),
          field("nope_dim", &MlaSpec::nope_dim, required, between(1, 1024),
                "Numbers per head without position."),
          field("rope_dim", &MlaSpec::rope_dim, required, between(1, 1024),
                "Numbers with position, shared by the heads' keys."),
          field("v_dim", &MlaSpec::v_dim, required, between(1, 1024), "Value numbers per head."),
      });
  return table;
}

const FieldTable<WindowSpec>& WindowSpec::fields() {
  static const auto table = FieldTable<WindowSpec>(
      "window", "Layers with sliding-window attention.",
      {
          field("tokens", &WindowSpec::tokens, required, between(1, 10'000'000), "Window."),
          field("layers", &WindowSpec::layers, required, between(1, 1000), "Layers that have it."),
      });
  return table;
}

const FieldTable<MoeSpec>& MoeSpec::fields() {
  static const auto table =
      FieldTable<MoeSpec>(
          "moe", "Mixture of experts.",
          {
              field("experts", &MoeSpec::experts, required, between(2, 65536), "Routed experts."),
              field("top", &MoeSpec::top, required, between(1, 1024), "Experts a token visits."),
              field("shared", &MoeSpec::shared, by_default("0"), between(0, 64),
                    "Experts every token visits."),
              field("intermediate", &MoeSpec::intermediate, required, between(1, 1'000'000),
                    "Width of one expert."),
              field("dense_layers", &MoeSpec::dense_layers, by_default("0"), between(0, 1000),
                    "First layers that have a plain MLP instead."),
              field("bias", &MoeSpec::bias, by_default("false"), "Biases on router and experts."),
          })
          .must("top must not exceed experts",
                [](const MoeSpec& moe) { return moe.top <= moe.experts; });
  return table;
}

const FieldTable<ModelSpec>& ModelSpec::fields() {
  static const auto table =
      FieldTable<ModelSpec>(
          "model", "Architecture of a language model.",
          {
              field("use", &ModelSpec::use, by_default(""), "Catalogue entry to start from."),
              field("title", &ModelSpec::title, by_default(""), "Name for people."),
              field("source", &ModelSpec::source, by_default(""), "Where the shape comes from."),
              field("layers", &ModelSpec::layers, required, between(1, 1000), "Decoder layers."),
              field("hidden", &ModelSpec::hidden, required, between(8, 1'000'000),
                    "Width of the residual stream."),
              field("vocabulary", &ModelSpec::vocabulary, required, between(2, 10'000'000),
                    "Tokens known."),
              field("tied_embeddings", &ModelSpec::tied_embeddings, by_default("false"),
                    "Input and output tables are one."),
              field("max_context", &ModelSpec::max_context, required, between(1, 100'000'000),
                    "Longest sequence, tokens."),
              field("attention", &ModelSpec::attention, required, "Kind of attention."),
              field("window", &ModelSpec::window, absent_means("every layer sees everything"),
                    "Layers that see a sliding window."),
              field("intermediate", &ModelSpec::intermediate, by_default("0"),
                    between(0, 10'000'000), "Width of the dense gated MLP."),
              field("moe", &ModelSpec::moe, absent_means("a dense model"), "Experts."),
              field("native_weights", &ModelSpec::native_weights, by_default("bf16"),
                    "Format the weights are published in."),
              field("published_parameters", &ModelSpec::published_parameters, required, above(0),
                    "Parameters, as published."),
              field("published_active", &ModelSpec::published_active, absent_means("all of them"),
                    above(0), "Parameters a token uses."),
          })
          .catalogue("models")
          .shorthand("use")
          .must("window.layers must not exceed layers",
                [](const ModelSpec& m) { return !m.window || m.window->layers <= m.layers; })
          .must("moe.dense_layers must be fewer than layers",
                [](const ModelSpec& m) { return !m.moe || m.moe->dense_layers < m.layers; })
          .must("layers without experts need an intermediate width", [](const ModelSpec& m) {
            return m.intermediate > 0 || (m.moe && m.moe->dense_layers == 0);
          });
  return table;
}

}  // namespace tiercast::llm
