// What cache policies are told by the pools below GPU memory, in cases worked by hand.
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "models/kvstore/prefix_store.hpp"
#include "models/tiering/tier_pool.hpp"
#include "tests/support/told_cache.hpp"
#include "tests/tiering/small_tiers.hpp"

using namespace tiercast;
using namespace tiercast::tests;
using kvstore::NodeId;
using kvstore::PrefixStore;
using tiering::CheckedCache;
using tiering::Piece;
using tiering::TierPool;

namespace {

using Lines = std::vector<std::string>;

CheckedCache make_told(const tp_cache_table& table, uint32_t blocks, const std::string& config) {
  const tp_pool pool{sizeof(tp_pool), blocks, 16, 1000, 2 * blocks, 0};
  std::string error;
  std::optional<CheckedCache> cache = CheckedCache::create(table, pool, config, 1, error);
  REQUIRE(cache.has_value());
  return std::move(*cache);
}

tp_request request_of(uint64_t id, uint64_t session, uint32_t tenant) {
  tp_request request{};
  request.size = sizeof request;
  request.id = id;
  request.session = session;
  request.tenant = tenant;
  return request;
}

NodeId enter(PrefixStore& store, const Ids& ids) { return store.enter({ids, 1}, ids.back()); }

constexpr std::array<uint64_t, 4> kCosts{50, 51, 52, 53};

}  // namespace

TEST_CASE("a store tells of missing blocks, keeps what is admitted before the first refusal",
          "[tiering][feeds]") {
  PrefixStore store(1);
  TierPool pool(store, make_told(*told_cache(), 8, "label=dram\nrefuse=3"), 16, 1000);
  pool.tell_all(kCosts);
  const NodeId leaf = enter(store, {11, 12, 13, 14, 15});
  const tp_request request = request_of(7, 3, 2);
  CHECK(pool.reserve(10, {leaf, 0, 5}, nullptr, &request) == 3);
  CHECK(pool.counts().reserved == 3);
  CHECK(pool.counts().refused == 2);
  pool.arrive(20, {leaf, 1, 2}, &request);  // out of order: no parent yet
  pool.arrive(30, {leaf, 0, 1}, &request);
  CHECK(told_calls() ==
        Lines{"dram 10 lookup by 7 hits 0 [11/0 p- s3 t2 c50] [12/1 p- s3 t2 c51] "
              "[13/2 p- s3 t2 c52] [14/3 p- s3 t2 c53] [15/4 p- s3 t2 c0]",
              "dram 10 admit by 7 [11/0] [12/1] [13/2] [14/3] [15/4]",
              "dram 20 insert by 7 [12/1 slot 1 p- s3 t2 c51] [13/2 slot 2 p1 s3 t2 c52]",
              "dram 20 unpin 1 2", "dram 30 insert by 7 [11/0 slot 0 p- s3 t2 c50]",
              "dram 30 unpin 0"});
  CHECK(pool.reserve(40, {leaf, 3, 1}, nullptr, nullptr) == 0);
  CHECK(told_calls() == Lines{"dram 40 lookup by nobody hits 0 [14/3 p2 s0 t0 c53]",
                              "dram 40 admit by nobody [14/3]"});
}

