// The program as a script meets it: exit codes, what goes to standard output, and results that do
// not depend on how a scenario is written or computed.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <stdlib.h>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/support/paths.hpp"
#include "tests/support/process.hpp"

namespace tiercast {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using Words = std::vector<std::string>;

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

class Folder {
 public:
  Folder() {
    std::string pattern = (fs::temp_directory_path() / "tiercast-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    root_ = pattern;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { fs::remove_all(root_); }

  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(root_ / name, std::ios::binary) << text;
    return path(name);
  }
  std::string path(const std::string& name) const { return (root_ / name).string(); }

 private:
  fs::path root_;
};

tests::Finished tiercast(Words arguments) {
  REQUIRE_FALSE(tests::program().empty());
  arguments.insert(arguments.begin(), tests::program().string());
  const std::string configs = (tests::source_dir() / "configs").string();
  return tests::run_process(arguments,
                            {"XDG_CONFIG_HOME=/dev/null", "TIERCAST_CONFIGS=" + configs});
}

/// Standard output of a run that must end well and say nothing else.
std::string output_of(const Words& arguments) {
  const tests::Finished done = tiercast(arguments);
  INFO(done.err);
  REQUIRE(done.exit_code == 0);
  CHECK(done.err.empty());
  return done.out;
}

std::string read_file(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  REQUIRE(stream);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

Words keys_of(const Json& object) {
  Words keys;
  for (const auto& item : object.items()) keys.push_back(item.key());
  return keys;
}

Json json_of(const Words& more) {
  Words words = more;
  words.insert(words.end(), {"--format", "json"});
  return Json::parse(output_of(words));
}

std::string quickstart() { return (tests::source_dir() / "scenarios/quickstart.yaml").string(); }
fs::path trace() { return tests::shared_dir() / "traces/mooncake_conversation.jsonl.gz"; }

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

TEST_CASE("A dry run and validate check everything and simulate nothing", "[e2e]") {
  CHECK(output_of({"validate", quickstart()}) == quickstart() + ": fine\n");
  CHECK(output_of({"validate", quickstart(), "--quiet"}).empty());
  CHECK_FALSE(output_of({"run", quickstart(), "--dry-run"}).empty());
  const Folder folder;
  const std::string bad = folder.write("bad.yaml", "name: x\n");
  const tests::Finished mixed = tiercast({"validate", quickstart(), bad});
  CHECK(mixed.exit_code == 2);
  CHECK(mixed.out == quickstart() + ": fine\n");
  CHECK_FALSE(mixed.err.empty());
  CHECK(tiercast({"run", bad, "--dry-run"}).exit_code == 2);
}

TEST_CASE("Explain tells where a figure comes from and what follows", "[e2e]") {
  const std::string figure = output_of({"explain", quickstart(), "cluster.node.gpu.hbm"});
  CHECK_THAT(figure, Catch::Contains("NVML") && Catch::Contains("h100-sxm.yaml:2"));
  const Json derived = Json::parse(output_of({"explain", quickstart(), "--format", "json"}));
  CHECK(derived.at("schema") == "tiercast.derived/1");
  // 2 (K and V) x 32 layers x 8 KV heads x 128 numbers x 2 bytes.
  CHECK(derived.at("kv_bytes_per_token") == 131072);
  CHECK(derived.at("instances") == 4);
  CHECK_THAT(output_of({"explain", quickstart()}), Catch::Contains("block_tokens: 16"));
}

TEST_CASE("The catalogue and the policies are listed, and what is listed can be shown", "[e2e]") {
  const Json kinds = Json::parse(output_of({"configs", "--format", "json"}));
  CHECK(kinds.size() >= 5);
  for (const std::string kind : kinds) {
    const Json names = Json::parse(output_of({"configs", kind, "--format", "json"}));
    CHECK_FALSE(names.empty());
    const std::string name = names.front();
    const std::string text = read_file(tests::source_dir() / "configs" / kind / (name + ".yaml"));
    CHECK(output_of({"configs", kind, name}) == text);
  }
  const Json policies = Json::parse(output_of({"policies", "--format", "json"}));
  Words names;
  for (const Json& policy : policies) {
    names.push_back(policy.at("name"));
    CHECK_FALSE(policy.at("source").get<std::string>().empty());
    CHECK_THAT(output_of({"policies", names.back()}), Catch::StartsWith(names.back()));
  }
  for (const char* known : {"lru", "fifo", "s3fifo"}) {
    CHECK(std::count(names.begin(), names.end(), known) == 1);
  }
}

TEST_CASE("The version names what the program was built from", "[e2e]") {
  const Json version = Json::parse(output_of({"version", "--format", "json"}));
  CHECK(keys_of(version) == Words{"version", "revision", "compiler", "build_type"});
  CHECK_THAT(output_of({"version"}),
             Catch::StartsWith("tiercast " + version.at("version").get<std::string>()));
}

// Every reference must lead somewhere, or an editor reads the schema as anything goes.
void check_references(const Json& node, const Json& root, std::size_t& found) {
  if (node.is_object() && node.contains("$ref")) {
    const std::string target = node.at("$ref").get<std::string>();
    REQUIRE_THAT(target, Catch::StartsWith("#/"));
    CHECK(root.contains(Json::json_pointer(target.substr(1))));
    ++found;
  }
  if (!node.is_structured()) return;
  for (const Json& below : node) check_references(below, root, found);
}

TEST_CASE("The schema is draft-07, whole, and the one that editors find in the catalogue",
          "[e2e]") {
  const std::string text = output_of({"schema"});
  // After a change of fields: tiercast schema > configs/schema/scenario.schema.json
  CHECK(text == read_file(tests::source_dir() / "configs/schema/scenario.schema.json"));
  const Json schema = Json::parse(text);
  CHECK(schema.at("$schema") == "http://json-schema.org/draft-07/schema#");
  const Json& scenario = schema.at("definitions").at("scenario");
  CHECK(scenario.at("required") == Json{"name", "cluster", "model", "workload"});
  CHECK(scenario.at("additionalProperties") == false);
  std::size_t references = 0;
  check_references(schema, schema, references);
  CHECK(references > 10);
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
}  // namespace tiercast
