// Memory before a tier's devices: which blocks it holds, and what a read takes with and without it.
#include <algorithm>
#include <list>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "sim/base/random.hpp"
#include "tests/tiering/small_tiers.hpp"

using namespace tiercast;
using namespace tiercast::tests;

namespace {

constexpr Purpose kDraws{"test.device_cache"};
constexpr int64_t kDriveNs = 3000;

// One device of 200 MB/s behind a NIC of 200 MB/s and a bus of 1 GB/s: with the cache the NIC alone
// binds, 5 us a block. A load from the device takes `kDriveNs` more.
tiering::TierSetSpec one_store(uint32_t cache_blocks, uint32_t pool_blocks, uint64_t device_rate) {
  SmallTiers options;
  options.cache_blocks = cache_blocks;
  options.storage_blocks = pool_blocks;
  options.through_host = false;
  tiering::TierSetSpec spec = small_tiers(options);
  spec.tiers = {spec.tiers[kStorage]};
  spec.tiers[0].load.before_ns = 1000 + kDriveNs;
  spec.tiers[0].cached_load.before_ns = 1000;
  for (const uint32_t link : spec.tiers[0].pools[0].devices[0].up) {
    spec.links[link].bytes_per_s = device_rate;
  }
  return spec;
}

std::string cached(TierHost& host, const Ids& ids) {
  const kvstore::NodeId leaf = host.store().enter({ids, 1}, 1 << 20);
  std::string text;
  for (uint32_t d = 0; d < ids.size(); ++d) {
    text +=
        host.store().run_from(leaf, host.tiers().caches(0)[0].ready(), d, d + 1) > 0 ? 'x' : '.';
  }
  host.store().leave(leaf);
  return text;
}

// What a request of a whole stored path takes.
int64_t load_ns(TierHost& host, int64_t now_ns, const Ids& ids) {
  host.empty_hbm(now_ns, 0);
  const uint32_t load = host.request(now_ns, 0, ids);
  host.rest();
  CHECK(host.loaded_blocks(load) == ids.size());
  return host.ended_ns(load) - now_ns;
}

}  // namespace

TEST_CASE("what was written last is read from memory, without the drive", "[tiering]") {
  const Ids four{1, 2, 3, 4}, two{11, 12};
  const auto spec = one_store(4, 100, 100'000'000);
  TierHost host(spec);
  host.request(0, 0, four);
  host.rest();
  CHECK(cached(host, four) == "xxxx");
  // All of it: the NIC's 5 us a block.
  CHECK(load_ns(host, 1'000'000, four) == 1000 + 4 * 5000);
  CHECK(host.tiers().counts(0).cache_hit_blocks == 4);
  CHECK(host.tiers().devices(0)[0].read_bytes == 0);
  // Two more blocks take the place of two: of one piece LRU gives up the last ones first.
  host.request(2'000'000, 0, two);
  host.rest();
  CHECK(cached(host, two) == "xx");
  CHECK(cached(host, four) == "xx..");
  // Half of it, 2 from the drive at 100 MB/s: 20 us, in which the NIC moves all four; and the
  // drive's latency.
  CHECK(load_ns(host, 3'000'000, four) == 1000 + kDriveNs + 2 * 10'000);
  CHECK(host.tiers().counts(0).cache_hit_blocks == 6);
  CHECK(host.tiers().counts(0).cache_hit_bytes == 6000);
  CHECK(host.tiers().devices(0)[0].read_bytes == 2000);
  // Now all four are there, and two are gone.
  CHECK(cached(host, four) == "xxxx");
  CHECK(cached(host, two) == "..");
  CHECK(load_ns(host, 4'000'000, four) == 1000 + 4 * 5000);
  CHECK(load_ns(host, 5'000'000, two) == 1000 + kDriveNs + 2 * 10'000);
  host.check_rest_and_empty({four, two});
}

TEST_CASE("what leaves the pool leaves its cache", "[tiering]") {
  const Ids three{1, 2, 3}, other{11, 12, 13};
  const auto spec = one_store(100, 4, 100'000'000);
  TierHost host(spec);
  host.request(0, 0, three);
  host.rest();
  host.request(1'000'000, 0, other);
  host.rest();
  const std::string left = host.blocks(0, 0, three);
  CHECK(std::count(left.begin(), left.end(), 'x') == 1);
  CHECK(cached(host, three) == left);
  CHECK(cached(host, other) == "xxx");
  host.check_rest_and_empty({three, other});
}

// Single blocks, so that LRU is a list: each read or write puts its block in front.
TEST_CASE("hits are those of a list of the blocks used last", "[tiering]") {
  for (uint64_t round = 0; round < 20; ++round) {
    Stream draw(1, kDraws, round);
    const auto capacity = static_cast<uint32_t>(draw.between(1, 12));
    const auto spec = one_store(capacity, 100, 200'000'000);
    TierHost host(spec);
    std::list<uint64_t> recent;
    std::vector<Ids> paths;
    uint64_t hits = 0;
    uint64_t reads = 0;
    std::vector<uint64_t> stored;
    int64_t now_ns = 0;
    for (int n = 0; n < 150; ++n) {
      const uint64_t id = 1 + draw.below(20);
      now_ns += 1'000'000;
      host.empty_hbm(now_ns, 0);
      host.request(now_ns, 0, {id});
      host.rest();
      const auto at = std::find(recent.begin(), recent.end(), id);
      if (std::find(stored.begin(), stored.end(), id) != stored.end()) {
        ++reads;
        hits += at != recent.end() ? 1 : 0;
      } else {
        stored.push_back(id);
        paths.push_back({id});
      }
      if (at != recent.end()) recent.erase(at);
      recent.push_front(id);
      if (recent.size() > capacity) recent.pop_back();
    }
    INFO("round " << round << ", " << capacity << " blocks");
    CHECK(host.tiers().counts(0).cache_hit_blocks == hits);
    CHECK(host.tiers().counts(0).read_bytes == reads * 1000);
    CHECK(host.tiers().devices(0)[0].read_bytes == (reads - hits) * 1000);
    host.check_rest_and_empty(paths);
  }
}

TEST_CASE("warm-up warms the cache", "[tiering]") {
  const Ids four{1, 2, 3, 4};
  const auto spec = one_store(4, 100, 100'000'000);
  TierHost host(spec);
  host.tiers().set_timed(false);
  host.request(0, 0, four);
  CHECK(cached(host, four) == "xxxx");
  host.tiers().set_timed(true);
  CHECK(load_ns(host, 1'000'000, four) == 1000 + 4 * 5000);
}
