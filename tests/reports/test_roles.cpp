// What instances did, by role: sums over some of them, against sums over all.
#include <catch2/catch.hpp>

#include "reports/roles.hpp"
#include "reports/summarise.hpp"
#include "tests/reports/outcomes.hpp"

namespace tiercast::reports {
namespace {

using serving::WaitCause;
using tests::kMs;

// Three instances over 100 ms and two requests.
serving::Outcome three_instances() {
  serving::Outcome outcome;
  tests::add(outcome, {.decode_ns = 100 * kMs});
  tests::add(outcome, {.decode_ns = 100 * kMs});
  for (const int64_t busy_ms : {10, 30, 80}) {
    outcome.instances.push_back(tests::busy_instance(busy_ms * kMs, 0));
  }
  return outcome;
}

void wait(serving::Outcome& outcome, size_t instance, WaitCause cause, int64_t wait_ms) {
  outcome.instances[instance].counts.waiting_area_ns[static_cast<size_t>(cause)] += wait_ms * kMs;
}

double waits(const RoleUse& role, const std::string& cause) {
  for (const auto& [name, wait_ms] : role.waits_ms) {
    if (name == cause) return *wait_ms;
  }
  FAIL(cause);
  return 0;
}

TEST_CASE("roles share the instances and what is waited in their queues") {
  serving::Outcome outcome = three_instances();
  wait(outcome, 0, WaitCause::step, 6);
  wait(outcome, 1, WaitCause::tokens, 4);
  wait(outcome, 2, WaitCause::step, 8);
  SummaryInput input;
  CHECK(summarise(outcome, input).roles.empty());
  input.prefill_instances = 2;
  const Result result = summarise(outcome, input);
  REQUIRE(result.roles.size() == 2);
  const RoleUse& prefill = result.roles[0];
  const RoleUse& decode = result.roles[1];
  CHECK(prefill.role == "prefill");
  CHECK(prefill.instances == 2);
  CHECK(*prefill.gpu_busy == Approx(0.2));
  CHECK(*prefill.queue_ms == 5);
  CHECK(waits(prefill, "step") == 3);
  CHECK(waits(prefill, "max_batched_tokens") == 2);
  CHECK(decode.role == "decode");
  CHECK(*decode.gpu_busy == Approx(0.8));
  CHECK(waits(decode, "step") == 4);
  // All instances together wait as long as both roles do.
  for (const Bottleneck& found : result.bottlenecks) {
    if (found.resource == "gpu") continue;
    CHECK(*found.adds_ms == waits(prefill, found.resource) + waits(decode, found.resource));
  }
}

TEST_CASE("a role whose KV memory most of the waiting is for is named") {
  serving::Outcome outcome = three_instances();
  const auto caveat = [&](uint32_t prefill, double e2e_ms) {
    return role_caveat(role_uses(outcome, prefill, 2, 100 * kMs), e2e_ms);
  };
  wait(outcome, 0, WaitCause::step, 40);
  wait(outcome, 2, WaitCause::blocks, 40);
  CHECK(caveat(2, 100).empty());  // half is not most
  wait(outcome, 2, WaitCause::blocks, 2);
  CHECK_THAT(caveat(2, 100), Catch::Contains("of the decode instances, 21.0 ms of 41.0 ms"));
  CHECK(caveat(2, 421).empty());  // less than a twentieth of the request
  CHECK(caveat(0, 100).empty());
  wait(outcome, 1, WaitCause::blocks, 200);
  CHECK_THAT(caveat(2, 100), Catch::Contains("of the prefill instances, 100 ms"));
}

}  // namespace
}  // namespace tiercast::reports
