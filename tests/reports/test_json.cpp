#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "reports/bands.hpp"
#include "reports/economics.hpp"
#include "reports/json.hpp"
#include "reports/thresholds.hpp"

namespace tiercast::reports {
namespace {

using Json = nlohmann::ordered_json;

Json parsed(const Result& result, Parts parts = Parts::all) {
  return Json::parse(to_json(result, parts));
}

std::vector<std::string> keys(const Json& object) {
  std::vector<std::string> names;
  for (const auto& [name, value] : object.items()) names.push_back(name);
  return names;
}

// A result with everything but what this schema marks optional.
Result full_result() {
  Result result;
  Metrics& metrics = result.metrics;
  for (auto* values : {&metrics.ttft_ms, &metrics.tpot_ms, &metrics.itl_ms, &metrics.e2e_ms,
                       &metrics.queue_ms, &metrics.task_s}) {
    values->emplace();
  }
  result.attribution = {TimeSplit{}, TimeSplit{}};
  result.cache.by_tier.emplace_back().tier = "hbm";
  const Output output{Seconds{1}, {}, 0};
  result.energy = energy_use({}, output);
  result.cost = cost_use({}, ledger::Pricing::rent, output);
  result.bottlenecks.push_back({"gpu", 0.5, 1.0});
  result.thresholds.push_back({"ttft_ms.p99 < 1", 2.0, false});
  return result;
}

using Keys = std::vector<std::string>;

TEST_CASE("the keys are those of the schema, in its order") {
  const Json json = parsed(full_result());
  CHECK(keys(json) == Keys{"schema",   "scenario",    "scenario_hash", "seed",        "digest",
                           "build",    "simulated_s", "warmup",        "steady",      "model",
                           "requests", "tokens",      "metrics",       "attribution", "cache",
                           "energy",   "cost",        "bottlenecks",   "thresholds",  "provenance",
                           "run"});
  CHECK(json["schema"] == "tiercast.result/1");
  CHECK(keys(json["warmup"]) == Keys{"functional_s", "timed_s"});
  CHECK(keys(json["steady"]) == Keys{"ok", "why"});
  CHECK(keys(json["model"]) ==
        Keys{"name", "weights_dtype", "kv_dtype", "kv_bytes_per_token", "kv_blocks_per_instance"});
  CHECK(keys(json["requests"]) == Keys{"offered", "completed", "failed", "rejected", "truncated",
                                       "preempted", "preemptions", "rejected_too_long",
                                       "rejected_too_large"});
  CHECK(keys(json["tokens"]) == Keys{"input", "input_cached", "input_computed", "output"});
  CHECK(keys(json["metrics"]) == Keys{"ttft_ms", "tpot_ms", "itl_ms", "e2e_ms", "queue_ms",
                                      "task_s", "output_tokens_per_s", "computed_tokens_per_s",
                                      "input_tokens_per_s", "requests_per_s",
                                      "goodput_requests_per_s", "output_tokens_per_s_per_gpu"});
  for (const char* name : {"ttft_ms", "tpot_ms", "itl_ms", "e2e_ms", "queue_ms", "task_s"}) {
    CHECK(keys(json["metrics"][name]) == Keys{"mean", "p50", "p90", "p95", "p99", "p999", "max"});
  }
  CHECK(keys(json["attribution"]) == Keys{"ttft_ms", "e2e_ms"});
  for (const auto& split : json["attribution"]) {
    CHECK(keys(split) == Keys{"route", "queue", "metadata", "load", "prefill", "interference",
                              "handoff", "decode", "engine"});
    CHECK(split["load"] == Json::object());
  }
  CHECK(keys(json["run"]) == Keys{"cpu_s", "wall_s", "peak_rss_mb", "events", "steps", "advances",
                                  "policy_calls", "transfers", "solves", "bundles_solved"});
}

TEST_CASE("the keys of cache, energy, cost and findings are those of the schema") {
  const Json json = parsed(full_result());
  CHECK(keys(json["cache"]) == Keys{"token_hit_ratio", "block_hit_ratio", "by_tier"});
  REQUIRE(json["cache"]["by_tier"].size() == 1);
  CHECK(keys(json["cache"]["by_tier"][0]) ==
        Keys{"tier", "pools", "capacity_bytes", "used_bytes", "fill", "first_eviction_s",
             "hit_tokens", "read_bytes", "written_bytes", "evicted_blocks", "busy"});
  CHECK(keys(json["energy"]) == Keys{"scope", "pue", "by_component", "split", "j_per_output_token",
                                     "j_per_computed_token", "tokens_per_j", "storage_path_j",
                                     "watts_mean", "gpu_watts_mean", "gpu_j_per_output_token",
                                     "carbon_kg"});
  CHECK(keys(json["energy"]["scope"]) == Keys{"gpu_j", "node_and_fabric_j", "facility_j"});
  CHECK(keys(json["cost"]) ==
        Keys{"usd_per_hour", "usd_per_million_output_tokens", "by_component"});
  CHECK(keys(json["bottlenecks"][0]) == Keys{"resource", "busy", "adds_ms"});
  CHECK(keys(json["thresholds"][0]) == Keys{"expr", "value", "pass"});
  CHECK(keys(json["provenance"]) == Keys{"weakest", "counts_by_kind", "sensitive_to", "caveats"});
}

TEST_CASE("optional keys appear with their values") {
  Result result = full_result();
  result.metrics.ttft_ms->ci95 = Interval{1, 2};
  result.cache.by_tier[0].wear_years = 5;
  result.cache.by_tier[0].index = IndexUse{5, 1, 2, 3.5, 4};
  result.energy->j_per_task = 7;
  result.cost->usd_per_task = 8;
  result.provenance.band = Interval{0.5, 2};
  result.attribution.e2e_ms->load.push_back({"dram", 3, 4});
  CHECK(!parsed(result).contains("router"));
  CHECK(!parsed(result).contains("roles"));
  result.roles = {{"decode", 3, 0.5, 4.5, {{"step", 0.5}, {"kv_blocks", 4.0}}}};
  result.router = RouterUse{10, 2, 3, 4};
  const Json json = parsed(result);
  CHECK(json["roles"] ==
        Json::parse(R"([{"role":"decode","instances":3,"gpu_busy":0.5,"queue_ms":4.5,)"
                    R"("waits_ms":{"step":0.5,"kv_blocks":4.0}}])"));
  CHECK(json["router"] == Json::parse(R"({"requests":10,"stale_hit_blocks":2,)"
                                      R"("misrouted":3,"missed_blocks":4})"));
  CHECK(json["metrics"]["ttft_ms"]["ci95"] == Json::parse(R"({"low":1.0,"high":2.0})"));
  CHECK(json["cache"]["by_tier"][0]["wear_years"] == 5);
  CHECK(json["cache"]["by_tier"][0]["index"] ==
        Json::parse(R"({"delay_ms":5.0,"stale_reads":1,"stale_hit_blocks":2,"stale_ms":3.5,)"
                    R"("unseen_blocks":4})"));
  CHECK(json["energy"]["j_per_task"] == 7);
  CHECK(json["cost"]["usd_per_task"] == 8);
  CHECK(json["provenance"]["band"]["high"] == 2);
  CHECK(json["attribution"]["e2e_ms"]["load"]["dram"]["wait"] == 3);
  CHECK(json["attribution"]["e2e_ms"]["load"]["dram"]["move"] == 4);
}

TEST_CASE("what does not exist is null, or absent where that is the rule") {
  const Json json = parsed(Result{});
  CHECK(json["metrics"]["ttft_ms"].is_null());
  CHECK(json["metrics"]["goodput_requests_per_s"].is_null());
  CHECK(!json["metrics"].contains("task_s"));
  CHECK(json["attribution"]["ttft_ms"].is_null());
  CHECK(json["cache"]["token_hit_ratio"].is_null());
  CHECK(json["energy"].is_null());
  CHECK(json["cost"].is_null());
  CHECK(json["run"]["cpu_s"].is_null());
}

TEST_CASE("numbers read back to the same bits") {
  for (const double value : {0.1, 1.0 / 3, 2000.0, 1e-300, 123456789.123456789, 5e-324, 1.7e308}) {
    Result result;
    result.simulated_s = value;
    CHECK(parsed(result)["simulated_s"].get<double>() == value);
  }
  Result result;
  result.seed = UINT64_MAX;
  CHECK(parsed(result)["seed"].get<uint64_t>() == UINT64_MAX);
}

TEST_CASE("what may differ between two runs can be left out, and only that") {
  Result one = full_result();
  Result other = full_result();
  other.build = "another compiler";
  other.run.cpu_s = 3;
  other.run.advances = 77;
  CHECK(to_json(one) != to_json(other));
  CHECK(to_json(one, Parts::simulated) == to_json(other, Parts::simulated));
  Json rest = parsed(one);
  rest.erase("build");
  rest.erase("run");
  CHECK(rest == parsed(one, Parts::simulated));
}

TEST_CASE("hostile names make valid JSON") {
  Result result;
  result.scenario = "a\"b\\c\n\x01\xff\xfe";
  CHECK(parsed(result)["scenario"].get<std::string>().starts_with("a\"b\\c\n\x01"));
}

// What a path names in the JSON; items of lists go by their first key.
const Json* at_path(const Json& json, std::string_view path) {
  const Json* at = &json;
  while (!path.empty()) {
    const size_t dot = std::min(path.find('.'), path.size());
    const std::string key(path.substr(0, dot));
    path.remove_prefix(std::min(dot + 1, path.size()));
    const Json* next = nullptr;
    if (at->is_array()) {
      for (const Json& item : *at) {
        if (item.front() == key) next = &item;
      }
    } else if (at->contains(key)) {
      next = &at->at(key);
    }
    if (next == nullptr) return nullptr;
    at = next;
  }
  return at;
}

TEST_CASE("paths of thresholds name what the JSON shows") {
  Result result = full_result();
  for (const char* resource : {"step", "max_sequences", "max_batched_tokens", "kv_blocks"}) {
    result.bottlenecks.push_back({resource, {}, 2.0});
  }
  result.energy->j_per_task = 1;
  result.cost->usd_per_task = 1;
  result.router.emplace();
  for (const char* name : {"dram", "peer", "nvme", "context", "external", "other_hbm"}) {
    for (auto* split : {&result.attribution.ttft_ms, &result.attribution.e2e_ms}) {
      std::erase_if((*split)->load, [&](const LoadTime& load) { return load.tier == name; });
      (*split)->load.push_back({name, 0, 0});
    }
    if (std::string_view(name) == "other_hbm") continue;
    std::erase_if(result.cache.by_tier, [&](const TierUse& use) { return use.tier == name; });
    TierUse& tier = result.cache.by_tier.emplace_back();
    tier.tier = name;
    tier.wear_years = 1;
    tier.devices = 2;
    tier.index.emplace();
    tier.card_cache.emplace();
  }
  result.energy->band_j_per_output_token.emplace();
  result.energy->band_j_per_task.emplace();
  result.cost->band_usd_per_task.emplace();
  result.cost->band_usd_per_million_output_tokens.emplace();
  for (auto* rate : {&result.metrics.output_tokens_per_s, &result.metrics.computed_tokens_per_s,
                     &result.metrics.requests_per_s, &result.metrics.goodput_requests_per_s}) {
    *rate = 1;
  }
  for (auto* values : {&result.metrics.itl_ms, &result.metrics.queue_ms, &result.metrics.task_s}) {
    values->emplace();
  }
  result.bands = bands_of(result, result, result);
  const Json json = parsed(result);
  for (const std::string& path : numeric_paths()) {
    if (path.starts_with("cost.by_component.")) continue;  // those of the other way to pay
    INFO(path);
    const Json* found = at_path(json, path);
    REQUIRE(found != nullptr);
    CHECK((found->is_number() || found->is_null()));
  }
}

}  // namespace
}  // namespace tiercast::reports
