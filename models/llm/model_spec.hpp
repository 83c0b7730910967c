// Architecture of a language model and the counts that follow from it alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "sim/base/field_type.hpp"
#include "sim/base/units.hpp"

namespace tiercast::llm {

/// How linear layers are stored. `fp8_block` scales tiles of 128 x 128; `mxfp4` holds experts only,
/// in 4 bits and a shared 8-bit scale per 32 weights, everything else staying in 16 bits. `int4` is
/// for weights alone (GPTQ, AWQ: a 16-bit scale and a 4-bit zero per 128), products are of 16 bits;
/// `nvfp4` has an 8-bit scale per 16 and multiplies in 4 bits where tensor cores can.
enum class WeightFormat : uint8_t { bf16, fp8, fp8_block, mxfp4, int4, nvfp4 };
std::vector<Choice<WeightFormat>> choices(WeightFormat);

enum class KvFormat : uint8_t { bf16, fp8 };
std::vector<Choice<KvFormat>> choices(KvFormat);

/// Multi-head (kv_heads = heads) and grouped-query attention.
struct GqaSpec {
  uint32_t heads = 0;
  uint32_t kv_heads = 0;
  uint32_t head_dim = 0;
  bool bias = false;  ///< on the query, key, value and output projections

  static const FieldTable<GqaSpec>& fields();
};

/// Multi-head latent attention (DeepSeek-V2, arXiv 2405.04434, section 2.1): one latent of
/// kv_rank + rope_dim numbers per token is cached for all heads.
struct MlaSpec {
  uint32_t heads = 0;
  uint32_t q_rank = 0;  ///< 0: queries come straight from the residual stream
  uint32_t kv_rank = 0;
  uint32_t nope_dim = 0;
  uint32_t rope_dim = 0;
  uint32_t v_dim = 0;

  static const FieldTable<MlaSpec>& fields();

  double query_width() const { return heads * (double{1} * nope_dim + rope_dim); }
};

/// Layers whose attention sees only the last `tokens` tokens. Chunked attention (Llama 4) is taken
/// as a window of its chunk: equal up to a chunk of context, and more than it sees beyond.
struct WindowSpec {
  uint32_t tokens = 0;
  uint32_t layers = 0;

  static const FieldTable<WindowSpec>& fields();
};

/// Format of the numbers of a constant state.
enum class StateFormat : uint8_t { bf16, fp32 };
std::vector<Choice<StateFormat>> choices(StateFormat);

/// Layers whose mixer carries a constant state instead of KV: gated delta rule (Qwen3-Next), KDA,
/// lightning attention, Mamba-2. In Mamba-2's words value heads are its heads, key heads its
/// groups, key_dim its state size. A sequence holds value_heads x value_dim x key_dim numbers a
/// layer, and the last conv - 1 inputs of the convolution.
struct LinearSpec {
  uint32_t layers = 0;
  uint32_t key_heads = 0;
  uint32_t key_dim = 0;
  uint32_t value_heads = 0;
  uint32_t value_dim = 0;
  uint32_t conv = 0;
  StateFormat state = StateFormat::bf16;

  static const FieldTable<LinearSpec>& fields();

  double key_width() const { return double{1} * key_heads * key_dim; }
  double value_width() const { return double{1} * value_heads * value_dim; }
  /// Columns of the input projection: queries, keys, values, output gate, two gates a head.
  double input_width() const { return 2 * key_width() + 2 * value_width() + 2.0 * value_heads; }
  /// Of one sequence in one layer, all heads.
  double state_bytes() const;
};

/// Sparse attention (DeepSeek-V3.2, arXiv 2512.02556): `heads` small heads score every cached token
/// by `dim` numbers kept beside its KV in 8 bits, and attention reads the best `top`.
struct IndexerSpec {
  uint32_t heads = 0;
  uint32_t dim = 0;
  uint32_t top = 0;

  static const FieldTable<IndexerSpec>& fields();

