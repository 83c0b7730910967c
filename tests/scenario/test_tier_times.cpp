// What tiers take for one request alone: by hand from the stack's equation, against brute force,
// and what is named as the bound.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "models/hardware/transfer_time.hpp"
#include "models/scenario/tier_times.hpp"
#include "tests/scenario/small_scenario.hpp"

using namespace tiercast;
using scenario::PrefixTimes;
using scenario::Scenario;
using scenario::TierTimes;
using scenario::World;
using tests::good;
using tests::kAllTiers;
using tests::world_of;
using Words = std::vector<std::string>;

namespace {

// 2 (K and V) x 32 layers x 8 KV heads x 128 numbers x 2 bytes x 16 tokens.
constexpr int64_t kBlockBytes = 2 * 32 * 8 * 128 * 2 * 16;

std::vector<TierTimes> times_of(const Words& sets = {}) {
  const Scenario scenario = good(kAllTiers, sets);
  return tier_times(scenario.spec, world_of(scenario));
}

// Host memory over a stack whose parts are round numbers: one operation of one block at a time.
Words slow_stack(const std::string& efficiency) {
  const std::string stack = "tiers.1.stack.";
  return {stack + "use=vllm-native",
          stack + "granularity=block",
          stack + "fragments=1",
          stack + "lanes=1",
          stack + "depth=1",
          stack + "setup=100us",
          stack + "operation_time=10us",
          stack + "operation_latency=5us",
          stack + "efficiency=" + efficiency};
}

double us(int64_t time_ns) { return static_cast<double>(time_ns) * 1e-3; }

}  // namespace

TEST_CASE("A load takes what its stack's equation says", "[scenario][tiers]") {
  Words sets = slow_stack("50%");
  sets.push_back("cluster.node.gpu.host_link=64GB/s");
  const TierTimes dram = times_of(sets).at(0);
  CHECK(dram.name == "dram");
  CHECK(dram.pools == 2);
  CHECK(dram.pool_blocks == (int64_t{64} << 30) / kBlockBytes);
  CHECK(dram.pool_bytes == uint64_t{64} << 30);
  CHECK(us(dram.load.set_up_ns) == 100);
  // At 32 GB/s a block takes 65.536 us, and with one in flight each waits for the one before:
  // 10 + 5 + 65.536 us, the first as well as any other.
  CHECK(dram.load.first_operation_ns <= 1);
  constexpr double kSpacing = 10 + 5 + kBlockBytes / 32e3;
  REQUIRE(dram.prefixes.size() == 4);
  for (const PrefixTimes& prefix : dram.prefixes) {
    const uint32_t blocks = prefix.tokens / 16;
    CHECK(prefix.bytes == uint64_t{blocks} * kBlockBytes);
    CHECK(us(prefix.load_ns) == Approx(100 + blocks * kSpacing).epsilon(1e-6));
    CHECK(prefix.lookup_ns == 0);
    CHECK(prefix.load_ns ==
          prefix.lookup_ns + dram.load.before_ns() + prefix.moving_ns + dram.load.acknowledge_ns);
  }
  CHECK(dram.prefixes.front().tokens == 1024);
  CHECK(dram.prefixes.back().tokens == 131072);
  CHECK(times_of({"engine.max_model_tokens=20000"}).at(0).prefixes.size() == 2);
}

// The pipeline of transfer_time.hpp overlaps the first operation with the others; a flow comes
// after it.
TEST_CASE("Explained and exact pipelines differ by less than one operation", "[scenario][tiers]") {
  const Scenario scenario = good(kAllTiers, slow_stack("50%"));
  const TierTimes dram = tier_times(scenario.spec, world_of(scenario)).at(0);
  const hardware::TransferPath path{{}, scenario.spec.cluster.node.gpu.host_link.value, {}};
  for (const PrefixTimes& prefix : dram.prefixes) {
    const auto size = static_cast<int64_t>(prefix.bytes);
    const hardware::TransferTime exact = hardware::transfer_time(
        *scenario.spec.tiers[1].stack, path, {bytes(size), size / kBlockBytes, 1, false});
    const double more_us = us(prefix.load_ns) - exact.total().value() * 1e6;
    CHECK(more_us > 0);
    CHECK(more_us < 15.1);
  }
}

