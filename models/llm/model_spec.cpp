#include "models/llm/model_spec.hpp"

#include "sim/base/field_table.hpp"

namespace tiercast::llm {

using namespace table;

std::vector<Choice<WeightFormat>> choices(WeightFormat) {
  return {{"bf16", WeightFormat::bf16, "16-bit floats"},
          {"fp8", WeightFormat::fp8, "8-bit floats, one scale a tensor"},
          {"fp8-block", WeightFormat::fp8_block, "8-bit floats, a scale per 128 x 128 weights"},
          {"mxfp4", WeightFormat::mxfp4, "experts in 4-bit floats, the rest in 16 bits"},
          {"int4", WeightFormat::int4, "4-bit integers, 16-bit products (GPTQ, AWQ)"},
          {"nvfp4", WeightFormat::nvfp4, "4-bit floats, a scale per 16 weights"}};
}

std::vector<Choice<KvFormat>> choices(KvFormat) {
  return {{"bf16", KvFormat::bf16, "16-bit floats"}, {"fp8", KvFormat::fp8, "8-bit floats"}};
}

std::vector<Choice<StateFormat>> choices(StateFormat) {
  return {{"bf16", StateFormat::bf16, "16-bit floats"},
          {"fp32", StateFormat::fp32, "32-bit floats"}};
}

double LinearSpec::state_bytes() const {
  const double number = state == StateFormat::fp32 ? 4 : 2;
  return number * value_width() * key_dim +
         2 * (conv > 0 ? conv - 1.0 : 0) * (2 * key_width() + value_width());
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
          field("q_rank", &MlaSpec::q_rank, by_default("0"), between(0, 65536),
                "Rank of the queries; 0: straight from the residual stream."),
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

const FieldTable<LinearSpec>& LinearSpec::fields() {
  static const auto table = FieldTable<LinearSpec>(
      "linear", "Layers with a constant state instead of KV.",
      {
          field("layers", &LinearSpec::layers, required, between(1, 1000), "Layers that have it."),
          field("key_heads", &LinearSpec::key_heads, required, between(1, 1024),
                "Query and key heads; Mamba-2: groups."),
          field("key_dim", &LinearSpec::key_dim, required, between(1, 4096),
                "Numbers of one of them; Mamba-2: state size."),
          field("value_heads", &LinearSpec::value_heads, required, between(1, 1024),
                "Value heads; Mamba-2: heads."),
          field("value_dim", &LinearSpec::value_dim, required, between(1, 4096),
                "Numbers of one of them."),
          field("conv", &LinearSpec::conv, by_default("0"), between(0, 64),
                "Width of the convolution before it; 0: none."),
          field("state", &LinearSpec::state, required, "Format of the state."),
      });
  return table;
}

const FieldTable<IndexerSpec>& IndexerSpec::fields() {
  static const auto table = FieldTable<IndexerSpec>(
      "indexer", "Sparse attention: small heads choose which tokens are read.",
      {
          field("heads", &IndexerSpec::heads, required, between(1, 1024), "Scoring heads."),
          field("dim", &IndexerSpec::dim, required, between(1, 1024),
                "Numbers cached per token and layer, in 8 bits."),
          field("top", &IndexerSpec::top, required, between(1, 10'000'000),
                "Tokens that attention reads."),
      });
  return table;
}

const FieldTable<SharedKvSpec>& SharedKvSpec::fields() {
  static const auto table = FieldTable<SharedKvSpec>(
      "shared_kv", "Layers that read an earlier layer's KV and store none.",
      {
          field("full_layers", &SharedKvSpec::full_layers, by_default("0"), between(0, 1000),
                "Of those that see everything."),
          field("window_layers", &SharedKvSpec::window_layers, by_default("0"), between(0, 1000),
                "Of those with a window."),
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
              field("shared_intermediate", &MoeSpec::shared_intermediate,
                    absent_means("shared x intermediate"), between(1, 1'000'000),
                    "Width of all shared experts together."),
              field("dense_layers", &MoeSpec::dense_layers, by_default("0"), between(0, 1000),
                    "Layers that have a plain MLP instead."),
              field("bias", &MoeSpec::bias, by_default("false"), "Biases on router and experts."),
          })
          .must("top must not exceed experts",
                [](const MoeSpec& moe) { return moe.top <= moe.experts; })
          .must("shared_intermediate needs shared experts",
                [](const MoeSpec& moe) { return !moe.shared_intermediate || moe.shared > 0; });
  return table;
}

namespace {

// Laws are checked all at once: none may rely on another.
bool shares_stored_layers(const ModelSpec& m) {
  if (!m.shared_kv) return true;
  const int64_t windowed = m.window_layers();
  const int64_t linear = m.linear ? m.linear->layers : 0;
  const int64_t full = m.layers - windowed - linear;
  const SharedKvSpec& shared = *m.shared_kv;
  return (shared.full_layers == 0 || shared.full_layers < full) &&
         (shared.window_layers == 0 || shared.window_layers < windowed);
}

}  // namespace

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
              field("linear", &ModelSpec::linear, absent_means("every layer has attention"),
                    "Layers with a constant state instead of KV."),
              field("indexer", &ModelSpec::indexer, absent_means("attention reads everything"),
                    "Sparse attention of the layers without a window."),
              field("shared_kv", &ModelSpec::shared_kv,
                    absent_means("every layer stores its own KV"),
                    "Layers that read an earlier layer's KV."),
              field("mlp_layers", &ModelSpec::mlp_layers, absent_means("every layer"),
                    between(1, 1000), "Layers with an MLP or experts."),
              field("gated", &ModelSpec::gated, by_default("true"),
                    "MLPs and experts have a gate: three matrices, not two."),
              field("intermediate", &ModelSpec::intermediate, by_default("0"),
                    between(0, 10'000'000), "Width of the dense MLP."),
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
                [](const ModelSpec& m) { return m.window_layers() <= m.layers; })
          .must("linear.layers must leave a layer with attention, and those with a window",
                [](const ModelSpec& m) {
                  return !m.linear || (m.linear->layers < m.layers &&
                                       m.linear->layers + uint64_t{m.window_layers()} <= m.layers);
                })
          .must("shared_kv must leave a layer that stores KV, of each kind that layers share",
                [](const ModelSpec& m) { return shares_stored_layers(m); })
          .must("indexer needs latent attention (mla)",
                [](const ModelSpec& m) {
                  return !m.indexer || std::holds_alternative<MlaSpec>(m.attention);
                })
          .must("moe.dense_layers must be fewer than the layers with an MLP or experts",
                [](const ModelSpec& m) {
                  return !m.moe || m.moe->dense_layers < m.feedforward_layers();
                })
          .must("layers without experts need an intermediate width", [](const ModelSpec& m) {
            return m.intermediate > 0 || (m.moe && m.moe->dense_layers == 0);
          });
  return table;
}

}  // namespace tiercast::llm
