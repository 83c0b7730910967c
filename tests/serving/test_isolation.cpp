// Tenants that share nothing: worked by hand, and against tenants whose content differs.
#include <cstdint>
#include <vector>

#include <catch2/catch.hpp>

#include "models/policy/tierpolicy.h"
#include "tests/serving/random_tiers.hpp"
#include "tests/serving/small_cluster.hpp"
#include "tests/serving/test_demand.hpp"

using namespace tiercast;
using namespace tiercast::tests;
using serving::Isolation;
using serving::Outcome;
using workload::Request;

namespace {

// The same prompt of four blocks and a token, long enough apart.
std::vector<Request> prompts_of(const std::vector<uint32_t>& tenants) {
  std::vector<Request> requests;
  for (const uint32_t tenant : tenants) {
    const auto number = static_cast<int64_t>(requests.size());
    requests.push_back(request_of(number * 1'000'000'000, 17, 1, 4, {1, 2, 3, 4}));
    requests.back().last_id_tokens = 4;
    requests.back().tenant = tenant;
  }
  return requests;
}

std::vector<uint32_t> cached(const Outcome& outcome) {
  std::vector<uint32_t> tokens;
  for (const serving::RequestRecord& record : outcome.log) tokens.push_back(record.cached_tokens);
  return tokens;
}

serving::ClusterSpec cluster(Isolation isolation) {
  serving::ClusterSpec spec = small_cluster();
  spec.id_tokens = 4;
  spec.engine.isolation = isolation;
  return spec;
}

// Ids moved apart by tenant, with room to spare: who shares what is then plain to see.
std::vector<Request> moved_apart(std::vector<Request> requests) {
  for (Request& request : requests) {
    for (uint64_t& id : request.ids) id += uint64_t{request.tenant} << 40;
  }
  return requests;
}

std::vector<Request> drained(const RandomScenario& scenario) {
  std::vector<Request> requests;
  const auto source = scenario.demand();
  Request request;
  int64_t arrival_ns = 0;
  while (source->peek(arrival_ns)) {
    source->next(request);
    requests.push_back(request);
    source->completed(request.id, arrival_ns);
  }
  return requests;
}

}  // namespace

TEST_CASE("Two tenants with the same prompt share nothing", "[serving]") {
  const std::vector<Request> prompts = prompts_of({0, 1, 0, 1, 2});
  CHECK(cached(run_small(cluster(Isolation::none), prompts)) ==
        std::vector<uint32_t>{0, 16, 16, 16, 16});
  const Outcome isolated = run_small(cluster(Isolation::tenant), prompts);
  CHECK(cached(isolated) == std::vector<uint32_t>{0, 0, 16, 16, 0});
  CHECK(isolated.instances[0].pool_present_blocks == 3 * 4);
}

TEST_CASE("Isolated tenants fare as tenants whose content differs, in every tier",
          "[serving][property]") {
  uint64_t loaded = 0;
  uint64_t lost = 0;
  for (uint64_t number = 0; number < 150; ++number) {
    RandomScenario scenario = make_random_scenario(number);
    add_random_tiers(scenario);
    // Ghosts, counts and stripes hash keys, which differ here.
    scenario.spec.eviction = tp_find_builtin_cache("lru");
    for (tiering::TierSpec& tier : scenario.spec.tiers->tiers) {
      tier.eviction = tp_find_builtin_cache("lru");
      tier.striping = {};
      for (tiering::TierPoolSpec& pool : tier.pools) {
        if (pool.devices.size() > 1) pool.devices.resize(1);
      }
    }
    INFO(scenario.describe());
    const std::vector<Request> requests = drained(scenario);
    const auto run = [&](Isolation isolation, const std::vector<Request>& demand) {
      serving::ClusterSpec spec = scenario.spec;
      spec.engine.isolation = isolation;
      ListSource source(demand);
      return serving::Cluster(spec, scenario.table, source).run();
    };
    const Outcome isolated = run(Isolation::tenant, requests);
    REQUIRE(isolated.digest == run(Isolation::none, moved_apart(requests)).digest);
    const Outcome shared = run(Isolation::none, requests);
    REQUIRE(shared.log.size() == isolated.log.size());
    for (size_t i = 0; i < shared.log.size(); ++i) {
      loaded += isolated.log[i].loaded_tokens;
      lost += shared.log[i].cached_tokens > isolated.log[i].cached_tokens ? 1 : 0;
    }
  }
  CHECK(loaded > 0);
  CHECK(lost > 0);
}
