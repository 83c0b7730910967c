#include "models/importers/hf_model.hpp"

#include <array>
#include <cmath>
#include <utility>

#include "models/importers/hf_families.hpp"
#include "models/importers/hf_layers.hpp"
#include "models/importers/hf_mlp.hpp"
#include "sim/base/text.hpp"

namespace tiercast::importers {
namespace {

using From = std::vector<Told<std::string>>;

void set(uint32_t& field, const Told<uint32_t>& told, const char* path, From& from) {
  field = told.value;
  from.push_back({path, told.from});
}

// Keys that any model may have without meaning another shape than Llama's.
constexpr std::array kPlainKeys = {"_name_or_path",
                                   "architectures",
                                   "attention_bias",
                                   "attention_dropout",
                                   "auto_map",
                                   "bos_token_id",
                                   "dtype",
                                   "eos_token_id",
                                   "head_dim",
                                   "hidden_act",
                                   "hidden_dropout",
                                   "hidden_size",
                                   "initializer_range",
                                   "intermediate_size",
                                   "max_position_embeddings",
                                   "mlp_bias",
                                   "model_type",
                                   "num_attention_heads",
                                   "num_hidden_layers",
                                   "num_key_value_heads",
                                   "pad_token_id",
                                   "pretraining_tp",
                                   "quantization_config",
                                   "rms_norm_eps",
                                   "rope_parameters",
                                   "rope_scaling",
                                   "rope_theta",
                                   "tie_word_embeddings",
                                   "torch_dtype",
                                   "transformers_version",
                                   "use_cache",
                                   "vocab_size"};

// Keys that change what a layer stores or computes: one that nothing asked for is not understood.
constexpr std::array kShapeKeys = {"attention_chunk_size",
                                   "attn_config",
                                   "attn_layer_indices",
                                   "attn_layer_offset",
                                   "attn_layer_period",
                                   "attn_type_list",
                                   "compress_ratios",
                                   "cross_attention_layers",
                                   "ffn_config",
                                   "full_attention_interval",
                                   "hybrid_override_pattern",
                                   "index_head_dim",
                                   "index_topk",
                                   "kv_lora_rank",
                                   "layer_types",
                                   "layers_block_type",
                                   "linear_attn_config",
                                   "linear_num_value_heads",
                                   "mamba_d_state",
                                   "mamba_num_heads",
                                   "moe_latent_size",
                                   "moe_num_experts",
                                   "multi_query",
                                   "n_routed_experts",
                                   "num_experts",
                                   "num_kv_shared_layers",
                                   "num_local_experts",
                                   "mla_use_output_gate",
                                   "routed_expert_hidden_size",
                                   "q_lora_rank",
                                   "qk_rope_head_dim",
                                   "sliding_window",
                                   "ssm_cfg",
                                   "ssm_state_size",
                                   "state_size",
                                   "use_cla",
                                   "v_head_dim",
                                   "window_size",
                                   "word_embed_proj_dim"};

template <std::size_t N>
bool among(const std::array<const char*, N>& keys, const std::string& key) {
  for (const char* known : keys) {
    if (key == known) return true;
  }
  return false;
}

std::vector<std::string> unlike_llama(const HfConfig& config) {
  std::vector<std::string> keys;
  for (const NodeEntry& entry : config.root().entries) {
    if (!among(kPlainKeys, entry.key) && config.meaningful(entry.key) != nullptr) {
      keys.push_back(entry.key);
    }
  }
  return keys;
}

/// The family of a type that is not known, where it may be read as Llama.
const Family* assumed_family(HfConfig& config, const std::string& type, const std::string& assume) {
  const Node* at = config.find({"model_type"});
  const std::vector<std::string> others = unlike_llama(config);
  const std::string unknown = "`model_type` " + quote(type) + " is not known";
  if (!others.empty()) {
    std::vector<std::string> first(
        others.begin(), others.begin() + std::min<std::ptrdiff_t>(std::ssize(others), 6));
    config.error(at,
                 unknown + ", and these fields are none of Llama's: " + join(first) +
                     (others.size() > first.size() ? ", ..." : ""),
                 name_hint(type, family_names()));
    return nullptr;
  }
  if (assume != "llama") {
    config.error(at, unknown + "; all its fields are those of Llama",
                 "--assume llama reads it as such");
    return nullptr;
  }
  config.warning(at, unknown + ": read as Llama, as all its fields are");
  return find_family("llama");
}

const Family* choose_family(HfConfig& config, const std::string& assume) {
  const std::string type = config.text({"model_type"});
  if (type.empty()) {
    config.error(nullptr, "`model_type` is missing");
    return nullptr;
  }
  const std::string_view why = why_refused(type);
  if (!why.empty()) {
    config.error(config.find({"model_type"}),
                 "`model_type` " + quote(type) + " cannot be imported: " + std::string(why));
    return nullptr;
  }
  const Family* family = find_family(type);
  return family != nullptr ? family : assumed_family(config, type, assume);
}

/// How far rotary positions are stretched beyond `context`, as vLLM derives its longest sequence
/// (vllm/config/model.py, get_and_verify_max_len).
void stretch_context(HfConfig& config, const Family& family, llm::ModelSpec& model, From& from) {
  const bool old = config.has({"rope_scaling"});
  config.has({"rope_parameters"});
  const std::string key = old ? "rope_scaling" : "rope_parameters";
  const auto path = [&key](const char* name) { return key + "." + name; };
  std::string type = config.text({path("rope_type").c_str(), path("type").c_str()});
  const auto factor = config.real({path("factor").c_str()});
  const bool counted = std::string_view(family.type).starts_with("gemma3") || type == "llama3" ||
                       type == "longrope" || type == "su" || type == "default" || type == "mrope" ||
                       type.empty();
  if (!factor || counted) return;
  double from_tokens = model.max_context;
  std::string words = "max_position_embeddings x factor";
  const auto original = config.number({path("original_max_position_embeddings").c_str()});
  if (type == "yarn" && original) {
    from_tokens = original->value;
    words = "original_max_position_embeddings x factor";
  }
  const double stretched = from_tokens * factor->value;
  if (stretched < 1 || stretched > 1e8) {
    config.error(config.find({key.c_str()}), "`" + key + "` makes a context of " +
                                                 quote(std::to_string(stretched)) + " tokens");
    return;
  }
  model.max_context = static_cast<uint32_t>(std::lround(stretched));
  from.push_back({"max_context", key + " " + type + ": " + words});
}

void read_context(HfConfig& config, const Family& family, llm::ModelSpec& model, From& from) {
  set(model.max_context,
      config.required({"max_position_embeddings", "n_positions", "max_seq_len", "n_ctx",
                       "seq_length", "model_max_length"}),
      "max_context", from);
  stretch_context(config, family, model, from);
}

llm::MlaSpec read_latent(HfConfig& config, From& from) {
  llm::MlaSpec mla;
  set(mla.heads, config.required({"num_attention_heads"}), "attention.mla.heads", from);
  const auto rank = config.number({"q_lora_rank"}, 0);
  if (rank) set(mla.q_rank, *rank, "attention.mla.q_rank", from);
  set(mla.kv_rank, config.required({"kv_lora_rank"}), "attention.mla.kv_rank", from);
  set(mla.nope_dim, config.required({"qk_nope_head_dim"}), "attention.mla.nope_dim", from);
  set(mla.rope_dim, config.required({"qk_rope_head_dim"}), "attention.mla.rope_dim", from);
  set(mla.v_dim, config.required({"v_head_dim"}), "attention.mla.v_dim", from);
  for (const char* of_heads : {"num_key_value_heads", "head_dim"}) config.has({of_heads});
  return mla;
}

Told<uint32_t> key_value_heads(HfConfig& config, uint32_t heads) {
  const bool newer = config.flag({"new_decoder_architecture"}).value_or(false);  // Falcon
  const bool single = config.flag({"multi_query"}).value_or(false);
  if (single && !newer) return {1, "multi_query"};
  const auto given =
      config.number({"num_key_value_heads", "num_kv_heads", "attn_config.kv_n_heads"});
  if (given) return *given;
  return {heads, "num_key_value_heads is absent: as many as query heads"};
}

llm::GqaSpec read_heads(HfConfig& config, const Family& family, const llm::ModelSpec& model,
                        From& from) {
  llm::GqaSpec gqa;
  set(gqa.heads, config.required({"num_attention_heads", "n_head", "n_heads"}),
      "attention.gqa.heads", from);
  set(gqa.kv_heads, key_value_heads(config, gqa.heads), "attention.gqa.kv_heads", from);
  auto dim = config.number({"head_dim", "attention_head_dim"});
  if (!dim && model.hidden % gqa.heads != 0) {
    config.error(nullptr, "`head_dim` is missing, and heads do not divide `hidden_size`");
  }
  if (!dim) {
    dim = Told<uint32_t>{model.hidden / gqa.heads, "head_dim is absent: hidden_size / heads"};
  }
  set(gqa.head_dim, *dim, "attention.gqa.head_dim", from);
  const auto bias = config.flag({"attention_bias", "qkv_bias", "use_bias", "bias"});
  gqa.bias = bias.value_or(family.bias);
  if (gqa.bias) {
    from.push_back({"attention.gqa.bias", bias ? "attention_bias, or what it is called"
                                               : std::string(family.config) + " has them"});
  }
  if (gqa.heads % gqa.kv_heads != 0) {
    config.error(nullptr, "key and value heads (" + std::to_string(gqa.kv_heads) +
                              ") do not divide query heads (" + std::to_string(gqa.heads) + ")");
  }
  return gqa;
}

void read_indexer(HfConfig& config, llm::ModelSpec& model, From& from) {
  if (!config.has({"index_topk"})) return;
  llm::IndexerSpec indexer;
  set(indexer.heads, config.required({"index_n_heads"}), "indexer.heads", from);
  set(indexer.dim, config.required({"index_head_dim"}), "indexer.dim", from);
  set(indexer.top, config.required({"index_topk"}), "indexer.top", from);
  model.indexer = indexer;
  for (const char* sharing : {"indexer_types", "index_topk_freq", "index_topk_pattern"}) {
    const Node* node = config.meaningful(sharing);
    if (node == nullptr || node->text == "1") continue;
    config.warning(node, "`" + std::string(sharing) +
                             "`: layers that share an indexer are counted with one each");
  }
}

void read_tying(HfConfig& config, const Family& family, llm::ModelSpec& model, From& from) {
  const auto tied = config.flag({"tie_word_embeddings"});
  model.tied_embeddings = tied.value_or(family.tied);
  if (!model.tied_embeddings) return;
  from.push_back({"tied_embeddings", tied ? "tie_word_embeddings"
                                          : "tie_word_embeddings is absent: the default of " +
                                                std::string(family.config)});
}

void remark_on_rest(HfConfig& config, const Family& family, HfModel& model) {
  if (config.meaningful("num_nextn_predict_layers") != nullptr ||
      config.meaningful("mtp_num_hidden_layers") != nullptr ||
      config.meaningful("num_mtp_modules") != nullptr) {
    model.remarks.emplace_back(
        "Layers for multi-token prediction are left out: plain decoding "
        "does not use them.");
  }
  if (family.linear == Linear::delta) {
    model.remarks.emplace_back(
        "The output gate of full attention (half of its query projection) "
        "is not counted.");
  }
  const auto width = config.number({"hidden_size_per_layer_input"}, 0);
  if (width && width->value > 0) {
    const auto words = config.required({"vocab_size_per_layer_input"});
    const double left = double{1} * width->value * words.value * model.spec.layers;
    config.warning(
        config.find({"hidden_size_per_layer_input"}),
        "embeddings of each layer are not modelled: " + std::to_string(std::llround(left / 1e6)) +
            " million parameters are missing from the weights");
  }
  for (const std::string& key : config.unread()) {
    if (!among(kShapeKeys, key)) continue;
    const Node* node = config.meaningful(key);
    if (node == nullptr) continue;
    config.error(node, "`" + key + "` is not understood for `model_type` " + quote(family.type));
  }
}

void read_whole(HfConfig& config, const Family& family, HfModel& model) {
  llm::ModelSpec& spec = model.spec;
  From& from = model.from;
  const LayerPlan plan = read_layers(config, family);
  spec.layers = static_cast<uint32_t>(plan.mixers.size());
  from.push_back({"layers", plan.mlps ? "mixers of " + plan.from : "num_hidden_layers"});
  set(spec.hidden, config.required({"hidden_size", "n_embd", "n_embed", "d_model"}), "hidden",
      from);
  set(spec.vocabulary, config.required({"vocab_size"}), "vocabulary", from);
  read_tying(config, family, spec, from);
  read_context(config, family, spec, from);
  if (family.latent && config.has({"kv_lora_rank"})) {
    spec.attention = read_latent(config, from);
  } else {
    spec.attention = read_heads(config, family, spec, from);
  }
  apply_layers(config, family, plan, spec, from);
  read_indexer(config, spec, from);
  apply_mlps(config, family, plan, spec, from);
  model.format = read_quantisation(config);
  spec.native_weights = model.format.weights;
  from.push_back({"native_weights", model.format.weights_from});
  if (spec.native_weights == llm::WeightFormat::mxfp4 && !spec.moe) {
    config.error(config.find({"quantization_config"}),
                 "mxfp4 stores experts, and this model has none");
  }
  const Node* projected = config.find({"word_embed_proj_dim"});
  if (projected != nullptr && projected->text != std::to_string(spec.hidden)) {
    config.error(projected,
                 "`word_embed_proj_dim` other than the width of the model is not "
                 "understood");
  }
  remark_on_rest(config, family, model);
}

}  // namespace

std::string HfModel::words(std::string_view field) const {
  std::string text;
  for (const Told<std::string>& told : from) {
    if (told.value == field) text += (text.empty() ? "" : "; ") + told.from;
  }
  return text;
}

std::optional<HfModel> read_hf_model(HfConfig& config, const std::string& assume) {
  const Family* family = choose_family(config, assume);
  if (family == nullptr) return std::nullopt;
  for (const auto& [key, value] : family->defaults) config.stand_in(key, value, family->config);
  HfModel model;
  read_whole(config, *family, model);
  if (config.failed()) return std::nullopt;
  return model;
}

}  // namespace tiercast::importers
