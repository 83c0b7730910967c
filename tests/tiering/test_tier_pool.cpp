// TierPool in cases worked by hand, and its conservation laws under random use.
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "models/kvstore/prefix_store.hpp"
#include "models/tiering/tier_pool.hpp"
#include "sim/base/hash.hpp"
#include "sim/base/random.hpp"

using namespace tiercast;
using kvstore::NodeId;
using kvstore::PrefixStore;
using tiering::CheckedCache;
using tiering::Piece;
using tiering::TierPool;

namespace {

constexpr Purpose kDraws{"test.tier_pool"};
using Ids = std::vector<uint64_t>;

TierPool make_pool(PrefixStore& store, uint32_t blocks, const char* policy = "lru",
                   const char* config = "") {
  const tp_pool pool{sizeof(tp_pool), blocks, 16, 4096, 2 * blocks, 0};
  std::string error;
  std::optional<CheckedCache> cache =
      CheckedCache::create(*tp_find_builtin_cache(policy), pool, config, 1, error);
  REQUIRE(cache.has_value());
  return {store, std::move(*cache), 16, 4096};
}

NodeId enter(PrefixStore& store, const Ids& ids) { return store.enter({ids, 1}, ids.back()); }

uint32_t put(TierPool& pool, int64_t now_ns, const Piece& piece) {
  const uint32_t got = pool.reserve(now_ns, piece, nullptr);
  if (got > 0) pool.arrive(now_ns, {piece.node, piece.depth, got});
  return got;
}

uint32_t present(const PrefixStore& store, NodeId leaf, kvstore::PoolId pool, uint32_t end) {
  uint32_t blocks = 0;
  for (uint32_t d = 0; d < end; ++d) blocks += store.run_from(leaf, pool, d, d + 1);
  return blocks;
}

}  // namespace

TEST_CASE("a block is arriving from its reservation on and ready once it is there", "[tiering]") {
  PrefixStore store(1);
  TierPool pool = make_pool(store, 8);
  const NodeId leaf = enter(store, {1, 2, 3, 4, 5});
  CHECK(pool.reserve(1, {leaf, 2, 3}, nullptr) == 3);
  CHECK(store.run_from(leaf, pool.arriving(), 2, 5) == 3);
  CHECK(store.next_present(leaf, pool.ready(), 0, 5) == 5);
  CHECK(pool.used_blocks() == 3);
  CHECK(pool.present_blocks() == 0);
  pool.arrive(2, {leaf, 3, 1});  // in parts, in any order
  CHECK(store.run_from(leaf, pool.ready(), 3, 5) == 1);
  CHECK(store.run_from(leaf, pool.arriving(), 2, 5) == 1);
  pool.arrive(3, {leaf, 2, 1});
  pool.arrive(3, {leaf, 4, 1});
  CHECK(store.run_from(leaf, pool.ready(), 2, 5) == 3);
  CHECK(store.next_present(leaf, pool.arriving(), 0, 5) == 5);
  CHECK(pool.counts().reserved == 3);
  CHECK(pool.counts().arrived == 3);
  CHECK(pool.present_blocks() == 3);
}

TEST_CASE("the least recently used leaves first, and who is told holds its way", "[tiering]") {
  PrefixStore store(1);
  TierPool pool = make_pool(store, 6);
  const NodeId a = enter(store, {1, 2, 3});
  const NodeId b = enter(store, {11, 12, 13});
  const NodeId c = enter(store, {21, 22, 23, 24});
  put(pool, 1, {a, 0, 3});
  put(pool, 2, {b, 0, 3});
  pool.touch(3, {a, 0, 2});
  store.leave(b);
  std::vector<Piece> departed;
  CHECK(pool.reserve(4, {c, 0, 4}, &departed) == 4);
  // a's third block was not used again; then b's tail to head, as one call gave it.
  CHECK(pool.counts().evicted == 4);
  CHECK(pool.counts().first_eviction_ns == 4);
  CHECK(store.run_from(a, pool.ready(), 0, 3) == 2);
  REQUIRE(!departed.empty());
  CHECK((departed[0].node != a && departed[0].depth == 2 && departed[0].count == 1));
  uint32_t of_b = 0;
  for (const Piece& piece : departed) of_b += piece.count;
  CHECK(of_b == 4);
  const uint64_t nodes = store.nodes_alive();
  for (const Piece& piece : departed) store.leave(piece.node);
  CHECK(store.nodes_alive() < nodes);  // b's way lived for the receiver alone
  store.leave(a);
  store.leave(c);
}

