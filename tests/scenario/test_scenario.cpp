// From a scenario's text to a world: what the hash covers, where paths count from, what is counted
// as a figure, and numbers that follow.
#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "models/scenario/catalogue.hpp"
#include "models/scenario/census.hpp"
#include "models/scenario/load.hpp"
#include "models/scenario/world.hpp"
#include "tests/scenario/small_scenario.hpp"

using namespace tiercast;
using scenario::Scenario;
using tests::configs;
using tests::good;
using tests::load;
using tests::world_of;
using Words = std::vector<std::string>;

namespace {

constexpr const char* kScenario = R"(name: small
cluster: {node: {use: dgx-h100, gpus: 2}}
model: llama-3.1-8b
engine: {tp: 1, block_tokens: 16}
workload: {trace: {file: traces/t.csv, format: csv}}
)";

std::string trace_file(const Scenario& scenario) {
  return std::get<workload::TraceSpec>(scenario.spec.workload).file;
}

}  // namespace

TEST_CASE("The hash covers what decides the result and nothing else", "[scenario]") {
  const std::string hash = good(kScenario).hash;
  CHECK(hash.size() == 32);
  CHECK(good(kScenario, {}, "elsewhere/other.yaml").hash == hash);
  CHECK(good(kScenario, {"run.fuse=false"}).hash == hash);
  CHECK(good(kScenario, {"run.band=always"}).hash == hash);
  CHECK(good(std::string("# a comment\n") + kScenario).hash == hash);
  CHECK(good(kScenario, {"engine.max_sequences=255"}).hash != hash);
  CHECK(good(kScenario, {"run.seed=2"}).hash != hash);
  CHECK(good(kScenario, {"cluster.node.gpu=h200-sxm"}).hash != hash);
}

TEST_CASE("A trace lies beside its scenario, one given by a flag in the working folder",
          "[scenario]") {
  CHECK(trace_file(good(kScenario)) == "folder/traces/t.csv");
  CHECK(trace_file(good(kScenario, {"workload.trace.file=mine.csv"})) == "mine.csv");
  CHECK(trace_file(good(kScenario, {"workload.trace.file=/a/b.csv"})) == "/a/b.csv");
}

TEST_CASE("A seed given as an option wins over the file's", "[scenario]") {
  Diagnostics found;
  const scenario::LoadOptions options{configs(), {"run.seed=5"}, 7};
  const auto document = scenario::parse_scenario(kScenario, "s.yaml", options, found);
  REQUIRE(document);
  const auto scenario = scenario::load_scenario(*document, "s.yaml", configs(), found);
  REQUIRE(scenario);
  CHECK(scenario->spec.run.seed == 7);
}

TEST_CASE("An option reaches into a list of a catalogue entry", "[scenario]") {
  const auto nics = [](const Words& sets) { return good(kScenario, sets).spec.cluster.node.nics; };
  const auto before = nics({});
  REQUIRE(before.size() == 2);
  const auto after = nics({"cluster.node.nics.1.idle_power=20W"});
  REQUIRE(after.size() == 2);
  CHECK(after[1].idle_power.value == watts(20));
  CHECK(after[1].bandwidth.value == before[1].bandwidth.value);
  CHECK(after[1].count == before[1].count);
  CHECK(after[0].idle_power.value == before[0].idle_power.value);
  CHECK(nics({"cluster.node.nics=[]"}).empty());
  for (const char* index : {"5", "1000000000000000000000"}) {
    Diagnostics found;
    CHECK_FALSE(
        load(kScenario, found, {"cluster.node.nics." + std::string(index) + ".idle_power=20W"}));
    CHECK(found.has_errors());
  }
}

TEST_CASE("An option that is wrong leaves no scenario", "[scenario]") {
  Diagnostics found;
  CHECK_FALSE(load(kScenario, found, {"engine.tp=two"}));
  CHECK(found.error_count() == 1);
  Diagnostics other;
  CHECK_FALSE(load(kScenario, other, {"engine.nothing=2"}));
  CHECK(other.has_errors());
}

TEST_CASE("Only figures that bear on the result are counted", "[scenario]") {
  const auto estimates = [](const std::string& pricing) {
    return scenario::count_figures(good(kScenario, {"cluster.pricing=" + pricing})).estimates;
  };
  const auto has = [](const Words& words, const std::string& word) {
    return std::find(words.begin(), words.end(), word) != words.end();
  };
  CHECK(has(estimates("rent"), "cluster.node.gpu.rent"));
  CHECK_FALSE(has(estimates("rent"), "cluster.node.gpu.price"));
  CHECK(has(estimates("own"), "cluster.node.gpu.price"));
  CHECK_FALSE(has(estimates("own"), "cluster.node.gpu.rent"));
  CHECK_FALSE(has(estimates("own"), "calibration.vllm-hopper.expert_imbalance"));
  CHECK(scenario::count_figures(good(kScenario)).weakest == "estimate");
}

