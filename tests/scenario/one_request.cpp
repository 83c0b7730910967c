#include "tests/scenario/one_request.hpp"

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <unistd.h>
#include <utility>

#include <catch2/catch.hpp>

#include "models/serving/cluster.hpp"
#include "models/workload/demand_source.hpp"

namespace tiercast::tests {

namespace {

constexpr const char* kScenario = R"(name: one request
cluster:
  node: {use: dgx-h100, gpus: 1, drives: [{use: solidigm-d7-ps1010, count: 2}]}
  storage:
    context: {enclosure: cmx-bf4, count: 1}
    external: {service: file-store-rdma, count: 1}
model: llama-3.1-8b
engine: {tp: 1, block_tokens: 16, memory: {kv_blocks: 600}}
router: round-robin
policy: {placement: {fetch: load-all}}
run: {warmup: {functional: 1s}}
workload: {trace: {file: t.jsonl, format: mooncake}}
)";

// A trace line of `tokens` tokens whose ids count up from `first_id`, the last one apart.
std::string line(int64_t time_ms, uint32_t tokens, uint32_t first_id, uint32_t last_id) {
  std::string ids;
  for (uint32_t covered = 0; covered + 512 < tokens; covered += 512) {
    ids += std::to_string(first_id + covered / 512) + ", ";
  }
  return "{\"timestamp\": " + std::to_string(time_ms) +
         ", \"input_length\": " + std::to_string(tokens) +
         ", \"output_length\": 1, \"hash_ids\": [" + ids + std::to_string(last_id) + "]}\n";
}

// Three prompts pass through the caches: the first one's prefix is left in lower tiers alone, since
// the third fills GPU memory (and the second, that of another instance). A fourth has that prefix.
class Trace {
 public:
  Trace()
      : file_(std::filesystem::temp_directory_path() /
              ("tiercast_explained_run_" + std::to_string(getpid()) + ".jsonl")) {
    std::ofstream(file_) << line(0, kPrefixTokens + kOwnTokens, 0, 1000)
                         << line(10, 9590, 100, 1001) << line(20, 9590, 200, 1002)
                         << line(5000, kPrefixTokens + kOwnTokens, 0, 1003);
  }
  Trace(const Trace&) = delete;
  Trace& operator=(const Trace&) = delete;
  ~Trace() { std::filesystem::remove(file_); }
  std::string path() const { return file_.string(); }

 private:
  std::filesystem::path file_;
};

}  // namespace

OneRequest run_one_request(const std::string& tiers, const std::vector<std::string>& sets) {
  const Trace trace;
  std::vector<std::string> all = {"tiers=" + tiers, "workload.trace.file=" + trace.path(),
                                  "cluster.node.drives.0.tail_probability=0%",
                                  "cluster.storage.context.enclosure.drives.tail_probability=0%"};
  all.insert(all.end(), sets.begin(), sets.end());
  OneRequest one{good(kScenario, all), {}, {}};
  one.world = world_of(one.scenario);
  Diagnostics found;
  const auto source = workload::make_source(
      one.scenario.spec.workload,
      {one.scenario.spec.run.seed, one.world.cluster.engine.block_tokens}, found);
  REQUIRE(source != nullptr);
  one.outcome = serving::Cluster(one.world.cluster, one.world.steps, *source).run();
  REQUIRE(one.outcome.warmed_requests == 3);
  REQUIRE(one.outcome.log.size() == 1);
  return one;
}

}  // namespace tiercast::tests
