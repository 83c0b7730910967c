// BlockPool in cases worked by hand; whole runs of it are held to a per-block pool in
// tests/serving.
#include <optional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "models/kvstore/prefix_store.hpp"
#include "models/tiering/block_pool.hpp"
#include "sim/base/hash.hpp"

using namespace tiercast;
using kvstore::NodeId;
using kvstore::PrefixStore;
using tiering::BlockPool;
using tiering::CheckedCache;

namespace {

using Ids = std::vector<uint64_t>;
using Spans = std::vector<tp_span>;

BlockPool make_pool(PrefixStore& store, uint32_t frames, const char* policy = "lru") {
  const tp_pool pool{sizeof(tp_pool), frames, 16, 4096, 0, 0};
  std::string error;
  std::optional<CheckedCache> cache =
      CheckedCache::create(*tp_find_builtin_cache(policy), pool, "", 1, error);
  REQUIRE(cache.has_value());
  return {store, std::move(*cache), 16, 4096};
}

uint32_t frames_in(const Spans& spans) {
  uint32_t frames = 0;
  for (const tp_span& span : spans) frames += span.count;
  return frames;
}

// A request with this content runs, computes `blocks` blocks behind its hit, and ends.
void serve(BlockPool& pool, PrefixStore& store, int64_t now_ns, const Ids& ids, uint32_t blocks) {
  const NodeId leaf = store.enter({ids, 1}, ids.back() + 1'000'000);
  const uint32_t hit = std::min(pool.hit_blocks(leaf), blocks);
  pool.pin(now_ns, leaf, hit);
  Spans frames, duplicates;
  if (blocks > hit) {
    pool.take(now_ns, blocks - hit, frames);
    pool.place(now_ns, leaf, hit, frames, duplicates);
    pool.announce(now_ns);
  }
  pool.give_back(duplicates);
  pool.unpin(now_ns, leaf);
  store.leave(leaf);
}

uint64_t when(int64_t now_ns, uint64_t transition) {
  return mix(static_cast<uint64_t>(now_ns), transition);
}

}  // namespace

TEST_CASE("free frames go first, then as many victims as are missing", "[tiering]") {
  PrefixStore store(1);
  BlockPool pool = make_pool(store, 8);
  serve(pool, store, 1, {1, 2, 3, 4, 5}, 5);
  CHECK(pool.free_blocks() == 3);
  CHECK(pool.available_blocks() == 8);
  CHECK(pool.present_blocks() == 5);
  CHECK(pool.counts().evicted == 0);
  CHECK(pool.counts().first_eviction_ns == -1);

  Spans taken;
  pool.take(9, 5, taken);
  CHECK(frames_in(taken) == 5);
  CHECK(pool.counts().evicted == 2);
  CHECK(pool.counts().first_eviction_ns == 9);
  CHECK(pool.present_blocks() == 3);
  CHECK(pool.free_blocks() == 0);
  CHECK(pool.busy_blocks() == 5);
  pool.give_back(taken);
  CHECK(pool.free_blocks() == 5);
  CHECK(pool.counts().returned == 5);
}

TEST_CASE("the tail of a prefix goes before its head", "[tiering]") {
  PrefixStore store(1);
  BlockPool pool = make_pool(store, 4);
  const Ids ids{1, 2, 3, 4};
  serve(pool, store, 1, ids, 4);
  Spans taken;
  pool.take(2, 3, taken);
  CHECK(pool.hit_blocks(store.enter({ids, 1}, 7)) == 1);
}

TEST_CASE("what a running request uses is no victim", "[tiering]") {
  PrefixStore store(1);
  BlockPool pool = make_pool(store, 6);
  const Ids ids{1, 2, 3, 4};
  serve(pool, store, 1, ids, 4);
  const NodeId leaf = store.enter({ids, 1}, 7);
  CHECK(pool.unpinned_blocks(leaf, 4) == 4);
  pool.pin(2, leaf, 4);
  CHECK(pool.unpinned_blocks(leaf, 4) == 0);
  CHECK(pool.available_blocks() == 2);
  Spans taken;
  pool.take(3, 2, taken);
  CHECK(pool.counts().evicted == 0);
  CHECK(pool.hit_blocks(leaf) == 4);
  pool.unpin(4, leaf);
  CHECK(pool.available_blocks() == 4);
}