  /// Cached bytes of one token in one layer: 8-bit numbers and a 4-byte scale per 128 of them.
  int64_t token_bytes() const { return dim + (dim + 127) / 128 * 4; }
};

/// Layers that read the KV of an earlier layer and store none (Gemma 3n).
struct SharedKvSpec {
  uint32_t full_layers = 0;
  uint32_t window_layers = 0;

  static const FieldTable<SharedKvSpec>& fields();
};

struct MoeSpec {
  uint32_t experts = 0;
  uint32_t top = 0;                             ///< routed experts a token visits
  uint32_t shared = 0;                          ///< experts every token visits
  uint32_t intermediate = 0;                    ///< of one expert
  std::optional<uint32_t> shared_intermediate;  ///< of all shared experts together
  uint32_t dense_layers = 0;                    ///< layers that have a plain MLP instead
  bool bias = false;                            ///< on router and experts

  static const FieldTable<MoeSpec>& fields();

  double shared_width() const {
    return shared_intermediate ? *shared_intermediate : double{1} * shared * intermediate;
  }
};

struct ModelSpec {
  std::string use;
  std::string title;
  std::string source;
  uint32_t layers = 0;
  uint32_t hidden = 0;
  uint32_t vocabulary = 0;
  bool tied_embeddings = false;
  uint32_t max_context = 0;
  std::variant<GqaSpec, MlaSpec> attention;
  std::optional<WindowSpec> window;
  std::optional<LinearSpec> linear;
  std::optional<IndexerSpec> indexer;
  std::optional<SharedKvSpec> shared_kv;
  std::optional<uint32_t> mlp_layers;  ///< layers with an MLP or experts; absent: every layer
  bool gated = true;                   ///< MLPs have a gate: three matrices, not two
  uint32_t intermediate = 0;           ///< of the dense MLP; 0 where every layer has experts
  std::optional<MoeSpec> moe;
  WeightFormat native_weights = WeightFormat::bf16;  ///< as published
  Figure<double> published_parameters;
  std::optional<Figure<double>> published_active;

  static const FieldTable<ModelSpec>& fields();

  uint32_t heads() const;
  uint32_t attention_layers() const { return layers - (linear ? linear->layers : 0); }
  uint32_t window_layers() const { return window ? window->layers : 0; }
  uint32_t full_layers() const { return attention_layers() - window_layers(); }
  /// Layers that store KV of every token, and of the window.
  uint32_t stored_full_layers() const {
    return full_layers() - (shared_kv ? shared_kv->full_layers : 0);
  }
  uint32_t stored_window_layers() const {
    return window_layers() - (shared_kv ? shared_kv->window_layers : 0);
  }
  uint32_t stored_layers() const { return stored_full_layers() + stored_window_layers(); }
  uint32_t feedforward_layers() const { return mlp_layers.value_or(layers); }
  uint32_t moe_layers() const { return moe ? feedforward_layers() - moe->dense_layers : 0; }
  uint32_t dense_mlp_layers() const { return feedforward_layers() - moe_layers(); }
  /// Matrices of an MLP that are hidden x width.
  double mlp_matrices() const { return gated ? 3 : 2; }
};

/// Parameters by what happens to them.
struct ParameterCount {
  double embedding = 0;  ///< input table; shared with the head when tied
  double head = 0;       ///< output table, 0 when tied
  double attention = 0;  ///< projections of all mixers, indexers included
  double mlp = 0;        ///< dense MLPs and shared experts
  double experts = 0;    ///< routed experts
  double router = 0;
  double small = 0;  ///< norms, biases, sinks

  double total() const { return embedding + head + attention + mlp + experts + router + small; }
};
ParameterCount count_parameters(const ModelSpec& model);

/// Parameters one token uses, input embedding left out (a lookup, not arithmetic).
double active_parameters(const ModelSpec& model);

/// Bytes one weight takes, scales included. mxfp4: 17/32 (4 bits and 8 per 32).
double weight_bytes(WeightFormat format);
/// Format of a class of weights when the model is stored in `format`: embeddings, head, router and
/// norms always stay bf16; mxfp4 leaves everything but routed experts in bf16.
WeightFormat linear_format(WeightFormat format);

}  // namespace tiercast::llm
