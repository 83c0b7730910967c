// Forecasts as a script meets them: exit codes, what goes to standard output, and results that do
// not depend on how a scenario is written or computed.
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/e2e/program.hpp"
#include "tests/support/paths.hpp"

namespace tiercast::e2e {
namespace {

namespace fs = std::filesystem;

constexpr const char* kScenario = R"(name: small
cluster: {node: {use: dgx-h100, gpus: 2}}
model: llama-3.1-8b
engine: {tp: 1, block_tokens: 16}
workload:
  closed:
    sessions: 6
    turns: {fixed: {value: 4}}
    think: {fixed: {value: 500ms}}
    input_tokens: {lognormal: {median: 900, sigma: 0.5}}
    output_tokens: {lognormal: {median: 60, sigma: 0.5}}
run: {duration: 20s, seed: 3}
)";

// The same with the keys of every mapping in another order, and other YAML for the same values.
constexpr const char* kReordered = R"(run:
  seed: 3
  duration: 20000ms
workload:
  closed:
    output_tokens: {lognormal: {sigma: 0.50, median: 60}}
    input_tokens:
      lognormal: {sigma: 0.5, median: 900}
    think: {fixed: {value: 0.5s}}
    turns: {fixed: {value: 4}}
    sessions: 6
engine: {block_tokens: 16, tp: 1}   # a comment
model: {name: llama-3.1-8b}
cluster: {node: {gpus: 2, use: dgx-h100}}
name: "small"
)";

TEST_CASE("A forecast as JSON has the keys that scripts rely on", "[e2e]") {
  const Folder folder;
  const std::string scenario = folder.write("s.yaml", kScenario);
  const Json result = Json::parse(output_of({"run", scenario, "--format", "json"}));
  CHECK(result.at("schema") == "tiercast.result/1");
  CHECK(result.at("scenario") == "small");
  CHECK(result.at("seed") == 3);
  const Words expected{"schema",   "scenario",    "scenario_hash", "seed",        "digest",
                       "build",    "simulated_s", "warmup",        "steady",      "model",
                       "requests", "tokens",      "metrics",       "attribution", "cache",
                       "energy",   "cost",        "bottlenecks",   "thresholds",  "provenance",
                       "run"};
  Words keys = keys_of(result);
  for (const std::string& key : expected) {
    INFO(key);
    CHECK(std::count(keys.begin(), keys.end(), key) == 1);
  }
  const Json& requests = result.at("requests");
  CHECK(requests.at("offered") > 0);
  CHECK(requests.at("offered") == requests.at("completed").get<int>() +
                                      requests.at("failed").get<int>() +
                                      requests.at("rejected").get<int>());
  const Json& tokens = result.at("tokens");
  CHECK(tokens.at("input") ==
        tokens.at("input_cached").get<int64_t>() + tokens.at("input_computed").get<int64_t>());
  CHECK_FALSE(output_of({"run", scenario}).empty());
}

TEST_CASE("The same scenario gives the same bytes, however it is written or computed", "[e2e]") {
  const Folder folder;
  const std::string scenario = folder.write("s.yaml", kScenario);
  const std::string reordered = folder.write("r.yaml", kReordered);
  const auto run = [](Words words) {
    words.insert(words.begin(), "run");
    words.insert(words.end(), {"--format", "json", "--reproducible"});
    return output_of(words);
  };
  const std::string first = run({scenario});
  CHECK(run({scenario}) == first);
  CHECK(run({reordered}) == first);
  CHECK(run({scenario, "--set", "run.fuse=false"}) == first);
  CHECK(run({scenario, "--seed", "3"}) == first);
  const Json other = Json::parse(run({scenario, "--seed", "4"}));
  const Json json = Json::parse(first);
  CHECK(other.at("digest") != json.at("digest"));
  CHECK(other.at("scenario_hash") != json.at("scenario_hash"));
  for (const char* varies : {"build", "run"}) CHECK_FALSE(json.contains(varies));
}

TEST_CASE("--out writes three files; the result is what standard output says", "[e2e]") {
  const Folder folder;
  const std::string scenario = folder.write("s.yaml", kScenario);
  const std::string out = folder.path("deep/er");
  const std::string said =
      output_of({"run", scenario, "--out", out, "--format", "json", "--reproducible"});
  std::size_t files = 0;
  for (const auto& entry : fs::directory_iterator(out)) files += entry.is_regular_file() ? 1 : 0;
  CHECK(files == 3);
  CHECK(read_file(fs::path(out) / "result.json") == said);
  const std::string requests = read_file(fs::path(out) / "requests.csv");
  const auto rows = std::count(requests.begin(), requests.end(), '\n') - 1;
  CHECK(rows == Json::parse(said).at("requests").at("offered").get<int64_t>());
  CHECK_FALSE(read_file(fs::path(out) / "timeseries.csv").empty());

  const std::string file = folder.write("taken", "");
  const tests::Finished blocked = tiercast({"run", scenario, "--out", file});
  CHECK(blocked.exit_code == 1);
  CHECK_FALSE(blocked.err.empty());
}

