// Tiers that store KV otherwise than engines hold it: bytes, blocks and times by hand.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "models/hardware/transfer_time.hpp"
#include "models/llm/placement.hpp"
#include "models/scenario/census.hpp"
#include "models/scenario/tier_times.hpp"
#include "models/tiering/routes.hpp"
#include "tests/scenario/one_request.hpp"

using namespace tiercast;
using scenario::Scenario;
using scenario::TierTimes;
using scenario::World;
using tests::good;
using tests::world_of;
using Words = std::vector<std::string>;

namespace {

constexpr const char* kScenario = R"(name: objects
cluster:
  node: {use: dgx-h100, drives: [{use: solidigm-d7-ps1010, count: 8}]}
  nodes: 2
model: llama-3.1-8b
engine: {tp: 4, block_tokens: 16}
tiers: [hbm, {kind: dram, capacity: 64GiB}, {kind: nvme, capacity: 1TiB}]
workload: {trace: {file: t.csv, format: csv}}
)";

// 2 (K and V) x 32 layers x 8 KV heads x 128 numbers x 2 bytes x 16 tokens.
constexpr uint64_t kBlockBytes = 2 * 32 * 8 * 128 * 2 * 16;
// 61 layers of (512 + 64) numbers x 2 bytes x 16 tokens.
constexpr uint64_t kLatentBytes = 61 * (512 + 64) * 2 * 16;
const Words kLatents = {"model=deepseek-v3", "engine.tp=8", "cluster.node.gpu=h200-sxm"};

std::string converted(const std::string& how, const std::string& bandwidth = "20GB/s") {
  return "{" + how + ", convert_bandwidth: {value: " + bandwidth +
         ", kind: measured, source: test}}";
}

Words both(const std::string& objects) {
  return {"tiers.1.objects=" + objects, "tiers.2.objects=" + objects};
}

tiering::TierSetSpec tiers_of(const Words& sets) {
  return *world_of(good(kScenario, sets)).cluster.tiers;
}

std::vector<TierTimes> times_of(const Words& sets) {
  const Scenario scenario = good(kScenario, sets);
  return tier_times(scenario.spec, world_of(scenario));
}

Words operator+(Words a, const Words& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

}  // namespace

TEST_CASE("Stored in half the bytes, twice the blocks fit", "[scenario][tiers]") {
  const tiering::TierSetSpec as_held = tiers_of({});
  const tiering::TierSetSpec fp8 = tiers_of(both(converted("kv: fp8")));
  REQUIRE(as_held.block_bytes == kBlockBytes);
  for (size_t t = 0; t < 2; ++t) {
    CHECK(as_held.tiers[t].block_bytes == kBlockBytes);
    CHECK(fp8.tiers[t].block_bytes == kBlockBytes / 2);
    CHECK(fp8.tiers[t].capacity_blocks / 2 == as_held.tiers[t].capacity_blocks);
  }
  CHECK(fp8.tiers[0].load.operation_bytes * 2 == as_held.tiers[0].load.operation_bytes);
  CHECK(fp8.block_bytes == kBlockBytes);
  // The other way round: an engine in 8 bits over a store of 16.
  const tiering::TierSetSpec bf16 = tiers_of(Words{"model.kv=fp8"} + both(converted("kv: bf16")));
  CHECK(bf16.block_bytes * 2 == bf16.tiers[0].block_bytes);
}