TEST_CASE("a block that is read stays until the last reader is done", "[tiering]") {
  PrefixStore store(1);
  TierPool pool = make_pool(store, 4);
  const NodeId a = enter(store, {1, 2, 3});
  const NodeId b = enter(store, {11, 12, 13, 14});
  put(pool, 1, {a, 0, 3});
  pool.pin(2, {a, 0, 2});
  pool.pin(2, {a, 1, 1});
  CHECK(put(pool, 3, {b, 0, 4}) == 2);  // one free, one unpinned
  CHECK(pool.counts().refused == 2);
  CHECK(store.run_from(a, pool.ready(), 0, 3) == 2);
  pool.unpin(4, {a, 0, 2});
  CHECK(pool.reserve(5, {b, 2, 2}, nullptr) == 2);  // b's own or a's first: never block 1 of a
  CHECK(store.run_from(a, pool.ready(), 1, 2) == 1);
  pool.unpin(6, {a, 1, 1});
  CHECK(pool.reserve(7, {a, 0, 1}, nullptr) + present(store, a, pool.ready(), 1) >= 1);
}

TEST_CASE("a store gets free frames alone where the policy refuses victims", "[tiering]") {
  // Leases of 10 s from a read on; a has all but two frames.
  constexpr int64_t second = 1'000'000'000;
  PrefixStore store(1);
  TierPool pool = make_pool(store, 6, "lease", "refuse=1");
  const NodeId a = enter(store, {1, 2, 3, 4});
  const NodeId b = enter(store, {11, 12, 13, 14});
  put(pool, 1, {a, 0, 4});
  pool.touch(2 * second, {a, 0, 3});
  CHECK(put(pool, 3 * second, {b, 0, 4}) == 2);  // but one of a's blocks may leave
  CHECK(pool.counts().refused == 2);
  CHECK(pool.counts().evicted == 0);
  CHECK(pool.counts().first_eviction_ns == -1);
  CHECK(put(pool, 3 * second, {b, 2, 1}) == 1);  // is enough for one more
  CHECK(store.run_from(a, pool.ready(), 0, 4) == 3);
  CHECK(pool.reserve(11 * second, {b, 3, 1}, nullptr) == 1);  // b's own: a is still under lease
  CHECK(store.run_from(a, pool.ready(), 0, 4) == 3);
}

TEST_CASE("what arrives is no victim before it is there", "[tiering]") {
  PrefixStore store(1);
  TierPool pool = make_pool(store, 4);
  const NodeId a = enter(store, {1, 2, 3});
  const NodeId b = enter(store, {11, 12, 13, 14});
  CHECK(pool.reserve(1, {a, 0, 3}, nullptr) == 3);
  CHECK(pool.reserve(2, {b, 0, 4}, nullptr) == 1);
  CHECK(pool.reserve(3, {b, 1, 3}, nullptr) == 0);
  CHECK(pool.counts().refused == 6);
  pool.arrive(4, {a, 0, 3});
  CHECK(pool.reserve(5, {b, 1, 3}, nullptr) == 3);
}

TEST_CASE("a tier pool's digest is a sum over blocks, however they are grouped", "[tiering]") {
  const auto digest = [](const std::vector<uint32_t>& parts) {
    PrefixStore store(1);
    TierPool pool = make_pool(store, 6, "fifo");
    const NodeId a = enter(store, {1, 2, 3, 4, 5, 6});
    uint32_t depth = 0;
    for (const uint32_t count : parts) {
      pool.reserve(2, {a, depth, count}, nullptr);
      pool.arrive(2, {a, depth, count});
      depth += count;
    }
    depth = 0;
    for (const uint32_t count : parts) {
      pool.touch(3, {a, depth, count});
      depth += count;
    }
    const NodeId b = enter(store, {11, 12});
    for (uint32_t d = 0; d < 2; ++d) put(pool, 4, {b, d, 1});  // evicts depths 0 and 1
    return pool.digest();
  };
  const auto when = [](int64_t now_ns, uint64_t transition) {
    return mix(static_cast<uint64_t>(now_ns), transition);
  };
  uint64_t expected = 0;
  for (uint64_t depth = 0; depth < 6; ++depth) {
    expected += when(2, 1) + mix(when(2, 1)) * depth + when(3, 4) + mix(when(3, 4)) * depth;
  }
  for (uint64_t depth = 0; depth < 2; ++depth) {
    for (const uint64_t transition : {1u, 2u}) {
      expected += when(4, transition) + mix(when(4, transition)) * depth;
    }
  }
  CHECK(digest({6}) == expected);
  CHECK(digest({1, 2, 3}) == expected);
}