TEST_CASE("A breached threshold ends with 3, one that holds with 0", "[e2e]") {
  const Folder folder;
  const std::string scenario = folder.write("s.yaml", kScenario);
  const auto run = [&](const std::string& threshold) {
    return tiercast(
        {"run", scenario, "--format", "json", "--set", "thresholds=[\"" + threshold + "\"]"});
  };
  const tests::Finished breached = run("ttft_ms.p99 < 1us");
  CHECK(breached.exit_code == 3);
  CHECK(Json::parse(breached.out).at("thresholds").at(0).at("pass") == false);
  const tests::Finished holds = run("ttft_ms.p99 < 1h");
  CHECK(holds.exit_code == 0);
  CHECK(Json::parse(holds.out).at("thresholds").at(0).at("pass") == true);
}

TEST_CASE("A result names the estimates that bear on it", "[e2e]") {
  const auto estimates = [](const std::string& pricing) {
    const Json result = json_of(
        {"run", quickstart(), "--set", "run.duration=1s", "--set", "cluster.pricing=" + pricing});
    const Words paths = result.at("provenance").at("sensitive_to");
    return std::set<std::string>(paths.begin(), paths.end());
  };
  const std::set<std::string> rented = estimates("rent");
  CHECK(rented.contains("cluster.node.gpu.rent"));
  CHECK_FALSE(rented.contains("cluster.node.gpu.price"));
  const std::set<std::string> owned = estimates("own");
  CHECK(owned.contains("cluster.node.gpu.price"));
  CHECK(owned.contains("cluster.facility.electricity"));
  CHECK_FALSE(owned.contains("cluster.node.gpu.rent"));
}

TEST_CASE("What a forecast must be read with is said", "[e2e]") {
  const auto caveats = [](const Words& sets) {
    Words words = {"run", quickstart(), "--set", "run.duration=5s"};
    for (const std::string& set : sets) words.insert(words.end(), {"--set", set});
    const Words found = json_of(words).at("provenance").at("caveats");
    std::string text;
    for (const std::string& caveat : found) text += caveat + "\n";
    return text;
  };
  CHECK_THAT(caveats({}), Catch::Contains("tasks were cut short by the end of the run"));
  CHECK(caveats({"workload.closed.repeat=false", "run.duration=1h"}).empty());
  CHECK_THAT(caveats({"engine.memory.kv_blocks=100000"}),
             Catch::Contains("100000 KV blocks are pinned, but memory has room for 28358"));
  CHECK_THAT(caveats({"cluster.node.gpu=h200-sxm"}),
             Catch::Contains("fitted on h100-sxm and carried over to NVIDIA H200"));
  CHECK_THAT(caveats({"tiers=[hbm, dram]"}),
             Catch::Contains("no tier uses cluster.storage.context") &&
                 Catch::Contains("no tier uses cluster.storage.external"));
  CHECK_THAT(caveats({"engine.tp=8", "cluster.nodes=4", "engine.instances=1"}),
             Catch::Contains("an instance spans nodes"));
}

TEST_CASE("Clients that are refused at once do not keep time from passing", "[e2e]") {
  const tests::Finished done =
      tiercast({"run", quickstart(), "--set", "engine.max_model_tokens=2", "--set",
                "workload.closed.think={fixed: {value: 0s}}", "--set", "workload.closed.ramp=0s",
                "--set", "run.duration=60s", "--format", "json"});
  const Json result = Json::parse(done.out);
  const int refused = result.at("requests").at("rejected");
  CHECK(refused == result.at("requests").at("offered"));
  // 32 sessions ask once a second.
  CHECK(refused >= 32 * 50);
  CHECK(refused <= 32 * 60);
  CHECK(result.at("requests").at("rejected_too_long") == refused);
  // Nothing served is an error, said in one line.
  CHECK(done.exit_code == 1);
  CHECK_THAT(done.err, Catch::StartsWith("tiercast: nothing was served: all ") &&
                           Catch::Contains("engine.max_model_tokens"));
}

TEST_CASE("Roles are told where prefill and decode are apart", "[e2e]") {
  const std::string scenario = (tests::source_dir() / "scenarios/disaggregated.yaml").string();
  const Words words = {"run", scenario, "--set", "run.duration=20s", "--set", "run.warmup=0s"};
  const Json result = json_of(words);
  REQUIRE(result.at("roles").size() == 2);
  double queue_ms = 0;
  double busy = 0;
  for (const Json& role : result.at("roles")) {
    queue_ms += role.at("queue_ms").get<double>();
    busy += role.at("gpu_busy").get<double>() * role.at("instances").get<double>() / 4;
  }
  CHECK(queue_ms == Approx(result.at("metrics").at("queue_ms").at("mean").get<double>()));
  for (const Json& found : result.at("bottlenecks")) {
    if (found.at("resource") == "gpu") CHECK(busy == Approx(found.at("busy").get<double>()));
  }
  CHECK_THAT(output_of(words),
             Catch::Contains("4 instance(s) (2 prefill + 2 decode) of 4 GPU(s)") &&
                 Catch::Contains("\n  decode      2 instances, "));
}