TEST_CASE("blocks behind the hit are dropped unless another request uses them", "[tiering]") {
  PrefixStore store(1);
  BlockPool pool = make_pool(store, 8);
  const Ids ids{1, 2, 3, 4};
  serve(pool, store, 1, ids, 4);
  const NodeId first = store.enter({ids, 1}, 7);
  pool.pin(2, first, 3);  // a prompt of exactly four blocks computes its last one
  CHECK(pool.counts().dropped == 1);
  CHECK(pool.present_blocks() == 3);
  CHECK(pool.free_blocks() == 5);
  const NodeId second = store.enter({ids, 1}, 8);
  pool.pin(3, second, 1);
  CHECK(pool.counts().dropped == 1);
  CHECK(pool.present_blocks() == 3);
}

TEST_CASE("a frame whose block is there already stays taken until given back", "[tiering]") {
  PrefixStore store(1);
  BlockPool pool = make_pool(store, 8);
  const Ids ids{1, 2};
  const NodeId first = store.enter({ids, 1}, 7);
  const NodeId second = store.enter({ids, 1}, 8);
  pool.pin(1, first, 0);
  pool.pin(1, second, 0);
  Spans a, b, duplicates;
  pool.take(1, 2, a);
  pool.take(1, 2, b);
  pool.place(2, first, 0, a, duplicates);
  pool.place(2, second, 0, b, duplicates);
  pool.announce(2);
  CHECK(frames_in(duplicates) == 2);
  CHECK(pool.counts().placed == 2);
  CHECK(pool.counts().duplicated == 2);
  CHECK(pool.busy_blocks() == 4);
  pool.give_back(duplicates);
  pool.unpin(3, first);
  CHECK(pool.busy_blocks() == 2);
  pool.unpin(3, second);
  CHECK(pool.busy_blocks() == 0);
}

TEST_CASE("all victims of one call, and all blocks of one boundary, are one policy call",
          "[tiering]") {
  PrefixStore store(1);
  BlockPool pool = make_pool(store, 6);
  serve(pool, store, 1, {1, 2, 3}, 3);
  serve(pool, store, 2, {11, 12, 13}, 3);
  const uint64_t before = pool.policy_calls();
  Spans taken;
  pool.take(3, 6, taken);
  CHECK(pool.policy_calls() - before == 3);  // select, commit, remove
  pool.give_back(taken);
  const NodeId first = store.enter({Ids{21}, 1}, 7);
  const NodeId second = store.enter({Ids{31}, 1}, 8);
  pool.pin(4, first, 0);
  pool.pin(4, second, 0);
  Spans duplicates;
  Spans frames;
  pool.take(4, 6, frames);
  const tp_span one{frames.front().first_slot, 1};
  const tp_span other{frames.back().first_slot + frames.back().count - 1, 1};
  const uint64_t placing = pool.policy_calls();
  pool.place(5, first, 0, {&one, 1}, duplicates);
  pool.place(5, second, 0, {&other, 1}, duplicates);
  pool.announce(5);
  pool.announce(5);
  CHECK(pool.policy_calls() - placing == 1);
}

TEST_CASE("the digest is a sum over blocks, each with its time and depth", "[tiering]") {
  PrefixStore store(1);
  BlockPool pool = make_pool(store, 4);
  const Ids ids{1, 2, 3, 4};
  serve(pool, store, 5, ids, 4);  // places depths 0 to 3
  uint64_t expected = 0;
  for (uint64_t depth = 0; depth < 4; ++depth) expected += when(5, 1) + mix(when(5, 1)) * depth;
  CHECK(pool.digest() == expected);

  Spans taken;
  pool.take(6, 1, taken);  // evicts depth 3
  expected += when(6, 2) + mix(when(6, 2)) * 3;
  CHECK(pool.digest() == expected);

  pool.pin(7, store.enter({ids, 1}, 9), 2);  // drops depth 2, reuses 0 and 1
  expected += when(7, 3) + mix(when(7, 3)) * 2;
  expected += when(7, 4) + when(7, 4) + mix(when(7, 4));
  CHECK(pool.digest() == expected);
}
