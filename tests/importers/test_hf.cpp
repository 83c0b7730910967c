// Models of Hugging Face as they are read.
#include <string>
#include <variant>

#include <catch2/catch.hpp>

#include "models/importers/hf_import.hpp"
#include "models/llm/model_spec.hpp"
#include "sim/config/emit_yaml.hpp"
#include "tests/support/catalogue.hpp"
#include "tests/support/hf_models.hpp"

namespace tiercast::importers {
namespace {

using Catch::Contains;

/// As catalogue entry, with everything resolved.
struct Imported {
  llm::ModelSpec spec;
  Node resolved;
  std::string text;
};

Imported imported(const std::string& json) {
  Diagnostics found;
  const auto text = import_hf(json, {.file = "config.json", .catalogue = true}, found);
  INFO(found.render());
  REQUIRE(text.has_value());
  Imported result;
  result.text = *text;
  const auto document = config::parse_document(*text, "entry.yaml", Origin::catalogue, found);
  INFO(*text);
  REQUIRE(document.has_value());
  Reader reader(found);
  REQUIRE(reader.read(*document, result.spec, result.resolved));
  CHECK_FALSE(found.has_errors());
  return result;
}

std::string refusal(const std::string& json, const HfOptions& options = {}) {
  Diagnostics found;
  CHECK_FALSE(import_hf(json, options, found).has_value());
  CHECK(found.has_errors());
  return found.render();
}

std::string warnings(const std::string& json, const HfOptions& options = {}) {
  Diagnostics found;
  CHECK(import_hf(json, options, found).has_value());
  CHECK(found.warning_count() > 0);
  return found.render();
}

/// The text with `"key": value` in it set to another.
std::string with(std::string json, const std::string& key, const std::string& value) {
  const std::size_t at = json.find("\"" + key + "\"");
  if (at == std::string::npos) {
    return json.insert(json.find('{') + 1, "\"" + key + "\": " + value + ", ");
  }
  const std::size_t colon = json.find(':', at);
  const std::size_t end = json.find_first_of(",}\n", colon);
  return json.replace(colon + 1, end - colon - 1, " " + value);
}

std::string model(const std::string& name) { return tests::hf_models().at(name); }

/// What a shape says, without who says it. The format of a constant state is the engine's choice,
/// which a config need not tell.
std::string shape(Node resolved) {
  if (Node* linear = resolved.find("linear"); linear != nullptr) linear->erase("state");
  for (const char* key : {"title", "source", "published_parameters", "published_active", "use"}) {
    resolved.erase(key);
  }
  return config::canonical_text(resolved);
}

TEST_CASE("A model of the catalogue is imported as it stands there", "[importers]") {
  tests::Catalogue catalogue;
  int compared = 0;
  for (const std::string& name : tests::Catalogue::names("models")) {
    const auto json = tests::hf_models().find(name);
    if (json == tests::hf_models().end()) continue;
    INFO(name);
    const Imported read = imported(json->second);
    const llm::ModelSpec entry = catalogue.load<llm::ModelSpec>("models", name);
    Diagnostics found;
    Node resolved;
    llm::ModelSpec again;
    Reader reader(found, catalogue.lookup(found));
    Node use = Node::map();
    use.set("use", Node::scalar(name));
    REQUIRE(reader.read(use, again, resolved));
    CHECK(shape(read.resolved) == shape(resolved));
    // Counted from the shape, within what rounding of published numbers leaves.
    CHECK(read.spec.published_parameters.value ==
          Approx(entry.published_parameters.value).epsilon(0.01));
    CHECK(read.spec.published_parameters.kind == FigureKind::derived);
    ++compared;
  }
  CHECK(compared >= 15);
}

TEST_CASE("Every model that is known by its shape is imported", "[importers]") {
  for (const auto& [name, json] : tests::hf_models()) {
    INFO(name);
    const Imported read = imported(json);
    CHECK_THAT(read.text, Contains("# ") && !Contains("{value: 0"));
    CHECK(read.spec.published_parameters.value == llm::count_parameters(read.spec).total());
  }
}

TEST_CASE("Layers with a constant state are counted by each way of naming them", "[importers]") {
  const llm::ModelSpec delta = imported(model("qwen3-next-80b-a3b")).spec;
  REQUIRE(delta.linear.has_value());
  CHECK(delta.linear->layers == 36);  // three of four
  CHECK(delta.full_layers() == 12);
  CHECK(delta.linear->value_heads == 32);
  CHECK(delta.published_parameters.value == Approx(80e9).epsilon(0.01));
  CHECK(delta.linear->state == llm::StateFormat::bf16);
  REQUIRE(delta.moe.has_value());
  CHECK(delta.moe->shared == 1);
  CHECK_FALSE(delta.moe->shared_intermediate.has_value());  // as wide as one expert
  CHECK(delta.intermediate == 0);                           // every layer has experts

  const llm::ModelSpec kda = imported(model("kimi-linear-48b")).spec;
  CHECK(kda.linear->layers == 20);
  CHECK(kda.linear->key_heads == kda.linear->value_heads);
  CHECK(std::get<llm::MlaSpec>(kda.attention).q_rank == 0);
  CHECK(kda.max_context == 1048576);
  CHECK(kda.moe->dense_layers == 1);

  const llm::ModelSpec lightning = imported(model("minimax-text-01")).spec;
  CHECK(lightning.linear->layers == 70);
  CHECK(lightning.linear->conv == 0);
  CHECK(lightning.moe->shared == 0);

  const llm::ModelSpec mamba = imported(model("granite-4.0-h-small")).spec;
  CHECK(mamba.linear->layers == 4);
  CHECK(mamba.linear->key_dim == 128);
  CHECK(mamba.moe->shared_intermediate == 1536u);
  CHECK(mamba.tied_embeddings);

  // 27 letters M, 4 stars, 25 dashes.
  const llm::ModelSpec blocks = imported(model("nemotron-nano-9b-v2")).spec;
  CHECK(blocks.linear->layers == 27);
  CHECK(blocks.layers == 31);
  CHECK(blocks.mlp_layers == 25u);
  CHECK_FALSE(blocks.gated);
  CHECK(imported(with(model("nemotron-nano-9b-v2"), "mamba_ssm_cache_dtype", "\"float32\""))
            .spec.linear->state == llm::StateFormat::fp32);
  CHECK(blocks.published_parameters.value == Approx(8.9e9).epsilon(0.02));  // its model card
}

TEST_CASE("Windows are counted by each rule", "[importers]") {
  const llm::ModelSpec gemma = imported(model("gemma-3-4b")).spec;
  CHECK(gemma.window->tokens == 1024);
  CHECK(gemma.window_layers() == 29);  // 34 less every sixth
  CHECK(gemma.tied_embeddings);
  CHECK(gemma.max_context == 131072);  // its factor is counted in it
  CHECK(gemma.heads() == 8);           // its class's default, as the file leaves it out
  CHECK(gemma.published_parameters.value == Approx(3.88e9).epsilon(0.01));

  const llm::ModelSpec shared = imported(model("gemma-3n-e4b")).spec;
  CHECK(shared.window_layers() == 8);
  CHECK(shared.shared_kv->full_layers == 1);
  CHECK(shared.shared_kv->window_layers == 3);
  CHECK_THAT(warnings(model("gemma-3n-e4b")), Contains("671 million parameters are missing"));

  const llm::ModelSpec chunks = imported(model("llama-4-maverick")).spec;
  CHECK(chunks.window->tokens == 8192);
  CHECK(chunks.window_layers() == 36);
  CHECK(chunks.moe->dense_layers == 24);
  CHECK(chunks.moe->shared == 1);
  CHECK(chunks.intermediate == 16384);
  CHECK(chunks.published_parameters.value == Approx(400e9).epsilon(0.01));

  const std::string exaone = model("exaone-4-32b");
  CHECK(imported(exaone).spec.window_layers() == 48);
  CHECK(imported(with(exaone, "sliding_window_pattern", "2")).spec.window_layers() == 32);
  CHECK_FALSE(imported(with(exaone, "sliding_window", "null")).spec.window.has_value());
  CHECK_THAT(refusal(with(exaone, "sliding_window_pattern", "\"LXG\"")),
             Contains("letters L and G"));

  const std::string mistral = model("mistral-7b-v0.1");
  CHECK(imported(mistral).spec.window_layers() == 32);
  CHECK_FALSE(imported(with(mistral, "sliding_window", "null")).spec.window.has_value());
  CHECK_FALSE(imported(with(mistral, "sliding_window", "32768")).spec.window.has_value());
  const std::string qwen = with(model("qwen3-8b"), "use_sliding_window", "true");
  const llm::ModelSpec late =
      imported(with(with(qwen, "max_window_layers", "20"), "sliding_window", "8192")).spec;
  CHECK(late.window_layers() == 16);
}

TEST_CASE("Old names, several heads to one and plain MLPs are read", "[importers]") {
  const llm::ModelSpec falcon = imported(model("falcon-7b")).spec;
  CHECK(std::get<llm::GqaSpec>(falcon.attention).kv_heads == 1);
  CHECK(falcon.intermediate == 4 * 4544);
  CHECK(falcon.published_parameters.value == Approx(6.92e9).epsilon(0.01));
  CHECK(imported(model("gpt2")).spec.published_parameters.value == Approx(123.6e6).epsilon(0.01));
  CHECK(imported(model("dbrx")).spec.published_parameters.value == Approx(131.6e9).epsilon(0.01));
  const llm::ModelSpec ernie = imported(model("ernie-4.5-21b")).spec;
  CHECK(ernie.moe->dense_layers == 1);
  CHECK(ernie.moe->shared == 2);
  CHECK(ernie.published_parameters.value == Approx(21.8e9).epsilon(0.01));
  CHECK(imported(model("hunyuan-small")).spec.moe->top == 8);
  CHECK(imported(model("minimax-m2")).spec.native_weights == llm::WeightFormat::fp8_block);
  CHECK_THAT(refusal(with(model("kimi-linear-48b"), "routed_expert_hidden_size", "3584")),
             Contains("`routed_expert_hidden_size` is not understood"));
  const llm::ModelSpec sparse = imported(model("deepseek-v3.2")).spec;
  CHECK(sparse.indexer->top == 2048);
  CHECK(sparse.indexer->heads == 64);
}

TEST_CASE("Positions are stretched as engines do it", "[importers]") {
  const auto context = [](const std::string& scaling) {
    return imported(with(model("qwen3-8b"), "rope_scaling", scaling)).spec.max_context;
  };
  CHECK(context(R"({"rope_type": "yarn", "factor": 4.0})") == 4 * 40960);
  CHECK(context("{\"rope_type\": \"yarn\", \"factor\": 4.0,\n"
                "\"original_max_position_embeddings\": 32768}") == 131072);
  CHECK(context(R"({"type": "linear", "factor": 2})") == 81920);
  CHECK(context(R"({"rope_type": "longrope", "factor": 32})") == 40960);
  CHECK(context(R"({"rope_type": "default"})") == 40960);
}

TEST_CASE("Weights and KV have the format that a file states", "[importers]") {
  const auto format = [](const std::string& quantization) {
    return imported(with(model("llama-3.1-8b"), "quantization_config", quantization))
        .spec.native_weights;
  };
  using llm::WeightFormat;
  CHECK(format(R"({"quant_method": "fp8"})") == WeightFormat::fp8);
  CHECK(format(R"({"quant_method": "gptq", "bits": 4, "group_size": 128})") == WeightFormat::int4);
  CHECK(format(R"({"quant_method": "awq", "bits": 4})") == WeightFormat::int4);
  CHECK(format(R"({"quant_method": "modelopt", "quant_algo": "NVFP4"})") == WeightFormat::nvfp4);
  CHECK(format(R"({"quant_method": "modelopt", "quant_algo": "FP8"})") == WeightFormat::fp8);
  CHECK(format(R"({"quant_algo": "NVFP4"})") == WeightFormat::nvfp4);
  const auto group = [](const std::string& weights, const std::string& packing) {
    return R"({"quant_method": "compressed-tensors", "format": ")" + packing +
           R"(", "config_groups": {"group_0": {"targets": ["Linear"], "weights": )" + weights +
           "}}}";
  };
  CHECK(format(group(R"({"num_bits": 8, "type": "float", "strategy": "channel"})",
                     "float-quantized")) == WeightFormat::fp8);
  CHECK(format(group(R"({"num_bits": 8, "type": "float", "strategy": "block",
                        "block_structure": [128, 128]})",
                     "float-quantized")) == WeightFormat::fp8_block);
  CHECK(format(group(R"({"num_bits": 4, "type": "float", "group_size": 16})",
                     "nvfp4-pack-quantized")) == WeightFormat::nvfp4);
  CHECK(format(group(R"({"num_bits": 4, "type": "int", "group_size": 128})", "pack-quantized")) ==
        WeightFormat::int4);
  const std::string integers =
      with(model("llama-3.1-8b"), "quantization_config", R"({"quant_method": "gptq", "bits": 8})");
  CHECK_THAT(warnings(integers), Contains("8-bit integers: taken as fp8"));
  const std::string ignoring = with(model("llama-3.1-8b"), "quantization_config",
                                    R"({"quant_method": "fp8", "ignored": 1})");
  CHECK(imported(ignoring).spec.native_weights == WeightFormat::fp8);
  const std::string partly =
      with(model("llama-3.1-8b"), "quantization_config",
           "{\"quant_method\": \"fp8\",\n \"modules_to_not_convert\": [\"lm_head\", "
           "\"model.layers.0.self_attn\"]}");
  CHECK_THAT(warnings(partly), Contains("leaves 1 modules in 16 bits"));

