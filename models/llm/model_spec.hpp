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
/// in 4 bits and a shared 8-bit scale per 32 weights, everything else staying in 16 bits.
enum class WeightFormat : uint8_t { bf16, fp8, fp8_block, mxfp4 };
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
  uint32_t q_rank = 0;
  uint32_t kv_rank = 0;
  uint32_t nope_dim = 0;
  uint32_t rope_dim = 0;
  uint32_t v_dim = 0;

  static const FieldTable<MlaSpec>& fields();
};

/// Layers whose attention sees only the last `tokens` tokens.
struct WindowSpec {
  uint32_t tokens = 0;
  uint32_t layers = 0;

  static const FieldTable<WindowSpec>& fields();
};

struct MoeSpec {
  uint32_t experts = 0;
  uint32_t top = 0;           ///< routed experts a token visits
  uint32_t shared = 0;        ///< experts every token visits
  uint32_t intermediate = 0;  ///< of one expert
  uint32_t dense_layers = 0;  ///< first layers that have a plain MLP instead
  bool bias = false;          ///< on router and experts

  static const FieldTable<MoeSpec>& fields();
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
  uint32_t intermediate = 0;  ///< of the dense MLP (gated); 0 where every layer has experts
  std::optional<MoeSpec> moe;
  WeightFormat native_weights = WeightFormat::bf16;  ///< as published
  Figure<double> published_parameters;
  std::optional<Figure<double>> published_active;

  static const FieldTable<ModelSpec>& fields();

  uint32_t heads() const;
  uint32_t moe_layers() const { return moe ? layers - moe->dense_layers : 0; }
};

/// Parameters by what happens to them.
struct ParameterCount {
  double embedding = 0;  ///< input table; shared with the head when tied
  double head = 0;       ///< output table, 0 when tied
  double attention = 0;  ///< projections of all layers
  double mlp = 0;        ///< dense MLPs and shared experts
  double experts = 0;    ///< routed experts
  double router = 0;
  double small = 0;  ///< norms, biases, sinks

  double total() const { return embedding + head + attention + mlp + experts + router + small; }
};
ParameterCount count_parameters(const ModelSpec& model);

/// Parameters one token uses, input embedding left out (a lookup, not arithmetic).
double active_parameters(const ModelSpec& model);

/// Bytes one weight takes. mxfp4: 17/32 (4 bits and 8 per 32).
double weight_bytes(WeightFormat format);
/// Format of a class of weights when the model is stored in `format`: embeddings, head, router and
/// norms always stay bf16; mxfp4 leaves everything but routed experts in bf16.
WeightFormat linear_format(WeightFormat format);

}  // namespace tiercast::llm
