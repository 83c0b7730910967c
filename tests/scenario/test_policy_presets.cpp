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
