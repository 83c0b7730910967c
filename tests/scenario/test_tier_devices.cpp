// Drives told apart: their links, what explain says of few and many blocks, what cannot be.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "models/scenario/tier_times.hpp"
#include "tests/scenario/small_scenario.hpp"

using namespace tiercast;
using scenario::Scenario;
using scenario::TierTimes;
using scenario::World;
using tests::good;
using tests::world_of;
using tiering::TierSetSpec;
using tiering::TwoWay;
using Words = std::vector<std::string>;

namespace {

constexpr const char* kTiers = R"(name: tiers
cluster:
  node:
    use: dgx-h100
    gpus: 2
    drives: [{use: solidigm-d7-ps1010, count: 3}, {use: samsung-pm1753, count: 2}]
  nodes: 2
  storage:
    context: {enclosure: cmx-bf4, count: 1}
model: llama-3.1-8b
engine: {tp: 1, block_tokens: 16}
tiers: [hbm, nvme, context]
workload: {trace: {file: t.csv, format: csv}}
)";

constexpr uint32_t kNvme = 0;
constexpr uint32_t kContext = 1;

// The bandwidth of all links that end so, by what comes before their last numbers.
double sum_of(const TierSetSpec& set, const std::string& start, const std::string& end) {
  double sum = 0;
  for (const tiering::TierLinkSpec& link : set.links) {
    if (link.name.starts_with(start + ".") && link.name.ends_with("." + end)) {
      sum += static_cast<double>(link.bytes_per_s);
    }
  }
  return sum;
}

}  // namespace

TEST_CASE("Drives told apart have together what they have as one", "[scenario][tiers]") {
  const Scenario pooled = good(kTiers);
  const Scenario apart = good(kTiers, {"tiers.1.striping=1", "tiers.2.striping.width=2"});
  const World before = world_of(pooled);
  const World after = world_of(apart);
  const TierSetSpec& whole = *before.cluster.tiers;
  const TierSetSpec& parts = *after.cluster.tiers;
  for (const char* link : {"read", "write", "both"}) {
    CHECK(sum_of(parts, "nvme1", link) == Approx(sum_of(whole, "nvme1", link)));
    CHECK(sum_of(parts, "context0.drives", link) == Approx(sum_of(whole, "context0.drives", link)));
  }
  for (const char* link : {"cores", "port.up", "port.down"}) {
    CHECK(sum_of(parts, "context0", link) == Approx(sum_of(whole, "context0", link)));
  }
  const hardware::EnclosureSpec& box = *apart.spec.cluster.storage.context->enclosure;
  REQUIRE(parts.tiers[kContext].pools.at(0).devices.size() == box.drives.count);
  CHECK(parts.tiers[kContext].pools[0].links.up.empty());
  CHECK(parts.tiers[kNvme].pools.at(1).devices.size() == 5);
  // Every card has as many drives as any other, or one more, and each of its drives names it.
  std::map<uint32_t, uint32_t> drives_of_port;
  for (const TwoWay& drive : parts.tiers[kContext].pools[0].devices) {
    ++drives_of_port[drive.up.back()];
  }
  CHECK(drives_of_port.size() == box.dpus.count);
  for (const auto& [port, drives] : drives_of_port) {
    CHECK(drives >= box.drives.count / box.dpus.count);
    CHECK(drives <= (box.drives.count + box.dpus.count - 1) / box.dpus.count);
  }
}

// Two drives of one kind, so slow that nothing else binds.
TEST_CASE("A block's rate is bounded by its width, that of many by all drives",
          "[scenario][tiers]") {
  const Words slow{
      "cluster.node.drives=[{use: solidigm-d7-ps1010, count: 4, read: 100MB/s, "
      "write: 50MB/s, mixed: 100MB/s}]"};
  const auto times_with = [&](const std::string& width) {
    Words sets = slow;
    sets.push_back("tiers.1.striping.width=" + width);
    const Scenario scenario = good(kTiers, sets);
    return tier_times(scenario.spec, world_of(scenario)).at(kNvme);
  };
  const Scenario pooled = good(kTiers, slow);
  const TierTimes whole = tier_times(pooled.spec, world_of(pooled)).at(kNvme);
  CHECK_FALSE(whole.load.block_bytes_per_s);
  CHECK(whole.load.bytes_per_s == 400'000'000);
  for (const uint32_t width : {1u, 2u, 3u, 4u}) {
    const TierTimes times = times_with(std::to_string(width));
    INFO("width " << width);
    CHECK(times.load.bytes_per_s == 400'000'000);
    CHECK(times.load.bound == "nvme0.0.read");
    CHECK(times.store->bytes_per_s == 200'000'000);
    // Where a block does not divide, its largest part is a byte larger.
    CHECK(static_cast<double>(*times.load.block_bytes_per_s) == Approx(1e8 * width).epsilon(1e-5));
    CHECK(static_cast<double>(*times.store->block_bytes_per_s) ==
          Approx(5e7 * width).epsilon(1e-5));
    // 1Ki tokens are 64 blocks, as many on each drive.
    REQUIRE(times.prefixes.front().tokens == 1024);
    CHECK(static_cast<double>(times.prefixes.front().moving_ns) ==
          Approx(static_cast<double>(whole.prefixes.front().moving_ns)).epsilon(0.05));
  }
  const Scenario one = good(kTiers, {slow[0], "tiers.1.striping=1", "engine.block_tokens=1024"});
  const TierTimes times = tier_times(one.spec, world_of(one)).at(kNvme);
  // One block, then eight: two on each drive.
  CHECK(times.prefixes.at(0).bytes * 10 == static_cast<uint64_t>(times.prefixes[0].moving_ns));
  CHECK(times.prefixes.at(1).bytes * 10 / 4 == static_cast<uint64_t>(times.prefixes[1].moving_ns));
}

TEST_CASE("Units cut a block, and one that holds it whole is pointed out", "[scenario][tiers]") {
  const Scenario units = good(kTiers, {"tiers.1.striping={width: 4, unit: 512KiB}"});
  CHECK(world_of(units).cluster.tiers->tiers[kNvme].striping.unit_bytes == 512 * 1024);
  const Scenario whole = good(kTiers, {"tiers.1.striping={width: 4, unit: 64MiB}"});
  Diagnostics found;
  CHECK(scenario::build_world(whole.spec, whole.kernels, whole.resolved, found));
  CHECK(found.render().find("holds a whole block of 2MiB") != std::string::npos);
}

TEST_CASE("A pool of very many drives is not told apart", "[scenario][tiers]") {
  Diagnostics found;
  const Scenario many = good(kTiers, {"cluster.storage.context.count=500", "tiers.2.striping=1"});
  CHECK_FALSE(scenario::build_world(many.spec, many.kernels, many.resolved, found));
  CHECK(found.render().find("too large to tell them apart") != std::string::npos);
}
