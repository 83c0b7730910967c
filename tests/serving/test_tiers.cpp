// Clusters over tiers: fused = unfused, and what must balance, on random scenarios.
#include <algorithm>

#include <catch2/catch.hpp>

#include "models/policy/tierpolicy.h"
#include "models/workload/demand_source.hpp"
#include "tests/serving/outcome_difference.hpp"
#include "tests/serving/random_tiers.hpp"
#include "tests/serving/small_cluster.hpp"

using namespace tiercast;
using namespace tiercast::tests;
using llm::Int128;
using serving::Outcome;
using serving::RequestRecord;
using serving::RequestState;

namespace {

Outcome run(const RandomScenario& scenario, bool fuse) {
  serving::ClusterSpec spec = scenario.spec;
  spec.engine.fuse = fuse;
  return serving::Cluster(spec, scenario.table, *scenario.demand()).run();
}

// What a set of scenarios has put to the test.
struct Coverage {
  uint64_t loaded = 0, handed = 0, looked_up = 0, stalled = 0, staged = 0, evicted = 0,
           advances = 0, steps = 0, peer = 0, refused = 0, preempted = 0, slowed = 0, stale = 0,
           unseen = 0, in_vain = 0, striped = 0, cached = 0;
};

void check_requests(const Outcome& out) {
  for (const RequestRecord& r : out.log) {
    if (r.state == RequestState::rejected) continue;
    REQUIRE(r.state == RequestState::completed);
    REQUIRE(r.ttft.total_ns() == r.first_token_ns - r.arrival_ns);
    REQUIRE(r.e2e.total_ns() == r.finished_ns - r.arrival_ns);
    for (const int64_t part : {r.e2e.queue_ns, r.e2e.metadata_ns, r.e2e.load_wait_ns,
                               r.e2e.load_move_ns, r.e2e.handoff_ns, r.e2e.prefill_ns,
                               r.e2e.interference_ns, r.e2e.decode_ns, r.e2e.engine_ns}) {
      REQUIRE(part >= 0);
    }
    REQUIRE(r.loaded_tokens <= r.cached_tokens);
    if (r.preemptions == 0 && r.e2e.handoff_ns == 0) {
      REQUIRE(r.computed_tokens + r.cached_tokens == r.input_tokens);
    }
  }
}

// Little's law as areas over all instances: a request handed over waits at two of them.
void check_areas(const Outcome& out, bool disaggregated) {
  Int128 waiting = 0, loading = 0, population = 0;
  for (const serving::InstanceOutcome& instance : out.instances) {
    waiting += instance.counts.waiting_area_of_all_ns();
    loading += instance.counts.loading_area_ns;
    population += instance.counts.running_area_ns;
  }
  Int128 queue = 0, outside = 0, sojourn = 0;
  uint64_t handed = 0;
  for (const RequestRecord& r : out.log) {
    if (r.state == RequestState::rejected) continue;
    queue += r.e2e.queue_ns;
    outside += r.e2e.metadata_ns + r.e2e.handoff_ns;
    sojourn += r.finished_ns - r.arrival_ns;
    if (disaggregated) ++handed;
  }
  REQUIRE(to_text(waiting) == to_text(queue));
  // A prompt is on its way between two instances for the nanosecond that orders it.
  REQUIRE(to_text(waiting + loading + population + static_cast<Int128>(handed)) ==
          to_text(sojourn));
  REQUIRE(loading + static_cast<Int128>(handed) >= outside);
}

void check_tiers(const Outcome& out, const tiering::TierSetSpec& spec) {
  for (size_t t = 0; t < out.tiers.size(); ++t) {
    const serving::TierOutcome& tier = out.tiers[t];
    const uint64_t block_bytes = spec.tiers[t].block_bytes;
    const tiering::TierPoolCounts& pools = tier.pool_counts;
    REQUIRE(pools.reserved == pools.arrived);
    REQUIRE(pools.arrived == pools.evicted + tier.present_blocks);
    REQUIRE(tier.present_blocks <= tier.capacity_blocks);
    REQUIRE(tier.counts.read_bytes == tier.counts.asked_read_bytes);
    REQUIRE(tier.counts.written_bytes == tier.counts.asked_written_bytes);
    // What arrived was written over links, or kept of what passed by.
    REQUIRE(pools.arrived * block_bytes <=
            tier.counts.written_bytes + tier.counts.staged_blocks * block_bytes);
    REQUIRE(tier.counts.written_bytes % block_bytes == 0);
    REQUIRE(tier.counts.read_bytes >=
            tier.counts.hit_blocks * block_bytes * spec.tiers[t].load_copies);
    uint64_t read_bytes = 0, written_bytes = 0;
    for (const tiering::DeviceCounts& device : tier.devices) {
      read_bytes += device.read_bytes;
      written_bytes += device.written_bytes;
    }
    REQUIRE((tier.devices.empty() ||
             read_bytes + tier.counts.cache_hit_bytes == tier.counts.read_bytes));
    REQUIRE((tier.devices.empty() || written_bytes == tier.counts.written_bytes));
  }
  for (const serving::LinkOutcome& link : out.links) {
    REQUIRE(link.carried_bytes == link.started_bytes);
  }
  for (const serving::StationOutcome& station : out.stations) {
    const tiering::IndexServers::Counts& counts = station.counts;
    REQUIRE(counts.jobs == counts.ended);
    REQUIRE(counts.operations >= counts.jobs);
    REQUIRE(counts.there_ns >= counts.alone_ns);
    REQUIRE(counts.alone_ns * station.servers >= counts.operations * station.operation_ns);
  }
}

// A read in vain takes its tier's latency, and is all the metadata time where no index is asked.
void check_indices(const Outcome& out, const tiering::TierSetSpec& spec, uint64_t& in_vain) {
  uint32_t late = 0;
  bool asked = false;
  Int128 stale = 0, metadata = 0;
  for (size_t t = 0; t < out.tiers.size(); ++t) {
    const tiering::TierCounts& counts = out.tiers[t].counts;
    asked = asked || !spec.tiers[t].index.asked.empty();
    if (spec.tiers[t].index_delay_ns == 0) {
      REQUIRE(counts.stale_reads + counts.stale_hit_blocks + counts.unseen_blocks == 0);
    } else {
      ++late;
    }
    const int64_t round_ns = std::max<int64_t>(1, spec.tiers[t].load.before_ns);
    const int64_t rounds_ns = static_cast<int64_t>(counts.stale_reads) * round_ns;
    const tiering::IndexSpec& index = spec.tiers[t].index;
    if (index.opened == tiering::kNone || index.opens_as_asked) {
      REQUIRE(counts.stale_ns == rounds_ns);
    } else {
      REQUIRE(counts.stale_ns >= rounds_ns);
      asked = true;  // waits at its servers come on top
    }
    REQUIRE(counts.stale_hit_blocks >= counts.stale_reads);
    stale += counts.stale_ns;
  }
  for (const RequestRecord& r : out.log) metadata += r.e2e.metadata_ns;
  if (asked) return;
  REQUIRE(metadata <= stale);
  if (late == 1) REQUIRE(to_text(metadata) == to_text(stale));
  if (late == 1 && stale > 0) ++in_vain;
}

void check_instances(const Outcome& out) {
  for (const serving::InstanceOutcome& instance : out.instances) {
    const tiering::PoolCounts& pool = instance.pool;
    REQUIRE(pool.taken == pool.placed + pool.returned);
    REQUIRE(pool.placed == pool.evicted + pool.dropped + instance.pool_present_blocks);
  }
}

void check_scenario(uint64_t number, Coverage& coverage) {
  RandomScenario scenario = make_random_scenario(number);
  add_random_tiers(scenario);
  INFO(scenario.describe());
  REQUIRE(serving::check_cluster(scenario.spec, scenario.table).empty());
  const Outcome fused = run(scenario, true);
  const Outcome unfused = run(scenario, false);
  REQUIRE(difference(fused, unfused) == "");
  REQUIRE(fused.digest == unfused.digest);
  check_requests(fused);
  check_areas(fused, scenario.spec.prefill_instances > 0);
  check_tiers(fused, *scenario.spec.tiers);
  check_indices(fused, *scenario.spec.tiers, coverage.in_vain);
  check_instances(fused);
  for (const RequestRecord& r : fused.log) {
    coverage.loaded += r.loaded_tokens;
    coverage.handed += r.e2e.handoff_ns > 0 ? 1 : 0;
    coverage.looked_up += r.e2e.metadata_ns > 0 ? 1 : 0;
    coverage.preempted += r.preemptions;
  }
  for (const serving::InstanceOutcome& instance : fused.instances) {
    coverage.stalled += instance.counts.stalled_ticks > 0 ? 1 : 0;
    coverage.slowed += instance.counts.slowed_ticks > 0 ? 1 : 0;
  }
  for (const serving::TierOutcome& tier : fused.tiers) {
    coverage.staged += tier.counts.staged_blocks;
    coverage.evicted += tier.pool_counts.evicted;
    coverage.refused += tier.pool_counts.refused;
    coverage.stale += tier.counts.stale_hit_blocks;
    coverage.unseen += tier.counts.unseen_blocks;
    coverage.cached += tier.counts.cache_hit_blocks;
    if (tier.devices.size() > 1) coverage.striped += tier.counts.read_bytes;
    if (tier.kind == tiering::TierKind::peer) coverage.peer += tier.counts.hit_blocks;
  }
  coverage.steps += fused.effort.steps;
  coverage.advances += fused.effort.advances;
}

void check_coverage(const Coverage& coverage) {
  CHECK(coverage.loaded > 0);
  CHECK(coverage.handed > 0);
  CHECK(coverage.looked_up > 0);
  CHECK(coverage.stalled > 0);
  CHECK(coverage.slowed > 0);
  CHECK(coverage.staged > 0);
  CHECK(coverage.evicted > 0);
  CHECK(coverage.refused > 0);
  CHECK(coverage.peer > 0);
  CHECK(coverage.preempted > 0);
  CHECK(coverage.stale > 0);
  CHECK(coverage.unseen > 0);
  CHECK(coverage.striped > 0);
  CHECK(coverage.cached > 0);
  CHECK(coverage.advances < coverage.steps);
}

}  // namespace