  Diagnostics found;
  const std::string cached = with(model("llama-3.1-8b"), "quantization_config",
                                  "{\"quant_method\": \"modelopt\",\n\"quant_algo\": \"FP8\",\n"
                                  "\"kv_cache_quant_algo\": \"FP8\"}");
  const auto fragment = import_hf(cached, {}, found);
  REQUIRE(fragment.has_value());
  CHECK_THAT(*fragment, Contains("\n  kv: fp8  # quantization_config.kv_cache_quant_algo\n"));

  for (const char* unknown :
       {R"({"quant_method": "bitsandbytes", "load_in_4bit": true})", R"({"quant_method": "quark"})",
        R"({"quant_method": "gptq", "bits": 3})", R"({"quant_method": 7})", R"({})",
        R"({"quant_method": "modelopt", "quant_algo": "MIXED_PRECISION"})",
        R"({"quant_method": "mxfp4"})"}) {
    INFO(unknown);
    refusal(with(model("llama-3.1-8b"), "quantization_config", unknown));
  }
}

TEST_CASE("Each value names the key it comes from", "[importers]") {
  const std::string text = imported(model("qwen3-32b")).text;
  CHECK_THAT(text, Contains("\nlayers: 64  # num_hidden_layers\n") &&
                       Contains("    head_dim: 128  # head_dim is absent: the default of "
                                "Qwen3Config\n") &&
                       !Contains("# Not used:"));
  CHECK_THAT(imported(model("gpt-oss-120b")).text,
             Contains("  layers: 18  # every second layer: GptOssConfig\n") &&
                 Contains("max_context: 131072  # max_position_embeddings; rope_scaling yarn: "
                          "original_max_position_embeddings x factor\n"));
}

