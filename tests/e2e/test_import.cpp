// What `import` writes is a piece of a scenario that the program takes.
#include <map>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/e2e/program.hpp"
#include "tests/support/hf_models.hpp"
#include "tests/support/paths.hpp"

namespace tiercast::e2e {
namespace {

using Catch::Contains;

constexpr const char* kRest = R"(
name: imported
cluster:
  node: {use: dgx-h200, drives: [{use: solidigm-d7-ps1010, count: 4}]}
  nodes: 4
  storage: {external: {service: file-store-rdma, count: 1}}
workload:
  open:
    arrivals: {process: poisson, rate: 1/s}
    input_tokens: {fixed: {value: 200}}
    output_tokens: {fixed: {value: 20}}
    duration: 10s
)";

/// The fragment as a scenario, on four nodes.
std::string scenario_of(const Folder& folder, const std::string& fragment,
                        const std::string& more = "") {
  return folder.write("scenario.yaml", fragment + more + kRest);
}

void validates(const std::string& scenario) {
  const tests::Finished done = tiercast({"validate", scenario});
  INFO(read_file(scenario));
  INFO(done.err);
  CHECK(done.exit_code == 0);
}

TEST_CASE("Every imported model is taken by a scenario", "[e2e]") {
  const Folder folder;
  for (const auto& [name, json] : tests::hf_models()) {
    INFO(name);
    const tests::Finished done =
        tiercast({"import", "hf", folder.write("config.json", json), "--quiet"});
    INFO(done.err);
    REQUIRE(done.exit_code == 0);
    // Small steps: what is asked here is whether it is taken, on whatever hardware.
    const Words explain = {"explain",
                           scenario_of(folder, done.out,
                                       "engine: {max_batched_tokens: 64, max_sequences: 8, "
                                       "max_model_tokens: 1024, memory: {kv_blocks: 1000}}\n"),
                           "model.name.layers"};
    const tests::Finished told = tiercast(explain);
    INFO(done.out << told.err);
    CHECK(told.exit_code == 0);
    CHECK_THAT(told.out, Contains("layers"));
  }
}

TEST_CASE("Every imported launch line is taken by a scenario", "[e2e]") {
  const Folder folder;
  const std::vector<Words> lines = {
      {"vllm", "vllm serve Qwen/Qwen3-32B -tp 2"},
      {"vllm",
       "vllm serve Qwen/Qwen3-32B-FP8 -tp 2 --kv-cache-dtype fp8 --kv-offloading-size 100 "
       "--max-num-seqs 256 --max-model-len 16k --enable-prefix-caching "
       "--num-gpu-blocks-override 4000 --no-enable-chunked-prefill "
       "--max-num-batched-tokens 16384"},
      {"vllm",
       "vllm serve Qwen/Qwen3-235B-A22B-FP8 -tp 4 -dp 2 --enable-expert-parallel "
       "--max-num-seqs 64 --max-model-len 8192"},
      {"vllm", "vllm serve Qwen/Qwen3-8B -dp 4"},
      {"vllm", R"(vllm serve Qwen/Qwen3-8B --kv-transfer-config '{"kv_connector":
        "OffloadingConnector", "kv_connector_extra_config": {"spec_name": "TieringOffloadingSpec",
        "cpu_bytes_to_use": 8589934592, "eviction_policy": "arc",
        "secondary_tiers": [{"type": "fs"}, {"type": "obj"}]}}')"},
      {"vllm", R"(LMCACHE_LOCAL_DISK=a LMCACHE_MAX_LOCAL_DISK_SIZE=100 LMCACHE_REMOTE_URL=b vllm
        serve Qwen/Qwen3-8B --kv-transfer-config '{"kv_connector": "LMCacheConnectorV1"}')"},
      {"vllm", R"(vllm serve Qwen/Qwen3-8B --kv-transfer-config
        '{"kv_connector": "LMCacheMPConnector"}')"},
      {"sglang", "--model-path Qwen/Qwen3-32B --tp 2 --page-size 16 --dp 2"},
      {"sglang",
       "--model-path Qwen/Qwen3-32B --tp 2 --page-size 64 --enable-hierarchical-cache "
       "--hicache-write-policy write_through_selective --hicache-io-backend direct "
       "--hicache-mem-layout layer_first --hicache-storage-backend file"},
      {"sglang",
       "--model-path Qwen/Qwen3-32B --tp 2 --page-size 64 --enable-hierarchical-cache "
       "--hicache-write-policy write_back --hicache-storage-backend mooncake "
       "--max-total-tokens 640000 --allow-auto-truncate --context-length 8192"},
      {"sglang",
       "--model-path deepseek-ai/DeepSeek-V3 --tp 16 --dp 8 --enable-dp-attention --ep 16 "
       "--page-size 64 --max-running-requests 64 --context-length 8192"},
      {"sglang", "--model-path Qwen/Qwen3-8B --enable-lmcache --page-size 16"},
      {"sglang", "--model-path Qwen/Qwen3-8B --radix-eviction-policy slru --disable-radix-cache"}};
  for (const Words& line : lines) {
    INFO(line[1]);
    const tests::Finished done =
        tiercast({"import", line[0], line[1], "--node", "dgx-h200", "--quiet"});
    INFO(done.err);
    REQUIRE(done.exit_code == 0);
    CHECK_THAT(done.out, Contains("# On dgx-h200: ") && Contains(" KV blocks an instance"));
    validates(scenario_of(folder, done.out));
  }
}

TEST_CASE("The KV blocks that import tells are those of the scenario", "[e2e]") {
  const Folder folder;
  const std::string line = "vllm serve meta-llama/Llama-3.1-70B-Instruct -tp 4";
  const std::string fragment = output_of({"import", "vllm", line, "--gpu", "h200-sxm"});
  const Json derived = json_of({"explain", scenario_of(folder, fragment), "derived"});
  CHECK_THAT(fragment,
             Contains("# On dgx-h200: " +
                      std::to_string(derived.at("kv_blocks_per_instance").get<int64_t>()) +
                      " KV blocks an instance"));
  // Twice what is in GPU memory, to a megabyte.
  const std::string tiered =
      output_of({"import", "sglang",
                 "--model Qwen/Qwen3-32B --tp 2 --page-size 64 --enable-hierarchical-cache",
                 "--node", "dgx-h200"});
  const std::string scenario = scenario_of(folder, tiered);
  const Json all = json_of({"explain", scenario});
  const double gpu = all.at("kv_blocks_per_instance").get<double>() * 64 *
                     all.at("kv_bytes_per_token").get<double>();
  const Json capacity = json_of({"explain", scenario, "tiers.1.capacity"});
  CHECK(std::stod(capacity.at("value").get<std::string>()) * 1e9 == Approx(2 * gpu).margin(1e6));
}

TEST_CASE("Import reads files, standard input's name and arguments, and writes where it is told",
          "[e2e]") {
  const Folder folder;
  const std::string line = "vllm serve Qwen/Qwen3-8B --max-num-seqs 64\n";
  const std::string direct = output_of({"import", "vllm", line});
  const std::string file = folder.write("line.txt", line);
  CHECK(output_of({"import", "vllm", file}) == direct);
  CHECK(output_of({"import", "vllm", "@" + file}) == direct);
  CHECK(output_of({"import", "vllm", line, "-o", folder.path("out.yaml")}).empty());
  CHECK(read_file(folder.path("out.yaml")) == direct);

  const std::string json = folder.write("config.json", tests::hf_models().at("llama-3.1-8b"));
  const std::string section = output_of({"import", "hf", json});
  CHECK_THAT(section, Contains("model:\n  name:\n"));
  const std::string entry = output_of({"import", "hf", json, "--catalogue"});
  CHECK_THAT(entry, Contains("\nlayers: 32  # num_hidden_layers\n") && !Contains("model:\n"));
}

TEST_CASE("What import cannot read ends in 2 and writes nothing", "[e2e]") {
  const Folder folder;
  const std::string bad = folder.write("config.json", "{\"model_type\": \"jamba\"}");
  const std::vector<Words> wrong = {{"hf", folder.path("absent.json")},
                                    {"hf", bad},
                                    {"hf", folder.path("")},
                                    {"vllm", "vllm serve a -tp zero"},
                                    {"vllm", "@" + folder.path("absent")},
                                    {"vllm", "vllm serve a", "--gpu", "h1000"},
                                    {"vllm", "vllm serve a", "--node", "../nodes/dgx-h100"},
                                    {"tgi", "a"}};
  for (Words words : wrong) {
    INFO(words[1]);
    words.insert(words.begin(), "import");
    words.insert(words.end(), {"-o", folder.path("out.yaml")});
    const tests::Finished done = tiercast(words);
    CHECK(done.exit_code == 2);
    CHECK(done.out.empty());
    CHECK_FALSE(done.err.empty());
    CHECK_FALSE(std::filesystem::exists(folder.path("out.yaml")));
  }
  CHECK_THAT(tiercast({"import", "hf", bad}).err, Contains("config.json:1:2: error: `model_type`"));
}

TEST_CASE("A model that the catalogue lacks keeps its launch line", "[e2e]") {
  const tests::Finished done =
      tiercast({"import", "vllm", "vllm serve acme/rocket-1b -tp 2", "--gpu", "h100-sxm"});
  CHECK(done.exit_code == 0);
  CHECK_THAT(done.err, Contains("no model of the catalogue is called `acme/rocket-1b`") &&
                           Contains("no KV blocks follow on dgx-h100"));
  CHECK_THAT(done.out, Contains("# model.name is missing") && Contains("  tp: 2  # -tp\n"));
}

}  // namespace
}  // namespace tiercast::e2e
