// The recorded traces beside the repository give the figures of their own README.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "models/workload/reference_hits.hpp"
#include "tests/workload/trace_text.hpp"

using namespace tiercast;
using namespace tiercast::workload;
using tests::shared_file;

namespace {

struct Lengths {
  std::vector<std::uint32_t> sorted;
  double mean = 0;

  explicit Lengths(std::vector<std::uint32_t> values) : sorted(std::move(values)) {
    std::sort(sorted.begin(), sorted.end());
    for (const std::uint32_t value : sorted) mean += value;
    mean /= static_cast<double>(sorted.size());
  }
  // Linear between order statistics, the common default of statistics packages.
  double quantile(double q) const {
    const double at = q * static_cast<double>(sorted.size() - 1);
    const auto below = static_cast<std::size_t>(at);
    const std::size_t above = std::min(below + 1, sorted.size() - 1);
    const double part = at - static_cast<double>(below);
    return sorted[below] + part * (static_cast<double>(sorted[above]) - sorted[below]);
  }
};

struct Summary {
  std::uint64_t requests = 0;
  std::uint64_t input_tokens = 0;
  std::uint64_t output_tokens = 0;
  std::uint64_t ids = 0;
  std::int64_t span_ns = 0;
  double gap_cv = 0;
  Lengths inputs{{0}};
  Lengths outputs{{0}};
};

Summary summarise(const TraceSpec& spec) {
  Diagnostics found;
  const auto source = make_source(spec, {}, found);
  REQUIRE(source != nullptr);
  Summary out;
  std::vector<std::uint32_t> inputs;
  std::vector<std::uint32_t> outputs;
  std::vector<double> gaps_s;
  Request request;
  while (source->next(request)) {
    inputs.push_back(request.input_tokens);
    outputs.push_back(request.output_tokens);
    out.input_tokens += request.input_tokens;
    out.output_tokens += request.output_tokens;
    out.ids += request.ids.size();
    if (out.requests > 0)
      gaps_s.push_back(static_cast<double>(request.arrival_ns - out.span_ns) / 1e9);
    out.span_ns = request.arrival_ns;
    ++out.requests;
  }
  CHECK(source->report().bad_lines == 0);
  double mean = 0;
  double square = 0;
  for (const double gap : gaps_s) mean += gap / static_cast<double>(gaps_s.size());
  for (const double gap : gaps_s) {
    square += (gap - mean) * (gap - mean) / static_cast<double>(gaps_s.size());
  }
  out.gap_cv = std::sqrt(square) / mean;
  out.inputs = Lengths(std::move(inputs));
  out.outputs = Lengths(std::move(outputs));
  return out;
}

void check_quantiles(const Lengths& lengths, double mean, double p50, double p90, double p99) {
  CHECK(lengths.mean == Approx(mean).margin(0.51));
  CHECK(lengths.quantile(0.5) == Approx(p50).margin(0.51));
  CHECK(lengths.quantile(0.9) == Approx(p90).margin(0.51));
  CHECK(lengths.quantile(0.99) == Approx(p99).margin(0.51));
}

}  // namespace

TEST_CASE("The Mooncake conversation trace has its published statistics", "[mooncake][oracle]") {
  TraceSpec spec;
  spec.file = shared_file("traces/mooncake_conversation.jsonl.gz");
  if (spec.file.empty()) return;
  const Summary summary = summarise(spec);
  CHECK(summary.requests == 12'031);
  CHECK(summary.ids == 288'500);
  CHECK(summary.span_ns / 1'000'000'000 == 3536);
  CHECK(summary.gap_cv == Approx(3.03).margin(0.005));
  check_quantiles(summary.inputs, 12'035, 6'909, 27'367, 85'400);
  check_quantiles(summary.outputs, 343, 350, 597, 1'119);

  spec.smooth = whole_seconds(3);
  const Summary smoothed = summarise(spec);
  CHECK(smoothed.requests == 12'031);
  CHECK(smoothed.input_tokens == summary.input_tokens);
  CHECK(smoothed.gap_cv == Approx(1).margin(0.1));  // the batches are gone
}

TEST_CASE("Reference mode on the Mooncake trace gives its published hit ratios",
          "[mooncake][oracle]") {
  TraceSpec spec;
  spec.file = shared_file("traces/mooncake_conversation.jsonl.gz");
  if (spec.file.empty()) return;
  Diagnostics found;
  const auto source = make_source(spec, {}, found);
  REQUIRE(source != nullptr);
  const ReferenceHits hits = reference_hits(*source);
  CHECK(hits.requests == 12'031);
  CHECK(hits.blocks == 288'500);
  CHECK(hits.distinct_blocks == 182'790);
  CHECK(hits.token_hit_ratio() == Approx(0.3736).margin(0.00005));
  CHECK(hits.full_block_token_hit_ratio() == Approx(0.3734).margin(0.00005));
  CHECK(hits.block_hit_ratio() == Approx(0.3664).margin(0.00005));
}

TEST_CASE("The Azure conversation trace has its published statistics", "[azure][oracle]") {
  TraceSpec spec;
  spec.file = shared_file("traces/azure_llm_2023_conv.csv.gz");
  if (spec.file.empty()) return;
  const Summary summary = summarise(spec);
  CHECK(summary.requests == 19'366);
  CHECK(summary.span_ns / 1'000'000'000 == 3501);
  CHECK(summary.span_ns % 100 == 0);  // seven decimals
  CHECK(summary.gap_cv == Approx(1.09).margin(0.005));
  check_quantiles(summary.inputs, 1'155, 1'020, 2'735, 4'142);
  check_quantiles(summary.outputs, 211, 129, 424, 601);
}

TEST_CASE("The speed workloads have their published totals", "[csv][oracle]") {
  TraceSpec spec;
  spec.file = shared_file("bench/w1_azure_conv_2000.csv");
  if (spec.file.empty()) return;
  const Summary small = summarise(spec);
  CHECK(small.requests == 2'000);
  CHECK(small.input_tokens == 2'192'649);
  CHECK(small.output_tokens == 529'807);
  CHECK(static_cast<double>(small.span_ns) / 1e9 == Approx(424.3).margin(0.05));

  spec.file = shared_file("bench/w1_azure_conv_all.csv.gz");
  if (spec.file.empty()) return;
  const Summary all = summarise(spec);
  CHECK(all.requests == 19'366);
  CHECK(all.input_tokens == 22'083'063);
  CHECK(all.output_tokens == 4'088'665);
  CHECK(static_cast<double>(all.span_ns) / 1e9 == Approx(3'501.7).margin(0.05));
}

TEST_CASE("Session traces are refused with their name, not misread", "[mooncake][hostile]") {
  TraceSpec spec;
  spec.file = shared_file("traces/claude_code_mini.jsonl.gz");
  if (spec.file.empty()) return;
  Diagnostics found;
  CHECK(make_source(spec, {}, found) == nullptr);
  REQUIRE(found.error_count() == 1);
  CHECK_THAT(found.sorted().front().message, Catch::Matchers::Contains("one session a line"));
}
