// Results of `vllm bench serve`: flat keys such as `mean_ttft_ms`, and lists with an entry a
// request.

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "models/calibration/measured_result.hpp"

namespace tiercast::calibration {
namespace {

constexpr double kTokensMax = 1e9;

std::optional<std::int64_t> count(const JsonObject& root, const char* key) {
  const auto number = root.number(key, 0, 1e15);
  if (!number) return std::nullopt;
  return std::llround(*number);
}

std::optional<Seconds> milliseconds_at(const JsonObject& root, const std::string& key) {
  const auto number = root.number(key);
  if (!number) return std::nullopt;
  return Seconds{*number * 1e-3};
}

MeasuredTimes times(const JsonObject& root, const std::string& metric) {
  const auto at = [&](const char* what) {
    return milliseconds_at(root, fmt::format("{}_{}_ms", what, metric));
  };
  MeasuredTimes result{at("mean"), at("median"), at("p90"), at("p99")};
  if (!result.p50) result.p50 = at("p50");
  return result;
}

// The value below which a share of `sorted` lies, between neighbours in proportion.
Seconds quantile(const std::vector<double>& sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return Seconds{sorted[below] + (sorted[above] - sorted[below]) * (at - std::floor(at))};
}

void complete(MeasuredTimes& times, std::vector<double> values) {
  if (values.empty()) return;
  std::sort(values.begin(), values.end());
  const double sum = std::accumulate(values.begin(), values.end(), 0.0);
  if (!times.mean) times.mean = Seconds{sum / static_cast<double>(values.size())};
  if (!times.p50) times.p50 = quantile(values, 0.5);
  if (!times.p90) times.p90 = quantile(values, 0.9);
  if (!times.p99) times.p99 = quantile(values, 0.99);
}

void read_requests(const JsonObject& root, MeasuredResult& result) {
  const auto inputs = root.numbers("input_lens");
  const auto outputs = root.numbers("output_lens");
  const auto ttfts = root.numbers("ttfts");
  const auto gaps = root.number_lists("itls");
  const auto errors = root.texts("errors");
  if (!inputs || !outputs || !ttfts || !gaps) return;
  const std::size_t count = ttfts->size();
  if (inputs->size() != count || outputs->size() != count || gaps->size() != count ||
      (errors && errors->size() != count)) {
    root.error("ttfts", fmt::format("has {} entries, input_lens {}, output_lens {}, itls {}{}",
                                    count, inputs->size(), outputs->size(), gaps->size(),
                                    errors ? fmt::format(", errors {}", errors->size()) : ""));
    return;
  }
  for (std::size_t i = 0; i < count; ++i) {
    const bool failed = errors && !(*errors)[i].empty();
    if (failed || (*outputs)[i] == 0) continue;
    if (std::max((*inputs)[i], (*outputs)[i]) > kTokensMax) {
      root.error("input_lens", "and output_lens have a request of more than 10^9 tokens");
      return;
    }
    MeasuredRequest request{static_cast<std::uint32_t>((*inputs)[i]),
                            static_cast<std::uint32_t>((*outputs)[i]),
                            Seconds{(*ttfts)[i]},
                            {}};
    for (const double gap : (*gaps)[i]) request.gaps.push_back(Seconds{gap});
    result.requests.push_back(std::move(request));
  }
}

// What the file was not asked to sum up, from its requests.
void complete(MeasuredResult& result) {
  std::vector<double> ttft, tpot, itl, e2e;
  for (const MeasuredRequest& request : result.requests) {
    double after = 0;
    for (const Seconds gap : request.gaps) {
      after += gap.value();
      itl.push_back(gap.value());
    }
    ttft.push_back(request.ttft.value());
    e2e.push_back(request.ttft.value() + after);
    if (request.output_tokens > 1) tpot.push_back(after / (request.output_tokens - 1));
  }
  complete(result.ttft, std::move(ttft));
  complete(result.tpot, std::move(tpot));
  complete(result.itl, std::move(itl));
  complete(result.e2e, std::move(e2e));
}

}  // namespace

void read_vllm_result(const JsonObject& root, MeasuredResult& result) {
  if (root.has("model_id")) result.model = root.text("model_id").value_or("");
  result.ttft = times(root, "ttft");
  result.tpot = times(root, "tpot");
  result.itl = times(root, "itl");
  result.e2e = times(root, "e2el");
  if (const auto duration = root.number("duration", 1e-9)) result.duration = Seconds{*duration};
  result.requests_per_s = root.number("request_throughput");
  result.output_tokens_per_s = root.number("output_throughput");
  result.total_tokens_per_s = root.number("total_token_throughput");
  result.completed = count(root, "completed");
  result.failed = count(root, "failed");
  result.input_tokens = count(root, "total_input_tokens");
  result.output_tokens = count(root, "total_output_tokens");
  result.concurrency = count(root, "max_concurrency");
  // "inf" where requests were sent all at once.
  if (root.has("request_rate") && !root.is_text("request_rate")) {
    result.offered_rate = root.number("request_rate");
  }
  read_requests(root, result);
  complete(result);
}

}  // namespace tiercast::calibration