TEST_CASE("counts of several pools add up, the first eviction is the earliest", "[tiering]") {
  tiering::TierPoolCounts sum{1, 2, 3, 4, -1};
  sum += {10, 20, 30, 40, 70};
  CHECK((sum.reserved == 11 && sum.arrived == 22 && sum.evicted == 33 && sum.refused == 44));
  CHECK(sum.first_eviction_ns == 70);
  sum += {0, 0, 0, 0, 50};
  sum += {0, 0, 0, 0, -1};
  sum += {0, 0, 0, 0, 60};
  CHECK(sum.first_eviction_ns == 50);
}

TEST_CASE("frames of a tier pool are conserved", "[tiering]") {
  for (uint64_t round = 0; round < 40; ++round) {
    Stream draw(5, kDraws, round);
    PrefixStore store(1);
    const char* policy = draw.below(2) == 0 ? "lru" : "s3fifo";
    TierPool pool = make_pool(store, static_cast<uint32_t>(draw.between(1, 20)), policy);
    std::vector<NodeId> leaves;
    for (uint64_t i = 0; i < 6; ++i) {
      Ids ids;  // the first two share their head
      for (uint64_t d = 0; d < 8; ++d) ids.push_back(100 * (d < 3 ? i / 2 : i + 10) + d + 1);
      leaves.push_back(enter(store, ids));
    }
    std::vector<Piece> coming;
    std::vector<Piece> read;
    uint64_t arriving = 0;
    uint64_t asked = 0;
    for (int64_t now_ns = 0; now_ns < 150; ++now_ns) {
      const NodeId leaf = leaves[draw.below(leaves.size())];
      const auto depth = static_cast<uint32_t>(draw.below(8));
      switch (draw.below(4)) {
        case 0: {
          const uint32_t end = store.next_present(leaf, pool.arriving(), depth,
                                                  store.next_present(leaf, pool.ready(), depth, 8));
          if (end == depth) break;
          const uint32_t got = pool.reserve(now_ns, {leaf, depth, end - depth}, nullptr);
          asked += end - depth;
          arriving += got;
          for (uint32_t k = 0; k < got; ++k) coming.push_back({leaf, depth + k, 1});
          break;
        }
        case 1: {
          if (coming.empty()) break;
          const auto at = static_cast<std::ptrdiff_t>(draw.below(coming.size()));
          pool.arrive(now_ns, coming[static_cast<size_t>(at)]);
          coming.erase(coming.begin() + at);
          --arriving;
          break;
        }
        case 2: {
          const uint32_t run = store.run_from(leaf, pool.ready(), depth, 8);
          if (run == 0) break;
          pool.touch(now_ns, {leaf, depth, run});
          pool.pin(now_ns, {leaf, depth, run});
          read.push_back({leaf, depth, run});
          break;
        }
        default:
          if (read.empty()) break;
          pool.unpin(now_ns, read.back());
          read.pop_back();
      }
      const tiering::TierPoolCounts& counts = pool.counts();
      REQUIRE(counts.reserved == counts.arrived + arriving);
      REQUIRE(counts.arrived == counts.evicted + pool.present_blocks());
      REQUIRE(asked == counts.reserved + counts.refused);
      REQUIRE(pool.used_blocks() == pool.present_blocks() + arriving);
      REQUIRE(pool.used_blocks() <= pool.capacity_blocks());
      for (const Piece& piece : read) {  // still there
        REQUIRE(store.run_from(piece.node, pool.ready(), piece.depth, 8) >= piece.count);
      }
    }
  }
}
