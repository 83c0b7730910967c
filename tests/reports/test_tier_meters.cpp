// What drives and cards are metered with, from facts made by hand.
#include <catch2/catch.hpp>

#include "reports/summarise.hpp"
#include "reports/tier_meters.hpp"
#include "tests/reports/outcomes.hpp"

namespace tiercast::reports {
namespace {

using tests::add;
using tests::kSecond;

// An enclosure of two DPUs that do 100 operations/s each.
ledger::Provision with_dpus(uint32_t boxes) {
  ledger::Provision provision;
  provision.context.emplace();
  provision.context->count = boxes;
  hardware::EnclosureSpec& box = provision.context->enclosure.emplace();
  box.dpus.count = 2;
  box.dpus.cores = 1;
  box.dpus.operation_time.value = Nanoseconds{10'000'000};
  return provision;
}

uint64_t operations_of(const ledger::Provision& boxes,
                       const std::vector<serving::LinkOutcome>& links) {
  serving::Outcome outcome;
  outcome.links = links;
  ledger::Meters meters;
  add_tier_meters(outcome, boxes, meters);
  return meters.context.operations;
}

}  // namespace

// Operations of 1000 bytes: 100 of them are 100 kB, which a card does in a second.
TEST_CASE("an operation at a DPU is counted once, however many links its cards are") {
  CHECK(operations_of(with_dpus(1), {{"context0.cores", 200'000, 600'000, 0}}) == 600);
  // Two pods with a box each.
  CHECK(operations_of(with_dpus(2), {{"context0.cores", 200'000, 600'000, 0},
                                     {"context1.cores", 200'000, 400'000, 0}}) == 1000);
  // The cards of one box.
  CHECK(operations_of(with_dpus(1), {{"context0.0.cores", 100'000, 100'000, 0},
                                     {"context0.1.cores", 100'000, 500'000, 0},
                                     {"context0.0.port.up", 100'000, 500'000, 0}}) == 600);
}

TEST_CASE("cores kept for an index move nothing, and draw for what it answers") {
  ledger::Provision boxes = with_dpus(1);
  boxes.context->enclosure->dpus.cores = 4;
  serving::Outcome outcome;
  // 300 operations/s of each card's other three cores: 600 of 1000 bytes, for half a second.
  outcome.links = {{"context0.cores", 600'000, 300'000, 0}};
  // 50 questions of 40 ms on the fourth core of either are 2 s of it: 200 operations of 10 ms.
  outcome.stations = {
      {"context0.index", tiering::StationPlace::enclosure, 2, 40'000'000, {50, 50, 50}}};
  ledger::Meters meters;
  add_tier_meters(outcome, boxes, meters);
  CHECK(meters.context.operations == 300 + 200);

  // The same of two cards on each of two nodes.
  ledger::Provision nodes;
  nodes.nodes = 2;
  nodes.node.dpus = {boxes.context->enclosure->dpus};
  nodes.node.dpus[0].network.value = BytesPerSecond{1};
  outcome.links = {{"node0.dpu", 600'000, 300'000, 0}, {"node1.dpu", 600'000, 300'000, 0}};
  outcome.stations = {
      {"node0.dpu.index.nvme", tiering::StationPlace::node_dpu, 2, 40'000'000, {30, 30, 30}},
      {"node1.dpu.index.nvme", tiering::StationPlace::node_dpu, 2, 40'000'000, {20, 20, 20}}};
  ledger::Meters of_nodes;
  add_tier_meters(outcome, nodes, of_nodes);
  REQUIRE(of_nodes.dpus.size() == 1);
  CHECK(of_nodes.dpus[0].operations == 600 + 200);
}

TEST_CASE("drives told apart are metered by kind, node by node") {
  ledger::Provision provision;
  provision.node.drives.resize(2);
  provision.node.drives[0].count = 1;
  provision.node.drives[1].count = 2;
  for (hardware::DriveSpec& drive : provision.node.drives) drive.read.value = BytesPerSecond{1};
  serving::Outcome outcome;
  outcome.links.push_back({"nvme0.0.read", 1, 0, 0});
  serving::TierOutcome& tier = outcome.tiers.emplace_back();
  tier.kind = tiering::TierKind::nvme;
  tier.counts.read_bytes = 1 + 20 + 300 + 4000 + 50'000 + 600'000;
  tier.counts.written_bytes = 2 * tier.counts.read_bytes;
  for (const uint64_t read : {1, 20, 300, 4000, 50'000, 600'000}) {
    tier.devices.push_back({read, 2 * read});
  }
  ledger::Meters meters;
  add_tier_meters(outcome, provision, meters);
  REQUIRE(meters.drives.size() == 2);
  CHECK(meters.drives[0].read == bytes(4001));
  CHECK(meters.drives[1].read == bytes(650'320));
  CHECK(meters.drives[0].written == bytes(8002));
  CHECK(meters.drives[1].written == bytes(1'300'640));
}

TEST_CASE("what memory of DPUs gave is told, and no drive draws power for it") {
  serving::Outcome outcome;
  add(outcome, {.decode_ns = kSecond});
  serving::TierOutcome& tier = outcome.tiers.emplace_back();
  tier.name = "context";
  tier.kind = tiering::TierKind::context;
  tier.block_bytes = 1000;
  tier.counts.read_bytes = 8000;
  CHECK_FALSE(summarise(outcome, SummaryInput{}).cache.by_tier.at(1).card_cache);
  tier.cache_blocks = 5;
  tier.counts.cache_hit_blocks = 2;
  tier.counts.cache_hit_bytes = 2000;
  const CardCacheUse use = *summarise(outcome, SummaryInput{}).cache.by_tier.at(1).card_cache;
  CHECK(use.capacity_bytes == 5000);
  CHECK(use.hit_blocks == 2);
  CHECK(use.hit_bytes == 2000);
  CHECK(*use.hit_ratio == 0.25);

  outcome.links.push_back({"context0.cores", 1, 0, 0});
  ledger::Meters meters;
  ledger::Provision boxes = with_dpus(1);
  hardware::DriveSpec& drives = boxes.context->enclosure->drives;
  drives.count = 1;
  drives.read.value = BytesPerSecond{1000};
  drives.write.value = BytesPerSecond{1000};
  drives.read_power.value = Watts{10};
  add_tier_meters(outcome, boxes, meters);
  CHECK(meters.context.read == bytes(8000));
  CHECK(meters.context.cached == bytes(2000));
  // 6 kB at 1 kB/s take 6 s of 10 W.
  CHECK(ledger::energy(boxes, {}, meters).by_component.drives.value() == Approx(60));
}

TEST_CASE("the fullest drive is held against the mean of all") {
  serving::Outcome outcome;
  add(outcome, {.decode_ns = kSecond});
  serving::TierOutcome& tier = outcome.tiers.emplace_back();
  tier.name = "nvme";
  const auto use = [&] { return summarise(outcome, SummaryInput{}).cache.by_tier.at(1); };
  CHECK(use().devices == 0);
  tier.devices.resize(4);
  CHECK(use().devices == 4);
  CHECK_FALSE(use().device_imbalance);  // nothing moved
  tier.devices = {{100, 0}, {0, 100}, {100, 0}, {50, 50}};
  CHECK(*use().device_imbalance == 1);
  tier.devices = {{0, 0}, {0, 0}, {300, 100}, {0, 0}};
  CHECK(*use().device_imbalance == 4);
  tier.devices = {{100, 0}, {0, 100}, {200, 0}, {0, 0}};
  CHECK(*use().device_imbalance == 2);
}

}  // namespace tiercast::reports
