// Laws whose two sides are accumulated apart.
#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include <catch2/catch.hpp>

#include "sim/base/random.hpp"
#include "tests/serving/naive_cluster.hpp"
#include "tests/serving/outcome_difference.hpp"
#include "tests/serving/random_scenario.hpp"
#include "tests/serving/small_cluster.hpp"
#include "tests/serving/test_demand.hpp"

using namespace tiercast;
using namespace tiercast::tests;
using llm::Int128;
using serving::ClusterSpec;
using serving::Outcome;
using serving::RequestRecord;
using serving::RequestState;
using serving::TimeParts;

namespace {

constexpr Purpose kArrivals{"test.identities.arrivals"};

void check_sums(const TimeParts& parts, int64_t total_ns) {
  REQUIRE(parts.total_ns() == total_ns);
  for (const int64_t part : {parts.route_ns, parts.queue_ns, parts.prefill_ns,
                             parts.interference_ns, parts.decode_ns, parts.engine_ns}) {
    REQUIRE(part >= 0);
  }
}

// Attribution: parts of TTFT and of the whole sum to them, and no part shrinks in between.
void check_attribution(const RequestRecord& r) {
  check_sums(r.ttft, r.first_token_ns - r.arrival_ns);
  check_sums(r.e2e, r.finished_ns - r.arrival_ns);
  REQUIRE(r.ttft.queue_ns <= r.e2e.queue_ns);
  REQUIRE(r.ttft.engine_ns <= r.e2e.engine_ns);
  REQUIRE(r.arrival_ns <= r.admitted_ns);
  REQUIRE(r.admitted_ns <= r.first_token_ns);
  REQUIRE(r.first_token_ns <= r.finished_ns);
}

// What the log says an instance did.
struct Logged {
  Int128 sojourn_ns = 0;
  Int128 queue_ns = 0;
  uint64_t completed = 0, computed_tokens = 0, preemptions = 0;
  uint64_t generated_tokens = 0;
  uint64_t tokens_by_prefill = 0;  // one for each time a prompt was completed
};

Logged logged(const Outcome& out, uint32_t instance) {
  Logged sum;
  for (const RequestRecord& r : out.log) {
    if (r.state != RequestState::completed || r.instance != instance) continue;
    sum.sojourn_ns += r.finished_ns - r.arrival_ns;
    sum.queue_ns += r.e2e.queue_ns;
    ++sum.completed;
    sum.computed_tokens += r.computed_tokens;
    sum.preemptions += r.preemptions;
    sum.generated_tokens += r.output_tokens;
  }
  return sum;
}

void check_instance(const Outcome& out, uint32_t i) {
  const serving::InstanceCounts& counts = out.instances[i].counts;
  const tiering::PoolCounts& pool = out.instances[i].pool;
  const Logged log = logged(out, i);
  INFO("instance " << i);
  // Little's law as an area: the time integral of the population is the sum of the sojourns.
  REQUIRE(to_text(counts.waiting_area_of_all_ns() + counts.running_area_ns) ==
          to_text(log.sojourn_ns));
  REQUIRE(to_text(counts.waiting_area_of_all_ns()) == to_text(log.queue_ns));
  // Tokens.
  REQUIRE(counts.completed == log.completed);
  REQUIRE(counts.prefill_tokens == log.computed_tokens);
  REQUIRE(counts.preemptions == log.preemptions);
  // A token comes from a decode step or from the end of a prefill: one a request, and up to one
  // more each time it was preempted.
  REQUIRE(counts.decode_tokens + log.completed <= log.generated_tokens);
  REQUIRE(counts.decode_tokens + log.completed + log.preemptions >= log.generated_tokens);
  // Blocks: a frame taken was placed or came back, and what was placed left or is there.
  REQUIRE(pool.taken == pool.placed + pool.returned);
  REQUIRE(pool.placed == pool.evicted + pool.dropped + out.instances[i].pool_present_blocks);
  REQUIRE(pool.duplicated <= pool.returned);
  REQUIRE((pool.first_eviction_ns >= 0) == (pool.evicted > 0));
}

}  // namespace

