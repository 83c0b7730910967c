// Tiers whose index is late, in cases worked by hand. Four blocks go to host memory in 7273 ns (550
// of the bus's 1000 MB/s: drives take 250, the NIC 200), over the NIC in 20 us.
#include <string>

#include <catch2/catch.hpp>

#include "tests/tiering/small_tiers.hpp"

using namespace tiercast;
using namespace tiercast::tests;

namespace {

const Ids kFour{1, 2, 3, 4};
const Ids kOther{11, 12, 13, 14};
constexpr int64_t kDelay = 50'000;
constexpr int64_t kInHost = 7273;
constexpr int64_t kReadPeer = 700;
constexpr int64_t kReadStorage = 900;

tiering::TierSetSpec late_tiers(uint32_t host_blocks, uint32_t storage_blocks) {
  SmallTiers options;
  options.through_host = false;
  options.index_delay_ns = kDelay;
  options.host_blocks = host_blocks;
  options.storage_blocks = storage_blocks;
  auto spec = small_tiers(options);
  spec.tiers[kPeer].load.before_ns = kReadPeer;
  spec.tiers[kStorage].load.before_ns = kReadStorage;
  return spec;
}

// Engine 0 has had kFour from 0 and kOther from 100 us on, engine 2 asks for kFour then.
struct Asked {
  explicit Asked(const tiering::TierSetSpec& spec, int64_t at_ns) : host(spec) {
    host.request(0, 0, kFour);
    host.advance(100'000);
    host.request(100'000, 0, kOther);
    host.advance(at_ns);
    number = host.request(at_ns, 2, kFour);
    host.rest();
  }
  const tiering::TierCounts& counts(uint32_t tier) { return host.tiers().counts(tier); }

  TierHost host;
  uint32_t number;
};

}  // namespace

TEST_CASE("a block is seen its index's delay after it came", "[tiering]") {
  const auto spec = late_tiers(100, 100);
  for (const bool seen : {false, true}) {
    TierHost host(spec);
    host.request(0, 0, kFour);
    const int64_t at_ns = kInHost + kDelay - (seen ? 0 : 1);
    host.advance(at_ns);
    const uint32_t second = host.request(at_ns, 2, kFour);
    CHECK(host.loaded_blocks(second) == (seen ? 4 : 0));
    host.rest();
    CHECK(host.ended_ns(second) == at_ns + (seen ? kReadPeer + 20'000 : 0));
    CHECK(host.tiers().counts(kPeer).unseen_blocks == (seen ? 0 : 4));
    CHECK(host.tiers().counts(kStorage).unseen_blocks == (seen ? 0 : 4));
    CHECK(host.tiers().counts(kHost).unseen_blocks == 0);
    CHECK(host.tiers().counts(kPeer).stale_reads == 0);
    host.check_rest_and_empty({kFour});
  }
}

TEST_CASE("engines of a node see its host memory as it is", "[tiering]") {
  const auto spec = late_tiers(100, 100);
  TierHost host(spec);
  host.request(0, 0, kFour);
  host.advance(kInHost);
  CHECK(host.loaded_blocks(host.request(kInHost, 1, kFour)) == 4);
  host.rest();
  host.check_rest_and_empty({kFour});
}

TEST_CASE("a read of what is gone costs a round, then the rest is computed", "[tiering]") {
  const auto spec = late_tiers(4, 4);
  constexpr int64_t kAt = 100'000 + kDelay - 1;
  Asked asked(spec, kAt);
  CHECK(asked.host.misled(asked.number));
  CHECK(asked.host.looked_up_ns(asked.number) == kAt + kReadPeer);
  CHECK(asked.host.ended_ns(asked.number) == kAt + kReadPeer);
  CHECK(asked.counts(kPeer).stale_reads == 1);
  CHECK(asked.counts(kPeer).stale_hit_blocks == 4);
  CHECK(asked.counts(kPeer).stale_ns == kReadPeer);
  CHECK(asked.counts(kStorage).stale_reads == 0);  // nobody read there
  CHECK(asked.counts(kPeer).hit_blocks == 0);
  asked.host.check_rest_and_empty({kFour, kOther});
}

TEST_CASE("once the index has heard that blocks left, nobody reads them", "[tiering]") {
  const auto spec = late_tiers(4, 4);
  constexpr int64_t kAt = 100'000 + kDelay;
  Asked asked(spec, kAt);
  CHECK_FALSE(asked.host.misled(asked.number));
  CHECK(asked.host.ended_ns(asked.number) == kAt);
  CHECK(asked.counts(kPeer).stale_reads == 0);
  asked.host.check_rest_and_empty({kFour, kOther});
}

TEST_CASE("after a read in vain another tier may give the blocks", "[tiering]") {
  const auto spec = late_tiers(4, 8);
  constexpr int64_t kAt = 130'000;  // kOther is stored by then
  Asked asked(spec, kAt);
  CHECK(asked.counts(kPeer).stale_hit_blocks == 4);
  CHECK(asked.host.loaded_blocks(asked.number) == 4);
  CHECK(asked.host.fetch_time(asked.number).tier == 1 + kStorage);
  CHECK(asked.host.ended_ns(asked.number) == kAt + kReadPeer + kReadStorage + 20'000);
  CHECK(asked.counts(kStorage).hit_blocks == 4);
  asked.host.check_rest_and_empty({kFour, kOther});
}

TEST_CASE("a read in vain opens objects where nobody was asked for them", "[tiering]") {
  auto spec = late_tiers(4, 4);
  spec.stations.push_back({"metadata", 250, 1});
  spec.tiers[kPeer].index.opened = 0;
  spec.tiers[kPeer].index.blocks_per_object = 3;
  constexpr int64_t kAt = 130'000;
  Asked asked(spec, kAt);
  REQUIRE(asked.counts(kPeer).stale_hit_blocks == 4);
  CHECK(asked.counts(kPeer).stale_ns == 2 * 250 + kReadPeer);
  CHECK(asked.host.ended_ns(asked.number) == kAt + 2 * 250 + kReadPeer);
  CHECK(asked.host.tiers().transfers().servers().counts(0).operations == 2);
}
