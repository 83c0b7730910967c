// Speed is gated on counters, which do not depend on the machine: what the simulator did for the
// benchmark's runs. Seconds belong to tests/bench.
#include <filesystem>
#include <string>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/support/paths.hpp"
#include "tests/support/process.hpp"

using namespace tiercast::tests;

namespace {

nlohmann::json effort_of(const std::string& scenario, const std::filesystem::path& trace,
                         const std::string& tiers = "[hbm]") {
  const std::filesystem::path file = source_dir() / "tests/bench/scenarios" / (scenario + ".yaml");
  const Finished done =
      run_process({program().string(), "run", file.string(), "--format", "json", "--set",
                   "workload.trace.file=" + trace.string(), "--set", "tiers=" + tiers});
  INFO(done.err);
  REQUIRE(done.exit_code == 0);
  return nlohmann::json::parse(done.out).at("run");
}

bool present(const std::filesystem::path& trace) {
  if (std::filesystem::exists(trace)) return true;
  WARN("skipped: " << trace.string() << " is not there");
  return false;
}

}  // namespace

TEST_CASE("W1 takes few advances", "[counters]") {
  const auto trace = shared_dir() / "bench/w1_azure_conv_2000.csv";
  if (!present(trace)) return;
  const nlohmann::json effort = effort_of("w1", trace);
  CHECK(effort.at("advances") <= 6500);
  CHECK(effort.at("steps") > 40'000);
  CHECK(effort.at("policy_calls") <= 100'000);
}

TEST_CASE("W1all on eight instances stays lean", "[counters]") {
  const auto trace = shared_dir() / "bench/w1_azure_conv_all.csv.gz";
  if (!present(trace)) return;
  const nlohmann::json effort = effort_of("w1all", trace);
  CHECK(effort.at("advances") <= 60'000);
  CHECK(effort.at("policy_calls") <= 1'100'000);
#ifndef __SANITIZE_ADDRESS__  // which keeps freed memory
  CHECK(effort.at("peak_rss_mb") <= 64);
#endif
}

TEST_CASE("prefixes stay in few spans on a trace that fills its pools", "[counters]") {
  const auto trace = shared_dir() / "traces/mooncake_conversation.jsonl.gz";
  if (!present(trace)) return;
  const nlohmann::json effort = effort_of("mooncake", trace);
  CHECK(effort.at("advances") <= 40'000);
  CHECK(effort.at("policy_calls") <= 650'000);
}

TEST_CASE("a second tier adds no more than its stores and what waits for them", "[counters]") {
  const auto trace = shared_dir() / "traces/mooncake_conversation.jsonl.gz";
  if (!present(trace)) return;
  const nlohmann::json one = effort_of("mooncake", trace);
  const nlohmann::json two = effort_of("mooncake", trace, "[hbm, {kind: dram, capacity: 64GB}]");
  const auto count = [](const nlohmann::json& effort, const char* key) {
    return effort.at(key).get<double>();
  };
  constexpr double kRequests = 12'031;
  CHECK(count(two, "transfers") <= 2.1 * kRequests);  // a prompt's store, an output's
  CHECK(count(two, "solves") <= 1.1 * count(two, "transfers"));
  CHECK(count(two, "bundles_solved") <= 1.1 * count(two, "solves"));
  CHECK(count(two, "advances") <= 1.3 * count(one, "advances"));
  CHECK(count(two, "policy_calls") <= 1.35 * count(one, "policy_calls"));
}