TEST_CASE("areas, tokens, blocks and attribution balance in random clusters", "[property]") {
  for (uint64_t number = 0; number < 1000; ++number) {
    const RandomScenario scenario = make_random_scenario(number);
    INFO(scenario.describe());
    const Outcome out = serving::Cluster(scenario.spec, scenario.table, *scenario.demand()).run();
    uint64_t gaps = 0;
    for (const RequestRecord& r : out.log) {
      if (r.state == RequestState::rejected) continue;
      REQUIRE(r.state == RequestState::completed);
      check_attribution(r);
      REQUIRE(r.computed_tokens + r.cached_tokens >= r.input_tokens);
      if (r.preemptions == 0) REQUIRE(r.computed_tokens + r.cached_tokens == r.input_tokens);
      gaps += r.output_tokens - 1;
    }
    REQUIRE(out.itl_ns.count() == gaps);
    for (uint32_t i = 0; i < scenario.spec.instances; ++i) check_instance(out, i);
  }
}

TEST_CASE("a cluster without requests does nothing", "[property]") {
  const Outcome out = run_small(small_cluster(), {});
  CHECK(out.end_ns == 0);
  CHECK(out.instances[0].counts.busy_ticks == 0);
  CHECK(out.instances[0].counts.dynamic_energy == 0);
  CHECK(out.instances[0].counts.steps == 0);
}

// The linear table draws the same power whatever a step does.
TEST_CASE("energy is power times busy time", "[property]") {
  LinearCosts costs = hand_costs();
  costs.pair_ticks = 12'345;
  const llm::StepTable table = make_linear_table(100, 8, costs);
  Stream draw(3, kArrivals);
  std::vector<workload::Request> requests;
  for (int64_t i = 0; i < 200; ++i) {
    const auto input = static_cast<uint32_t>(draw.between(1, 60));
    const auto output = static_cast<uint32_t>(draw.between(1, 40));
    requests.push_back(request_of(i * 700, input, output));
  }
  ListSource source(requests);
  const Outcome out = serving::Cluster(small_cluster(), table, source).run();
  const serving::InstanceCounts& counts = out.instances[0].counts;
  CHECK(counts.steps > counts.advances);
  CHECK(to_text(counts.dynamic_energy) == to_text(counts.busy_ticks * costs.power_mw));
}

TEST_CASE("energy of a segment does not overflow where a token's is large", "[property]") {
  LinearCosts costs = hand_costs();
  costs.kv_ticks = int64_t{1} << 40;  // 17 us a KV token, at 6 kW: 6.6e18 mW*tick
  costs.power_mw = 6'000'000;
  const llm::StepTable table = make_linear_table(100, 8, costs);
  REQUIRE(llm::table_violation(table).empty());
  ListSource source({request_of(0, 10, 50), request_of(0, 10, 50), request_of(0, 10, 50)});
  const Outcome out = serving::Cluster(small_cluster(), table, source).run();
  const serving::InstanceCounts& counts = out.instances[0].counts;
  CHECK(to_text(counts.dynamic_energy) == to_text(counts.busy_ticks * costs.power_mw));
}

namespace {

// One request at a time, each one prefill: a single server.
ClusterSpec single_server() {
  ClusterSpec spec = small_cluster();
  spec.engine.max_sequences = 1;
  spec.engine.prefix_caching = false;
  spec.engine.max_batched_tokens = 2000;
  spec.engine.kv_blocks = 1000;
  return spec;
}

int64_t service_ns(uint32_t input_tokens) { return 112 + 10 * int64_t{input_tokens}; }

std::vector<workload::Request> poisson(uint64_t number, size_t count, double mean_gap_ns) {
  Stream draw(number, kArrivals);
  std::vector<workload::Request> requests;
  int64_t now_ns = 0;
  for (size_t i = 0; i < count; ++i) {
    now_ns += static_cast<int64_t>(draw.exponential(mean_gap_ns));
    requests.push_back(request_of(now_ns, 100, 1));
  }
  return requests;
}

}  // namespace

