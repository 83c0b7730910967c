// Fused = unfused = naive stepper, in every fact of the outcome.
#include <catch2/catch.hpp>

#include "models/workload/demand_source.hpp"
#include "tests/serving/naive_cluster.hpp"
#include "tests/serving/outcome_difference.hpp"
#include "tests/serving/random_scenario.hpp"

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
  uint64_t stale = 0, misrouted = 0, missed = 0;

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
    stale += outcome.router.stale_hit_blocks;
    misrouted += outcome.router.misrouted;
    missed += outcome.router.missed_blocks;
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
  CHECK(coverage.stale > 0);
  CHECK(coverage.misrouted > 0);
  CHECK(coverage.missed > 0);
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
