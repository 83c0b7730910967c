// What is said of a tier beforehand is what a simulated request then takes.
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "models/scenario/tier_times.hpp"
#include "models/serving/attribution.hpp"
#include "models/serving/cluster.hpp"
#include "models/workload/demand_source.hpp"
#include "tests/scenario/small_scenario.hpp"

using namespace tiercast;

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

constexpr uint32_t kPrefix = 8192;  // tokens
constexpr uint32_t kOwn = 16;

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
    std::ofstream(file_) << line(0, kPrefix + kOwn, 0, 1000) << line(10, 9590, 100, 1001)
                         << line(20, 9590, 200, 1002) << line(5000, kPrefix + kOwn, 0, 1003);
  }
  Trace(const Trace&) = delete;
  Trace& operator=(const Trace&) = delete;
  ~Trace() { std::filesystem::remove(file_); }
  std::string path() const { return file_.string(); }

 private:
  std::filesystem::path file_;
};

}  // namespace

TEST_CASE("A request whose prefix lies in one tier takes what explain adds up",
          "[scenario][tiers]") {
  struct Case {
    std::string tiers;
    uint32_t nodes;
  };
  const Trace trace;
  for (const Case& one : {Case{"[hbm, {kind: dram, capacity: 64GiB}]", 1},
                          Case{"[hbm, {kind: dram, capacity: 64GiB}, peer]", 2},
                          Case{"[hbm, {kind: nvme, capacity: 1TiB}]", 1},
                          Case{"[hbm, {kind: context, capacity: 1TiB}]", 1},
                          Case{"[hbm, {kind: external, capacity: 1TiB}]", 1}}) {
    INFO(one.tiers);
    const scenario::Scenario scenario =
        tests::good(kScenario, {"tiers=" + one.tiers, "cluster.nodes=" + std::to_string(one.nodes),
                                "workload.trace.file=" + trace.path(),
                                "cluster.node.drives.0.tail_probability=0%",
                                "cluster.storage.context.enclosure.drives.tail_probability=0%"});
    const scenario::World world = tests::world_of(scenario);
    const scenario::TierTimes told = tier_times(scenario.spec, world).back();
    const scenario::PrefixTimes& prefix = told.prefixes.at(1);
    REQUIRE(prefix.tokens == kPrefix);

    Diagnostics found;
    const auto source = workload::make_source(
        scenario.spec.workload, {scenario.spec.run.seed, world.cluster.engine.block_tokens}, found);
    REQUIRE(source != nullptr);
    const serving::Outcome outcome = serving::Cluster(world.cluster, world.steps, *source).run();
    REQUIRE(outcome.warmed_requests == 3);
    REQUIRE(outcome.log.size() == 1);
    const serving::RequestRecord& request = outcome.log.front();
    CHECK(request.loaded_tokens == kPrefix);
    CHECK(request.cached_tokens == kPrefix);

    const serving::AloneCost alone(world.steps);
    CHECK(request.ttft.metadata_ns == prefix.lookup_ns);
    CHECK(request.ttft.load_move_ns ==
          told.load.before_ns() + prefix.moving_ns + told.load.acknowledge_ns);
    CHECK(request.first_token_ns - request.arrival_ns ==
          prefix.load_ns + serving::ceil_ns(alone.prefill_ticks(kOwn, kPrefix, true)));
  }
}
