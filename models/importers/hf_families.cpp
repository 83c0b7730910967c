#include "models/importers/hf_families.hpp"

#include <algorithm>
#include <map>

namespace tiercast::importers {
namespace {

// Source: configuration_*.py and modeling_*.py of each model in Hugging Face transformers (4.57);
// kimi_k2 and kimi_linear: the configuration and modeling files beside their weights.
const std::vector<Family>& families() {
  // clang-format off
  static const std::vector<Family> table = {
      {.type = "llama", .config = "LlamaConfig"},
      {.type = "mistral", .config = "MistralConfig", .windows = Windows::all, .defaults = {{"sliding_window", 4096}}},
      {.type = "ministral", .config = "MinistralConfig", .windows = Windows::all},
      {.type = "mixtral", .config = "MixtralConfig", .wide = true, .windows = Windows::all},
      {.type = "qwen2", .config = "Qwen2Config", .bias = true, .windows = Windows::late},
      {.type = "qwen2_moe", .config = "Qwen2MoeConfig", .bias = true, .windows = Windows::late},
      {.type = "qwen3", .config = "Qwen3Config", .windows = Windows::late, .defaults = {{"head_dim", 128}}},
      {.type = "qwen3_moe", .config = "Qwen3MoeConfig", .windows = Windows::late},
      {.type = "qwen3_next", .config = "Qwen3NextConfig", .linear = Linear::delta, .defaults = {{"head_dim", 256}}},
      {.type = "qwen3_5_text", .config = "Qwen3_5TextConfig", .linear = Linear::delta, .defaults = {{"head_dim", 256}}},
      {.type = "qwen3_5_moe_text", .config = "Qwen3_5MoeTextConfig", .linear = Linear::delta, .defaults = {{"head_dim", 256}}},
      {.type = "gemma", .config = "GemmaConfig", .tied = true, .defaults = {{"head_dim", 256}}},
      {.type = "gemma2", .config = "Gemma2Config", .tied = true, .windows = Windows::alternate, .defaults = {{"head_dim", 256}, {"sliding_window", 4096}}},
      {.type = "gemma3_text", .config = "Gemma3TextConfig", .tied = true, .windows = Windows::pattern, .pattern = 6,
       .defaults = {{"num_attention_heads", 8}, {"num_key_value_heads", 4}, {"head_dim", 256}, {"vocab_size", 262208}, {"max_position_embeddings", 131072}, {"sliding_window", 4096}}},
      {.type = "gemma3n_text", .config = "Gemma3nTextConfig", .tied = true, .windows = Windows::pattern, .pattern = 5, .defaults = {{"head_dim", 256}, {"sliding_window", 512}}},
      {.type = "phi3", .config = "Phi3Config", .windows = Windows::all},
      {.type = "phimoe", .config = "PhimoeConfig", .wide = true, .windows = Windows::all},
      {.type = "cohere", .config = "CohereConfig", .tied = true},
      {.type = "cohere2", .config = "Cohere2Config", .tied = true, .windows = Windows::pattern, .pattern = 4, .defaults = {{"sliding_window", 4096}}},
      {.type = "deepseek_v2", .config = "DeepseekV2Config", .latent = true},
      {.type = "deepseek_v3", .config = "DeepseekV3Config", .latent = true},
      {.type = "deepseek_v32", .config = "DeepseekV32Config", .latent = true},
      {.type = "kimi_k2", .config = "KimiK2Config", .latent = true},
      {.type = "kimi_linear", .config = "KimiLinearConfig", .latent = true, .linear = Linear::kda},
      {.type = "glm", .config = "GlmConfig", .bias = true},
      {.type = "glm4", .config = "Glm4Config", .bias = true},
      {.type = "glm4_moe", .config = "Glm4MoeConfig"},
      {.type = "glm4_moe_lite", .config = "Glm4MoeLiteConfig", .latent = true},
      {.type = "glm_moe_dsa", .config = "GlmMoeDsaConfig", .latent = true},
      {.type = "gpt_oss", .config = "GptOssConfig", .bias = true, .expert_bias = true, .wide = true, .windows = Windows::alternate, .defaults = {{"head_dim", 64}, {"sliding_window", 128}}},
      {.type = "minimax", .config = "MiniMaxConfig", .wide = true, .linear = Linear::lightning},
      {.type = "minimax_text_01", .config = "MiniMaxText01Config", .wide = true, .linear = Linear::lightning},
      {.type = "minimax_m1", .config = "MiniMaxM1Config", .wide = true, .linear = Linear::lightning},
      {.type = "minimax_m2", .config = "MiniMaxM2Config", .wide = true},
      {.type = "llama4_text", .config = "Llama4TextConfig", .wide = true, .shared = true, .windows = Windows::rotary, .defaults = {{"head_dim", 128}}},
      {.type = "nemotron", .config = "NemotronConfig", .gated = false},
      {.type = "nemotron_h", .config = "NemotronHConfig", .gated = false, .linear = Linear::mamba2},
      {.type = "granite", .config = "GraniteConfig"},
      {.type = "granitemoe", .config = "GraniteMoeConfig", .wide = true},
      {.type = "granitemoeshared", .config = "GraniteMoeSharedConfig", .wide = true},
      {.type = "granitemoehybrid", .config = "GraniteMoeHybridConfig", .wide = true, .linear = Linear::mamba2},
      {.type = "bamba", .config = "BambaConfig", .linear = Linear::mamba2},
      {.type = "exaone4", .config = "Exaone4Config", .windows = Windows::pattern, .pattern = 4, .defaults = {{"sliding_window", 4096}}},
      {.type = "ernie4_5", .config = "Ernie4_5Config", .tied = true, .defaults = {{"head_dim", 128}}},
      {.type = "ernie4_5_moe", .config = "Ernie4_5_MoeConfig", .tied = true},
      {.type = "hunyuan_v1_dense", .config = "HunYuanDenseV1Config"},
      {.type = "hunyuan_v1_moe", .config = "HunYuanMoEV1Config"},
      {.type = "hunyuan", .config = "HunYuanConfig"},
      {.type = "dbrx", .config = "DbrxConfig", .wide = true},
      {.type = "olmo2", .config = "Olmo2Config"},
      {.type = "olmo3", .config = "Olmo3Config", .windows = Windows::pattern, .pattern = 4, .defaults = {{"sliding_window", 4096}}},
      {.type = "olmoe", .config = "OlmoeConfig", .wide = true},
      {.type = "smollm3", .config = "SmolLM3Config", .tied = true},
      {.type = "seed_oss", .config = "SeedOssConfig", .bias = true, .defaults = {{"head_dim", 128}}},
      {.type = "starcoder2", .config = "Starcoder2Config", .tied = true, .gated = false, .bias = true, .windows = Windows::all},
      {.type = "bloom", .config = "BloomConfig", .tied = true, .gated = false, .bias = true, .four = true},
      {.type = "opt", .config = "OPTConfig", .tied = true, .gated = false, .bias = true},
      {.type = "gpt2", .config = "GPT2Config", .tied = true, .gated = false, .bias = true, .four = true},
      {.type = "gpt_neox", .config = "GPTNeoXConfig", .gated = false, .bias = true},
      {.type = "falcon", .config = "FalconConfig", .tied = true, .gated = false, .four = true, .defaults = {{"max_position_embeddings", 2048}}},
  };
  // clang-format on
  return table;
}

}  // namespace

const Family* find_family(std::string_view model_type) {
  const std::vector<Family>& all = families();
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const Family& family) { return family.type == model_type; });
  return found == all.end() ? nullptr : &*found;
}

std::vector<std::string> family_names() {
  std::vector<std::string> names;
  for (const Family& family : families()) names.emplace_back(family.type);
  return names;
}

std::string_view why_refused(std::string_view model_type) {
  static const std::map<std::string_view, std::string_view> refused = {
      {"jamba", "its Mamba-1 layers have a state of another shape than those here"},
      {"mamba", "its Mamba-1 layers have a state of another shape than those here"},
      {"falcon_mamba", "its Mamba-1 layers have a state of another shape than those here"},
      {"falcon_h1",
       "each layer has attention and Mamba-2 side by side, and layers here have one of them"},
      {"deepseek_v4", "`compress_ratios`: compressed KV is not modelled"},
      {"lfm2", "its short convolutions (`layer_types`: conv) are not modelled"},
      {"lfm2_moe", "its short convolutions (`layer_types`: conv) are not modelled"},
      {"zamba2", "layers that share weights are not modelled"},
      {"t5", "encoders are not modelled"},
      {"mllama", "cross attention is not modelled"}};
  const auto found = refused.find(model_type);
  return found == refused.end() ? std::string_view() : found->second;
}

}  // namespace tiercast::importers
