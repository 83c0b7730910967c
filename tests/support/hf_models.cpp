#include "tests/support/hf_models.hpp"

namespace tiercast::tests {

namespace {

/// `count` items, each eighth of them `last`.
std::string list_of(int count, const std::string& item, const std::string& last) {
  std::string text = "[";
  for (int i = 1; i <= count; ++i) text += (i > 1 ? ", " : "") + (i % 8 == 0 ? last : item);
  return text + "]";
}

}  // namespace

const std::map<std::string, std::string>& hf_models() {
  static const std::map<std::string, std::string> models = {
      {"llama-3.1-8b", R"({
  "architectures": ["LlamaForCausalLM"], "model_type": "llama",
  "attention_bias": false, "bos_token_id": 128000, "eos_token_id": [128001, 128008, 128009],
  "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32,
  "num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 128256,
  "max_position_embeddings": 131072, "tie_word_embeddings": false, "torch_dtype": "bfloat16",
  "rope_scaling": {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                   "original_max_position_embeddings": 8192, "rope_type": "llama3"}
})"},
      {"llama-3.1-70b", R"({
  "architectures": ["LlamaForCausalLM"], "model_type": "llama",
  "hidden_size": 8192, "intermediate_size": 28672, "num_hidden_layers": 80,
  "num_attention_heads": 64, "num_key_value_heads": 8, "head_dim": 128, "vocab_size": 128256,
  "max_position_embeddings": 131072, "rope_parameters": {"rope_type": "llama3", "factor": 8.0}
})"},
      {"llama-2-7b", R"({
  "architectures": ["LlamaForCausalLM"], "model_type": "llama", "torch_dtype": "float16",
  "hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32,
  "num_attention_heads": 32, "vocab_size": 32000, "max_position_embeddings": 4096,
  "rope_scaling": null
})"},
      {"qwen3-8b", R"({
  "architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "attention_bias": false,
  "head_dim": 128, "hidden_size": 4096, "intermediate_size": 12288, "max_window_layers": 36,
  "num_attention_heads": 32, "num_hidden_layers": 36, "num_key_value_heads": 8,
  "max_position_embeddings": 40960, "sliding_window": null, "use_sliding_window": false,
  "tie_word_embeddings": false, "vocab_size": 151936, "torch_dtype": "bfloat16"
})"},
      {"qwen3-32b", R"({
  "architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "hidden_size": 5120,
  "intermediate_size": 25600, "max_window_layers": 64, "num_attention_heads": 64,
  "num_hidden_layers": 64, "num_key_value_heads": 8, "max_position_embeddings": 40960,
  "use_sliding_window": false, "vocab_size": 151936
})"},
      {"qwen3-235b-a22b", R"({
  "architectures": ["Qwen3MoeForCausalLM"], "model_type": "qwen3_moe", "head_dim": 128,
  "hidden_size": 4096, "intermediate_size": 12288, "moe_intermediate_size": 1536,
  "num_experts": 128, "num_experts_per_tok": 8, "decoder_sparse_step": 1, "mlp_only_layers": [],
  "num_attention_heads": 64, "num_hidden_layers": 94, "num_key_value_heads": 4,
  "max_window_layers": 94, "max_position_embeddings": 40960, "sliding_window": null,
  "use_sliding_window": false, "tie_word_embeddings": false, "vocab_size": 151936
})"},
      {"deepseek-v3", R"({
  "architectures": ["DeepseekV3ForCausalLM"], "model_type": "deepseek_v3", "hidden_size": 7168,
  "intermediate_size": 18432, "moe_intermediate_size": 2048, "num_hidden_layers": 61,
  "num_attention_heads": 128, "num_key_value_heads": 128, "q_lora_rank": 1536,
  "kv_lora_rank": 512, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128,
  "n_routed_experts": 256, "num_experts_per_tok": 8, "n_shared_experts": 1,
  "first_k_dense_replace": 3, "moe_layer_freq": 1, "num_nextn_predict_layers": 1,
  "max_position_embeddings": 163840, "vocab_size": 129280, "tie_word_embeddings": false,
  "quantization_config": {"activation_scheme": "dynamic", "fmt": "e4m3", "quant_method": "fp8",
                          "weight_block_size": [128, 128]},
  "rope_scaling": {"type": "yarn", "factor": 40, "original_max_position_embeddings": 4096,
                   "mscale": 1.0}
})"},
      {"gpt-oss-120b", R"({
  "architectures": ["GptOssForCausalLM"], "model_type": "gpt_oss", "attention_bias": true,
  "head_dim": 64, "hidden_size": 2880, "intermediate_size": 2880, "num_hidden_layers": 36,
  "num_attention_heads": 64, "num_key_value_heads": 8, "num_local_experts": 128,
  "num_experts_per_tok": 4, "experts_per_token": 4, "sliding_window": 128, "vocab_size": 201088,
  "max_position_embeddings": 131072, "initial_context_length": 4096,
  "tie_word_embeddings": false,
  "rope_scaling": {"rope_type": "yarn", "factor": 32.0, "original_max_position_embeddings": 4096},
  "quantization_config": {"quant_method": "mxfp4",
      "modules_to_not_convert": ["model.layers.*.self_attn", "lm_head"]}
})"},
      {"qwen3-next-80b-a3b", R"({
  "architectures": ["Qwen3NextForCausalLM"], "model_type": "qwen3_next", "hidden_size": 2048,
  "head_dim": 256, "num_attention_heads": 16, "num_key_value_heads": 2, "num_hidden_layers": 48,
  "full_attention_interval": 4, "linear_num_key_heads": 16, "linear_num_value_heads": 32,
  "linear_key_head_dim": 128, "linear_value_head_dim": 128, "linear_conv_kernel_dim": 4,
  "intermediate_size": 5120, "num_experts": 512, "num_experts_per_tok": 10,
  "moe_intermediate_size": 512, "shared_expert_intermediate_size": 512, "mlp_only_layers": [],
  "decoder_sparse_step": 1, "vocab_size": 151936, "max_position_embeddings": 262144
})"},
      {"gemma-3-4b", R"({
  "architectures": ["Gemma3ForConditionalGeneration"], "model_type": "gemma3",
  "torch_dtype": "bfloat16", "vision_config": {"hidden_size": 1152, "num_hidden_layers": 27},
  "text_config": {"model_type": "gemma3_text", "hidden_size": 2560, "intermediate_size": 10240,
    "num_hidden_layers": 34, "rope_scaling": {"factor": 8.0, "rope_type": "linear"},
    "sliding_window": 1024}
})"},
      {"gemma-3n-e4b", R"({
  "model_type": "gemma3n", "text_config": {"model_type": "gemma3n_text", "hidden_size": 2048,
    "intermediate_size": [16384, 16384, 16384, 16384, 16384, 16384, 16384, 16384, 16384, 16384],
    "num_hidden_layers": 10, "num_attention_heads": 8, "num_key_value_heads": 2, "head_dim": 256,
    "layer_types": ["sliding_attention", "sliding_attention", "sliding_attention",
      "sliding_attention", "full_attention", "sliding_attention", "sliding_attention",
      "sliding_attention", "sliding_attention", "full_attention"],
    "num_kv_shared_layers": 4, "sliding_window": 512, "max_position_embeddings": 32768,
    "hidden_size_per_layer_input": 256, "vocab_size_per_layer_input": 262144,
    "vocab_size": 262400}
})"},
      {"deepseek-v3.2", R"({
  "model_type": "deepseek_v32", "hidden_size": 7168, "intermediate_size": 18432,
  "moe_intermediate_size": 2048, "num_hidden_layers": 61, "num_attention_heads": 128,
  "q_lora_rank": 1536, "kv_lora_rank": 512, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64,
  "v_head_dim": 128, "n_routed_experts": 256, "num_experts_per_tok": 8, "n_shared_experts": 1,
  "first_k_dense_replace": 3, "moe_layer_freq": 1, "index_head_dim": 128, "index_n_heads": 64,
  "index_topk": 2048, "max_position_embeddings": 163840, "vocab_size": 129280,
  "quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128]}
})"},
      {"kimi-linear-48b", R"({
  "model_type": "kimi_linear", "hidden_size": 2304, "intermediate_size": 9216,
  "num_hidden_layers": 27, "num_attention_heads": 32, "num_key_value_heads": 32, "head_dim": 72,
  "q_lora_rank": null, "kv_lora_rank": 512, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64,
  "v_head_dim": 128, "num_experts": 256, "num_experts_per_token": 8, "num_shared_experts": 1,
  "moe_intermediate_size": 1024, "first_k_dense_replace": 1, "moe_layer_freq": 1,
  "linear_attn_config": {"full_attn_layers": [4, 8, 12, 16, 20, 24, 27], "head_dim": 128,
    "kda_layers": [1, 2, 3, 5, 6, 7, 9, 10, 11, 13, 14, 15, 17, 18, 19, 21, 22, 23, 25, 26],
    "num_heads": 32, "short_conv_kernel_size": 4},
  "model_max_length": 1048576, "vocab_size": 163840, "tie_word_embeddings": false
})"},
      {"minimax-text-01", R"({
  "model_type": "minimax_text_01", "hidden_size": 6144, "intermediate_size": 9216,
  "num_hidden_layers": 80, "num_attention_heads": 64, "num_key_value_heads": 8, "head_dim": 128,
  "attn_type_list": )" + list_of(80, "0", "1") +
                              R"(, "num_local_experts": 32, "num_experts_per_tok": 2,
  "shared_intermediate_size": 0, "max_position_embeddings": 10240000, "vocab_size": 200064
})"},
      {"llama-4-maverick", R"({
  "model_type": "llama4", "text_config": {"model_type": "llama4_text", "hidden_size": 5120,
    "head_dim": 128, "num_attention_heads": 40, "num_key_value_heads": 8, "num_hidden_layers": 48,
    "intermediate_size": 8192, "intermediate_size_mlp": 16384, "interleave_moe_layer_step": 2,
    "num_local_experts": 128, "num_experts_per_tok": 1, "attention_chunk_size": 8192,
    "no_rope_layers": [], "max_position_embeddings": 1048576, "vocab_size": 202048}
})"},
      {"nemotron-nano-9b-v2", R"({
  "model_type": "nemotron_h", "hidden_size": 4480, "intermediate_size": 15680,
  "hybrid_override_pattern": "M-M-M-MM-M-M-M*-M-M-M*-M-M-M-M*-M-M-M-M*-M-MM-M-M-M-M-M-",
  "num_hidden_layers": 56, "num_attention_heads": 40, "num_key_value_heads": 8, "head_dim": 128,
  "mamba_num_heads": 128, "mamba_head_dim": 80, "ssm_state_size": 128, "n_groups": 8,
  "conv_kernel": 4, "max_position_embeddings": 131072,
  "vocab_size": 131072, "tie_word_embeddings": false
})"},
      {"granite-4.0-h-small", R"({
  "model_type": "granitemoehybrid", "hidden_size": 4096, "intermediate_size": 768,
  "shared_intermediate_size": 1536, "num_hidden_layers": 5, "num_attention_heads": 32,
  "num_key_value_heads": 8, "num_local_experts": 72, "num_experts_per_tok": 10,
  "layer_types": ["mamba", "mamba", "attention", "mamba", "mamba"], "mamba_n_heads": 128,
  "mamba_d_head": 64, "mamba_d_state": 128, "mamba_n_groups": 1, "mamba_d_conv": 4,
  "max_position_embeddings": 131072, "vocab_size": 100352, "tie_word_embeddings": true
})"},
      {"falcon-7b", R"({
  "model_type": "falcon", "hidden_size": 4544, "num_attention_heads": 71,
  "num_hidden_layers": 32, "multi_query": true, "new_decoder_architecture": false, "bias": false,
  "vocab_size": 65024
})"},
      {"gpt2", R"({
  "model_type": "gpt2", "n_layer": 12, "n_head": 12, "n_embd": 768, "n_positions": 1024,
  "n_ctx": 1024, "n_inner": null, "vocab_size": 50257
})"},
      {"dbrx", R"({
  "model_type": "dbrx", "d_model": 6144, "n_heads": 48, "n_layers": 40, "max_seq_len": 32768,
  "vocab_size": 100352, "attn_config": {"kv_n_heads": 8, "clip_qkv": 8},
  "ffn_config": {"ffn_hidden_size": 10752, "moe_num_experts": 16, "moe_top_k": 4}
})"},
      {"minimax-m2", R"({
  "model_type": "minimax_m2", "hidden_size": 3072, "intermediate_size": 1536,
  "num_hidden_layers": 62, "num_attention_heads": 48, "num_key_value_heads": 8, "head_dim": 128,
  "num_local_experts": 256, "num_experts_per_tok": 8, "shared_intermediate_size": 0,
  "attn_type_list": )" + list_of(62, "1", "1") +
                         R"(, "use_mtp": true, "num_mtp_modules": 3,
  "max_position_embeddings": 196608, "vocab_size": 200064, "tie_word_embeddings": false,
  "quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128],
    "modules_to_not_convert": ["gate", "e_score_correction_bias", "lm_head"]}
})"},
      {"ernie-4.5-21b", R"({
  "model_type": "ernie4_5_moe", "hidden_size": 2560, "intermediate_size": 12288,
  "moe_intermediate_size": 1536, "num_hidden_layers": 28, "num_attention_heads": 20,
  "num_key_value_heads": 4, "head_dim": null, "moe_num_experts": 64, "moe_num_shared_experts": 2,
  "moe_k": 6, "moe_layer_start_index": 1, "moe_layer_end_index": -1, "moe_layer_interval": 1,
  "vocab_size": 103424, "max_position_embeddings": 131072, "tie_word_embeddings": true
})"},
      {"exaone-4-32b", R"({
  "model_type": "exaone4", "hidden_size": 5120, "intermediate_size": 27392, "head_dim": 128,
  "num_hidden_layers": 64, "num_attention_heads": 40, "num_key_value_heads": 8,
  "sliding_window": 4096, "sliding_window_pattern": "LLLG", "vocab_size": 102400,
  "max_position_embeddings": 131072, "tie_word_embeddings": false
})"},
      {"hunyuan-small", R"({
  "model_type": "hunyuan_v1_moe", "hidden_size": 4096, "intermediate_size": 3072,
  "attention_head_dim": 128, "num_hidden_layers": 4, "num_attention_heads": 32,
  "num_key_value_heads": 8, "num_experts": 64, "moe_topk": [8, 8, 8, 8],
  "moe_intermediate_size": [3072, 3072, 3072, 3072], "num_shared_expert": [1, 1, 1, 1],
  "moe_layer_num_skipped": 0, "cla_share_factor": 2, "use_cla": false, "kv_lora_rank": null,
  "vocab_size": 128167, "max_position_embeddings": 32768, "tie_word_embeddings": true
})"},
      {"mistral-7b-v0.1", R"({
  "model_type": "mistral", "hidden_size": 4096, "intermediate_size": 14336,
  "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8,
  "sliding_window": 4096, "max_position_embeddings": 32768, "vocab_size": 32000
})"}};
  return models;
}

}  // namespace tiercast::tests
