// What real stacks do, as entries of the catalogue.
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "models/scenario/world.hpp"
#include "tests/scenario/small_scenario.hpp"
#include "tests/support/catalogue.hpp"

using namespace tiercast;
using scenario::Scenario;
using tests::good;
using tests::world_of;

namespace {

constexpr const char* kTiered = R"(name: small
cluster: {node: {use: dgx-h100, gpus: 2}}
model: llama-3.1-8b
engine: {tp: 1, block_tokens: 16}
tiers: [hbm, {kind: dram, capacity: 10GB}]
workload: {trace: {file: traces/t.csv, format: csv}}
)";

/// The rules of an entry: the paths of what it says, an eviction policy being one rule.
std::set<std::string> rules(const Node& entry) {
  std::set<std::string> paths;
  for (const NodeEntry& rule : entry.entries) {
    if (rule.key == "title" || rule.key == "preset" || rule.key == "sources") continue;
    if (rule.key != "placement") {
      paths.insert(rule.key);
      continue;
    }
    for (const NodeEntry& part : rule.value.entries) paths.insert("placement." + part.key);
  }
  return paths;
}

Node entry_of(const std::string& name) {
  Diagnostics found;
  const auto file = tests::source_dir() / "configs/policies" / (name + ".yaml");
  const auto entry = config::read_document(file.string(), Origin::catalogue, found);
  INFO(found.render());
  REQUIRE(entry.has_value());
  return *entry;
}

}  // namespace

TEST_CASE("A preset tells where each of its rules comes from, and of no other", "[scenario]") {
  for (const std::string& name : tests::Catalogue::names("policies")) {
    INFO(name);
    const auto section = tests::Catalogue().load<scenario::PolicySection>("policies", name);
    CHECK(!section.title.empty());
    REQUIRE(section.sources.has_value());
    std::set<std::string> told;
    for (const auto& [path, source] : *section.sources) {
      told.insert(path);
      CHECK(source.size() >= std::string("assumption").size());
    }
    std::set<std::string> said = rules(entry_of(name));
    if (!section.preset.empty()) said.merge(rules(entry_of(section.preset)));
    CHECK(told == said);
  }
}

TEST_CASE("Where a rule is not the preset's, its source says so", "[scenario]") {
  const auto sources = [](const std::string& policy) {
    const Scenario loaded = good(std::string(kTiered) + "policy: " + policy + "\n");
    REQUIRE(loaded.spec.policy.sources.has_value());
    const Node& told = *at_path(loaded.resolved, "policy.sources");
    for (const auto& [path, source] : *loaded.spec.policy.sources) {
      CHECK(told.find(path)->text == source);
    }
    return *loaded.spec.policy.sources;
  };
  const auto whole = sources("{preset: vllm-offload}");
  const auto over = sources("{preset: vllm-offload, eviction: arc, placement: {demote: true}}");
  for (const auto& [path, source] : whole) {
    INFO(path);
    const bool overridden = path == "eviction" || path == "placement.demote";
    CHECK(over.at(path) == (overridden ? "scenario" : source));
  }
  CHECK(sources("{preset: vllm-offload, eviction: {name: lru}}").at("eviction") == "scenario");
  const auto set = [](const std::string& setting) {
    return *good(std::string(kTiered) + "policy: {preset: trtllm}\n", {setting})
                .spec.policy.sources;
  };
  CHECK(set("policy.eviction.default=50").at("eviction") == "scenario");
  CHECK(set("policy.eviction.name=arc").at("eviction") == "scenario");
  CHECK(set("router=round-robin").at("eviction") != "scenario");
  // `write` says what placement is at all: with another one, the preset's other rules are gone.
  const auto rewritten =
      sources("{preset: vllm-offload, placement: {write: back, fetch: load-all}}");
  CHECK(rewritten.at("placement.write") == "scenario");
  CHECK(rewritten.at("placement.fetch") == "scenario");
  CHECK(rewritten.at("placement.promote") == "assumption");
  CHECK(rewritten.at("lower_eviction") == whole.at("lower_eviction"));
  const auto own = sources("{preset: vllm-offload, eviction: arc, sources: {eviction: a paper}}");
  CHECK(own.at("eviction") == "a paper");
}

TEST_CASE("Rules of tiers that a preset does not speak of are assumptions", "[scenario]") {
  const auto sources = [](const std::string& preset, const std::vector<std::string>& sets) {
    return *good(std::string(kTiered) + "policy: {preset: " + preset + "}\n", sets)
                .spec.policy.sources;
  };
  const auto silent = sources("vllm", {"policy.placement.fetch=load-all"});
  const auto spoken = sources("vllm-offload", {});
  REQUIRE(silent.size() == spoken.size());
  for (const auto& [path, source] : spoken) {
    INFO(path);
    REQUIRE(silent.contains(path));
    if (path == "eviction") {
      CHECK_THAT(silent.at(path), Catch::Contains("block_pool.py"));
    } else {
      CHECK(silent.at(path) == (path == "placement.fetch" ? "scenario" : "assumption"));
    }
  }
  CHECK(sources("vllm", {"tiers=[hbm]"}).size() == 1);
}

TEST_CASE("A scenario takes a preset whole, or what it does not say itself", "[scenario]") {
  for (const std::string& name : tests::Catalogue::names("policies")) {
    INFO(name);
    good(std::string(kTiered) + "policy: {preset: " + name + "}\n");
  }
  const Scenario mooncake = good(std::string(kTiered) + "policy: {preset: mooncake-store}\n");
  CHECK(mooncake.spec.policy.eviction.name == "lru");
  CHECK(mooncake.spec.policy.placement.demote);
  CHECK(std::string(world_of(mooncake).cluster.tiers->tiers[0].eviction->info()->name) == "lease");
  const Scenario mine = good(std::string(kTiered) +
                             "policy: {preset: mooncake-store, eviction: arc, placement: {fetch: "
                             "recompute-all}}\n");
  CHECK(mine.spec.policy.eviction.name == "arc");
  CHECK(mine.spec.policy.placement.fetch == scenario::FetchPolicy::recompute_all);
  CHECK(mine.spec.policy.placement.demote);
  CHECK(std::string(world_of(mine).cluster.tiers->tiers[0].eviction->info()->name) == "lease");
  const Scenario own = good(kTiered, {"policy.preset=aibrix", "tiers.1.eviction=fifo"});
  CHECK(std::string(world_of(own).cluster.tiers->tiers[0].eviction->info()->name) == "fifo");
}
