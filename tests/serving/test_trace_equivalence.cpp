// Fused = unfused = naive stepper on the benchmark's scenarios as they are run: the machine's own
// step table and memory, every fact, and the bytes of the result and of requests.csv.
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include <catch2/catch.hpp>

#include "models/scenario/load.hpp"
#include "models/scenario/world.hpp"
#include "models/workload/demand_source.hpp"
#include "reports/csv.hpp"
#include "reports/json.hpp"
#include "reports/summarise.hpp"
#include "sim/base/diagnostics.hpp"
#include "tests/serving/naive_cluster.hpp"
#include "tests/serving/outcome_difference.hpp"
#include "tests/support/paths.hpp"

using namespace tiercast;
using namespace tiercast::tests;
using serving::Outcome;

namespace {

/// A scenario of tests/bench, ready to run any number of times.
struct Loaded {
  scenario::Scenario scenario;
  scenario::World world;

  std::unique_ptr<workload::DemandSource> demand() const {
    Diagnostics found;
    const uint32_t block_tokens = world.cluster.engine.block_tokens;
    auto source = workload::make_source(scenario.spec.workload,
                                        {scenario.spec.run.seed, block_tokens}, found);
    INFO(found.render());
    REQUIRE(source != nullptr);
    return source;
  }

  Outcome run(bool fuse) const {
    serving::ClusterSpec spec = world.cluster;
    spec.engine.fuse = fuse;
    const auto source = demand();
    return serving::Cluster(spec, world.steps, *source).run();
  }

  Outcome run_naively() const { return run_naive(world.cluster, world.steps, *demand()); }

  /// What a user gets, less the counters of the simulator's own work.
  std::string result_json(const Outcome& outcome) const {
    reports::SummaryInput input;
    input.scenario = scenario.spec.name;
    input.block_tokens = world.cluster.engine.block_tokens;
    input.block_bytes = static_cast<uint64_t>(world.block_bytes);
    const scenario::ClusterSection& cluster = scenario.spec.cluster;
    input.site = {
        cluster.node,    cluster.facility, cluster.nodes,           world.gpus_per_instance,
        cluster.pricing, cluster.fabric,   cluster.storage.context, cluster.storage.external};
    return reports::to_json(reports::summarise(outcome, input), reports::Parts::simulated);
  }
};

/// Nothing where the trace is absent.
std::optional<Loaded> load(const std::string& name, const std::string& trace,
                           std::vector<std::string> sets) {
  const std::filesystem::path file = shared_dir() / trace;
  if (!std::filesystem::exists(file)) {
    WARN(file.string() + " is absent: skipped");
    return std::nullopt;
  }
  sets.push_back("workload.trace.file=" + std::filesystem::absolute(file).string());
  const std::string path = (source_dir() / "tests/bench/scenarios" / (name + ".yaml")).string();
  const std::string configs = (source_dir() / "configs").string();
  Diagnostics found;
  const auto document = scenario::read_scenario(path, {configs, sets, {}}, found);
  INFO(found.render());
  REQUIRE(document);
  auto scenario = scenario::load_scenario(*document, path, configs, found);
  INFO(found.render());
  REQUIRE(scenario);
  auto world = scenario::build_world(scenario->spec, scenario->kernels, scenario->resolved, found);
  INFO(found.render());
  REQUIRE(world);
  return Loaded{std::move(*scenario), std::move(*world)};
}

void check_equal(const Loaded& loaded, const Outcome& a, const Outcome& b) {
  REQUIRE(difference(a, b) == "");
  REQUIRE(loaded.result_json(a) == loaded.result_json(b));
  REQUIRE(reports::requests_csv(a.log) == reports::requests_csv(b.log));
}

enum class Against { unfused, naive };

void check(const std::string& name, const std::string& trace, Against against,
           const std::vector<std::string>& sets = {}) {
  const std::optional<Loaded> loaded = load(name, trace, sets);
  if (!loaded) return;
  const Outcome fused = loaded->run(true);
  CHECK_FALSE(fused.log.empty());
  if (against == Against::naive) {
    check_equal(*loaded, fused, loaded->run_naively());
    return;
  }
  const Outcome unfused = loaded->run(false);
  check_equal(*loaded, fused, unfused);
  CHECK(fused.effort.advances < unfused.effort.advances);
}

constexpr const char* kW1 = "bench/w1_azure_conv_2000.csv";
constexpr const char* kW1All = "bench/w1_azure_conv_all.csv.gz";
constexpr const char* kMooncake = "traces/mooncake_conversation.jsonl.gz";

}  // namespace

TEST_CASE("W1 on one instance: fused and unfused agree", "[serving][oracle]") {
  check("w1", kW1, Against::unfused);
}

TEST_CASE("W1 on one instance: naive agrees", "[serving][oracle]") {
  check("w1", kW1, Against::naive);
}

TEST_CASE("W1 in a pool too small for it: all agree", "[serving][oracle]") {
  const std::vector<std::string> small = {
      "engine.memory.kv_blocks=600", "engine.max_model_tokens=8192", "workload.trace.limit=500"};
  check("w1", kW1, Against::unfused, small);
  check("w1", kW1, Against::naive, small);
}

TEST_CASE("W1all on eight instances: fused and unfused agree", "[serving][oracle]") {
  check("w1all", kW1All, Against::unfused);
}

TEST_CASE("W1all on eight instances: naive agrees", "[serving][oracle][slow]") {
  check("w1all", kW1All, Against::naive);
}

TEST_CASE("a trace with shared prefixes: all agree", "[serving][oracle][slow]") {
  // A pool of some forty prompts: hits, evictions and holes all the time.
  const std::vector<std::string> part = {"workload.trace.limit=1500"};
  check("mooncake", kMooncake, Against::unfused, part);
  check("mooncake", kMooncake, Against::naive, part);
}