TEST_CASE("Converting is a rate, and an operation's time that moving does not hide",
          "[scenario][tiers]") {
  // 4 GPUs convert 4 x 1 GB/s of their own KV, which is 2 GB/s of objects of half the size.
  const Words slow = both(converted("kv: fp8", "1GB/s"));
  const std::vector<TierTimes> times = times_of(slow);
  const Scenario scenario = good(kScenario, slow);
  for (size_t t = 0; t < 2; ++t) {
    const hardware::KvLayout layout{tokens(16), 32, bytes(2 * 8 / 4 * 128)};
    const auto operation = static_cast<double>(
        hardware::operation_bytes(*scenario.spec.tiers[t + 1].stack, layout).value());
    const auto one_ns = static_cast<int64_t>(std::ceil(operation * 2 / 1.0));
    CHECK(times[t].load.bytes_per_s == 2'000'000'000);
    CHECK(times[t].load.bound == times[t].name + ".convert0");
    CHECK(times[t].load.convert_ns == one_ns);
    CHECK(times[t].prefixes.front().bytes == 64 * kBlockBytes / 2);
    CHECK(times[t].prefixes.front().moving_ns == 64 * int64_t{kBlockBytes / 2} / 2);
    CHECK(times[t].token_bytes == kBlockBytes / 2 / 16);
  }
  // From GPU memory to host memory it converts; from there to drives objects go as they are.
  CHECK(times_of(slow)[0].store->bytes_per_s == 2'000'000'000);
  const TierTimes through = times_of(slow + Words{"tiers.2.stack.bypass_host=false"})[1];
  CHECK(through.store->convert_ns == 0);
  CHECK(through.store->bytes_per_s > 2'000'000'000);
  CHECK(through.store->bytes_per_s == times_of(both(converted("kv: fp8", "900GB/s")) +
                                               Words{"tiers.2.stack.bypass_host=false"})[1]
                                          .store->bytes_per_s);
}

TEST_CASE("What converting costs is estimated from GPU memory where nothing says it",
          "[scenario][tiers]") {
  const Words fp8 = {"cluster.node.gpu.hbm_bandwidth=3TB/s"};
  const Scenario scenario = good(kScenario, both("fp8") + fp8);
  // Read once, written half as large: 1.5 bytes for each of the engine's.
  const auto& told = scenario.spec.tiers[1].objects->convert_bandwidth;
  REQUIRE(told);
  CHECK(told->value.value() == 3e12 / 2 / 1.5);
  REQUIRE(told->range);
  CHECK(told->range->first < told->value);
  CHECK(told->range->second > told->value);
  const std::vector<std::string> estimates = scenario::count_figures(scenario).estimates;
  for (const char* path :
       {"tiers.1.objects.convert_bandwidth", "tiers.2.objects.convert_bandwidth"}) {
    CHECK(std::count(estimates.begin(), estimates.end(), path) == 1);
  }
  const std::string as_told = std::to_string(static_cast<int64_t>(told->value.value())) + "B/s";
  const tiering::TierSetSpec said = tiers_of(both(converted("kv: fp8", as_told)) + fp8);
  CHECK(tiers_of(both("fp8") + fp8).tiers[0].load.after_ns == said.tiers[0].load.after_ns);
  // A new layout is as large; alike, and where nothing is read, there is nothing to estimate.
  const Words pages = {"tiers.1.stack={use: vllm-native, granularity: layer}",
                       "tiers.1.objects={layout: page-first}", "policy.placement.promote=false"};
  CHECK(good(kScenario, pages + fp8).spec.tiers[1].objects->convert_bandwidth->value.value() ==
        3e12 / 2 / 2);
  for (const char* objects : {"bf16", "{kv: fp8, mismatch: miss}"}) {
    CHECK_FALSE(good(kScenario, both(objects) + fp8).spec.tiers[1].objects->convert_bandwidth);
  }
}

TEST_CASE("Another split or layout changes what lies together, and costs converting",
          "[scenario][tiers]") {
  const auto operation = [](const Words& sets) {
    return tiers_of(sets).tiers[0].load.operation_bytes;
  };
  const Words layers = {"tiers.1.stack.granularity=layer", "tiers.1.stack.fragments=1"};
  CHECK(operation(layers) == kBlockBytes / 4 / 32);  // one of four ranks, one layer
  CHECK(operation(layers + both(converted("tp: 1"))) == kBlockBytes / 32);
  CHECK(operation(layers + both(converted("tp: 8"))) == kBlockBytes / 8 / 32);
  CHECK(operation(layers + Words{"tiers.1.objects=" + converted("layout: page-first"),
                                 "policy.placement.promote=false"}) == kBlockBytes / 4);
  CHECK(times_of(both(converted("tp: 8")))[0].load.convert_ns > 0);
  CHECK(tiers_of(both(converted("tp: 8"))).tiers[0].block_bytes == kBlockBytes);
  // Beyond the KV heads ranks hold whole heads again: as eight ranks have them, so do sixteen.
  CHECK(times_of(both("{tp: 16}") + Words{"engine.tp=8"})[0].load.convert_ns == 0);
  // A latent is the same whoever writes it.
  CHECK(times_of(both("{tp: 1}") + kLatents)[0].load.convert_ns == 0);
}

TEST_CASE("Of a latent one copy is stored, and every rank loads it or is told over NVLink",
          "[scenario][tiers]") {
  const tiering::TierSetSpec each = tiers_of(kLatents);
  CHECK(each.block_bytes == kLatentBytes);
  CHECK(each.handoff_copies == 8);
  for (size_t t = 0; t < 2; ++t) {
    CHECK(each.tiers[t].block_bytes == kLatentBytes);
    CHECK(each.tiers[t].load_copies == 8);
  }
  // Eight buses carry a copy each, or one bus one: as fast. Stores are one copy over one bus.
  const Words wide = {"tiers=[hbm, {kind: dram, capacity: 64GiB}]",
                      "tiers.1.stack.lanes=4096",
                      "tiers.1.stack.depth=65536",
                      "tiers.1.stack.efficiency=50%",
                      "cluster.node.gpu.host_link=64GB/s",
                      "cluster.node.gpu.nvlink=450GB/s",
                      "cluster.node.host.dram_bandwidth=900GB/s"};
  const TierTimes per_rank = times_of(kLatents + wide)[0];
  const TierTimes one = times_of(kLatents + wide + Words{"tiers.1.objects.replicas=broadcast"})[0];
  CHECK(per_rank.load.bytes_per_s == 8 * uint64_t{32'000'000'000});
  CHECK(per_rank.prefixes[1].bytes == 512 * 8 * kLatentBytes);
  CHECK(one.load.bytes_per_s == 32'000'000'000);
  CHECK(one.prefixes[1].bytes == 512 * kLatentBytes);
  CHECK(per_rank.prefixes[1].moving_ns == one.prefixes[1].moving_ns);
  CHECK(per_rank.store->bytes_per_s == 32'000'000'000);
  CHECK(per_rank.prefixes[1].store_ns == one.prefixes[1].store_ns);
  // A slow NVLink, or memory that eight copies exceed, tells the two apart.
  CHECK(times_of(kLatents + wide +
                 Words{"tiers.1.objects.replicas=broadcast", "cluster.node.gpu.nvlink=20GB/s"})[0]
            .load.bytes_per_s == 20'000'000'000);
  CHECK(times_of(kLatents + wide + Words{"cluster.node.host.dram_bandwidth=100GB/s"})[0]
            .load.bytes_per_s == 100'000'000'000);
  // Heads that each rank has for itself have no copies; sixteen ranks share eight heads.
  CHECK(tiers_of({}).tiers[0].load_copies == 1);
  CHECK(tiers_of({"engine.tp=16"}).tiers[0].load_copies == 2);
}

TEST_CASE("Every link carries the bytes of objects", "[scenario][tiers]") {
  const Words none;
  const std::string fp8 = converted("kv: fp8");
  struct Case {
    std::string tiers;
    Words sets;
    uint64_t object_bytes;
    uint64_t copies;
  };
  const Words latents = kLatents + Words{"cluster.node.gpus=8"};
  for (const Case& one :
       {Case{"[hbm, {kind: dram, capacity: 64GiB, objects: " + fp8 + "}]", none, kBlockBytes / 2,
             1},
        Case{"[hbm, {kind: external, objects: " + fp8 + "}]", none, kBlockBytes / 2, 1},
        Case{"[hbm, {kind: nvme}]", latents, kLatentBytes, 8},
        Case{"[hbm, {kind: context, objects: {replicas: broadcast}}]", latents, kLatentBytes, 1}}) {
    INFO(one.tiers);
    const tests::OneRequest run = tests::run_one_request(one.tiers, one.sets);
    const tiering::TierSetSpec& set = *run.world.cluster.tiers;
    const uint64_t loaded = tests::kPrefixTokens / 16 * one.object_bytes * one.copies;
    const uint64_t stored = tests::kOwnTokens / 16 * one.object_bytes;
    CHECK(run.outcome.tiers[0].counts.read_bytes == loaded);
    CHECK(run.outcome.tiers[0].counts.written_bytes == stored);
    std::vector<uint64_t> expected(set.links.size(), 0);
    tiering::RouteFinder ways(set, 1);
    const tiering::RouteEnds load{0, 0, 0, tiering::kNone, tiering::kNone};
    for (const uint32_t link : ways.find(load, 0).links) expected[link] += loaded;
    const tiering::RouteEnds store{0, tiering::kNone, tiering::kNone, 0, 0};
    for (const uint32_t link : ways.find(store, 0).links) expected[link] += stored;
    for (size_t l = 0; l < expected.size(); ++l) {
      INFO(set.links[l].name);
      CHECK(run.outcome.links[l].carried_bytes == expected[l]);
    }
  }
}

TEST_CASE("Objects that are neither alike nor converted are never found", "[scenario][tiers]") {
  const std::string tiers = "[hbm, {kind: nvme, objects: {kv: fp8, mismatch: miss}}]";
  const tests::OneRequest run = tests::run_one_request(tiers);
  CHECK(run.outcome.log.front().cached_tokens == 0);
  CHECK(run.outcome.tiers[0].present_blocks == 0);
  CHECK(run.outcome.tiers[0].counts.asked_read_bytes == 0);
  CHECK(run.outcome.tiers[0].counts.asked_written_bytes == 0);
  REQUIRE(run.world.caveats.size() == 1);
  CHECK(run.world.caveats[0].starts_with("nvme stores fp8, tp 1"));
  CHECK_FALSE(tier_times(run.scenario.spec, run.world)[0].usable);
  // Alike, there is nothing to miss.
  const tests::OneRequest alike =
      tests::run_one_request("[hbm, {kind: nvme, objects: {kv: bf16, mismatch: miss}}]");
  CHECK(alike.outcome.log.front().cached_tokens == tests::kPrefixTokens);
  CHECK(alike.world.caveats.empty());
}
