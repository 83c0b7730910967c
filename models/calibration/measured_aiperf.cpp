// Results of AIPerf: a block a metric, with its unit, which alone says what its numbers are.

#include <array>
#include <cmath>
#include <string>
#include <string_view>

#include "models/calibration/measured_result.hpp"
#include "sim/base/text.hpp"

namespace tiercast::calibration {
namespace {

struct KnownUnit {
  std::string_view name;
  double base;  // how many base units it is
};
constexpr std::array kTimeUnits{KnownUnit{"ns", 1e-9}, KnownUnit{"us", 1e-6},
                                KnownUnit{"ms", 1e-3}, KnownUnit{"s", 1},
                                KnownUnit{"sec", 1},   KnownUnit{"seconds", 1}};
constexpr std::array kRequestRates{KnownUnit{"requests/sec", 1}, KnownUnit{"requests/s", 1}};
constexpr std::array kTokenRates{KnownUnit{"tokens/sec", 1}, KnownUnit{"tokens/s", 1}};
constexpr std::array kRequestCounts{KnownUnit{"requests", 1}, KnownUnit{"request", 1}};
constexpr std::array kTokenCounts{KnownUnit{"tokens", 1}, KnownUnit{"token", 1}};

// A metric's block with the factor to base units; nothing where it is absent or its unit unknown.
template <class Units>
std::optional<std::pair<JsonObject, double>> metric(const JsonObject& root, const char* name,
                                                    const Units& units) {
  const auto block = root.object(name);
  if (!block) return std::nullopt;
  const std::string unit = block->text("unit").value_or("");
  for (const KnownUnit& known : units) {
    if (equal_ignoring_case(known.name, unit)) return std::pair{*block, known.base};
  }
  block->error("unit", "is " + quote(unit) + "; `" + std::string(units.front().name) +
                           "` and the like were expected");
  return std::nullopt;
}

MeasuredTimes times(const JsonObject& root, const char* name) {
  MeasuredTimes result;
  const auto block = metric(root, name, kTimeUnits);
  if (!block) return result;
  const auto at = [&](const char* key) -> std::optional<Seconds> {
    const auto number = block->first.number(key);
    if (!number) return std::nullopt;
    return Seconds{*number * block->second};
  };
  return {at("avg"), at("p50"), at("p90"), at("p99")};
}

template <class Units>
std::optional<double> average(const JsonObject& root, const char* name, const Units& units) {
  const auto block = metric(root, name, units);
  if (!block) return std::nullopt;
  const auto number = block->first.number("avg");
  if (!number) return std::nullopt;
  return *number * block->second;
}

template <class Units>
std::optional<std::int64_t> whole(const JsonObject& root, const char* name, const Units& units) {
  const auto number = average(root, name, units);
  if (!number || *number > 1e15) return std::nullopt;
  return std::llround(*number);
}

}  // namespace

void read_aiperf_result(const JsonObject& root, MeasuredResult& result) {
  result.ttft = times(root, "time_to_first_token");
  // AIPerf's inter-token latency is a request's mean, so what is called TPOT here; its gaps between
  // chunks are the gaps.
  result.tpot = times(root, "inter_token_latency");
  result.itl = times(root, "inter_chunk_latency");
  result.e2e = times(root, "request_latency");
  if (const auto seconds = average(root, "benchmark_duration", kTimeUnits)) {
    result.duration = Seconds{*seconds};
  }
  result.requests_per_s = average(root, "request_throughput", kRequestRates);
  result.output_tokens_per_s = average(root, "output_token_throughput", kTokenRates);
  result.total_tokens_per_s = average(root, "total_token_throughput", kTokenRates);
  result.completed = whole(root, "request_count", kRequestCounts);
  result.failed = whole(root, "error_request_count", kRequestCounts);
  result.input_tokens = whole(root, "total_isl", kTokenCounts);
  result.output_tokens = whole(root, "total_osl", kTokenCounts);
}

}  // namespace tiercast::calibration
