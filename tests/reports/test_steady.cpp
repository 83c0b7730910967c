#include <catch2/catch.hpp>

#include "reports/steady.hpp"
#include "tests/reports/outcomes.hpp"

namespace tiercast::reports {
namespace {

using tests::add;
using tests::kMs;
using tests::kSecond;

// One arrival every 100 ms; the server takes `service_ns` for each, first come first served.
serving::Outcome single_server(int requests, int64_t service_ns, uint32_t cached_tokens = 0) {
  serving::Outcome outcome;
  int64_t free_ns = 0;
  for (int i = 0; i < requests; ++i) {
    const int64_t arrival_ns = i * 100 * kMs;
    const int64_t start_ns = std::max(free_ns, arrival_ns);
    free_ns = start_ns + service_ns;
    add(outcome, {.arrival_ns = arrival_ns,
                  .queue_ns = start_ns - arrival_ns,
                  .decode_ns = service_ns,
                  .cached_tokens = cached_tokens});
  }
  outcome.instances.push_back(tests::busy_instance(0, 0));
  return outcome;
}

bool says(const Steady& steady, const std::string& words) {
  return steady.why.find(words) != std::string::npos;
}

TEST_CASE("a server that keeps up is steady") {
  for (const int64_t service_ns : {1 * kMs, 50 * kMs, 99 * kMs, 100 * kMs}) {
    const Steady steady = steadiness_of(single_server(400, service_ns));
    CHECK(steady.ok);
    CHECK(steady.why.empty());
  }
}

TEST_CASE("a server that falls behind is saturated, with the numbers") {
  // 400 arrivals at 10 a second, served at 5 a second: 100 are left of the first half and 200 at
  // the end, give or take the request in service.
  const Steady steady = steadiness_of(single_server(400, 200 * kMs));
  CHECK(!steady.ok);
  CHECK(says(steady, "saturated: requests in the system grew from 101 to 201"));
  CHECK(says(steady, "200 came, 100 left"));
}

TEST_CASE("many requests in service at once are no backlog") {
  // Each takes 15 s beside the others: 150 in the system once the first leave, no growth after.
  serving::Outcome outcome;
  for (int i = 0; i < 400; ++i) {
    add(outcome, {.arrival_ns = i * 100 * kMs, .decode_ns = 15 * kSecond});
  }
  CHECK(steadiness_of(outcome).ok);
}

TEST_CASE("a run shorter than its requests is not steady") {
  serving::Outcome outcome;
  for (int i = 0; i < 400; ++i) {
    add(outcome, {.arrival_ns = i * 100 * kMs, .decode_ns = 60 * kSecond});
  }
  CHECK(!steadiness_of(outcome).ok);
}

TEST_CASE("too few requests, or all at once, tell nothing") {
  CHECK(says(steadiness_of(single_server(39, kMs)), "39 requests are too few"));
  CHECK(says(steadiness_of({}), "0 requests are too few"));
  serving::Outcome batch;
  for (int i = 0; i < 100; ++i) add(batch, {.decode_ns = kSecond});
  CHECK(says(steadiness_of(batch), "one instant"));
}

TEST_CASE("refused requests are no demand") {
  serving::Outcome outcome = single_server(39, kMs);
  tests::add_rejected(outcome, 100 * kSecond);
  CHECK(says(steadiness_of(outcome), "39 requests are too few"));
  serving::Outcome refused;
  tests::add_rejected(refused, kSecond);
  CHECK(says(steadiness_of(refused), "all requests were refused"));
}

TEST_CASE("a cache that is still filling is not steady") {
  serving::Outcome outcome = single_server(400, kMs, 50);
  outcome.instances[0].pool_present_blocks = 430;
  CHECK(says(steadiness_of(outcome), "1 of 1 HBM pools never evicted (43 % full at the end)"));
  outcome.instances[0].pool.first_eviction_ns = kSecond;
  CHECK(steadiness_of(outcome).ok);
}

TEST_CASE("a cache without hits may be empty") {
  CHECK(steadiness_of(single_server(400, kMs, 0)).ok);
}

TEST_CASE("a hit ratio that moves is not steady") {
  serving::Outcome outcome = single_server(400, kMs, 50);
  outcome.instances[0].pool.first_eviction_ns = kSecond;
  for (size_t i = 200; i < 400; ++i) outcome.log[i].cached_tokens = 60;
  CHECK(says(steadiness_of(outcome), "token hit ratio moved from 0.500 to 0.600"));
}

// A steady server over a tier of which `present` of 1000 blocks are filled after 100 s.
serving::Outcome over_tier(uint64_t present) {
  serving::Outcome outcome = single_server(400, kMs);
  outcome.end_ns = 100 * kSecond;
  serving::TierOutcome& tier = outcome.tiers.emplace_back();
  tier.name = "nvme";
  tier.capacity_blocks = 1000;
  tier.present_blocks = present;
  return outcome;
}

TEST_CASE("a tier that is still filling is not steady, and says for how long") {
  // A quarter in 100 s: three quarters take 300 s more.
  const Steady steady = steadiness_of(over_tier(250));
  CHECK(!steady.ok);
  CHECK(says(steady, "tier nvme is 25.0 % full, never evicted and takes at least 300 s more"));
  CHECK(says(steady, "run.warmup"));
  CHECK(!steadiness_of(over_tier(949)).ok);
}

TEST_CASE("the time that a tier filled for includes warm-up") {
  serving::Outcome outcome = over_tier(500);
  outcome.start_ns = 60 * kSecond;
  for (serving::RequestRecord& record : outcome.log) {
    record.arrival_ns += outcome.start_ns;
    record.finished_ns += outcome.start_ns;
  }
  CHECK(says(steadiness_of(outcome), "at least 100 s more"));
}

TEST_CASE("a tier that evicts, is full, or is never written to is steady") {
  CHECK(steadiness_of(over_tier(0)).ok);
  CHECK(steadiness_of(over_tier(950)).ok);
  serving::Outcome outcome = over_tier(250);
  outcome.tiers[0].pool_counts.first_eviction_ns = 0;
  CHECK(steadiness_of(outcome).ok);
}

TEST_CASE("each tier that fills has its reason") {
  serving::Outcome outcome = over_tier(500);
  outcome.tiers.push_back(outcome.tiers[0]);
  outcome.tiers[1].name = "external";
  outcome.tiers[1].present_blocks = 1;
  const Steady steady = steadiness_of(outcome);
  CHECK(says(steady, "tier nvme is 50.0 % full"));
  CHECK(says(steady, "tier external is 0.100 % full"));
}

}  // namespace
}  // namespace tiercast::reports