TEST_CASE("random tiers: fused and unfused agree, bytes and blocks balance",
          "[serving][property]") {
  Coverage coverage;
  for (uint64_t number = 0; number < 1000; ++number) check_scenario(number, coverage);
  check_coverage(coverage);
}

TEST_CASE("many random tiers: fused and unfused agree, bytes and blocks balance",
          "[serving][property][slow]") {
  Coverage coverage;
  for (uint64_t number = 20'000; number < 60'000; ++number) check_scenario(number, coverage);
  check_coverage(coverage);
  CHECK(coverage.in_vain > 0);  // one late index and no other is rare
}

namespace {

// One engine over host memory that takes every block as it is complete: 1,000 B a block, 10 GB/s.
serving::ClusterSpec cluster_over_memory(const tiering::TransferCost& store) {
  serving::ClusterSpec spec = small_cluster();
  spec.block_bytes = 1000;
  tiering::TierSetSpec set;
  set.block_tokens = spec.engine.block_tokens;
  set.block_bytes = spec.block_bytes;
  set.node_of = {0};
  set.engine_fabric.resize(1);
  set.links = {{"up", 10'000'000'000, false}, {"down", 10'000'000'000, false}};
  set.placement = tp_find_builtin_placement("through");
  set.placement_config = "output=0\n";
  tiering::TierSpec tier;
  tier.name = "dram";
  tier.block_bytes = spec.block_bytes;
  tier.capacity_blocks = tier.simulated_blocks = 100;
  tier.eviction = tp_find_builtin_cache("lru");
  tier.pools.push_back({0, {}});
  tier.pool_of = {0};
  tier.to_engine.push_back({{0}, {1}});
  tier.to_node.resize(1);
  tier.store = store;
  set.tiers.push_back(tier);
  spec.tiers = set;
  return spec;
}

}  // namespace