TEST_CASE("What is not understood is refused by name", "[importers]") {
  CHECK_THAT(refusal(with(model("qwen3-8b"), "layer_types", "[\"full_attention\"]")),
             Contains("`layer_types` names 1 layers of 36"));
  CHECK_THAT(refusal(with(model("qwen3-8b"), "layer_types", "[\"slidng_attention\"]")),
             Contains("not known: `slidng_attention`") && Contains("`sliding_attention`"));
  CHECK_THAT(refusal(with(model("qwen3-8b"), "layer_types", "[\"linear_attention\"]")),
             Contains("not known: `linear_attention`"));
  CHECK_THAT(refusal(with(model("llama-3.1-8b"), "num_local_experts", "8")),
             Contains("`num_experts_per_tok` is missing"));
  CHECK_THAT(refusal(with(model("llama-3.1-8b"), "sliding_window", "4096")),
             Contains("config.json:1:2: error: `sliding_window` is not understood"));
  CHECK_THAT(refusal(with(model("llama-3.1-8b"), "kv_lora_rank", "512")),
             Contains("`kv_lora_rank` is not understood"));
  CHECK_THAT(refusal(R"({"model_type": "jamba", "hidden_size": 4096})"), Contains("Mamba-1"));
  CHECK_THAT(refusal(R"({"model_type": "falcon_h1"})"), Contains("side by side"));
  CHECK_THAT(refusal(with(model("nemotron-nano-9b-v2"), "hybrid_override_pattern", "\"MX*\"")),
             Contains("not known: `X`"));
  std::string lightning = model("minimax-m2");
  lightning.replace(lightning.find("[1, 1, 1, 1"), 2, "[0");
  CHECK_THAT(refusal(lightning), Contains("`minimax_m2` does not have: `0`"));
  CHECK_THAT(refusal(with(model("deepseek-v3"), "moe_layer_freq", "2")),
             Contains("`moe_layer_freq` other than 1"));
}