TEST_CASE("Figures of tiers and storage are counted where blocks move through them", "[scenario]") {
  const std::string text = std::string(kScenario) + R"(tiers: [hbm]
)";
  const Words machines = {
      "cluster.node.drives=[{use: solidigm-d7-ps1010, count: 4}]", "cluster.nodes=2",
      "cluster.storage={context: {enclosure: cmx-bf4}, external: {service: file-store-rdma}}"};
  const auto estimates = [&](const std::string& tiers) {
    Words sets = machines;
    sets.push_back("tiers=" + tiers);
    const Words found = scenario::count_figures(good(text, sets)).estimates;
    return std::set<std::string>(found.begin(), found.end());
  };
  const std::string drive = "cluster.node.drives.0.";
  const std::string box = "cluster.storage.context.enclosure.";
  const std::string service = "cluster.storage.external.service.";
  const auto none = estimates("[hbm]");
  // Idle drives draw power, and storage beside rented nodes is bought.
  for (const std::string& stands :
       {drive + "idle_power", box + "drives.idle_power", box + "fan_power", service + "idle_power",
        box + "drives.price", service + "price", std::string("cluster.facility.upkeep")}) {
    CHECK(none.contains(stands));
  }
  struct Part {
    std::string tiers;
    Words figures;  // that this one brings, and no other
  };
  const std::vector<Part> parts = {
      {"[hbm, dram]", {"cluster.node.host.dram_energy"}},
      {"[hbm, nvme]", {drive + "read_iops", drive + "tail_probability", drive + "read_power"}},
      {"[hbm, context]", {box + "drives.mixed", box + "dpus.operation_time", box + "usable"}},
      {"[hbm, external]", {service + "read_latency", service + "client_bandwidth"}}};
  for (const Part& part : parts) {
    const auto found = estimates(part.tiers);
    INFO(part.tiers);
    CHECK(found.contains("tiers.1.stack.setup"));
    CHECK(found.contains("tiers.1.stack.gpu_interference"));
    CHECK(std::includes(found.begin(), found.end(), none.begin(), none.end()));
    for (const Part& other : parts) {
      for (const std::string& figure : other.figures) {
        INFO(figure);
        CHECK(found.contains(figure) == (&part == &other));
      }
    }
  }
  const std::string nic = "cluster.node.nics.";  // 0: between GPUs, 1: to storage
  CHECK(estimates("[hbm, external]").contains(nic + "1.active_power"));
  CHECK_FALSE(estimates("[hbm, external]").contains(nic + "0.active_power"));
  CHECK(estimates("[hbm, dram, peer]").contains(nic + "0.active_power"));
  CHECK_FALSE(none.contains(nic + "1.active_power"));
}

TEST_CASE("Content ids have the workload's size", "[scenario]") {
  const auto id_tokens = [](const Words& sets) {
    return world_of(good(kScenario, sets)).cluster.id_tokens;
  };
  CHECK(id_tokens({}) == 0);  // a csv has none
  CHECK(id_tokens({"workload.trace.format=mooncake"}) == 512);
  CHECK(id_tokens({"workload.trace.format=mooncake", "workload.trace.block_tokens=64"}) == 64);
}

TEST_CASE("A world has the instances that fit, and pinned blocks as pinned", "[scenario]") {
  const scenario::World two = world_of(good(kScenario));
  CHECK(two.cluster.instances == 2);
  CHECK(two.gpus_per_instance == 1);
  CHECK_FALSE(two.kv_blocks_pinned);
  // 2 (K and V) x 32 layers x 8 KV heads x 128 numbers x 2 bytes x 16 tokens.
  CHECK(two.block_bytes == 2 * 32 * 8 * 128 * 2 * 16);
  const scenario::World one =
      world_of(good(kScenario, {"engine.tp=2", "engine.memory.kv_blocks=1234"}));
  CHECK(one.cluster.instances == 1);
  CHECK(one.cluster.engine.kv_blocks == 1234);
  CHECK(one.kv_blocks_pinned);
  CHECK(one.weights == llm::WeightFormat::bf16);
}

TEST_CASE("What cannot be built says where", "[scenario]") {
  const Scenario large = good(kScenario, {"model=llama-3.1-70b"});
  Diagnostics found;
  CHECK_FALSE(scenario::build_world(large.spec, large.kernels, large.resolved, found));
  CHECK_THAT(found.render(), Catch::Contains("no memory is left for KV"));
}

TEST_CASE("The catalogue names near entries and never leaves its folder", "[scenario]") {
  Diagnostics found;
  scenario::Catalogue catalogue(configs(), found);
  CHECK(catalogue.find("gpus", "h100-sxm", {}) != nullptr);
  CHECK_FALSE(found.has_errors());
  CHECK(catalogue.find("gpus", "h100-sxn", {}) == nullptr);
  CHECK_THAT(found.render(), Catch::Contains("did you mean `h100-sxm`"));
  CHECK(catalogue.find("gpus", "../nodes/dgx-h100", {}) == nullptr);
  CHECK(found.error_count() == 2);
  Diagnostics none;
  scenario::Catalogue absent("no/such/folder", none);
  CHECK(absent.kinds().empty());
  CHECK(absent.find("gpus", "h100-sxm", {}) == nullptr);
  CHECK_THAT(none.render(), Catch::Contains("no catalogue folder at no/such/folder"));
}