TEST_CASE("Reference mode keeps thresholds and writes its result", "[e2e]") {
  const Folder folder;
  const auto run = [&](const std::string& threshold) {
    return tiercast({"run", quickstart(), "--set", "engine=oracle", "--set",
                     "workload.closed.requests=200", "--set", "thresholds=['" + threshold + "']",
                     "--out", folder.path("out"), "--format", "json"});
  };
  const tests::Finished met = run("cache.token_hit_ratio > 0.1");
  CHECK(met.exit_code == 0);
  CHECK(read_file(folder.path("out/result.json")) == met.out);
  CHECK(Json::parse(met.out).at("thresholds").at(0).at("pass") == true);
  CHECK(run("cache.token_hit_ratio > 0.999").exit_code == 3);
  CHECK(run("ttft_ms.p99 < 5").exit_code == 2);
}

TEST_CASE("A run in which nothing was offered says so", "[e2e]") {
  const Words words = {"run",   quickstart(),   "--set", "workload.closed.duration=1ns",
                       "--set", "run.warmup=0s"};
  CHECK_THAT(output_of(words), Catch::Contains("no request was offered"));
}

TEST_CASE("Cache replays of a recorded trace equal an independent simulator", "[e2e][oracle]") {
  if (!fs::exists(trace())) {
    WARN("skipped: no traces at " << tests::shared_dir());
    return;
  }
  std::map<std::string, double> oracle;  // by "policy,capacity"
  std::istringstream rows(read_file(tests::shared_dir() / "oracles/cache_miss_ratios.csv"));
  for (std::string row; std::getline(rows, row);) {
    if (!row.starts_with("conversation,")) continue;
    const std::size_t start = row.find(',') + 1;
    const std::size_t accesses = row.find(',', row.find(',', start) + 1);
    oracle[row.substr(start, accesses - start)] = std::stod(row.substr(row.rfind(',') + 1));
  }
  for (const std::string policy : {"lru", "fifo", "s3fifo"}) {
    const Json replay =
        json_of({"cache", trace().string(), "--policy", policy, "--capacity", "18279,91395"});
    CHECK(replay.at("policy") == policy);
    REQUIRE(replay.at("results").size() == 2);
    for (const Json& result : replay.at("results")) {
      const auto capacity = result.at("capacity").get<uint64_t>();
      INFO(policy << " " << capacity);
      CHECK(result.at("accesses") == 288500);
      CHECK(std::abs(result.at("miss_ratio").get<double>() -
                     oracle.at(policy + "," + std::to_string(capacity))) < 5e-9);
    }
  }
}

TEST_CASE("Reference mode finds the reuse that a recorded trace is known to hold",
          "[e2e][oracle]") {
  if (!fs::exists(trace())) {
    WARN("skipped: no traces at " << tests::shared_dir());
    return;
  }
  const Folder folder;
  const std::string scenario = folder.write(
      "s.yaml", "name: reference\ncluster: dgx-h100\nmodel: llama-3.1-8b\nworkload: {trace: " +
                    fs::canonical(trace()).string() + "}\n");
  const Json hits = json_of({"run", scenario, "--set", "engine=oracle"});
  CHECK(hits.at("schema") == "tiercast.reference/1");
  CHECK(hits.at("requests") == 12031);
  const Json& cache = hits.at("cache");
  CHECK(cache.at("token_hit_ratio").get<double>() == Approx(0.3736).margin(5e-5));
  CHECK(cache.at("token_hit_ratio_full_blocks").get<double>() == Approx(0.3734).margin(5e-5));
}

TEST_CASE("Reference mode ends where the run does", "[e2e]") {
  const Folder folder;
  const std::string scenario = folder.write("s.yaml", R"(name: paced
cluster: dgx-h100
model: llama-3.1-8b
engine: oracle
workload:
  open:
    arrivals: {process: constant, rate: 4/s}
    input_tokens: {fixed: {value: 100}}
    output_tokens: {fixed: {value: 10}}
run: {duration: 10s}
)");
  const Json hits = json_of({"run", scenario});
  // One every 250 ms and none at 10 s or later: 40, or 39 where the first comes after one gap.
  CHECK(hits.at("requests") >= 39);
  CHECK(hits.at("requests") <= 40);
  CHECK(hits.at("tokens").at("input") == 100 * hits.at("requests").get<int>());
}

}  // namespace
}  // namespace tiercast::e2e
