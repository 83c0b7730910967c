#include <algorithm>
#include <cmath>
#include <vector>

#include <catch2/catch.hpp>

#include "reports/metrics.hpp"
#include "sim/base/random.hpp"
#include "tests/reports/outcomes.hpp"

namespace tiercast::reports {
namespace {

using tests::add;
using tests::kMs;
using tests::kSecond;

// The definition, read literally: the smallest value that at least p of the sample do not exceed.
template <typename Number>
double naive_percentile(const std::vector<Number>& sample, double p) {
  std::vector<Number> sorted = sample;
  std::sort(sorted.begin(), sorted.end());
  for (const Number candidate : sorted) {
    const auto within = static_cast<double>(std::count_if(
        sorted.begin(), sorted.end(), [&](Number value) { return value <= candidate; }));
    if (within >= p * static_cast<double>(sorted.size()) - 1e-9) {
      return static_cast<double>(candidate);
    }
  }
  return static_cast<double>(sorted.back());
}

TEST_CASE("percentiles are nearest ranks") {
  std::vector<int64_t> hundred;
  for (int64_t i = 100; i >= 1; --i) hundred.push_back(i);
  const Distribution values = distribution_of(hundred, 50.5, 1);
  CHECK(values.mean == 50.5);
  CHECK(values.p50 == 50);
  CHECK(values.p90 == 90);
  CHECK(values.p95 == 95);
  CHECK(values.p99 == 99);
  CHECK(values.p999 == 100);
  CHECK(values.max == 100);
}

TEST_CASE("percentiles agree with the definition on any sample") {
  Stream stream(7, Purpose("percentiles"));
  for (const int size : {1, 2, 3, 9, 10, 11, 99, 100, 101, 999, 1000, 1001}) {
    std::vector<int64_t> sample;
    for (int i = 0; i < size; ++i) {
      sample.push_back(stream.between(0, 49));  // many equal values
    }
    const std::vector<int64_t> kept = sample;
    const Distribution values = distribution_of(sample, 0, 2);
    INFO("of " << size);
    CHECK(values.p50 == naive_percentile(kept, 0.5) / 2);
    CHECK(values.p90 == naive_percentile(kept, 0.9) / 2);
    CHECK(values.p95 == naive_percentile(kept, 0.95) / 2);
    CHECK(values.p99 == naive_percentile(kept, 0.99) / 2);
    CHECK(values.p999 == naive_percentile(kept, 0.999) / 2);
    CHECK(values.max == static_cast<double>(*std::max_element(kept.begin(), kept.end())) / 2);
  }
}

TEST_CASE("latencies are those of the stamps") {
  serving::Outcome outcome;
  add(outcome, {.arrival_ns = kSecond,
                .queue_ns = 5 * kMs,
                .prefill_ns = 15 * kMs,
                .decode_ns = 90 * kMs,
                .output_tokens = 10});
  add(outcome, {.arrival_ns = 2 * kSecond,
                .queue_ns = 0,
                .prefill_ns = 40 * kMs,
                .decode_ns = 0,
                .output_tokens = 1});
  tests::add_rejected(outcome, 3 * kSecond);
  const Metrics metrics = metrics_of(outcome, {});
  CHECK(metrics.ttft_ms->mean == 30);
  CHECK(metrics.ttft_ms->p50 == 20);
  CHECK(metrics.ttft_ms->max == 40);
  CHECK(metrics.e2e_ms->mean == 75);
  CHECK(metrics.queue_ms->mean == 2.5);
  // One request has tokens after its first: 90 ms for 9 of them.
  CHECK(metrics.tpot_ms->mean == 10);
  CHECK(metrics.tpot_ms->p999 == 10);
}

TEST_CASE("gaps have an exact mean and maximum, and percentiles within a bucket") {
  serving::Outcome outcome;
  tests::add_gaps(outcome, 10 * kMs, 989);
  tests::add_gaps(outcome, 50 * kMs, 11);
  // A fraction of a nanosecond for each gap shows in the mean.
  outcome.itl_ticks += 1000 * (llm::kTicksPerNs / 2);
  const Metrics metrics = metrics_of(outcome, {});
  CHECK(metrics.itl_ms->mean == Approx((989 * 10.0 + 11 * 50.0) / 1000 + 0.5e-6).epsilon(1e-14));
  CHECK(metrics.itl_ms->p50 == Approx(10).epsilon(0.004));
  CHECK(metrics.itl_ms->p99 == Approx(50).epsilon(0.004));
  CHECK(metrics.itl_ms->max == 50);
}

TEST_CASE("rates are over the time from the first arrival to the end") {
  serving::Outcome outcome;
  add(outcome, {.arrival_ns = 10 * kSecond, .prefill_ns = 100 * kMs, .decode_ns = 900 * kMs});
  add(outcome, {.arrival_ns = 11 * kSecond, .prefill_ns = 300 * kMs, .decode_ns = 2700 * kMs});
  REQUIRE(outcome.end_ns == 14 * kSecond);
  MetricsInput input{{400, 100, 300, 20}, 10 * kSecond, 5, {}, {}};
  input.limits.ttft_ms = 200;
  const Metrics metrics = metrics_of(outcome, input);
  CHECK(*metrics.output_tokens_per_s == 5);
  CHECK(*metrics.output_tokens_per_s_per_gpu == 1);
  CHECK(*metrics.input_tokens_per_s == 100);
  CHECK(*metrics.computed_tokens_per_s == 75);
  CHECK(*metrics.requests_per_s == 0.5);
  CHECK(*metrics.goodput_requests_per_s == 0.25);

  SECTION("each limit given must be met, the boundary included") {
    input.limits.ttft_ms = 300;
    CHECK(*metrics_of(outcome, input).goodput_requests_per_s == 0.5);
    input.limits.tpot_ms = 100;  // 900 ms for 9 tokens
    CHECK(*metrics_of(outcome, input).goodput_requests_per_s == 0.25);
  }
}

TEST_CASE("what has no sample does not exist") {
  const Metrics nothing = metrics_of({}, {{}, 0, 1, {}, {}});
  CHECK(!nothing.ttft_ms);
  CHECK(!nothing.tpot_ms);
  CHECK(!nothing.itl_ms);
  CHECK(!nothing.task_s);
  CHECK(!nothing.output_tokens_per_s);
  CHECK(!nothing.goodput_requests_per_s);

  serving::Outcome refused;
  tests::add_rejected(refused, kSecond);
  tests::add_rejected(refused, 3 * kSecond);
  const Metrics none = metrics_of(refused, {{}, kSecond, 1, {}, {}});
  CHECK(!none.ttft_ms);
  CHECK(*none.requests_per_s == 0);
}

TEST_CASE("a task lasts from its first arrival to its last completion") {
  serving::Outcome outcome;
  add(outcome, {.arrival_ns = 0, .decode_ns = 2 * kSecond}).session = 5;
  add(outcome, {.arrival_ns = kSecond, .decode_ns = 3 * kSecond}).session = 3;
  add(outcome, {.arrival_ns = 4 * kSecond, .decode_ns = 1 * kSecond}).session = 5;
  const Tasks tasks = tasks_of(outcome.log);
  CHECK(tasks.times_ns == std::vector<int64_t>{3 * kSecond, 5 * kSecond});
  CHECK(tasks.cut_short == 0);
  MetricsInput input;
  input.tasks_ns = tasks.times_ns;
  CHECK(metrics_of(outcome, input).task_s->mean == 4);

  SECTION("with a call refused it has not completed") {
    tests::add_rejected(outcome, 6 * kSecond).session = 5;
    CHECK(tasks_of(outcome.log).times_ns == std::vector<int64_t>{3 * kSecond});
    CHECK(tasks_of(outcome.log).cut_short == 0);
  }
  SECTION("with calls to come it has not ended") {
    outcome.log[2].ends_session = false;
    CHECK(tasks_of(outcome.log).times_ns == std::vector<int64_t>{3 * kSecond});
    CHECK(tasks_of(outcome.log).cut_short == 1);
  }
}

TEST_CASE("demand without sessions has no tasks") {
  serving::Outcome outcome;
  for (int i = 0; i < 3; ++i) add(outcome, {.arrival_ns = i * kSecond, .decode_ns = kSecond});
  CHECK(tasks_of(outcome.log).times_ns.empty());
}

}  // namespace
}  // namespace tiercast::reports
