#include "reports/metrics.hpp"

#include <utility>

#include "models/llm/step_table.hpp"

namespace tiercast::reports {

namespace {

constexpr double kNsPerMs = 1e6;
constexpr double kNsPerSecond = 1e9;

std::optional<Distribution> exact_distribution(std::vector<int64_t>& values_ns, double unit) {
  if (values_ns.empty()) return std::nullopt;
  Int128 sum = 0;
  for (const int64_t value : values_ns) sum += value;
  const double mean = static_cast<double>(sum) / static_cast<double>(values_ns.size());
  return distribution_of(values_ns, mean, unit);
}

std::optional<Distribution> tpot_distribution(std::vector<double>& values_ns) {
  if (values_ns.empty()) return std::nullopt;
  double sum = 0;
  for (const double value : values_ns) sum += value;
  return distribution_of(values_ns, sum / static_cast<double>(values_ns.size()), kNsPerMs);
}

// Gaps are too many to keep: percentiles are those of the histogram, mean and maximum exact.
std::optional<Distribution> itl_distribution(const serving::Outcome& outcome) {
  const Histogram& gaps = outcome.itl_ns;
  if (gaps.empty()) return std::nullopt;
  const auto at = [&](double q) { return static_cast<double>(gaps.quantile(q)) / kNsPerMs; };
  const double mean_ns = static_cast<double>(outcome.itl_ticks) /
                         static_cast<double>(llm::kTicksPerNs) / static_cast<double>(gaps.count());
  return Distribution{mean_ns / kNsPerMs,
                      at(0.5),
                      at(0.9),
                      at(0.95),
                      at(0.99),
                      at(0.999),
                      static_cast<double>(gaps.max()) / kNsPerMs,
                      std::nullopt};
}

struct Samples {
  std::vector<int64_t> ttft_ns;
  std::vector<int64_t> e2e_ns;
  std::vector<int64_t> queue_ns;
  std::vector<double> tpot_ns;
  uint64_t good = 0;
};

Samples gather(const serving::RequestLog& log, const ServiceLimits& limits) {
  Samples samples;
  for (auto* values : {&samples.ttft_ns, &samples.e2e_ns, &samples.queue_ns}) {
    values->reserve(log.size());
  }
  samples.tpot_ns.reserve(log.size());
  for (const serving::RequestRecord& record : log) {
    if (record.state != serving::RequestState::completed) continue;
    const int64_t ttft_ns = record.first_token_ns - record.arrival_ns;
    samples.ttft_ns.push_back(ttft_ns);
    samples.e2e_ns.push_back(record.finished_ns - record.arrival_ns);
    samples.queue_ns.push_back(record.e2e.queue_ns);
    bool good = !limits.ttft_ms || static_cast<double>(ttft_ns) <= *limits.ttft_ms * kNsPerMs;
    if (record.output_tokens > 1) {
      const double tpot_ns = static_cast<double>(record.finished_ns - record.first_token_ns) /
                             static_cast<double>(record.output_tokens - 1);
      samples.tpot_ns.push_back(tpot_ns);
      good = good && (!limits.tpot_ms || tpot_ns <= *limits.tpot_ms * kNsPerMs);
    }
    samples.good += good ? 1 : 0;
  }
  return samples;
}

void add_rates(Metrics& metrics, const MetricsInput& input, int64_t span_ns, uint64_t completed,
               uint64_t good) {
  if (span_ns <= 0) return;
  const double span_s = static_cast<double>(span_ns) / kNsPerSecond;
  const auto rate = [&](uint64_t count) { return static_cast<double>(count) / span_s; };
  metrics.output_tokens_per_s = rate(input.tokens.output);
  metrics.computed_tokens_per_s = rate(input.tokens.input_computed);
  metrics.input_tokens_per_s = rate(input.tokens.input);
  metrics.requests_per_s = rate(completed);
  if (input.limits.ttft_ms || input.limits.tpot_ms) metrics.goodput_requests_per_s = rate(good);
  if (input.gpus > 0) {
    metrics.output_tokens_per_s_per_gpu = rate(input.tokens.output) / input.gpus;
  }
}

}  // namespace

int64_t window_start_ns(const serving::Outcome& outcome) {
  if (outcome.start_ns > 0 || outcome.log.empty()) return outcome.start_ns;
  return outcome.log.front().arrival_ns;
}

Metrics metrics_of(const serving::Outcome& outcome, MetricsInput input) {
  Samples samples = gather(outcome.log, input.limits);
  Metrics metrics;
  add_rates(metrics, input, outcome.end_ns - input.start_ns, samples.e2e_ns.size(), samples.good);
  metrics.ttft_ms = exact_distribution(samples.ttft_ns, kNsPerMs);
  metrics.tpot_ms = tpot_distribution(samples.tpot_ns);
  metrics.itl_ms = itl_distribution(outcome);
  metrics.e2e_ms = exact_distribution(samples.e2e_ns, kNsPerMs);
  metrics.queue_ms = exact_distribution(samples.queue_ns, kNsPerMs);
  metrics.task_s = exact_distribution(input.tasks_ns, kNsPerSecond);
  return metrics;
}

Tasks tasks_of(const serving::RequestLog& log) {
  std::vector<std::pair<uint64_t, size_t>> calls;
  calls.reserve(log.size());
  for (size_t i = 0; i < log.size(); ++i) calls.emplace_back(log[i].session, i);
  std::sort(calls.begin(), calls.end());
  Tasks tasks;
  bool any_of_two = false;
  for (size_t i = 0; i < calls.size();) {
    const size_t start = i;
    const int64_t first_ns = log[calls[i].second].arrival_ns;
    int64_t last_ns = first_ns;
    bool completed = true;
    bool ended = false;
    for (; i < calls.size() && calls[i].first == calls[start].first; ++i) {
      const serving::RequestRecord& record = log[calls[i].second];
      completed = completed && record.state == serving::RequestState::completed;
      ended = record.ends_session;
      last_ns = std::max(last_ns, record.finished_ns);
    }
    any_of_two = any_of_two || i - start > 1 || !ended;
    if (completed && ended) tasks.times_ns.push_back(last_ns - first_ns);
    if (!ended) ++tasks.cut_short;
  }
  return any_of_two ? tasks : Tasks{};
}

}  // namespace tiercast::reports