TEST_CASE("what departs says whose it was", "[tiering][feeds]") {
  PrefixStore store(1);
  TierPool pool(store, make_told(*told_cache(), 4, ""), 16, 1000);
  pool.tell_all({});
  pool.keep_owners();
  const NodeId leaf = enter(store, {11, 12, 13, 14});
  const NodeId next = enter(store, {21, 22, 23, 24});
  const tp_request first = request_of(1, 5, 2);
  const tp_request second = request_of(2, 6, 2);
  REQUIRE(pool.reserve(1, {leaf, 0, 4}, nullptr, &first) == 4);
  pool.arrive(2, {leaf, 0, 1}, &first);
  pool.arrive(2, {leaf, 1, 2}, &second);
  pool.arrive(2, {leaf, 3, 1, {9, 9, 1}}, nullptr);  // moved down from elsewhere
  std::vector<Piece> departed;
  REQUIRE(pool.reserve(3, {next, 0, 4}, &departed, &first) == 4);
  // Victims are named one by one, the lowest slot first.
  std::vector<uint64_t> sessions;
  uint32_t blocks = 0;
  for (const Piece& piece : departed) {
    REQUIRE(piece.depth == blocks);
    for (uint32_t k = 0; k < piece.count; ++k) sessions.push_back(piece.owner.session);
    blocks += piece.count;
  }
  CHECK(sessions == std::vector<uint64_t>{5, 6, 6, 9});
  CHECK(departed.back().owner == tiering::BlockOwner{9, 9, 1});
}

TEST_CASE("what departs has the priority that its last user told", "[tiering][feeds]") {
  PrefixStore store(1);
  TierPool pool(store, make_told(*told_cache(), 4, ""), 16, 1000);
  pool.tell_all({});
  pool.keep_owners();
  const NodeId leaf = enter(store, {11, 12, 13, 14});
  const NodeId next = enter(store, {21, 22, 23, 24});
  tp_request first = request_of(1, 5, 2);
  first.priority = 40;
  first.arrival_ns = 1;
  first.retain_ns = 10;
  REQUIRE(pool.reserve(1, {leaf, 0, 4}, nullptr, &first) == 4);
  pool.arrive(2, {leaf, 0, 4}, &first);
  tp_request second = request_of(2, 6, 3);
  second.priority = 90;
  pool.touch(3, {leaf, 0, 2}, &second);
  const tp_request third = request_of(3, 7, 4);  // tells none
  pool.touch(4, {leaf, 1, 2}, &third);
  std::vector<Piece> departed;
  REQUIRE(pool.reserve(5, {next, 0, 4}, &departed, &first) == 4);
  std::vector<tiering::BlockOwner> owners;
  for (const Piece& piece : departed) owners.insert(owners.end(), piece.count, piece.owner);
  const tiering::BlockOwner as_brought{5, 2, 40, 11};
  const tiering::BlockOwner renewed{5, 2, 90, INT64_MAX};
  CHECK(owners == std::vector{renewed, renewed, as_brought, as_brought});
}

TEST_CASE("frames that were one person's and another's are pieces of their own",
          "[tiering][feeds]") {
  PrefixStore store(1);
  const kvstore::PoolId pool = store.add_pool(8);
  const NodeId leaf = enter(store, {11, 12, 13, 14});
  const tp_span frames{2, 4};
  store.fill(leaf, pool, 0, {&frames, 1});
  tiering::OwnersBySlot owners(8);
  owners[2] = owners[3] = {5, 1, 0};
  owners[4] = owners[5] = {6, 1, 0};
  std::vector<Piece> pieces;
  tiering::hold_pieces(store, pool, frames, &owners, pieces);
  REQUIRE(pieces.size() == 2);
  CHECK(pieces[0].count == 2);
  CHECK(pieces[0].owner.session == 5);
  CHECK(pieces[1].depth == 2);
  CHECK(pieces[1].owner.session == 6);
  pieces.clear();
  tiering::hold_pieces(store, pool, frames, nullptr, pieces);
  CHECK(pieces.size() == 1);
}

