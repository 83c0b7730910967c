// Launch lines of vLLM and SGLang as they are read.
#include <functional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "models/importers/model_names.hpp"
#include "models/importers/sglang_import.hpp"
#include "models/importers/vllm_import.hpp"
#include "sim/config/document.hpp"

namespace tiercast::importers {
namespace {

using Catch::Contains;
using Importer =
    std::function<std::optional<std::string>(std::string_view, const LaunchContext&, Diagnostics&)>;

LaunchContext context() {
  LaunchContext context;
  const std::string hub = "https://huggingface.co/";
  context.models = {{"llama-3.1-70b", "Llama 3.1 70B Instruct",
                     hub + "meta-llama/Llama-3.1-70B-Instruct/blob/x", false, false, false, false},
                    {"qwen3-32b", "Qwen3 32B", hub + "Qwen/Qwen3-32B/blob/main/config.json", false,
                     false, false, false},
                    {"gpt-oss-120b", "gpt-oss-120b",
                     hub + "openai/gpt-oss-120b/blob/main/config.json", false, true, false, true},
                    {"deepseek-v3", "DeepSeek-V3", hub + "deepseek-ai/DeepSeek-V3/blob/x", true,
                     true, false, false}};
  return context;
}

/// A fragment with what was found on the way.
struct Read {
  Node tree;
  std::string text;
  std::string said;