TEST_CASE("A type that is not known is read as Llama only when asked, and only when it fits",
          "[importers]") {
  const std::string other = with(model("llama-2-7b"), "model_type", "\"lama\"");
  CHECK_THAT(refusal(other), Contains("`model_type` `lama` is not known") &&
                                 Contains("--assume llama reads it as such"));
  CHECK_THAT(warnings(other, {.assume = "llama"}), Contains("read as Llama"));
  const std::string more = with(other, "mystery_layers", "[1, 2]");
  CHECK_THAT(refusal(more, {.assume = "llama"}),
             Contains("these fields are none of Llama's: mystery_layers") &&
                 Contains("did you mean `llama`?"));
}

TEST_CASE("Fields that are missing, of a wrong type or absurd are told with their place",
          "[importers]") {
  const std::string llama = model("llama-3.1-8b");
  for (const char* key : {"hidden_size", "num_hidden_layers", "vocab_size", "num_attention_heads",
                          "max_position_embeddings", "intermediate_size"}) {
    INFO(key);
    CHECK_THAT(refusal(with(llama, key, "null")),
               Contains("`" + std::string(key) + "` is missing"));
    for (const char* value :
         {"-1", "\"7\"", "1.5", "[1]", "{}", "true", "0", "99999999999999999999", "4294967296"}) {
      INFO(value);
      CHECK_THAT(refusal(with(llama, key, value)), Contains("must be a whole number"));
    }
    refusal(with(llama, key, "4294967295"));
  }
  CHECK_THAT(refusal(with(llama, "num_key_value_heads", "3")), Contains("do not divide"));
  CHECK_THAT(refusal(with(llama, "hidden_size", "4097")), Contains("`head_dim` is missing"));
  CHECK_THAT(refusal(with(llama, "tie_word_embeddings", "1")), Contains("must be true or false"));
  CHECK_THAT(refusal(with(llama, "model_type", "3")), Contains("must be a text"));
  CHECK_THAT(refusal("{\n  \"hidden_size\": 1,\n  \"model_type\": 3}"),
             Contains("config.json:3:3"));
  refusal(with(model("kimi-linear-48b"), "full_attn_layers", "[28]"));
  refusal(with(model("kimi-linear-48b"), "full_attn_layers", "[0]"));
  refusal(with(model("minimax-text-01"), "attn_type_list", "[0]"));
  refusal(with(model("gemma-3n-e4b"), "num_kv_shared_layers", "10"));
  refusal(with(model("gemma-3n-e4b"), "num_kv_shared_layers", "9"));
  refusal(with(model("qwen3-8b"), "rope_scaling", R"({"type": "linear", "factor": 1e300})"));
  refusal(with(model("qwen3-8b"), "rope_scaling", R"({"type": "linear", "factor": -4})"));
  refusal(with(model("qwen3-next-80b-a3b"), "full_attention_interval", "4294967295"));
  refusal(with(model("gpt-oss-120b"), "num_experts_per_tok", "4000000000"));
}

TEST_CASE("Text that is no JSON, or hostile JSON, is refused", "[importers]") {
  for (const char* text :
       {"", "{", "[1, 2]", "7", "null", "{\"a\": }", "{\"a\": 1,}", "\xff\xfe",
        "{\"a\": 1} {\"b\": 2}", "{'a': 1}", "{\"a\": nan}", "{\"a\": 1e400}", "// no\n{}"}) {
    INFO(text);
    refusal(text);
  }
  CHECK_THAT(refusal("{\n\"model_type\": \"llama\",\n\"model_type\": \"gemma\"}"),
             Contains("config.json:3:1") && Contains("given twice"));
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "{\"a\":[";
  CHECK_THAT(refusal(deep), Contains("nested deeper than 64 levels"));
  CHECK_THAT(refusal(std::string(5'000'000, ' ')), Contains("bytes of JSON"));
  std::string many = "{";
  for (int i = 0; i < 50'000; ++i) many += "\"k" + std::to_string(i) + "\": 0, ";
  refusal(many + "\"model_type\": \"llama\"}");
}

}  // namespace
}  // namespace tiercast::importers