TEST_CASE("Loading is faster exactly at the lengths that brute force finds", "[scenario][tiers]") {
  for (const char* efficiency : {"0.05%", "1%", "2%", "4%", "80%"}) {
    const Scenario scenario = good(kAllTiers, slow_stack(efficiency));
    const World world = world_of(scenario);
    const TierTimes dram = tier_times(scenario.spec, world).at(0);
    INFO(efficiency << ", " << dram.load_faster.size() << " ranges");
    std::vector<bool> faster;  // by blocks
    for (uint32_t blocks = 1; blocks <= 131072 / 16; ++blocks) {
      llm::Int128 ticks = 0;
      for (uint32_t done = 0; done < blocks * 16;) {
        const uint32_t chunk =
            std::min(world.cluster.engine.max_batched_tokens, blocks * 16 - done);
        ticks += world.steps.token_ticks[chunk] + world.steps.engine_ticks[1] +
                 world.steps.prefill_attention_ticks(chunk, done);
        done += chunk;
      }
      const double recompute_ns = static_cast<double>(ticks) / llm::kTicksPerNs;
      const double load_ns = static_cast<double>(dram.load.fixed_ns()) +
                             static_cast<double>(blocks) * kBlockBytes * 1e9 /
                                 static_cast<double>(dram.load.bytes_per_s);
      faster.push_back(load_ns < recompute_ns);
    }
    std::vector<bool> told(faster.size(), false);
    for (const scenario::TokenRange& range : dram.load_faster) {
      for (uint32_t tokens = range.first; tokens <= range.last; tokens += 16) {
        told.at(tokens / 16 - 1) = true;
      }
    }
    CHECK(told == faster);
    const auto last_slower = std::find(faster.rbegin(), faster.rend(), false);
    const auto first = static_cast<uint32_t>(faster.rend() - last_slower) * 16 + 16;
    if (faster.back()) {
      CHECK(dram.break_even_tokens() == first);
    } else {
      CHECK_FALSE(dram.break_even_tokens());
    }
  }
}

TEST_CASE("What bounds a way is named", "[scenario][tiers]") {
  const auto bound = [](size_t tier, const Words& sets) {
    return times_of(sets).at(tier).load.bound;
  };
  CHECK(bound(0, slow_stack("50%")) == "operations of vllm-native");
  CHECK(bound(0, {"tiers=[hbm, dram]"}) == "engine0.copy.up");
  // Drives are narrower than a GPU's host link.
  CHECK(bound(2, {"tiers.3.stack.use=gds", "tiers.3.stack.lanes=4096",
                  "tiers.3.stack.depth=65536"}) == "nvme0.read");
  const std::vector<TierTimes> times = times_of();
  CHECK(times.at(1).load.bytes_per_s > 0);
  CHECK(times.at(1).pools == 0);
  CHECK_FALSE(times.at(1).store);
  CHECK(times.at(4).store);
  CHECK_FALSE(times_of({"tiers.5.read_only=true"}).at(4).store);
}

TEST_CASE("Lookups are batches at their station, and a load is late as any of its operations",
          "[scenario][tiers]") {
  const Scenario scenario = good(kAllTiers);
  const std::vector<TierTimes> times = tier_times(scenario.spec, world_of(scenario));
  const hardware::StorageServiceSpec& service = *scenario.spec.cluster.storage.external->service;
  const hardware::StackSpec& stack = *scenario.spec.tiers[5].stack;
  for (const PrefixTimes& prefix : times.at(4).prefixes) {
    const double objects =
        std::ceil(prefix.tokens / static_cast<double>(stack.chunk_tokens->value()));
    const double rounds = std::ceil(objects / service.metadata_servers);
    const double expected = stack.metadata_operations * stack.metadata_latency.value.value() * 1e9 +
                            rounds * service.metadata_operations.value *
                                static_cast<double>(service.metadata_time.value.value());
    CHECK(static_cast<double>(prefix.lookup_ns) == Approx(expected).margin(1));
  }
  const hardware::DriveSpec& drive = scenario.spec.cluster.node.drives.front();
  const hardware::KvLayout layout{tokens(16), 32, bytes(kBlockBytes / 16 / 32)};
  const hardware::StackSpec& gds = *scenario.spec.tiers[3].stack;
  for (const PrefixTimes& prefix : times.at(2).prefixes) {
    const double n = std::ceil(static_cast<double>(prefix.bytes) /
                               static_cast<double>(hardware::operation_bytes(gds, layout).value()));
    CHECK(prefix.tail_probability ==
          Approx(1 - std::pow(1 - drive.tail_probability.value, n)).epsilon(1e-5));
  }
  CHECK(times.at(2).load.tail_ns == drive.tail_latency.value.value());
  CHECK(times.at(0).prefixes.front().tail_probability == 0);
}

TEST_CASE("Without tiers below GPU memory there is nothing to tell", "[scenario][tiers]") {
  const Scenario scenario = good(kAllTiers, {"tiers=[hbm]"});
  CHECK(tier_times(scenario.spec, world_of(scenario)).empty());
}