  std::string at(const std::string& path) const {
    const Node* node = at_path(tree, path);
    return node == nullptr ? "" : node->text;
  }
};

Read read(const Importer& importer, const std::string& line, const LaunchContext& given) {
  Diagnostics found;
  const auto text = importer(line, given, found);
  INFO(line);
  INFO(found.render());
  REQUIRE(text.has_value());
  Diagnostics faults;
  const auto tree = config::parse_document(*text, "fragment", Origin::scenario, faults);
  INFO(*text << faults.render());
  REQUIRE(tree.has_value());
  REQUIRE_FALSE(faults.has_errors());
  return {*tree, *text, found.render()};
}

Read vllm(const std::string& line) { return read(import_vllm, line, context()); }
Read sglang(const std::string& line) { return read(import_sglang, line, context()); }

std::string refusal(const Importer& importer, const std::string& line) {
  Diagnostics found;
  INFO(line);
  CHECK_FALSE(importer(line, context(), found).has_value());
  CHECK(found.has_errors());
  return found.render();
}

TEST_CASE("A launch line of vLLM is the same however it is written", "[importers]") {
  const std::string plain =
      "vllm serve meta-llama/Llama-3.1-70B-Instruct --tensor-parallel-size 4 --max-model-len 32768 "
      "--gpu-memory-utilization 0.9 --no-enable-prefix-caching";
  const Read first = vllm(plain);
  CHECK(first.said.empty());
  CHECK(first.at("model.name") == "llama-3.1-70b");
  CHECK(first.at("engine.tp") == "4");
  CHECK(first.at("engine.max_model_tokens") == "32768");
  CHECK(first.at("engine.memory.utilization") == "0.9");
  CHECK(first.at("engine.prefix_caching") == "false");
  CHECK_THAT(first.text, Contains("\n  tp: 4  # --tensor-parallel-size\n"));
  for (const char* line :
       {"python3 -m vllm.entrypoints.openai.api_server --model meta-llama/Llama-3.1-70B-Instruct "
        "-tp 4 --max_model_len=32K --gpu_memory_utilization=.9 --no-enable-prefix-caching",
        "VLLM_USE_V1=1 CUDA_VISIBLE_DEVICES=0,1,2,3 vllm serve \\\n  "
        "'meta-llama/Llama-3.1-70B-Instruct' \\\n  --enable-prefix-caching=False "
        "--max-model-len \"32768\" --gpu-memory-utilization 0.90 -tp=4",
        "docker run --gpus all -p 8000:8000 --env \"HF_TOKEN=x\" vllm/vllm-openai:latest --model "
        "meta-llama/Llama-3.1-70B-Instruct --tensor-parallel-size 4 --max-model-len 32768 "
        "--gpu-memory-utilization 0.9 --enable-prefix-caching false",
        "meta-llama/Llama-3.1-70B-Instruct -tp 4 --max-model-len 32768 --gpu-memory-utilization "
        "0.9 --no-enable-prefix-caching  # pasted",
        "cd /srv && /opt/venv/bin/vllm serve meta-llama/Llama-3.1-70B-Instruct -tp 4 "
        "--max-model-len 32768 --gpu-memory-utilization 0.9 --no-enable-prefix-caching"}) {
    const Read other = vllm(line);
    INFO(line);
    CHECK(other.said.empty());
    for (const char* path :
         {"model.name", "engine.tp", "engine.max_model_tokens", "engine.memory.utilization",
          "engine.prefix_caching", "engine.max_batched_tokens"}) {
      CHECK(other.at(path) == first.at(path));
    }
  }
}

TEST_CASE("Flags that are not known, not modelled or of no bearing are told apart", "[importers]") {
  const Read read = vllm(
      "vllm serve Qwen/Qwen3-32B --port 8000 --tensr-parallel-size 2 --api-key "
      "secret --speculative-config '{\"method\": \"eagle\"}' --enable-lora "
      "--mystery 7 --no-enable-lora --trust-remote-code -O3");
  CHECK_THAT(read.said, Contains("`--tensr-parallel-size` is not known, and left out with `2`") &&
                            Contains("did you mean `--tensor-parallel-size`?") &&
                            Contains("speculative decoding is not modelled") &&
                            Contains("adapters (LoRA) are not modelled") &&
                            Contains("`--mystery` is not known, and left out with `7`"));
  CHECK_THAT(read.text, Contains("# Without a bearing on a forecast: --port, --api-key, "
                                 "--trust-remote-code, -O3.\n") &&
                            Contains("#   --mystery: not known.\n") && !Contains("secret"));
  CHECK(read.at("engine.tp").empty());  // never guessed
  CHECK_THAT(vllm("vllm serve Qwen/Qwen3-32B -tp 2 -tp 4 | tee log").said,
             Contains("given twice") && Contains("what follows `|` is left out"));
  CHECK(vllm("vllm serve Qwen/Qwen3-32B -tp 2 -tp 4").at("engine.tp") == "4");
}

TEST_CASE("Defaults of vLLM follow the GPU, and say so", "[importers]") {
  LaunchContext with_gpu = context();
  const auto tokens = [&](const char* name, int64_t gigabytes) {
    with_gpu.gpu = GpuFacts{name, Bytes{gigabytes * 1'000'000'000}};
    const Read read = importers::read(import_vllm, "vllm serve Qwen/Qwen3-32B", with_gpu);
    return read.at("engine.max_batched_tokens") + " " + read.at("engine.max_sequences");
  };
  CHECK(tokens("h100-sxm", 85) == "8192 1024");
  CHECK(tokens("a100-80-sxm", 85) == "2048 256");
  CHECK(tokens("l40s", 48) == "2048 256");
  CHECK(tokens("b200", 191) == "16384 1024");
  const Read read = vllm("vllm serve Qwen/Qwen3-32B --max-num-batched-tokens 512");
  CHECK(read.at("engine.max_sequences") == "512");
  CHECK_THAT(read.text, Contains("block_tokens: 16  # vLLM's default") &&
                            Contains("utilization: 0.92  # vLLM's default in 0.25 to 0.29"));
  const Read whole = vllm(
      "vllm serve Qwen/Qwen3-32B --no-enable-chunked-prefill "
      "--max-model-len 4096");
  CHECK(whole.at("engine.max_batched_tokens") == "4096");
  CHECK(whole.at("engine.chunked_prefill") == "false");
  CHECK(vllm("vllm serve deepseek-ai/DeepSeek-V3").at("engine.block_tokens") == "64");
}

TEST_CASE("Replicas are engines where the model is dense, and share experts where it is not",
          "[importers]") {
  const Read dense = vllm("vllm serve Qwen/Qwen3-32B -tp 2 -dp 4 --max-num-seqs 100");
  CHECK(dense.at("engine.instances") == "4");
  CHECK(dense.at("engine.dp").empty());
  CHECK(dense.at("engine.max_sequences") == "100");
  const Read experts = vllm(
      "vllm serve deepseek-ai/DeepSeek-V3 -dp 8 --enable-expert-parallel "
      "--max-num-seqs 100 --max-num-batched-tokens 4096 "
      "--num-gpu-blocks-override 1000 --kv-offloading-size 80");
  CHECK(experts.at("engine.dp") == "8");
  CHECK(experts.at("engine.ep") == "8");
  CHECK(experts.at("engine.instances").empty());
  CHECK(experts.at("engine.max_sequences") == "800");  // of the instance
  CHECK(experts.at("engine.max_batched_tokens") == "32768");
  CHECK(experts.at("engine.memory.kv_blocks") == "8000");
  CHECK(experts.at("tiers.1.capacity") == "640GiB");
  CHECK_THAT(vllm("vllm serve deepseek-ai/DeepSeek-V3 -tp 4 -dp 2").said,
             Contains("without --enable-expert-parallel"));
  // A latent is on every rank: four copies.
  CHECK(vllm("vllm serve deepseek-ai/DeepSeek-V3 -tp 4 --kv-offloading-size 80")
            .at("tiers.1.capacity") == "20GiB");
}

TEST_CASE("Offloading of vLLM becomes tiers and a policy", "[importers]") {
  const Read native = vllm(
      "vllm serve Qwen/Qwen3-32B --kv-offloading-backend native "
      "--kv-offloading-size 64");
  CHECK(native.at("tiers.0") == "hbm");
  CHECK(native.at("tiers.1.kind") == "dram");
  CHECK(native.at("tiers.1.capacity") == "64GiB");
  CHECK(native.at("policy.preset") == "vllm-offload");
  const std::string serve = "vllm serve Qwen/Qwen3-32B -tp 2 --kv-transfer-config ";
  const Read tiering = vllm(serve +
                            R"('{"kv_connector": "OffloadingConnector", "kv_role": "kv_both",
      "kv_connector_extra_config": {"spec_name": "TieringOffloadingSpec",
        "cpu_bytes_to_use": 8589934592, "eviction_policy": "arc",
        "secondary_tiers": [{"type": "fs", "root_dir": "/mnt"}, {"type": "obj"}]}}')");
  CHECK(tiering.at("tiers.1.capacity") == "8GiB");
  CHECK(tiering.at("tiers.2.kind") == "nvme");
  CHECK(tiering.at("tiers.3.kind") == "external");
  CHECK(tiering.at("policy.preset") == "vllm-tiering");
  CHECK(tiering.at("policy.lower_eviction") == "arc-vllm");
  CHECK_THAT(tiering.text, Contains("cluster.storage.external"));
  const Read per_rank = vllm(serve + R"('{"kv_connector": "SimpleCPUOffloadConnector",
      "kv_connector_extra_config": {"cpu_bytes_to_use": 1073741824}}')");
  CHECK(per_rank.at("tiers.1.capacity") == "2GiB");
  const Read cache = vllm(
      "LMCACHE_MAX_LOCAL_CPU_SIZE=10 LMCACHE_LOCAL_DISK=file:///nvme "
      "LMCACHE_MAX_LOCAL_DISK_SIZE=100 " +
      serve + R"('{"kv_connector":"LMCacheConnectorV1","kv_role":"kv_both"}')");
  CHECK(cache.at("tiers.1.capacity") == "20GiB");
  CHECK(cache.at("tiers.1.stack") == "lmcache-cpu");
  CHECK(cache.at("tiers.2.capacity") == "200GiB");
  CHECK(cache.at("policy.preset") == "lmcache");
  const Read pair = vllm(serve + R"('{"kv_connector":"MultiConnector","kv_connector_extra_config":
      {"connectors": [{"kv_connector": "NixlConnector", "kv_role": "kv_producer"},
        {"kv_connector": "OffloadingConnector",
         "kv_connector_extra_config": {"cpu_bytes_to_use": 1073741824}}]}}')");
  CHECK_THAT(pair.said, Contains("NixlConnector (kv_producer) hands prompts over"));
  CHECK(pair.at("tiers.1.capacity") == "1GiB");

  for (const char* wrong : {R"('{"kv_connector": "FancyConnector"}')", R"('{}')", "'[1]'", "'{'",
                            R"('{"a": 1, "a": 2}')", R"('{"kv_connector": "OffloadingConnector"}')",
                            R"('{"kv_connector": "OffloadingConnector", "kv_connector_extra_config":
            {"cpu_bytes_to_use": -1}}')",
                            R"('{"kv_connector": "OffloadingConnector", "kv_connector_extra_config":
            {"cpu_bytes_to_use": 1e99}}')",
                            R"('{"kv_connector": "MultiConnector"}')",
                            R"('{"kv_connector": "OffloadingConnector", "kv_connector_extra_config":
            {"cpu_bytes_to_use": 1e9, "secondary_tiers": [{"type": "tape"}]}}')"}) {
    refusal(import_vllm, serve + wrong);
  }
  CHECK_THAT(refusal(import_vllm, serve + R"('{"kv_connector": "FancyConnector"}')"),
             Contains("connector that is not known: `FancyConnector`"));
}

TEST_CASE("A launch line of SGLang is read", "[importers]") {
  const Read read = sglang(
      "python3 -m sglang.launch_server --model-path Qwen/Qwen3-32B --tp 2 "
      "--page-size 64 --mem-fraction-static 0.85 --chunked-prefill-size 4096 "
      "--max-running-requests 128 --context-length 32K --port 30000");
  CHECK(read.said.empty());
  CHECK(read.at("engine.preset") == "sglang");
  CHECK(read.at("engine.tp") == "2");
  CHECK(read.at("engine.block_tokens") == "64");
  CHECK(read.at("engine.memory.utilization") == "0.85");
  CHECK(read.at("engine.memory.activations") == "0B");
  CHECK(read.at("engine.max_batched_tokens") == "4096");
  CHECK(read.at("engine.max_sequences") == "128");
  CHECK(read.at("engine.max_model_tokens") == "32768");
  CHECK(read.at("policy.eviction") == "leaf-lru");
  CHECK(read.at("tiers").empty());
  CHECK(sglang("sglang serve --model-path Qwen/Qwen3-32B --dp 4").at("engine.instances") == "4");
  CHECK(sglang("--model Qwen/Qwen3-32B --disable-radix-cache").at("engine.prefix_caching") ==
        "false");
  CHECK(sglang("--model Qwen/Qwen3-32B --page-size 64 --max-total-tokens 640000")
            .at("engine.memory.kv_blocks") == "10000");
  CHECK_THAT(sglang("--model Qwen/Qwen3-32B --speculative-algorithm EAGLE3").said,
             Contains("speculative decoding is not modelled"));
  const Read whole = sglang("--model Qwen/Qwen3-32B --chunked-prefill-size -1");
  CHECK(whole.at("engine.max_batched_tokens") == "16384");
  CHECK(whole.at("engine.chunked_prefill") == "false");
}

TEST_CASE("Attention of SGLang that is data parallel shares the GPUs of its ranks", "[importers]") {
  const Read read = sglang(
      "--model deepseek-ai/DeepSeek-V3 --tp 16 --dp 8 --enable-dp-attention "
      "--ep 16 --enable-hierarchical-cache --hicache-size 30");
  CHECK(read.at("engine.tp") == "2");
  CHECK(read.at("engine.dp") == "8");
  CHECK(read.at("engine.ep") == "16");
  // 30 GB a rank, of two that hold the same latent, times eight.
  CHECK(read.at("tiers.1.capacity") == "240GB");
  refusal(import_sglang, "--model a --tp 4 --dp 3 --enable-dp-attention");
}

TEST_CASE("HiCache becomes tiers and a policy", "[importers]") {
  const std::string line = "--model Qwen/Qwen3-32B --tp 2 --enable-hierarchical-cache ";
  const Read sized = sglang(line +
                            "--hicache-size 100 --hicache-write-policy "
                            "write_through_selective --hicache-io-backend direct "
                            "--hicache-mem-layout layer_first --hicache-storage-backend file");
  CHECK(sized.at("policy.preset") == "sglang-hicache");
  CHECK(sized.at("policy.placement.write") == "selective");
  CHECK(sized.at("policy.placement.threshold") == "2");
  CHECK(sized.at("tiers.1.capacity") == "200GB");
  CHECK(sized.at("tiers.1.stack") == "vllm-native");
  CHECK(sized.at("tiers.1.load") == "layerwise");
  CHECK(sized.at("tiers.1.objects.layout") == "layer-first");
  CHECK(sized.at("tiers.2.kind") == "nvme");
  const Read plain = sglang(line + "--hicache-storage-backend mooncake");
  CHECK(plain.at("policy.placement.write") == "through");
  CHECK(plain.at("tiers.1.stack") == "hicache-kernel");
  CHECK(plain.at("tiers.1.capacity").empty());
  CHECK_THAT(plain.said, Contains("the capacity of tier dram is not known"));
  CHECK_THAT(plain.text, Contains("Left out it is 80 % of the node's host memory"));
  CHECK(plain.at("tiers.2.kind") == "external");
  LaunchContext known = context();
  known.kv_of_instance = Bytes{50'000'000'000};
  CHECK(read(import_sglang, line + "--hicache-ratio 1.5", known).at("tiers.1.capacity") == "75GB");
  CHECK_THAT(sglang("--model Qwen/Qwen3-32B --hicache-ratio 2").said,
             Contains("does nothing without --enable-hierarchical-cache"));
  for (const char* wrong : {"--hicache-write-policy sometimes", "--hicache-io-backend magic",
                            "--hicache-mem-layout spiral", "--hicache-storage-backend tape",
                            "--radix-eviction-policy guess"}) {
    refusal(import_sglang, line + wrong);
  }
}

TEST_CASE("SGLang's default share of memory is what its source computes", "[importers]") {
  // 81,559 MiB; 512 + 1.5 x 8,192 + 1,024/8 + 2 x 256 + 58 prefill graphs x 8.
  StaticNeeds needs;
  needs.gpu = Bytes{int64_t{81559} * 1048576};
  needs.chunk = 8192;
  CHECK(default_static_share(needs) == Approx(0.830).margin(1e-9));
  // Eight ranks of attention: 2 x 512, 512 x 8 x 4.5, a latent's graphs.
  needs.tp = 8;
  needs.attention_dp = 8;
  needs.latent = true;
  const double reserved = 512 + 12288 + 1024 + 1024 + 18432 + 1536;
  CHECK(default_static_share(needs) == Approx((81559 - reserved) / 81559).margin(5e-4));
}

TEST_CASE("Values that cannot be are refused with their place", "[importers]") {
  for (const char* wrong : {"-tp 0",
                            "-tp -1",
                            "-tp two",
                            "-tp 1.5",
                            "-tp 99999999999999999999",
                            "-tp",
                            "-tp --port 1",
                            "--max-model-len 1",
                            "--max-model-len 32x",
                            "--gpu-memory-utilization 0",
                            "--gpu-memory-utilization 1.1",
                            "--gpu-memory-utilization nan",
                            "--block-size 0",
                            "--kv-cache-dtype int3",
                            "--max-num-seqs 1e9",
                            "-tp $GPUS",
                            "-tp \"`nproc`\"",
                            "--kv-offloading-size -3",
                            "--kv-offloading-size 9 --no-enable-prefix-caching",
                            "--kv-offloading-size 9 --kv-offloading-backend tape",
                            "--max-num-seqs 60000 -dp 8 --enable-expert-parallel",
                            "'open"}) {
    INFO(wrong);
    CHECK_THAT(refusal(import_vllm, "vllm serve Qwen/Qwen3-32B " + std::string(wrong)),
               Contains("arguments:1:"));
  }
  refusal(import_vllm, "");
  refusal(import_sglang, "  # nothing\n");
  CHECK_THAT(vllm("vllm serve Qwen/Qwen3-32B --port $PORT").said, !Contains("error"));
  for (const char* wrong : {"--tp 0", "--chunked-prefill-size -2", "--mem-fraction-static 2",
                            "--page-size x", "--enable-hierarchical-cache --disable-radix-cache",
                            "--max-total-tokens 0", "--kv-cache-dtype mxfp8"}) {
    refusal(import_sglang, "--model a " + std::string(wrong));
  }
}

TEST_CASE("Models are found by the words of their names", "[importers]") {
  const std::vector<CatalogueModel> models = context().models;
  const auto name = [&](const char* given) {
    const ModelMatch match = match_model(given, models);
    return match.model == nullptr ? std::string() : match.model->name;
  };
  for (const char* same :
       {"meta-llama/Llama-3.1-70B-Instruct", "meta-llama/Meta-Llama-3.1-70B-Instruct",
        "RedHatAI/Meta-Llama-3.1-70B-Instruct-FP8", "nvidia/Llama-3.1-70B-Instruct-NVFP4",
        "/models/llama-3.1-70b/", "hugging-quants/Meta-Llama-3.1-70B-Instruct-AWQ-INT4",
        "models--meta-llama--Llama-3.1-70B-Instruct", "llama-3.1-70b"}) {
    INFO(same);
    CHECK(name(same) == "llama-3.1-70b");
  }
  for (const char* other : {"meta-llama/Llama-3.1-8B", "meta-llama/Llama-3.3-70B-Instruct",
                            "deepseek-ai/DeepSeek-R1-Distill-Llama-70B", "Qwen/Qwen3-235B-A22B", "",
                            "/", "FP8", "Qwen/Qwen3-32B-Instruct-2507"}) {
    INFO(other);
    CHECK(name(other).empty());
  }
  CHECK(name("openai/gpt-oss-120b") == "gpt-oss-120b");
  const auto format = [&](const char* given) { return match_model(given, models).weights; };
  CHECK(format("Qwen/Qwen3-32B-FP8") == llm::WeightFormat::fp8);
  CHECK(format("RedHatAI/Qwen3-32B-quantized.w4a16") == llm::WeightFormat::int4);
  CHECK(name("RedHatAI/Qwen3-32B-quantized.w4a16") == "qwen3-32b");
  CHECK(format("Qwen/Qwen3-32B-AWQ") == llm::WeightFormat::int4);
  CHECK(format("Qwen/Qwen3-32B") == std::nullopt);
  CHECK(vllm("vllm serve Qwen/Qwen3-32B --quantization modelopt_fp4").at("model.weights") ==
        "nvfp4");
  CHECK_THAT(vllm("vllm serve Qwen/Qwen3-32B --quantization secret").said,
             Contains("does not tell the format of weights"));
  const Read missing = vllm("vllm serve acme/rocket-1b --kv-cache-dtype fp8_e4m3");
  CHECK_THAT(missing.said, Contains("no model of the catalogue is called `acme/rocket-1b`"));
  CHECK_THAT(missing.text, Contains("`tiercast import hf"));
  CHECK(missing.at("model.kv") == "fp8");
}

}  // namespace
}  // namespace tiercast::importers