TEST_CASE("one request at a time waits as Lindley says, to the ns", "[property]") {
  Stream draw(5, kArrivals);
  std::vector<workload::Request> requests = poisson(5, 3000, 700);
  for (workload::Request& r : requests) r.input_tokens = static_cast<uint32_t>(draw.between(1, 90));
  const Outcome out = run_small(single_server(), requests);
  int64_t wait_ns = 0;  // W' = max(0, W + S - A)
  int64_t waited = 0;
  for (size_t i = 0; i < requests.size(); ++i) {
    REQUIRE(out.log[i].e2e.queue_ns == wait_ns);
    REQUIRE(out.log[i].finished_ns ==
            requests[i].arrival_ns + wait_ns + service_ns(requests[i].input_tokens));
    waited += wait_ns > 0 ? 1 : 0;
    if (i + 1 == requests.size()) break;
    const int64_t gap_ns = requests[i + 1].arrival_ns - requests[i].arrival_ns;
    wait_ns = std::max<int64_t>(0, wait_ns + service_ns(requests[i].input_tokens) - gap_ns);
  }
  CHECK(waited > 1000);
}

TEST_CASE("regular arrivals never wait below saturation, and pile up above it", "[property]") {
  // D/D/1: service takes 1112 ns.
  const auto waits = [](int64_t gap_ns) {
    std::vector<workload::Request> requests;
    for (int64_t i = 0; i < 100; ++i) requests.push_back(request_of(i * gap_ns, 100, 1));
    return run_small(single_server(), requests).log.back().e2e.queue_ns;
  };
  CHECK(waits(1112) == 0);
  CHECK(waits(2000) == 0);
  CHECK(waits(1000) == 99 * 112);
}

// M/D/1: mean wait = rho * service / (2 (1 - rho)) (Pollaczek-Khinchine).
TEST_CASE("random arrivals wait as Pollaczek and Khinchine say", "[property]") {
  constexpr double service = 1112;
  for (const double rho : {0.3, 0.6, 0.8}) {
    constexpr size_t batches = 30;
    double sum = 0;
    double squares = 0;
    for (uint64_t b = 0; b < batches; ++b) {
      const Outcome out = run_small(single_server(), poisson(1000 + b, 4000, service / rho));
      double waited = 0;
      for (size_t i = 1000; i < out.log.size(); ++i) {
        waited += static_cast<double>(out.log[i].e2e.queue_ns);
      }
      const double mean = waited / static_cast<double>(out.log.size() - 1000);
      sum += mean;
      squares += mean * mean;
    }
    const double mean = sum / batches;
    const double deviation = std::sqrt((squares / batches - mean * mean) / (batches - 1));
    const double expected = rho * service / (2 * (1 - rho));
    INFO("rho " << rho << ": mean wait " << mean << " +- " << deviation << " ns, expected "
                << expected);
    CHECK(std::abs(mean - expected) < 3.5 * deviation + 1);
    CHECK(3.5 * deviation < 0.15 * expected);  // the interval says something
  }
}

TEST_CASE("an unbounded cache misses only what is new", "[property]") {
  ClusterSpec spec = small_cluster();
  spec.id_tokens = 4;
  spec.engine.kv_blocks = 100'000;
  spec.engine.max_sequences = 1;
  Stream draw(11, kArrivals);
  std::vector<workload::Request> requests;
  std::vector<std::vector<uint64_t>> known;
  uint64_t next_id = 1;
  uint64_t fresh = 0;
  for (int64_t i = 0; i < 300; ++i) {
    std::vector<uint64_t> ids;
    if (!known.empty()) {
      ids = known[draw.below(known.size())];
      ids.resize(1 + draw.below(ids.size()));
    }
    for (uint64_t more = 1 + draw.below(5); more > 0; --more, ++fresh) ids.push_back(next_id++);
    known.push_back(ids);
    // One token beyond the ids, so that all of them can be hit.
    requests.push_back(request_of(i * 1000, static_cast<uint32_t>(ids.size()) * 4 + 1, 1, 4, ids));
    requests.back().last_id_tokens = 4;
  }
  const Outcome out = run_small(spec, requests);
  uint64_t computed = 0;
  for (const RequestRecord& r : out.log) computed += r.computed_tokens;
  CHECK(computed == fresh * 4 + requests.size());
  CHECK(out.instances[0].pool.placed == fresh);
}