TEST_CASE("a copy on GPU cores slows the steps beside it by its share of the time it flows") {
  // The prompt's 10 blocks leave at 512 ns and flow for 1,000 ns beside 29 decode steps.
  tiering::TransferCost store;
  store.before_ns = 200;
  store.after_ns = 300;
  const Outcome without = run_small(cluster_over_memory(store), {request_of(0, 40, 30)});
  store.interference_ppm = 250'000;
  const Outcome with = run_small(cluster_over_memory(store), {request_of(0, 40, 30)});
  CHECK(with.log[0].first_token_ns == without.log[0].first_token_ns);
  CHECK(with.log[0].finished_ns == without.log[0].finished_ns + 250);
  CHECK(with.log[0].e2e.interference_ns == 250);
  CHECK(without.log[0].e2e.interference_ns == 0);
  CHECK(with.instances[0].counts.busy_ticks ==
        without.instances[0].counts.busy_ticks + 250 * llm::kTicksPerNs);

  SECTION("beside no step it takes nothing") {
    const Outcome alone = run_small(cluster_over_memory(store), {request_of(0, 40, 1)});
    CHECK(alone.instances[0].counts.slowed_ticks == 0);
  }
}

TEST_CASE("copies take time of host cores by the byte") {
  tiering::TransferCost store;
  store.core_fs_per_byte = 7;
  const Outcome out = run_small(cluster_over_memory(store), {request_of(0, 40, 30)});
  CHECK(out.copy_core_fs == 10 * 1000 * 7);
}
