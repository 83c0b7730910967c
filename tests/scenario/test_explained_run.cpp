// What is said of a tier beforehand is what a simulated request then takes.
#include <cstdint>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "models/scenario/tier_times.hpp"
#include "models/serving/attribution.hpp"
#include "tests/scenario/one_request.hpp"

using namespace tiercast;
using tests::kOwnTokens;
using tests::kPrefixTokens;

namespace {

// Latents of DeepSeek-V3, which all eight ranks hold.
const std::vector<std::string> kLatents = {"model=deepseek-v3", "engine.tp=8",
                                           "cluster.node.gpus=8", "cluster.node.gpu=h200-sxm"};

}  // namespace

TEST_CASE("A request whose prefix lies in one tier takes what explain adds up",
          "[scenario][tiers]") {
  struct Case {
    std::string tiers;
    std::vector<std::string> sets;
  };
  const std::string converted =
      "objects: {kv: fp8, convert_bandwidth: {value: 9GB/s, kind: measured, source: test}}}]";
  for (const Case& one : {Case{"[hbm, {kind: dram, capacity: 64GiB}]", {}},
                          Case{"[hbm, {kind: dram, capacity: 64GiB}, peer]", {"cluster.nodes=2"}},
                          Case{"[hbm, {kind: nvme, capacity: 1TiB}]", {}},
                          Case{"[hbm, {kind: context, capacity: 1TiB}]", {}},
                          Case{"[hbm, {kind: external, capacity: 1TiB}]", {}},
                          Case{"[hbm, {kind: external, capacity: 1TiB, index: client}]", {}},
                          Case{"[hbm, {kind: external, capacity: 1TiB, index: service}]", {}},
                          Case{"[hbm, {kind: external, capacity: 1TiB, index: {at: storage, "
                               "sharing: fair}}]",
                               {}},
                          Case{"[hbm, {kind: dram, capacity: 64GiB, index: node}]", {}},
                          Case{"[hbm, {kind: nvme, capacity: 1TiB, index: dpu}]",
                               {"cluster.node.dpus=[bluefield-3]"}},
                          Case{"[hbm, {kind: context, capacity: 1TiB, index: {at: dpu, servers: 3, "
                               "round_trip: 70us}}]",
                               {}},
                          Case{"[hbm, {kind: dram, capacity: 64GiB, " + converted, {}},
                          Case{"[hbm, {kind: nvme, capacity: 1TiB, " + converted, {}},
                          Case{"[hbm, {kind: dram, capacity: 64GiB}]", kLatents},
                          Case{"[hbm, {kind: nvme, objects: {replicas: broadcast}}]", kLatents}}) {
    INFO(one.tiers);
    const tests::OneRequest run = tests::run_one_request(one.tiers, one.sets);
    const scenario::TierTimes told = tier_times(run.scenario.spec, run.world).back();
    const scenario::PrefixTimes& prefix = told.prefixes.at(1);
    REQUIRE(prefix.tokens == kPrefixTokens);
    const serving::RequestRecord& request = run.outcome.log.front();
    CHECK(request.loaded_tokens == kPrefixTokens);
    CHECK(request.cached_tokens == kPrefixTokens);
    CHECK(run.outcome.tiers.back().counts.read_bytes == prefix.bytes);

    const serving::AloneCost alone(run.world.steps);
    CHECK(request.ttft.metadata_ns == prefix.lookup_ns);
    CHECK(request.ttft.load_move_ns == prefix.opening_ns + told.load.fixed_ns() + prefix.moving_ns);
    CHECK(request.ttft.route_ns == run.world.cluster.engine.request_ns);
    CHECK(request.first_token_ns - request.arrival_ns ==
          request.ttft.route_ns + prefix.load_ns +
              serving::ceil_ns(alone.prefill_ticks(kOwnTokens, kPrefixTokens, true)));
  }
}
