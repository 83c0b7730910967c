// Fused = unfused = naive stepper, in every fact of the outcome.
#include <filesystem>
#include <memory>
#include <string>

#include <catch2/catch.hpp>

#include "models/workload/demand_source.hpp"
#include "models/workload/spec.hpp"
#include "sim/base/diagnostics.hpp"
#include "tests/serving/naive_cluster.hpp"
#include "tests/serving/outcome_difference.hpp"
#include "tests/serving/random_scenario.hpp"
#include "tests/support/linear_table.hpp"
#include "tests/support/paths.hpp"

using namespace tiercast;
using namespace tiercast::tests;
using serving::ClusterSpec;
using serving::Outcome;

namespace {

Outcome run_engine(ClusterSpec spec, const llm::StepTable& table, workload::DemandSource& source,
                   bool fuse) {
  spec.engine.fuse = fuse;
  return serving::Cluster(spec, table, source).run();
}

// What a set of scenarios has put to the test.
struct Coverage {
  uint64_t completed = 0, preempted = 0, evicted = 0, dropped = 0, duplicated = 0, hit_tokens = 0;
  uint64_t truncated = 0, rejected = 0, steps = 0, advances = 0;

  void add(const Outcome& outcome) {
    for (const serving::RequestRecord& record : outcome.log) {
      completed += record.state == serving::RequestState::completed ? 1 : 0;
      preempted += record.preemptions;
      hit_tokens += record.cached_tokens;
    }
    for (const serving::InstanceOutcome& instance : outcome.instances) {
      evicted += instance.pool.evicted;
      dropped += instance.pool.dropped;
      duplicated += instance.pool.duplicated;
    }
    truncated += outcome.truncated;
    rejected += outcome.rejected_too_long + outcome.rejected_too_large;
    steps += outcome.effort.steps;
    advances += outcome.effort.advances;
  }
};

void check_scenario(uint64_t number, Coverage& coverage) {
  const RandomScenario scenario = make_random_scenario(number);
  INFO(scenario.describe());
  REQUIRE(serving::check_cluster(scenario.spec, scenario.table).empty());
  REQUIRE(llm::table_violation(scenario.table).empty());
  const Outcome naive = run_naive(scenario.spec, scenario.table, *scenario.demand());
  const Outcome fused = run_engine(scenario.spec, scenario.table, *scenario.demand(), true);
  const Outcome unfused = run_engine(scenario.spec, scenario.table, *scenario.demand(), false);
  REQUIRE(difference(fused, unfused) == "");
  REQUIRE(difference(unfused, naive) == "");
  if (scenario.spec.eviction == tp_find_builtin_cache("lru")) {
    const Outcome list =
        run_naive(scenario.spec, scenario.table, *scenario.demand(), NaiveVictims::list_lru);
    REQUIRE(difference(unfused, list) == "");
  }
  coverage.add(fused);
}

void check_coverage(const Coverage& coverage) {
  CHECK(coverage.completed > 0);
  CHECK(coverage.preempted > 0);
  CHECK(coverage.evicted > 0);
  CHECK(coverage.dropped > 0);
  CHECK(coverage.duplicated > 0);
  CHECK(coverage.hit_tokens > 0);
  CHECK(coverage.truncated > 0);
  CHECK(coverage.rejected > 0);
  CHECK(coverage.advances < coverage.steps);
}

}  // namespace

TEST_CASE("random clusters: fused, unfused and naive agree", "[serving][oracle]") {
  Coverage coverage;
  for (uint64_t number = 0; number < 1000; ++number) check_scenario(number, coverage);
  check_coverage(coverage);
}

TEST_CASE("many random clusters: fused, unfused and naive agree", "[serving][oracle][slow]") {
  Coverage coverage;
  for (uint64_t number = 1000; number < 30'000; ++number) check_scenario(number, coverage);
  check_coverage(coverage);
}

namespace {

// An H100-like engine as the benchmark's configuration has it.
ClusterSpec trace_cluster(uint32_t instances, uint32_t id_tokens, uint32_t kv_blocks) {
  ClusterSpec spec;
  spec.instances = instances;
  spec.router = serving::RouterKind::prefix;
  spec.engine.kv_blocks = kv_blocks;
  spec.engine.max_batched_tokens = 2048;
  spec.engine.max_sequences = 256;
  spec.engine.max_model_tokens = 131'072;
  spec.engine.watermark_blocks = kv_blocks / 100;
  spec.eviction = tp_find_builtin_cache("lru");
  spec.block_bytes = 2 << 20;
  spec.id_tokens = id_tokens;
  return spec;
}

std::unique_ptr<workload::DemandSource> trace_demand(const std::string& file, uint64_t limit) {
  workload::TraceSpec trace;
  trace.file = file;
  trace.limit = limit;
  Diagnostics found;
  std::unique_ptr<workload::DemandSource> source =
      workload::make_source(workload::WorkloadSpec{trace}, {}, found);
  REQUIRE(source != nullptr);
  return source;
}

void check_trace(const std::string& name, const ClusterSpec& spec, uint64_t limit, bool naive) {
  const std::string file = (shared_dir() / name).string();
  if (!std::filesystem::exists(file)) {
    WARN(file + " is absent: skipped");
    return;
  }
  const llm::StepTable table = make_linear_table(2048, 256, h100_like_costs());
  REQUIRE(serving::check_cluster(spec, table).empty());
  const Outcome fused = run_engine(spec, table, *trace_demand(file, limit), true);
  const Outcome unfused = run_engine(spec, table, *trace_demand(file, limit), false);
  REQUIRE(difference(fused, unfused) == "");
  CHECK(fused.effort.advances < unfused.effort.advances);
  if (!naive) return;
  REQUIRE(difference(fused, run_naive(spec, table, *trace_demand(file, limit))) == "");
}

}  // namespace

TEST_CASE("W1 on one instance: fused, unfused and naive agree", "[serving][oracle]") {
  check_trace("bench/w1_azure_conv_2000.csv", trace_cluster(1, 0, 26'312), 2000, true);
}

TEST_CASE("W1 in a pool too small for it: fused, unfused and naive agree", "[serving][oracle]") {
  check_trace("bench/w1_azure_conv_2000.csv", trace_cluster(1, 0, 600), 500, true);
}

TEST_CASE("W1all on eight instances: fused and unfused agree", "[serving][oracle]") {
  check_trace("bench/w1_azure_conv_all.csv.gz", trace_cluster(8, 0, 26'312), 20'000, false);
}

TEST_CASE("W1all on eight instances: naive agrees", "[serving][oracle][slow]") {
  check_trace("bench/w1_azure_conv_all.csv.gz", trace_cluster(8, 0, 26'312), 20'000, true);
}

TEST_CASE("a trace with shared prefixes: fused, unfused and naive agree",
          "[serving][oracle][slow]") {
  // A pool of some forty prompts: hits, evictions and holes all the time.
  check_trace("traces/mooncake_conversation.jsonl.gz", trace_cluster(2, 512, 26'312), 1500, true);
}
