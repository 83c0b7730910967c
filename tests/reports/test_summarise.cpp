#include <catch2/catch.hpp>

#include "reports/summarise.hpp"
#include "sim/base/random.hpp"
#include "tests/reports/outcomes.hpp"

namespace tiercast::reports {
namespace {

using tests::add;
using tests::kMs;
using tests::kSecond;

SummaryInput plain_input() {
  SummaryInput input;
  input.block_tokens = 16;
  input.block_bytes = 1000;
  return input;
}

double total(const TimeSplit& split) {
  return split.route + split.queue + split.metadata + split.prefill + split.interference +
         split.handoff + split.decode + split.engine;
}

TEST_CASE("requests and tokens are counted by what became of them") {
  serving::Outcome outcome;
  add(outcome, {.arrival_ns = 0, .input_tokens = 100, .output_tokens = 10, .cached_tokens = 32});
  add(outcome, {.arrival_ns = kMs, .input_tokens = 50, .output_tokens = 5}).truncated = true;
  serving::RequestRecord& preempted =
      add(outcome, {.arrival_ns = 2 * kMs, .input_tokens = 20, .output_tokens = 2});
  preempted.preemptions = 3;
  preempted.computed_tokens = 41;  // the prompt, and again with one token of output
  tests::add_rejected(outcome, 3 * kMs);
  const Result result = summarise(outcome, plain_input());
  CHECK(result.requests.offered == 4);
  CHECK(result.requests.completed == 3);
  CHECK(result.requests.rejected == 1);
  CHECK(result.requests.failed == 0);
  CHECK(result.requests.truncated == 1);
  CHECK(result.requests.preempted == 1);
  CHECK(result.tokens.input == 170);
  CHECK(result.tokens.input_cached == 32);
  CHECK(result.tokens.input_computed == 68 + 50 + 41);
  CHECK(result.tokens.output == 17);
}

TEST_CASE("hit ratios are of tokens and of whole blocks of the input") {
  serving::Outcome outcome;
  add(outcome, {.input_tokens = 100, .cached_tokens = 48});  // 6 whole blocks, 3 hit
  add(outcome, {.input_tokens = 31, .cached_tokens = 16});   // 1 whole block, 1 hit
  add(outcome, {.input_tokens = 5, .cached_tokens = 0});     // none
  const Result result = summarise(outcome, plain_input());
  CHECK(*result.cache.token_hit_ratio == Approx(64.0 / 136));
  CHECK(*result.cache.block_hit_ratio == Approx(4.0 / 7));
}

TEST_CASE("parts of the time sum to the means exactly but for rounding") {
  serving::Outcome outcome;
  Stream stream(3, Purpose("parts"));
  for (int i = 0; i < 1000; ++i) {
    serving::RequestRecord& record = add(outcome, {.arrival_ns = i * kMs,
                                                   .queue_ns = stream.between(0, kSecond),
                                                   .prefill_ns = stream.between(1, kSecond),
                                                   .decode_ns = stream.between(0, kSecond)});
    // Some of the time was spent otherwise; the sums stay.
    const int64_t other_ns = stream.between(0, record.ttft.prefill_ns);
    record.ttft.prefill_ns -= other_ns;
    record.ttft.interference_ns += other_ns;
    const int64_t engine_ns = stream.between(0, record.e2e.decode_ns);
    record.e2e.decode_ns -= engine_ns;
    record.e2e.engine_ns += engine_ns;
  }
  const Result result = summarise(outcome, plain_input());
  CHECK(total(*result.attribution.ttft_ms) == Approx(result.metrics.ttft_ms->mean).epsilon(1e-14));
  CHECK(total(*result.attribution.e2e_ms) == Approx(result.metrics.e2e_ms->mean).epsilon(1e-14));
  CHECK(result.attribution.e2e_ms->queue == Approx(result.metrics.queue_ms->mean).epsilon(1e-14));
}

TEST_CASE("the HBM row adds up the pools") {
  serving::Outcome outcome;
  add(outcome, {.input_tokens = 100, .cached_tokens = 48});
  for (int i = 0; i < 2; ++i) outcome.instances.push_back(tests::busy_instance(0, 0));
  outcome.instances[0].pool_present_blocks = 400;
  outcome.instances[1].pool_present_blocks = 1000;
  outcome.instances[1].pool.evicted = 7;
  outcome.instances[1].pool.first_eviction_ns = 1500 * kMs;
  const Result result = summarise(outcome, plain_input());
  REQUIRE(result.cache.by_tier.size() == 1);
  const TierUse& hbm = result.cache.by_tier[0];
  CHECK(hbm.tier == "hbm");
  CHECK(hbm.pools == 2);
  CHECK(hbm.capacity_bytes == 2'000'000);
  CHECK(hbm.used_bytes == 1'400'000);
  CHECK(*hbm.fill == 0.7);
  CHECK(*hbm.first_eviction_s == 1.5);
  CHECK(hbm.evicted_blocks == 7);
  CHECK(hbm.hit_tokens == 48);
  CHECK(!hbm.read_bytes);
  CHECK(!hbm.busy);
}

TEST_CASE("bottlenecks come by what they add") {
  serving::Outcome outcome;
  serving::RequestRecord& first = add(outcome, {.queue_ns = 10 * kMs, .decode_ns = 90 * kMs});
  first.e2e.decode_ns -= 30 * kMs;
  first.e2e.interference_ns += 30 * kMs;
  add(outcome, {.queue_ns = 20 * kMs, .decode_ns = 80 * kMs});
  outcome.instances.push_back(tests::busy_instance(80 * kMs, 0));
  outcome.instances.push_back(tests::busy_instance(40 * kMs, 0));
  const auto waited = [&](size_t instance, serving::WaitCause cause, int64_t ns) {
    outcome.instances[instance].counts.waiting_area_ns[static_cast<size_t>(cause)] = ns;
  };
  waited(0, serving::WaitCause::blocks, 10 * kMs);
  waited(1, serving::WaitCause::blocks, 40 * kMs);
  waited(1, serving::WaitCause::sequences, 6 * kMs);
  REQUIRE(outcome.end_ns == 100 * kMs);
  const Result result = summarise(outcome, plain_input());
  REQUIRE(result.bottlenecks.size() == 5);
  CHECK(result.bottlenecks[0].resource == "kv_blocks");
  CHECK(*result.bottlenecks[0].adds_ms == 25);
  CHECK(result.bottlenecks[1].resource == "gpu");
  CHECK(*result.bottlenecks[1].adds_ms == 15);
  CHECK(*result.bottlenecks[1].busy == Approx(0.6));  // 120 of 2 x 100 ms
  CHECK(result.bottlenecks[2].resource == "max_sequences");
  CHECK(*result.bottlenecks[2].adds_ms == 3);
}

TEST_CASE("a run without requests has no ratios and no means") {
  SummaryInput input = plain_input();
  input.site.emplace().nodes = 1;
  const Result result = summarise({}, input);
  CHECK(!result.cache.token_hit_ratio);
  CHECK(!result.attribution.ttft_ms);
  CHECK(!result.cache.by_tier[0].fill);
  CHECK(!result.energy->j_per_output_token);
  CHECK(!result.energy->watts_mean);
  CHECK(!result.cost->usd_per_million_output_tokens);
  CHECK(!result.steady.ok);
}

TEST_CASE("facts, scenario and effort are carried over") {
  serving::Outcome outcome;
  add(outcome, {.arrival_ns = 0, .decode_ns = 2500 * kMs});
  outcome.digest = "d1";
  outcome.effort = {11, 12, 13, 14, 15, 16, 17};
  SummaryInput input = plain_input();
  input.scenario = "s";
  input.scenario_hash = "h";
  input.seed = 9;
  input.model = {"m", "fp8", "bf16", 131072, 26312};
  const Result result = summarise(outcome, input);
  CHECK(result.scenario == "s");
  CHECK(result.scenario_hash == "h");
  CHECK(result.seed == 9);
  CHECK(result.digest == "d1");
  CHECK(result.simulated_s == 2.5);
  CHECK(result.model.kv_blocks_per_instance == 26312);
  CHECK(result.run.events == 11);
  CHECK(result.run.steps == 12);
  CHECK(result.run.advances == 13);
  CHECK(result.run.policy_calls == 14);
  CHECK(result.run.transfers == 15);
  CHECK(result.run.solves == 16);
  CHECK(result.run.bundles_solved == 17);
  CHECK(!result.energy);
  CHECK(!result.cost);
}

}  // namespace
}  // namespace tiercast::reports
