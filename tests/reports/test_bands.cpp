#include <string>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "reports/bands.hpp"
#include "reports/json.hpp"
#include "reports/text.hpp"
#include "reports/thresholds.hpp"
#include "sim/base/diagnostics.hpp"

namespace tiercast::reports {
namespace {

Distribution latencies(double mean, double p50, double p99) {
  return {mean, p50, p50, p50, p99, p99, p99, std::nullopt};
}

Result result_of(double p50_ms, double p99_ms, double tokens_per_s) {
  Result result;
  result.metrics.ttft_ms = latencies(p50_ms + 1, p50_ms, p99_ms);
  result.metrics.e2e_ms = latencies(3 * p50_ms, 2 * p50_ms, 2 * p99_ms);
  result.metrics.output_tokens_per_s = tokens_per_s;
  result.metrics.requests_per_s = 1;
  return result;
}

TEST_CASE("a band spans three runs, whichever of them is the lowest") {
  const Bands bands =
      bands_of(result_of(115, 961, 948), result_of(112, 970, 960), result_of(121, 1020, 940));
  CHECK(bands.ttft_ms.mean->low == 113);
  CHECK(bands.ttft_ms.mean->high == 122);
  CHECK(bands.ttft_ms.p50->low == 112);
  CHECK(bands.ttft_ms.p50->high == 121);
  CHECK(bands.ttft_ms.p99->low == 961);  // a fast part may queue more elsewhere
  CHECK(bands.ttft_ms.p99->high == 1020);
  CHECK(bands.e2e_ms.mean->high == 3 * 121);
  CHECK(bands.ttft_ms.p999->high == 1020);
  CHECK(bands.requests_per_s->low == 1);
  // 961 ms lie below both ends; the other numbers lie between theirs.
  CHECK(bands.outside == std::vector<std::string>{"ttft_ms.p99"});
  CHECK(bands.output_tokens_per_s->low == 940);
  CHECK(bands.output_tokens_per_s->high == 960);
  CHECK_FALSE(bands.tpot_ms.p50);
  CHECK_FALSE(bands.task_s.p50);
}

TEST_CASE("what one of three runs lacks has no band") {
  const Result main = result_of(10, 20, 30);
  Result other = main;
  other.metrics.ttft_ms.reset();
  other.metrics.output_tokens_per_s.reset();
  const Bands bands = bands_of(main, main, other);
  CHECK_FALSE(bands.ttft_ms.mean);
  CHECK_FALSE(bands.ttft_ms.p99);
  CHECK_FALSE(bands.output_tokens_per_s);
  CHECK(bands.e2e_ms.p50);
}

TEST_CASE("bands of energy and cost enclose those of three runs") {
  const auto with = [](double joules, Interval energy, Interval cost) {
    Result result;
    result.energy.emplace().j_per_output_token = joules;
    result.energy->band_j_per_output_token = energy;
    result.cost.emplace().band_usd_per_million_output_tokens = cost;
    result.provenance.band = Interval{energy.low / joules, energy.high / joules};
    return result;
  };
  Result main = with(4, {3, 6}, {9, 12});
  widen_bands(with(3, {2, 5}, {8, 11}), with(5, {4, 7}, {10, 14}), main);
  CHECK(main.energy->j_per_output_token == 4);
  CHECK(main.energy->band_j_per_output_token->low == 2);
  CHECK(main.energy->band_j_per_output_token->high == 7);
  CHECK(main.cost->band_usd_per_million_output_tokens->low == 8);
  CHECK(main.cost->band_usd_per_million_output_tokens->high == 14);
  CHECK(main.provenance.band->low == 0.5);
  CHECK(main.provenance.band->high == 1.75);
  // Where a run has none of its own, as where it made no tokens, it widens nothing.
  widen_bands(Result{}, Result{}, main);
  CHECK(main.energy->band_j_per_output_token->high == 7);
}

TEST_CASE("bands are told in JSON and may be limited") {
  const Result main = result_of(115, 961, 948);
  CHECK_FALSE(nlohmann::json::parse(to_json(main, Parts::all)).contains("bands"));
  Result result = main;
  result.bands = bands_of(main, result_of(112, 950, 960), result_of(121, 1020, 940));
  result.bands->rests_on = {"cluster.node.drives.0", "tiers.2.stack"};
  const auto bands = nlohmann::json::parse(to_json(result, Parts::all)).at("bands");
  CHECK(bands.at("rests_on") ==
        nlohmann::json::parse(R"(["cluster.node.drives.0","tiers.2.stack"])"));
  CHECK(bands.at("ttft_ms").at("p99") == nlohmann::json::parse(R"({"low":950.0,"high":1020.0})"));
  CHECK(bands.at("output_tokens_per_s").at("low") == 940);
  CHECK_FALSE(bands.contains("tpot_ms"));

  Diagnostics found;
  const auto limit = parse_threshold("bands.ttft_ms.p99.high < 1s", {}, found);
  REQUIRE(limit);
  CHECK(limit->limit == 1000);
  CHECK(evaluate({*limit}, result).at(0).value == 1020);
  CHECK_FALSE(evaluate({*limit}, result).at(0).pass);
  CHECK_FALSE(evaluate({*limit}, main).at(0).value);  // no band shows that it is met
  CHECK_FALSE(evaluate({*limit}, main).at(0).pass);
  for (const char* text :
       {"bands.task_s.p50.high < 1min", "bands.tpot_ms.p50.high < 50",
        "bands.output_tokens_per_s.low > 900/s", "energy.band_j_per_output_token.high < 9J",
        "cost.band_usd_per_million_output_tokens.high < 20USD"}) {
    INFO(text);
    CHECK(parse_threshold(text, {}, found));
  }
}

TEST_CASE("the report shows bands behind their figures, and the widest parts") {
  Result result = result_of(115, 961, 948);
  const auto shown = [&] { return to_text(result, {}); };
  CHECK(shown().find("115 ms median, 961 ms at p99") != std::string::npos);
  CHECK(shown().find("948 output tokens/s") != std::string::npos);
  CHECK(shown().find("  band ") == std::string::npos);
  result.bands = bands_of(result, result_of(112, 950, 960), result_of(121, 1020, 940));
  result.bands->rests_on = {"a", "b", "c"};
  CHECK(shown().find("TTFT        115 ms median (112 ms to 121 ms), 961 ms at p99 (950 ms to "
                     "1.02 s)") != std::string::npos);
  CHECK(shown().find("throughput  948 (940 to 960) output tokens/s") != std::string::npos);
  CHECK(shown().find("band        of estimates: three runs, all of them fast, as given, slow; "
                     "widest: a, b, c\n") != std::string::npos);
  result.bands->rests_on = {"a", "b", "c", "d"};
  CHECK(shown().find("widest: a, b, c, ...\n") != std::string::npos);
  result.bands->outside = {"ttft_ms.p99"};
  CHECK(shown().find("...; chance moves as far (as given they lie outside of both ends): "
                     "ttft_ms.p99\n") != std::string::npos);
}

}  // namespace
}  // namespace tiercast::reports