TEST_CASE("behind what a tier's policy refuses nothing more of a store is kept",
          "[tiering][feeds]") {
  tiering::TierSetSpec spec = small_tiers({});
  spec.tiers[kHost].eviction = told_cache();
  spec.tiers[kHost].eviction_config = "label=host\nrefuse=1";
  PrefixStore store(1);
  tiering::TierManager tiers(spec, store, 1);
  for (int engine = 0; engine < 3; ++engine) tiers.add_engine(store.add_pool(8), 8);
  tiers.tell_all(kCosts);
  tiers.set_timed(false);
  CHECK(tiers.hears_of_requests());
  const NodeId leaf = enter(store, {11, 12, 13, 14, 15});
  const tp_request request = request_of(7, 3, 2);
  tiers.store(1, 0, request, TP_STORE_PROMPT, leaf, 2, 1);
  tiers.store(2, 0, request, TP_STORE_PROMPT, leaf, 0, 5);
  const TierPool& host = tiers.pools(kHost)[0];
  CHECK(store.run_from(leaf, host.ready(), 0, 5) == 1);
  CHECK(store.run_from(leaf, host.ready(), 2, 5) == 1);
  CHECK(host.present_blocks() == 2);
  CHECK(host.counts().refused == 3);
  CHECK(tiers.pools(kDrives)[0].present_blocks() == 5);
  const Lines lines = told_calls();
  CHECK(std::count_if(lines.begin(), lines.end(), [](const std::string& line) {
          return line.find("admit by 7 [11/0] [12/1]") != std::string::npos;
        }) == 1);
  CHECK(std::count_if(lines.begin(), lines.end(), [](const std::string& line) {
          return line.find("[14/3]") != std::string::npos;
        }) == 0);
}

TEST_CASE("a policy is woken at the very time it asked for, before whatever comes then or later",
          "[tiering][feeds]") {
  CheckedCache cache = make_told(*told_cache(), 4, "label=c\ntick=10");
  CHECK(cache.next_wakeup_ns() == INT64_MAX);
  std::vector<tp_block> views(1);
  views[0].size = sizeof(tp_block);
  views[0].parent_slot = UINT32_MAX;
  views[0].tokens = 16;
  views[0].bytes = 1000;
  views[0].expires_ns = INT64_MAX;
  const tp_span span{0, 1};
  cache.insert(5, {&span, 1}, views);
  CHECK(cache.next_wakeup_ns() == 15);
  cache.touch(8, {&span, 1});
  CHECK(cache.next_wakeup_ns() == 18);
  cache.evictable(18, true, {&span, 1});
  std::vector<tp_span> victims;
  REQUIRE(cache.take_victims(40, 1, victims));
  told_calls();
  cache.hint(70, 1, {});
  CHECK(told_calls() == Lines{"c 50 tick", "c 70 hints of session 1"});
}

TEST_CASE("a wake-up that is past, or the same again, is a fault", "[tiering][feeds]") {
  static int64_t answer_ns = 0;
  tp_cache_table table = *told_cache();
  table.next_wakeup = [](const tp_cache*, int64_t) { return answer_ns; };
  CheckedCache cache = make_told(table, 4, "");
  answer_ns = 5;
  cache.hint(5, 1, {});
  CHECK_THROWS_AS(cache.hint(6, 1, {}), tiering::PolicyFault);
  CheckedCache other = make_told(table, 4, "");
  answer_ns = 4;
  try {
    other.hint(5, 1, {});
    FAIL("no fault");
  } catch (const tiering::PolicyFault& fault) {
    CHECK(fault.call() == "next_wakeup");
    CHECK(fault.answer() == "4 ns, which is past");
  }
}

TEST_CASE("a verdict that is neither yes nor no is a fault", "[tiering][feeds]") {
  tp_cache_table table = *told_cache();
  table.admit = [](tp_cache*, int64_t, const tp_request*, const tp_block*, size_t count,
                   uint8_t* verdicts) {
    for (size_t i = 0; i + 1 < count; ++i) verdicts[i] = 1;  // the last one is forgotten
    return int{TP_OK};
  };
  CheckedCache cache = make_told(table, 4, "");
  const std::vector<tp_block> views(3);
  try {
    cache.admitted(9, views);
    FAIL("no fault");
  } catch (const tiering::PolicyFault& fault) {
    CHECK(fault.call() == "admit");
    CHECK(fault.answer() == "verdict 255 on block 2 of 3, where 1 takes it in and 0 does not");
  }
}
