// Figures with a range at either end: which of them move a run, which way, and what that does to
// one request alone.
#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "models/scenario/pace_times.hpp"
#include "sim/config/document.hpp"
#include "tests/scenario/small_scenario.hpp"
#include "tests/support/paths.hpp"

using namespace tiercast;
using scenario::Pace;
using scenario::PacedPart;
using scenario::PacedWorld;
using scenario::PrefixTimes;
using scenario::Scenario;
using scenario::TierTimes;
using scenario::World;
using tests::good;
using tests::kAllTiers;
using tests::world_of;
using Words = std::vector<std::string>;

namespace {

namespace fs = std::filesystem;

// Figures with a range that no run's time depends on.
const std::set<std::string> kTimeless = {"active_power",
                                         "capacity",
                                         "carbon",
                                         "chassis_price",
                                         "dram_energy",
                                         "electricity",
                                         "dram_idle_power",
                                         "drive_writes_per_day",
                                         "fan_power",
                                         "idle_power",
                                         "l2",
                                         "life_years",

                                         "price",
                                         "pue",
                                         "rated_amplification",
                                         "rated_years",
                                         "read_power",
                                         "rent",
                                         "supply_loss",
                                         "switch_power",
                                         "upkeep",
                                         "usable",
                                         "write_amplification",
                                         "write_power"};

// Keys of figures with a range, wherever they are in a document.
void add_ranged(const Node& node, const std::string& key, std::set<std::string>& keys) {
  if (node.find("value") != nullptr && node.find("range") != nullptr) keys.insert(key);
  for (const NodeEntry& entry : node.entries) add_ranged(entry.value, entry.key, keys);
  for (const Node& item : node.items) add_ranged(item, key, keys);
}

Scenario shipped(const fs::path& file) {
  Diagnostics found;
  const auto document = scenario::read_scenario((tests::source_dir() / file).string(),
                                                {tests::configs(), {}, {}}, found);
  REQUIRE(document);
  auto read = scenario::load_scenario(*document, file.string(), tests::configs(), found);
  INFO(found.render());
  REQUIRE(read);
  return std::move(*read);
}

const Words kShipped = {"scenarios/quickstart.yaml", "scenarios/disaggregated.yaml",
                        "scenarios/peer-memory.yaml", "scenarios/agents.yaml",
                        "tests/bench/scenarios/pod1152.yaml"};

PacedWorld paced(const Scenario& scenario, Pace pace, const std::string& part = "") {
  std::string problem;
  auto world = paced_world(scenario, pace, problem, part);
  INFO(problem);
  REQUIRE(world);
  return std::move(*world);
}

std::vector<TierTimes> times(const PacedWorld& paced) {
  return tier_times(paced.scenario.spec, paced.world);
}

bool has(const Words& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

Words paths(const std::vector<PacedPart>& parts) {
  Words paths;
  for (const PacedPart& part : parts) paths.push_back(part.path);
  return paths;
}

std::string figure(const std::string& path, const std::string& value, const std::string& range) {
  return path + "={value: " + value + ", kind: estimate, source: test, range: [" + range + "]}";
}

// Host memory over a stack whose parts are round numbers: one operation of one block at a time. No
// figure of it has a range.
Words round_stack() {
  const std::string stack = "tiers.1.stack.";
  return {"tiers=[hbm, {kind: dram, capacity: 64GiB}]",
          stack + "use=vllm-native",
          stack + "fragments=1",
          stack + "depth=1",
          stack + "setup=100us",
          stack + "operation_time=10us",
          stack + "operation_latency=5us",
          stack + "efficiency=50%",
          stack + "core_time=1ns",
          stack + "gpu_interference=0%",
          "cluster.node.gpu.host_link=64GB/s"};
}

Scenario round_scenario(const Words& more) {
  Words sets = round_stack();
  sets.insert(sets.end(), more.begin(), more.end());
  return good(kAllTiers, sets);
}

}  // namespace

TEST_CASE("Every figure of the catalogue with a range is known to move runs, or not to",
          "[scenario][pace]") {
  std::set<std::string> keys;
  for (const fs::directory_entry& entry :
       fs::recursive_directory_iterator(tests::source_dir() / "configs")) {
    if (entry.path().extension() != ".yaml") continue;
    Diagnostics found;
    const auto document = config::read_document(entry.path().string(), Origin::catalogue, found);
    INFO(entry.path());
    REQUIRE(document);
    add_ranged(*document, "", keys);
  }
  CHECK(keys.size() > 40);
  for (const std::string& key : keys) {
    INFO("add `" << key << "` to pace.cpp, or to what no run's time depends on");
    CHECK(scenario::fast_end(key).has_value() != kTimeless.contains(key));
  }
}

TEST_CASE("The trees of a scenario read as the scenario again", "[scenario][pace]") {
  for (const std::string& file : kShipped) {
    INFO(file);
    const Scenario once = shipped(file);
    Diagnostics found;
    const auto again = scenario::read_again(once, found);
    INFO(found.render());
    REQUIRE(again);
    CHECK(again->hash == once.hash);
    CHECK(again->file == once.file);
    const World before = world_of(once);
    const World after = world_of(*again);
    CHECK(after.memory.kv_blocks == before.memory.kv_blocks);
    CHECK(after.steps.token_ticks == before.steps.token_ticks);
    const std::vector<TierTimes> times = tier_times(once.spec, before);
    const std::vector<TierTimes> same = tier_times(again->spec, after);
    REQUIRE(same.size() == times.size());
    for (size_t t = 0; t < times.size(); ++t) {
      REQUIRE(same[t].prefixes.size() == times[t].prefixes.size());
      for (size_t i = 0; i < times[t].prefixes.size(); ++i) {
        CHECK(same[t].prefixes[i].load_ns == times[t].prefixes[i].load_ns);
        CHECK(same[t].prefixes[i].store_ns == times[t].prefixes[i].store_ns);
      }
    }
  }
  // Where values and a trace's path come from is kept.
  const Scenario flagged =
      good(kAllTiers, {"workload.trace.file=mine.csv", "engine.max_sequences=9"});
  Diagnostics found;
  const auto again = scenario::read_again(flagged, found);
  REQUIRE(again);
  CHECK(again->hash == flagged.hash);
  CHECK(std::get<workload::TraceSpec>(again->spec.workload).file == "mine.csv");
}

TEST_CASE("Figures move where blocks go through their part, and nowhere else", "[scenario][pace]") {
  CHECK(paced_parts(good(kAllTiers, {"tiers=[hbm]"})).empty());
  const auto parts = [](const std::string& tiers) {
    return paths(paced_parts(good(kAllTiers, {"tiers=[hbm, " + tiers + "]"})));
  };
  const std::string drives = "cluster.node.drives.0";
  const std::string dpus = "cluster.storage.context.enclosure.dpus";
  const std::string service = "cluster.storage.external.service";
  CHECK(parts("dram") == Words{"tiers.1.stack"});
  CHECK((has(parts("nvme"), drives) && has(parts("nvme"), "tiers.1.stack")));
  CHECK((has(parts("context"), dpus) && !has(parts("context"), drives)));
  CHECK((has(parts("external"), service) && !has(parts("external"), dpus)));
  CHECK_FALSE(has(parts("external"), service + ".drives"));
  // Watts and prices stay where they are, and so does a figure whose range has no width.
  for (const PacedPart& part : paced_parts(good(kAllTiers))) {
    INFO(part.path);
    CHECK_FALSE(part.figures.empty());
    for (const std::string& key : part.figures) CHECK_FALSE(kTimeless.contains(key));
  }
  CHECK(paced_parts(round_scenario({})).empty());
  CHECK(paced_parts(round_scenario({figure("tiers.1.stack.setup", "1ms", "1ms, 1ms")})).empty());
}

TEST_CASE("A load lies between those of the equation at both ends", "[scenario][pace]") {
  const std::string setup = "tiers.1.stack.setup";
  const std::string call = "tiers.1.stack.operation_time";
  const Scenario scenario =
      round_scenario({figure(setup, "100us", "40us, 900us"), figure(call, "10us", "7us, 30us")});
  const World world = world_of(scenario);
  const std::vector<TierTimes> given = tier_times(scenario.spec, world);
  const scenario::TierBands bands = tier_bands(scenario, world, given);
  CHECK(bands.problem.empty());
  REQUIRE(bands.parts.size() == 1);
  CHECK(bands.parts[0].part.path == "tiers.1.stack");
  CHECK(bands.parts[0].part.figures == Words{"setup", "operation_time"});
  CHECK(bands.parts[0].tokens == 32768);
  REQUIRE(bands.tiers[0]);
  const scenario::TierBand& band = *bands.tiers[0];
  REQUIRE(band.loads.size() == given[0].prefixes.size());
  // 2 MiB take 65.536 us at 32 GB/s; with one in flight each waits for the one before.
  const auto load_us = [](double setup_us, double call_us, uint32_t blocks) {
    return setup_us + blocks * (call_us + 5 + 65.536);
  };
  for (size_t i = 0; i < band.loads.size(); ++i) {
    const uint32_t blocks = given[0].prefixes[i].tokens / 16;
    CHECK(static_cast<double>(band.loads[i].low_ns) * 1e-3 ==
          Approx(load_us(40, 7, blocks)).epsilon(1e-6));
    CHECK(static_cast<double>(band.loads[i].high_ns) * 1e-3 ==
          Approx(load_us(900, 30, blocks)).epsilon(1e-6));
  }
  // The only part makes all of it.
  CHECK(bands.parts[0].loads[0]->low_ns == band.loads[2].low_ns);
  CHECK(bands.parts[0].loads[0]->high_ns == band.loads[2].high_ns);
  const auto width = static_cast<double>(band.loads[2].width());
  const auto load_ns = static_cast<double>(given[0].prefixes[2].load_ns);
  REQUIRE(bands.parts[0].loads_by.size() == 1);
  CHECK(bands.parts[0].loads_by[0] == Approx(width / load_ns));
  CHECK(bands.parts[0].lookups_by + bands.parts[0].handoffs_by + bands.parts[0].prefill_by == 0);
}

TEST_CASE("A band is what the scenario with the ends written down takes", "[scenario][pace]") {
  const std::string dpu = "cluster.storage.context.enclosure.dpus.";
  const Scenario scenario = good(kAllTiers);
  const World world = world_of(scenario);
  const scenario::TierBands bands = tier_bands(scenario, world, tier_times(scenario.spec, world));
  const auto part =
      std::find_if(bands.parts.begin(), bands.parts.end(),
                   [&](const scenario::PartSpan& span) { return span.part.path + "." == dpu; });
  REQUIRE(part != bands.parts.end());
  const auto load_with = [&](size_t item) {
    Words sets;
    for (const std::string& key : part->part.figures) {
      const bool low_is_fast = scenario::fast_end(key) == ledger::End::low;
      const Node& range = *at_path(scenario.resolved, dpu + key + ".range");
      sets.push_back(dpu + key + "=" + range.items.at(low_is_fast ? item : 1 - item).text);
    }
    const Scenario written = good(kAllTiers, sets);
    return tier_times(written.spec, world_of(written)).at(3).prefixes.at(2).load_ns;
  };
  REQUIRE(part->loads[3]);
  CHECK(part->loads[3]->low_ns == load_with(0));
  CHECK(part->loads[3]->high_ns == load_with(1));
  CHECK(part->loads[3]->width() > 0);
}

// Sums of parts that are each rounded up may be off by so many nanoseconds.
constexpr int64_t kRounded = 2;

TEST_CASE("Each part alone, fast is no slower and slow no faster", "[scenario][pace]") {
  for (const std::string& file : kShipped) {
    const Scenario scenario = shipped(file);
    const World world = world_of(scenario);
    const std::vector<TierTimes> given = tier_times(scenario.spec, world);
    std::vector<std::string> parts = paths(paced_parts(scenario));
    REQUIRE_FALSE(parts.empty());
    parts.emplace_back();  // all of them
    for (const std::string& part : parts) {
      INFO(file << ", " << part);
      const PacedWorld fast = paced(scenario, Pace::fast, part);
      const PacedWorld slow = paced(scenario, Pace::slow, part);
      CHECK(fast.scenario.hash != scenario.hash);
      CHECK(slow.scenario.hash != scenario.hash);
      CHECK(prefill_ns(fast.world, 8192) <= prefill_ns(world, 8192));
      CHECK(prefill_ns(slow.world, 8192) >= prefill_ns(world, 8192));
      const std::vector<TierTimes> sooner = times(fast);
      const std::vector<TierTimes> later = times(slow);
      for (size_t t = 0; t < given.size(); ++t) {
        for (size_t i = 0; i < given[t].prefixes.size(); ++i) {
          const PrefixTimes& prefix = given[t].prefixes[i];
          CHECK(sooner[t].prefixes[i].load_ns <= prefix.load_ns + kRounded);
          CHECK(later[t].prefixes[i].load_ns + kRounded >= prefix.load_ns);
          if (!prefix.store_ns) continue;
          CHECK(*sooner[t].prefixes[i].store_ns <= *prefix.store_ns + kRounded);
          CHECK(*later[t].prefixes[i].store_ns + kRounded >= *prefix.store_ns);
        }
      }
    }
  }
}

TEST_CASE("Parts of a tier come with the widest first", "[scenario][pace]") {
  const Scenario scenario = good(kAllTiers);
  const World world = world_of(scenario);
  const std::vector<TierTimes> given = tier_times(scenario.spec, world);
  const scenario::TierBands bands = tier_bands(scenario, world, given);
  for (size_t t = 0; t < given.size(); ++t) {
    INFO(given[t].name);
    const auto parts = parts_of_tier(bands, t);
    REQUIRE_FALSE(parts.empty());
    CHECK(std::is_sorted(parts.begin(), parts.end(), [&](const auto& a, const auto& b) {
      return a.loads[t]->width() > b.loads[t]->width();
    }));
    for (const scenario::PartSpan& span : parts) {
      CHECK(span.loads[t]->low_ns >= bands.tiers[t]->loads[2].low_ns);
      CHECK(span.loads[t]->high_ns <= bands.tiers[t]->loads[2].high_ns);
    }
  }
  CHECK(parts_of_tier(bands, 0).front().part.path == "tiers.1.stack");
}

TEST_CASE("Without figures that move there is no band", "[scenario][pace]") {
  const Scenario scenario = round_scenario({});
  const World world = world_of(scenario);
  const scenario::TierBands bands = tier_bands(scenario, world, tier_times(scenario.spec, world));
  REQUIRE(bands.tiers.size() == 1);
  CHECK_FALSE(bands.tiers[0]);
  CHECK(bands.parts.empty());
  CHECK(bands.problem.empty());
}

TEST_CASE("An end at which the scenario does not work is said", "[scenario][pace]") {
  const Scenario scenario = round_scenario({figure("cluster.node.gpu.hbm", "80GB", "8GB, 80GB")});
  const World world = world_of(scenario);
  const scenario::TierBands bands = tier_bands(scenario, world, tier_times(scenario.spec, world));
  CHECK_THAT(bands.problem, Catch::Contains("no memory is left for KV"));
  CHECK_FALSE(bands.tiers[0]);
}
