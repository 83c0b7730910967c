// Results of load generators: good ones, and whatever else may stand in such a file.

#include <functional>
#include <string>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "models/calibration/measured_result.hpp"

using namespace tiercast;
using namespace tiercast::calibration;
using Json = nlohmann::json;

namespace {

std::optional<MeasuredResult> read(const std::string& text, Diagnostics& found) {
  return read_measured_result(workload::open_bytes(text), "r.json", found);
}

MeasuredResult good(const Json& json) {
  Diagnostics found;
  const std::string text = json.dump();
  const auto result = read(text, found);
  INFO(found.render());
  REQUIRE(result);
  CHECK(found.error_count() == 0);
  return *result;
}

std::string faults(const std::string& text) {
  Diagnostics found;
  CHECK_FALSE(read(text, found));
  CHECK(found.has_errors());
  return found.render();
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// As `vllm bench serve --save-result --percentile-metrics ttft,tpot,itl` writes it.
Json vllm() {
  return {{"date", "20260101-000000"},
          {"model_id", "meta-llama/Llama-3.1-8B-Instruct"},
          {"num_prompts", 4},
          {"request_rate", "inf"},
          {"max_concurrency", 2},
          {"duration", 12.5},
          {"completed", 3},
          {"failed", 1},
          {"total_input_tokens", 3000},
          {"total_output_tokens", 300},
          {"request_throughput", 0.24},
          {"request_goodput", nullptr},
          {"output_throughput", 24.0},
          {"total_token_throughput", 264.0},
          {"mean_ttft_ms", 120.0},
          {"median_ttft_ms", 100.0},
          {"std_ttft_ms", 5.0},
          {"p99_ttft_ms", 250.0},
          {"mean_tpot_ms", 10.0},
          {"median_tpot_ms", 9.0},
          {"p99_tpot_ms", 20.0}};
}

// The same with `--save-detailed`: three completed requests and one that failed.
Json detailed() {
  Json json = vllm();
  json["input_lens"] = {1000, 1000, 1000, 1000};
  json["output_lens"] = {3, 2, 5, 0};
  json["ttfts"] = {0.1, 0.2, 0.4, 0.0};
  json["itls"] = {{0.01, 0.03}, {0.02}, {0.01, 0.01, 0.01, 0.05}, Json::array()};
  json["errors"] = {"", "", "", "Connection reset"};
  return json;
}

Json aiperf() {
  return {{"schema_version", "1.1"},
          {"request_latency", {{"unit", "ms"}, {"avg", 2000.0}, {"p50", 1900.0}, {"p99", 3000.0}}},
          {"time_to_first_token", {{"unit", "ms"}, {"avg", 150.0}, {"p50", 140.0}, {"p90", 200.0}}},
          {"inter_token_latency", {{"unit", "ms"}, {"avg", 12.0}, {"p90", 15.0}}},
          {"inter_chunk_latency", {{"unit", "us"}, {"avg", 12500.0}}},
          {"request_throughput", {{"unit", "requests/sec"}, {"avg", 1.5}}},
          {"output_token_throughput", {{"unit", "tokens/sec"}, {"avg", 300.0}}},
          {"request_count", {{"unit", "requests"}, {"avg", 20.0}}},
          {"error_request_count", {{"unit", "requests"}, {"avg", 2.0}}},
          {"benchmark_duration", {{"unit", "sec"}, {"avg", 13.3}}},
          {"total_osl", {{"unit", "tokens"}, {"avg", 4000.0}}},
          {"input_config", {{"whatever", Json::array({1, "x"})}}}};
}

}  // namespace

TEST_CASE("a result of vllm bench serve is read in base units") {
  const MeasuredResult result = good(vllm());
  CHECK(result.tool == "vllm bench serve");
  CHECK(result.model == "meta-llama/Llama-3.1-8B-Instruct");
  CHECK(result.ttft.mean->value() == Approx(0.12));
  CHECK(result.ttft.p50->value() == Approx(0.1));
  CHECK(result.ttft.p99->value() == Approx(0.25));
  CHECK_FALSE(result.ttft.p90);
  CHECK(result.tpot.p50->value() == Approx(0.009));
  CHECK_FALSE(result.itl.mean);
  CHECK_FALSE(result.e2e.mean);
  CHECK(result.duration->value() == 12.5);
  CHECK(result.requests_per_s == 0.24);
  CHECK(result.total_tokens_per_s == 264.0);
  CHECK(result.completed == 3);
  CHECK(result.failed == 1);
  CHECK(result.input_tokens == 3000);
  CHECK(result.concurrency == 2);
  CHECK_FALSE(result.offered_rate);
  CHECK(result.requests.empty());
  Json at_rate = vllm();
  at_rate["request_rate"] = 2.5;
  CHECK(good(at_rate).offered_rate == 2.5);
}

TEST_CASE("what a result was not asked for comes from its requests") {
  const MeasuredResult result = good(detailed());
  REQUIRE(result.requests.size() == 3);
  CHECK(result.requests[2].output_tokens == 5);
  CHECK(result.requests[0].gaps.size() == 2);
  // Stated figures stay; the 90th percentile of 0.1, 0.2, 0.4 lies 0.8 of the way from 0.2 to 0.4.
  CHECK(result.ttft.p99->value() == Approx(0.25));
  CHECK(result.ttft.p90->value() == Approx(0.36));
  // End to end 0.14, 0.22, 0.48; gaps 0.01 four times, 0.02, 0.03, 0.05.
  CHECK(result.e2e.mean->value() == Approx(0.28));
  CHECK(result.e2e.p50->value() == Approx(0.22));
  CHECK(result.itl.p50->value() == Approx(0.01));
  CHECK(result.itl.mean->value() == Approx(0.02));
  // Time per token 0.02, 0.02, 0.02.
  CHECK(result.tpot.p90->value() == Approx(0.02));
}

TEST_CASE("a result of AIPerf is read by its units") {
  const MeasuredResult result = good(aiperf());
  CHECK(result.tool == "AIPerf");
  CHECK(result.ttft.p90->value() == Approx(0.2));
  CHECK_FALSE(result.ttft.p99);
  CHECK(result.tpot.mean->value() == Approx(0.012));
  CHECK(result.itl.mean->value() == Approx(0.0125));
  CHECK(result.e2e.p99->value() == Approx(3));
  CHECK(result.duration->value() == Approx(13.3));
  CHECK(result.completed == 20);
  CHECK(result.failed == 2);
  CHECK(result.output_tokens == 4000);
  CHECK_FALSE(result.total_tokens_per_s);
}

TEST_CASE("what is no result is told with its place") {
  CHECK(has(faults(""), "r.json:1:1: error: not JSON"));
  CHECK(has(faults("{\n  \"duration\": 1,\n  \"completed\" 3\n}"), "r.json:3:15: error: not JSON"));
  CHECK(has(faults("{\"duration\": NaN}"), "not JSON"));
  CHECK(has(faults("{\"duration\": 1e999, \"completed\": 1}"), "not JSON"));
  CHECK(has(faults("{\"a\": \"\xFF\"}"), "not JSON"));
  CHECK(has(faults("[1]"), "the document is a list, not an object"));
  CHECK(has(faults("{\"a\": 1}"), "neither `vllm bench serve` nor AIPerf"));
  CHECK(has(faults(std::string(100'000, '[')), "brackets nest deeper than 64"));
  CHECK(has(faults(std::string("\x1F\x8B\x08\x00", 4)), "error: "));
  Diagnostics found;
  CHECK_FALSE(read_measured_result("no/such.json", found));
  CHECK(has(found.render(), "no/such.json: error: No such file"));
}

TEST_CASE("values of a wrong type or sign are named by their path") {
  const auto broken = [](Json json, const std::function<void(Json&)>& change) {
    change(json);
    return faults(json.dump());
  };
  CHECK(has(broken(vllm(), [](Json& j) { j["mean_ttft_ms"] = "fast"; }),
            "`mean_ttft_ms` is text, not a number"));
  CHECK(has(broken(vllm(), [](Json& j) { j["mean_ttft_ms"] = -1; }), "`mean_ttft_ms` is -1"));
  CHECK(has(broken(vllm(), [](Json& j) { j["duration"] = 0; }), "`duration` is 0"));
  CHECK(has(broken(vllm(), [](Json& j) { j["completed"] = 0; }), "no request was completed"));
  CHECK(
      has(broken(vllm(), [](Json& j) { j["model_id"] = 3; }), "`model_id` is a number, not text"));
  CHECK(
      has(broken(detailed(), [](Json& j) { j["ttfts"] = 3; }), "`ttfts` is a number, not a list"));
  CHECK(has(broken(detailed(), [](Json& j) { j["ttfts"].push_back(1); }),
            "`ttfts` has 5 entries, input_lens 4"));
  CHECK(has(broken(detailed(), [](Json& j) { j["errors"].erase(0); }), "errors 3"));
  CHECK(has(broken(detailed(), [](Json& j) { j["itls"][1] = 7; }),
            "`itls[1]` is a number, not a list"));
  CHECK(has(broken(detailed(), [](Json& j) { j["itls"][2][3] = nullptr; }),
            "`itls[2][3]` is null, not a number"));
  CHECK(
      has(broken(detailed(), [](Json& j) { j["input_lens"][0] = 1e12; }), "more than 10^9 tokens"));
  CHECK(has(broken(aiperf(), [](Json& j) { j["request_latency"] = 3; }),
            "`request_latency` is a number, not an object"));
  CHECK(has(broken(aiperf(), [](Json& j) { j["request_latency"]["unit"] = "fortnights"; }),
            "`request_latency.unit` is `fortnights`; `ns` and the like were expected"));
  CHECK(has(broken(aiperf(), [](Json& j) { j["request_latency"].erase("unit"); }),
            "`request_latency.unit` is ``"));
  CHECK(has(broken(aiperf(), [](Json& j) { j["time_to_first_token"]["p50"] = true; }),
            "`time_to_first_token.p50` is true or false, not a number"));
}
