// Bands of latency, throughput, energy and cost, against runs that are written out.
#include <algorithm>
#include <cstddef>
#include <string>

#include <catch2/catch.hpp>

#include "tests/e2e/program.hpp"

namespace tiercast::e2e {
namespace {

// Contexts that come back from host memory. The stack's set-up is the only figure with a range that
// bears on time; the host link carries it.
constexpr const char* kScenario = R"(name: bands
cluster: {node: {use: dgx-h100, gpus: 1}}
model: llama-3.1-8b
engine: {block_tokens: 16, memory: {kv_blocks: 3000}}
tiers:
- hbm
- kind: dram
  capacity: 64GB
  stack: {use: vllm-native, operation_time: 5us, operation_latency: 5us, efficiency: 78%, core_time: 5us, gpu_interference: 0%,
          setup: {value: 1ms, kind: estimate, range: [100us, 200ms], source: test}}
workload:
  closed:
    sessions: 12
    requests: 300
    turns: {fixed: {value: 8}}
    think: {fixed: {value: 1s}}
    first_input_tokens: {fixed: {value: 6000}}
    input_tokens: {fixed: {value: 300}}
    output_tokens: {fixed: {value: 40}}
)";

Json run(const std::string& scenario, const Words& sets = {}) {
  Words words = {"run", scenario};
  for (const std::string& set : sets) words.insert(words.end(), {"--set", set});
  return json_of(words);
}

// The band of three runs' number.
void check_band(const Json& band, double a, double b, double c) {
  CHECK(band.at("low") == std::min({a, b, c}));
  CHECK(band.at("high") == std::max({a, b, c}));
}

TEST_CASE("What everything was loaded from comes first among what bands rest on", "[e2e][bands]") {
  const Folder folder;
  const std::string scenario = folder.write("s.yaml", kScenario);
  // Host memory holds everything, and the service's figures have wide ranges.
  const Json both = run(scenario, {"cluster.storage.external={service: file-store-rdma, count: 1}",
                                   "tiers.2={kind: external, capacity: 1TB, index: client}"});
  const Json& parts = both.at("bands").at("rests_on");
  REQUIRE(parts.size() > 2);
  CHECK(parts.at(0) == "tiers.1.stack");
}

TEST_CASE("Bands are those of three runs that are written out", "[e2e][bands]") {
  const Folder folder;
  const std::string scenario = folder.write("s.yaml", kScenario);
  const std::string setup = "tiers.1.stack.setup=";
  const Json main = run(scenario);
  const Json fast = run(scenario, {setup + "100us"});
  const Json slow = run(scenario, {setup + "200ms"});
  const Json& bands = main.at("bands");
  CHECK(bands.at("rests_on") == Json::parse(R"(["tiers.1.stack"])"));
  struct Metric {
    std::string name;
    Words keys;
  };
  for (const Metric& metric :
       {Metric{"ttft_ms", {"mean", "p50", "p99"}}, Metric{"tpot_ms", {"p50", "p99"}},
        Metric{"e2e_ms", {"mean", "p50", "p99"}}, Metric{"task_s", {"p50"}}}) {
    for (const std::string& key : metric.keys) {
      INFO(metric.name << "." << key);
      const auto of = [&](const Json& result) -> double {
        return result.at("metrics").at(metric.name).at(key);
      };
      check_band(bands.at(metric.name).at(key), of(main), of(fast), of(slow));
    }
  }
  const auto rate = [](const Json& result) -> double {
    return result.at("metrics").at("output_tokens_per_s");
  };
  check_band(bands.at("output_tokens_per_s"), rate(main), rate(fast), rate(slow));
  CHECK(bands.at("ttft_ms").at("mean").at("high") > main.at("metrics").at("ttft_ms").at("mean"));
  // Chance may put the run of fast figures above the main one; the band begins at the lower.
  CHECK(bands.at("ttft_ms").at("mean").at("low") <= main.at("metrics").at("ttft_ms").at("mean"));

  // Without figures with a range there is nothing to repeat: those runs tell their own bands.
  CHECK_FALSE(fast.contains("bands"));
  const Json alone = run(scenario, {"run.band=never"});
  struct Section {
    const char* name;
    const char* band;
  };
  for (const Section& section : {Section{"energy", "band_j_per_output_token"},
                                 Section{"cost", "band_usd_per_million_output_tokens"}}) {
    INFO(section.name);
    const auto end = [&](const Json& result, const char* which) -> double {
      return result.at(section.name).at(section.band).at(which);
    };
    CHECK(end(main, "low") == std::min({end(alone, "low"), end(fast, "low"), end(slow, "low")}));
    CHECK(end(main, "high") ==
          std::max({end(alone, "high"), end(fast, "high"), end(slow, "high")}));
  }
}

TEST_CASE("run.band changes nothing of the run as given", "[e2e][bands]") {
  const Folder folder;
  const std::string scenario = folder.write("s.yaml", kScenario);
  const Json always = run(scenario, {"run.band=always"});
  const Json never = run(scenario, {"run.band=never"});
  CHECK(always.contains("bands"));
  CHECK_FALSE(never.contains("bands"));
  CHECK(run(scenario).contains("bands"));
  for (const char* key : {"scenario_hash", "digest", "metrics", "requests", "tokens", "cache",
                          "attribution", "bottlenecks", "steady"}) {
    CHECK(always.at(key) == never.at(key));
  }
  for (const char* counter : {"events", "steps", "advances", "transfers"}) {
    CHECK(always.at("run").at(counter) == never.at("run").at(counter));
  }
  CHECK(always.at("provenance").at("caveats") == never.at("provenance").at("caveats"));
}

TEST_CASE("By itself a long run makes no bands, and says how to", "[e2e][bands]") {
  const Folder folder;
  const std::string scenario = folder.write("s.yaml", kScenario);
  const Words small = {"workload.closed.think={fixed: {value: 0s}}",
                       "workload.closed.turns={fixed: {value: 2}}",
                       "workload.closed.first_input_tokens={fixed: {value: 64}}",
                       "workload.closed.input_tokens={fixed: {value: 16}}",
                       "workload.closed.output_tokens={fixed: {value: 1}}"};
  const auto with = [&](const std::string& requests, const std::string& more = "run.seed=1") {
    Words sets = small;
    sets.insert(sets.end(), {"workload.closed.requests=" + requests, more});
    return run(scenario, sets);
  };
  const auto says_how = [](const Json& result) {
    const Words caveats = result.at("provenance").at("caveats");
    return std::any_of(caveats.begin(), caveats.end(), [](const std::string& caveat) {
      return caveat.find("--set run.band=always") != std::string::npos;
    });
  };
  const Json most = with("10000");
  CHECK(most.at("requests").at("offered") == 10000);
  CHECK(most.contains("bands"));
  CHECK_FALSE(says_how(most));
  const Json more = with("10001");
  CHECK_FALSE(more.contains("bands"));
  CHECK(says_how(more));
  CHECK(with("10001", "run.band=always").contains("bands"));
  CHECK(with("10001", "thresholds=[bands.ttft_ms.p99.high < 1h]").contains("bands"));
  CHECK_FALSE(says_how(with("10001", "run.band=never")));
}

TEST_CASE("GPU memory of a measured GPU alone has no band of latency, rent one of cost",
          "[e2e][bands]") {
  const Folder folder;
  const std::string scenario = folder.write("s.yaml", kScenario);
  const auto with = [&](const std::string& rent) {
    return run(scenario, {"tiers=[hbm]", "cluster.node.gpu.rent=" + rent});
  };
  const Json result =
      with("{value: 3USD/h, kind: estimate, range: [2USD/h, 5USD/h], source: test}");
  CHECK_FALSE(result.contains("bands"));
  const auto usd = [](const Json& cost) -> double {
    return cost.at("cost").at("usd_per_million_output_tokens");
  };
  const Json& band = result.at("cost").at("band_usd_per_million_output_tokens");
  CHECK(band.at("low").get<double>() == Approx(usd(with("2USD/h"))));
  CHECK(band.at("high").get<double>() == Approx(usd(with("5USD/h"))));
}

TEST_CASE("An end that does not work is a caveat, and the run goes on", "[e2e][bands]") {
  const Folder folder;
  const std::string scenario = folder.write("s.yaml", kScenario);
  const Json result = run(scenario, {"engine.memory={}",
                                     "cluster.node.gpu.hbm={value: 80GB, kind: estimate, range: "
                                     "[8GB, 80GB], source: test}"});
  CHECK_FALSE(result.contains("bands"));
  CHECK(result.at("requests").at("completed") == 300);
  const Words caveats = result.at("provenance").at("caveats");
  CHECK(std::any_of(caveats.begin(), caveats.end(), [](const std::string& caveat) {
    return caveat.find("at its slow end: ") != std::string::npos &&
           caveat.find("no memory is left for KV") != std::string::npos;
  }));
}

TEST_CASE("Explain tells both ends of a load and the parts behind them", "[e2e][bands]") {
  const Folder folder;
  const std::string scenario = folder.write("s.yaml", kScenario);
  const auto dram = [&](const std::string& setup) {
    Words words = {"explain", scenario};
    if (!setup.empty()) words.insert(words.end(), {"--set", "tiers.1.stack.setup=" + setup});
    return json_of(words).at("tiers").at(0);
  };
  const Json given = dram("");
  const Json fast = dram("100us");
  const Json slow = dram("200ms");
  CHECK(fast.at("estimates").is_null());
  CHECK_FALSE(fast.at("prefixes").at(0).contains("load_band_ms"));
  const Json& prefixes = given.at("prefixes");
  REQUIRE(prefixes.size() == fast.at("prefixes").size());
  for (size_t i = 0; i < prefixes.size(); ++i) {
    const Json& band = prefixes.at(i).at("load_band_ms");
    CHECK(band.at("low") == fast.at("prefixes").at(i).at("load_ms"));
    CHECK(band.at("high") == slow.at("prefixes").at(i).at("load_ms"));
  }
  const Json& estimates = given.at("estimates");
  CHECK(estimates.at("break_even_tokens").at("fast") == fast.at("break_even_tokens"));
  CHECK(estimates.at("break_even_tokens").at("slow") == slow.at("break_even_tokens"));
  CHECK(fast.at("break_even_tokens") < slow.at("break_even_tokens"));
  REQUIRE(estimates.at("parts").size() == 1);
  const Json& part = estimates.at("parts").at(0);
  CHECK(part.at("part") == "tiers.1.stack");
  CHECK(part.at("figures") == Json::parse(R"(["setup"])"));
  CHECK(part.at("load_band_ms") == prefixes.at(2).at("load_band_ms"));
  CHECK_THAT(output_of({"explain", scenario, "tiers"}),
             Catch::Contains("    estimates  load of 32,768 tokens ") &&
                 Catch::Contains("; tiers.1.stack alone "));
}

}  // namespace
}  // namespace tiercast::e2e
