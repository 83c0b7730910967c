// TierManager in cases worked by hand. Times follow from small_tiers.hpp: 1 us a block over a bus,
// 2 us from drives and 4 to them, 5 over a NIC.
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/tiering/small_tiers.hpp"

using namespace tiercast;
using namespace tiercast::tests;

namespace {

const Ids kFour{1, 2, 3, 4};
const Ids kSix{1, 2, 3, 4, 5, 6};

}  // namespace

TEST_CASE("a complete prompt goes to every tier, to storage through host memory", "[tiering]") {
  const auto spec = small_tiers({});
  TierHost host(spec);
  host.request(0, 0, kFour);
  CHECK(host.blocks(kHost, 0, kFour) == "oooo");
  CHECK(host.blocks(kDrives, 0, kFour) == "oooo");
  CHECK(host.blocks(kStorage, 0, kFour) == "....");
  // Bus 1 GB/s: the drives take 250 MB/s of it, host memory the other 750 MB/s: 4 us / 0.75.
  host.advance(5333);
  CHECK(host.blocks(kHost, 0, kFour) == "oooo");
  host.advance(5334);
  CHECK(host.blocks(kHost, 0, kFour) == "xxxx");
  CHECK(host.blocks(kStorage, 0, kFour) == "oooo");  // cascades from there
  CHECK(host.rest() == 5334 + 20'000);
  CHECK(host.blocks(kDrives, 0, kFour) == "xxxx");
  CHECK(host.blocks(kStorage, 0, kFour) == "xxxx");
  CHECK(host.blocks(kHost, 1, kFour) == "....");
  CHECK(host.tiers().counts(kHost).written_bytes == 4000);
  CHECK(host.tiers().counts(kHost).read_bytes == 4000);
  host.check_rest_and_empty({kFour});
}

TEST_CASE("storage can be fed from GPU memory too", "[tiering]") {
  SmallTiers options;
  options.through_host = false;
  const auto spec = small_tiers(options);
  TierHost host(spec);
  host.request(0, 0, kFour);
  CHECK(host.blocks(kStorage, 0, kFour) == "oooo");
  host.rest();
  CHECK(host.tiers().counts(kHost).read_bytes == 0);
  CHECK(host.tiers().counts(kStorage).written_bytes == 4000);
  host.check_rest_and_empty({kFour});
}

TEST_CASE("another engine of the node fetches from host memory", "[tiering]") {
  const auto spec = small_tiers({});
  TierHost host(spec);
  host.request(0, 0, kFour);
  host.rest();
  const uint32_t second = host.request(100'000, 1, kSix);
  CHECK_FALSE(host.over(second));
  CHECK(host.loaded_blocks(second) == 4);
  host.rest();
  CHECK(host.ended_ns(second) == 104'000);
  CHECK(host.fetch_time(second).total_ns == 4000);
  CHECK(host.fetch_time(second).move_ns == 4000);
  CHECK(host.fetch_time(second).tier == 1 + kHost);
  CHECK(host.tiers().counts(kHost).hit_blocks == 4);
  CHECK(host.hit(1, kSix) == 6);
  CHECK(host.blocks(kStorage, 0, kSix) == "xxxxxx");  // the two computed ones were stored
  CHECK(host.tiers().counts(kStorage).written_bytes == 6000);
  host.check_rest_and_empty({kSix});
}

TEST_CASE("another node fetches from its peer's memory and keeps a copy", "[tiering]") {
  const auto spec = small_tiers({});
  TierHost host(spec);
  host.request(0, 0, kFour);
  host.rest();
  const uint32_t third = host.request(100'000, 2, kFour);
  host.advance(119'999);
  CHECK_FALSE(host.over(third));
  CHECK(host.blocks(kHost, 1, kFour) == "....");
  host.advance(120'000);  // 4 blocks over the NIC
  CHECK(host.over(third));
  CHECK(host.fetch_time(third).tier == 1 + kPeer);
  CHECK(host.blocks(kHost, 1, kFour) == "xxxx");
  CHECK(host.tiers().counts(kHost).staged_blocks == 4);
  CHECK(host.tiers().counts(kPeer).read_bytes == 4000);
  host.rest();
  host.check_rest_and_empty({kFour});
}

TEST_CASE("a fetch from two tiers is over when the later one is", "[tiering]") {
  SmallTiers options;
  options.host_blocks = 4;
  options.config = "promote=0";
  const auto spec = small_tiers(options);
  TierHost host(spec);
  host.request(0, 0, kSix);
  host.rest();
  // Host memory had room for four; the others are in the drives alone.
  CHECK(host.blocks(kHost, 0, kSix) == "xxxx..");
  CHECK(host.blocks(kDrives, 0, kSix) == "xxxxxx");
  const uint32_t second = host.request(100'000, 1, kSix);
  host.rest();
  // Both share the bus of 1 GB/s: 500 MB/s each, as much as the drives give. The drives' 2000 bytes
  // take 4 us, and host memory has 2000 of its 4000 left then, alone: 2 us more.
  CHECK(host.ended_ns(second) == 106'000);
  CHECK(host.fetch_time(second).total_ns == 6000);
  CHECK(host.fetch_time(second).move_ns == 4000);  // the last part alone: 4 blocks of host memory
  CHECK(host.tiers().counts(kHost).hit_blocks == 4);
  CHECK(host.tiers().counts(kDrives).hit_blocks == 2);
  host.check_rest_and_empty({kSix});
}

TEST_CASE("who finds blocks on their way waits for them and loads the rest", "[tiering]") {
  const auto spec = small_tiers({});
  TierHost host(spec);
  host.request(0, 0, kSix);
  host.rest();
  const uint32_t first = host.request(100'000, 1, kFour);
  const uint32_t second = host.request(101'000, 1, kSix);
  CHECK(host.loaded_blocks(first) == 4);
  CHECK(host.loaded_blocks(second) == 2);
  host.rest();
  // 1 us alone, then halves: the second's 2000 bytes take 4 us; the first's last 1000 then 1 us.
  CHECK(host.ended_ns(first) == 106'000);
  CHECK(host.ended_ns(second) == 106'000);
  CHECK(host.fetch_time(second).total_ns == 5000);
  CHECK(host.hit(1, kSix) == 6);
  CHECK(host.tiers().counts(kHost).hit_blocks == 6);
  host.check_rest_and_empty({kSix});
}

TEST_CASE("a waiter is told even where it asks in the instant of the arrival", "[tiering]") {
  const auto spec = small_tiers({});
  TierHost host(spec);
  host.request(0, 0, kFour);
  host.rest();
  const uint32_t first = host.request(100'000, 1, kFour);
  host.advance(103'999);
  const uint32_t second = host.request(104'000, 1, kFour);  // before the event is handled
  CHECK(host.loaded_blocks(second) == 0);
  host.rest();
  CHECK(host.ended_ns(first) == 104'000);
  CHECK(host.ended_ns(second) == 104'000);
  CHECK(host.fetch_time(second).total_ns == 0);
  host.check_rest_and_empty({kFour});
}

TEST_CASE("an index is asked once, two blocks an operation, first come first served", "[tiering]") {
  SmallTiers options;
  options.metadata = true;
  const auto spec = small_tiers(options);
  TierHost host(spec);
  const uint32_t first = host.request(0, 0, kFour);
  const uint32_t second = host.request(50, 2, {11, 12, 13});
  host.rest();
  CHECK(host.looked_up_ns(first) == 200 + 1000);
  CHECK(host.looked_up_ns(second) == 400 + 1000);  // two operations behind two
  CHECK(host.tiers().transfers().servers().counts(0).operations == 4);
  host.check_rest_and_empty({kFour, {11, 12, 13}});
}

TEST_CASE("back writes what leaves, tier by tier", "[tiering]") {
  SmallTiers options;
  options.placement = "back";
  options.host_blocks = 4;
  options.drive_blocks = 4;
  const auto spec = small_tiers(options);
  TierHost host(spec);
  host.request(0, 0, kSix);
  CHECK(host.tiers().transfers().live() == 0);
  host.empty_hbm(10, 0);
  CHECK(host.tiers().transfers().live() == 1);
  // Evicted from the tail, so block 5 comes first; host memory takes the first four of them.
  host.rest();
  CHECK(host.written_back() == 1);
  CHECK(host.tiers().pools(kHost)[0].counts().refused == 2);
  CHECK(host.tiers().pools(kHost)[0].present_blocks() == 4);
  const Ids other{11, 12, 13};
  host.request(20'000, 0, other);
  host.empty_hbm(20'001, 0);
  host.rest();
  CHECK(host.blocks(kHost, 0, other) == "xxx");
  CHECK(host.tiers().pools(kDrives)[0].present_blocks() == 3);  // what host memory gave up
  CHECK(host.tiers().counts(kDrives).written_bytes == 3000);
  CHECK(host.tiers().counts(kHost).read_bytes == 3000);
  host.check_rest_and_empty({kSix, other});
}

TEST_CASE("what leaves storage last is gone", "[tiering]") {
  SmallTiers options;
  options.config = "demote=1";
  options.host_blocks = 3;
  options.drive_blocks = 3;
  options.storage_blocks = 3;
  const auto spec = small_tiers(options);
  TierHost host(spec);
  std::vector<Ids> paths;
  for (uint64_t i = 0; i < 6; ++i) {
    paths.push_back({10 * i + 1, 10 * i + 2, 10 * i + 3});
    host.request(static_cast<int64_t>(i) * 100'000, 0, paths.back());
    host.rest();
    host.check_invariants(paths);
  }
  CHECK(host.blocks(kHost, 0, paths[5]) == "xxx");
  CHECK(host.tiers().pools(kStorage)[0].present_blocks() == 3);
  host.check_rest_and_empty(paths);
}

TEST_CASE("a waiting request's blocks are staged in host memory", "[tiering]") {
  SmallTiers options;
  options.config = "prefetch=1\nfetch=0";
  options.host_blocks = 4;
  auto spec = small_tiers(options);
  spec.prefetches = true;
  TierHost host(spec);
  const Ids other{11, 12, 13, 14};
  host.request(0, 0, kFour);
  host.rest();
  host.request(50'000, 0, other);
  host.rest();
  CHECK(host.blocks(kHost, 0, kFour) == "....");
  const uint64_t read = host.tiers().counts(kDrives).read_bytes;
  const uint32_t third = host.request(100'000, 1, kFour);
  CHECK(host.blocks(kHost, 0, kFour) == "oooo");
  host.rest();
  CHECK(host.over(third));
  CHECK(host.blocks(kHost, 0, kFour) == "xxxx");
  CHECK(host.tiers().counts(kHost).staged_blocks == 4);
  // Read once from the drives, 2 us a block, then from host memory, 1 us a block.
  CHECK(host.tiers().counts(kDrives).read_bytes - read == 4000);
  CHECK(host.ended_ns(third) == 112'000);
  host.check_rest_and_empty({kFour, other});
}

TEST_CASE("staging does not push out what it is about to read", "[tiering]") {
  SmallTiers options;
  options.config = "prefetch=1\ndemote=1\npromote=0";
  options.host_blocks = 4;
  options.drive_blocks = 4;
  options.storage_blocks = 4;
  auto spec = small_tiers(options);
  spec.prefetches = true;
  TierHost host(spec);
  const Ids other{11, 12, 13, 14};
  host.request(0, 0, kFour);
  host.rest();
  host.request(100'000, 0, other);  // takes host memory and drives; storage follows from there
  host.rest();
  const Ids third{21, 22};
  host.request(200'000, 0, third);
  host.rest();
  for (int64_t round = 3; round < 20; ++round) {
    const std::vector<Ids> paths{kFour, other, third};
    host.request(round * 100'000, static_cast<uint32_t>(round % 3),
                 paths[static_cast<size_t>(round % 7) % 3]);
    host.empty_hbm(round * 100'000 + 1, static_cast<uint32_t>(round % 3));
    host.check_invariants(paths);
    host.rest();
    for (uint32_t e = 0; e < 3; ++e) host.empty_hbm(round * 100'000 + 99'000, e);
  }
  host.rest();
  host.check_rest_and_empty({kFour, other, third});
}

TEST_CASE("a hand-off moves blocks from memory to memory", "[tiering]") {
  const auto spec = small_tiers({});
  TierHost host(spec);
  host.request(0, 0, kFour);
  host.rest();
  const uint64_t read = host.tiers().counts(kHost).read_bytes;
  host.hand_off(100'000, 0, 2, kFour);
  CHECK(host.hit(2, kFour) == 0);
  host.advance(107'999);
  CHECK(host.hit(2, kFour) == 0);
  host.advance(108'000);  // 2 us a block over the fabric
  CHECK(host.hit(2, kFour) == 4);
  CHECK(host.tiers().counts(kHost).read_bytes == read);
  host.rest();
  host.check_rest_and_empty({kFour});
}

TEST_CASE("a hand-off goes around what is on its way already", "[tiering]") {
  const auto spec = small_tiers({});
  TierHost host(spec);
  host.request(0, 0, kSix);
  host.rest();
  const Ids head{1, 2, 3};
  const uint32_t fetch = host.request(100'000, 2, head);  // over the NIC: 15 us
  const uint32_t handed = host.hand_off(101'000, 0, 2, kSix);
  CHECK(host.loaded_blocks(handed) == 3);
  host.advance(107'000);  // its own three are there
  CHECK_FALSE(host.over(handed));
  host.advance(115'000);
  CHECK((host.over(fetch) && host.over(handed)));
  CHECK(host.hit(2, kSix) == 6);
  const uint32_t again = host.hand_off(200'000, 0, 2, kSix);  // nothing is missing
  CHECK(host.loaded_blocks(again) == 0);
  host.rest();
  CHECK(host.ended_ns(again) == 200'001);
  host.check_rest_and_empty({kSix});
}

TEST_CASE("the policy sees what is queued ahead at a pool, and nothing at rest", "[tiering]") {
  SmallTiers options;
  options.placement = "watched";
  const auto spec = small_tiers(options);
  TierHost host(spec);
  host.request(0, 0, kFour);
  for (const tp_tier& tier : watched_tiers()) CHECK(tier.queued_write_bytes == 0);
  host.request(1, 1, {11, 12});
  // Each engine of node 0 has a bus of its own, so both together work off what is queued for host
  // memory twice as fast as one; the drives are one's as well as both's.
  CHECK(watched_tiers()[1 + kHost].queued_write_bytes == 4000 / 2);
  CHECK(watched_tiers()[1 + kHost].used_blocks == 4);
  CHECK(watched_tiers()[1 + kDrives].queued_write_bytes == 4000);
  CHECK(watched_tiers()[1 + kStorage].queued_write_bytes == 0);
  host.rest();
  host.request(100'000, 1, kFour);
  host.request(100'001, 0, {21});
  CHECK(watched_tiers()[1 + kHost].queued_read_bytes == 4000 / 2);
  host.request(100'002, 1, {22});  // its own, all of it
  CHECK(watched_tiers()[1 + kHost].queued_read_bytes == 4000);
  host.rest();
  host.request(200'000, 0, {31});
  for (const tp_tier& tier : watched_tiers()) {
    CHECK(tier.queued_read_bytes == 0);
    CHECK(tier.queued_write_bytes == 0);
  }
  CHECK(watched_tiers()[1 + kHost].used_blocks == 8);
  CHECK(watched_tiers()[1 + kPeer].flags == (TP_TIER_SHARED | TP_TIER_READ_ONLY));
  CHECK(watched_tiers()[1 + kStorage].flags == TP_TIER_SHARED);
  CHECK(watched_tiers()[1 + kPeer].read_bytes_per_s == 200'000'000);
  CHECK(watched_tiers()[1 + kDrives].read_bytes_per_s == 500'000'000);
  CHECK(watched_tiers()[1 + kDrives].write_bytes_per_s == 250'000'000);
  host.rest();
  host.check_rest_and_empty({kFour, {11, 12}, {21}, {22}, {31}});
}
