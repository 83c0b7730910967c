#include <algorithm>

#include <catch2/catch.hpp>

#include "reports/thresholds.hpp"
#include "tests/reports/outcomes.hpp"

namespace tiercast::reports {
namespace {

std::optional<Threshold> parse(std::string_view text) {
  Diagnostics found;
  std::optional<Threshold> threshold = parse_threshold(text, {}, found);
  INFO(found.render());
  CHECK(threshold.has_value() == !found.has_errors());
  return threshold;
}

// The one error for a text that is no threshold, hints included.
std::string complaint(std::string_view text) {
  Diagnostics found;
  CHECK(!parse_threshold(text, {"a.yaml", 3, 7}, found));
  REQUIRE(found.error_count() == 1);
  return found.render();
}

bool holds_words(const std::string& text, std::string_view words) {
  return text.find(words) != std::string::npos;
}

TEST_CASE("thresholds are a path, a comparison and a number") {
  const auto threshold = parse("ttft_ms.p99 < 2000");
  REQUIRE(threshold);
  CHECK(threshold->expr == "ttft_ms.p99 < 2000");
  CHECK(threshold->path == "metrics.ttft_ms.p99");
  CHECK(threshold->comparison == Comparison::less);
  CHECK(threshold->limit == 2000);
  CHECK(parse("metrics.ttft_ms.p99<=2000")->comparison == Comparison::at_most);
  CHECK(parse(" requests.completed  >  1e3 ")->comparison == Comparison::greater);
  CHECK(parse("cache.token_hit_ratio >=0.5")->comparison == Comparison::at_least);
}

TEST_CASE("a limit with a unit is converted to that of the path") {
  CHECK(parse("ttft_ms.p99 < 2s")->limit == 2000);
  CHECK(parse("ttft_ms.p99 < 70ms")->limit == 70);
  CHECK(parse("ttft_ms.p99 < 250 us")->limit == 0.25);
  CHECK(parse("task_s.mean < 1.5min")->limit == 90);
  CHECK(parse("energy.j_per_output_token < 500mJ")->limit == 0.5);
  CHECK(parse("energy.j_per_task < 40kJ")->limit == 40'000);
  CHECK(parse("energy.watts_mean < 1.2kW")->limit == 1200);
  CHECK(parse("output_tokens_per_s > 2k/s")->limit == 2000);
  CHECK(parse("requests_per_s > 60/min")->limit == 1);
  CHECK(parse("cache.token_hit_ratio > 30%")->limit == Approx(0.3));
  CHECK(parse("cache.by_tier.hbm.capacity_bytes >= 80GB")->limit == 80e9);
  CHECK(parse("cost.usd_per_hour < 50USD/h")->limit == 50);
  CHECK(parse("cost.usd_per_million_output_tokens < 1.5USD")->limit == 1.5);
  CHECK(parse("tokens.output > 1M")->limit == 1'000'000);
  CHECK(parse("attribution.ttft_ms.queue < 0.1s")->limit == 100);
}

TEST_CASE("what is no threshold is explained at its place") {
  CHECK(holds_words(complaint("ttft_ms.p99"), "a.yaml:3:7"));
  CHECK(holds_words(complaint("ttft_ms.p99"), "is no threshold"));
  CHECK(holds_words(complaint("ttft_ms.p99 == 3"), "is no threshold"));
  CHECK(holds_words(complaint("< 3"), "is no threshold"));
  CHECK(holds_words(complaint("ttft_ms.p99 <"), "is no threshold"));
  CHECK(holds_words(complaint(""), "is no threshold"));
  CHECK(holds_words(complaint("tttf_ms.p99 < 3"), "did you mean `metrics.ttft_ms.p99`?"));
  CHECK(holds_words(complaint("energy.j_per_output_tokens < 3"),
                    "did you mean `energy.j_per_output_token`?"));
  CHECK(holds_words(complaint("ttft_ms < 3"), "it holds metrics.ttft_ms.mean"));
  CHECK(holds_words(complaint("steady.ok > 0"), "has no number"));
  CHECK(holds_words(complaint("run.cpu_s < 1"), "has no number"));
  CHECK(holds_words(complaint("scenario < 1"), "has no number"));
  CHECK(holds_words(complaint("qqqqqqqqqqqqqqqqqqq < 1"), "such as"));
  CHECK(holds_words(complaint("ttft_ms.p99 < soon"), "not a number"));
  CHECK(holds_words(complaint("ttft_ms.p99 < 3GB"), "unit"));
  CHECK(holds_words(complaint("ttft_ms.p99 < 3 m"), "min"));
  CHECK(holds_words(complaint("ttft_ms.p99 < inf"), "finite"));
  CHECK(holds_words(complaint("ttft_ms.p99 < 1e999"), "threshold"));
  CHECK(holds_words(complaint("ttft_ms.p99 < = 3"), "not a number"));
  CHECK(holds_words(complaint("1 < ttft_ms.p99 < 3"), "has no number"));
}

Result sample_result() {
  Result result;
  result.metrics.ttft_ms = Distribution{.mean = 10, .p99 = 20, .ci95 = {}};
  result.requests.completed = 5;
  return result;
}

bool passes(const std::string& text) {
  return evaluate({*parse(text)}, sample_result()).at(0).pass;
}

TEST_CASE("thresholds are held against the result") {
  CHECK(passes("ttft_ms.p99 <= 20"));
  CHECK(passes("ttft_ms.p99 >= 20"));
  CHECK(!passes("ttft_ms.p99 < 20"));
  CHECK(!passes("ttft_ms.p99 > 20"));
  CHECK(passes("ttft_ms.p99 < 20.001"));
  CHECK(passes("ttft_ms.p99 > 19.999"));
  CHECK(passes("requests.completed > 4"));

  const auto outcomes =
      evaluate({*parse("ttft_ms.mean < 5ms"), *parse("ttft_ms.mean < 50")}, sample_result());
  REQUIRE(outcomes.size() == 2);
  CHECK(outcomes[0].expr == "ttft_ms.mean < 5ms");
  CHECK(*outcomes[0].value == 10);
  CHECK(!outcomes[0].pass);
  CHECK(outcomes[1].pass);
}

TEST_CASE("a number that the result lacks breaches") {
  for (const char* text : {"e2e_ms.p99 < 1e9", "energy.j_per_task < 1e9", "task_s.mean > 0"}) {
    const auto outcomes = evaluate({*parse(text)}, sample_result());
    CHECK(!outcomes.at(0).value);
    CHECK(!outcomes.at(0).pass);
  }
}

TEST_CASE("numbers of a tier are known by its name") {
  CHECK(parse("cache.by_tier.nvme.read_bytes > 1GB")->limit == 1e9);
  CHECK(parse("attribution.ttft_ms.load.context.wait < 2ms")->limit == 2);
  CHECK(tier_of("cache.by_tier.nvme.index.stale_reads") == "nvme");
  CHECK(tier_of("attribution.e2e_ms.load.peer.move") == "peer");
  CHECK_FALSE(tier_of("cache.by_tier.hbm.fill"));
  CHECK_FALSE(tier_of("ttft_ms.p99"));
}

TEST_CASE("every path of the list makes a threshold") {
  for (const std::string& path : numeric_paths()) CHECK(parse(path + " >= 0")->path == path);
  CHECK(numeric_paths().size() > 100);
}

}  // namespace
}  // namespace tiercast::reports
