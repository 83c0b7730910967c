// PrefixStore in cases worked by hand.
#include <vector>

#include <catch2/catch.hpp>

#include "models/kvstore/prefix_store.hpp"

using namespace tiercast;
using kvstore::BlockSum;
using kvstore::NodeId;
using kvstore::Path;
using kvstore::PrefixStore;

namespace {

using Ids = std::vector<uint64_t>;
using Spans = std::vector<tp_span>;

// Computes blocks [from, to) of the pinned leaf into frames from `slot` on.
BlockSum compute(PrefixStore& store, NodeId leaf, uint32_t from, uint32_t to, uint32_t slot,
                 Spans* duplicates = nullptr) {
  Spans placed, twice;
  const tp_span frames{slot, to - from};
  const BlockSum sum = store.place(leaf, 0, from, {&frames, 1}, placed, twice);
  if (duplicates != nullptr) *duplicates = twice;
  return sum;
}

void pin(PrefixStore& store, NodeId leaf, uint32_t hit) {
  Spans pinned, orphans;
  store.pin(leaf, 0, hit, pinned, orphans);
}

void unpin(PrefixStore& store, NodeId leaf) {
  Spans freed;
  store.unpin(leaf, 0, freed);
}

bool equal(const Spans& a, const Spans& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](tp_span x, tp_span y) {
    return x.first_slot == y.first_slot && x.count == y.count;
  });
}

}  // namespace

TEST_CASE("sums over blocks do not depend on how they are grouped", "[kvstore]") {
  BlockSum whole, parts;
  whole.add(3, 5);  // depths 3 4 5 6 7
  parts.add(3, 2);
  parts.add(5, 3);
  CHECK(whole.blocks == 5);
  CHECK(whole.depths == 25);
  CHECK(parts.blocks == whole.blocks);
  CHECK(parts.depths == whole.depths);
}

TEST_CASE("a second request hits what the first has computed of their common prefix", "[kvstore]") {
  PrefixStore store(2);
  store.add_pool(20);
  const Ids first{1, 2, 3};
  const Ids second{1, 2, 9};
  const NodeId a = store.enter({first, 2}, 100);
  pin(store, a, 0);
  compute(store, a, 0, 3, 10);
  const NodeId b = store.enter({second, 2}, 101);  // splits the run behind id 2 = block 4
  CHECK(store.hit_blocks(b, 0) == 3);
  CHECK(store.unpinned_blocks(b, 0, 3) == 0);
  compute(store, a, 3, 6, 13);
  CHECK(store.hit_blocks(b, 0) == 4);
  CHECK(store.hit_blocks(a, 0) == 6);
  unpin(store, a);
  CHECK(store.unpinned_blocks(b, 0, 4) == 4);
  Spans frames;
  store.frames(b, 0, 4, frames);
  CHECK(equal(frames, {{10, 4}}));
}

TEST_CASE("private blocks follow the named ones and are nobody else's", "[kvstore]") {
  PrefixStore store(1);
  store.add_pool(20);
  const Ids ids{1, 2};
  const NodeId a = store.enter({ids, 1}, 100);
  const NodeId b = store.enter({ids, 1}, 101);
  pin(store, a, 0);
  compute(store, a, 0, 5, 0);
  CHECK(store.hit_blocks(a, 0) == 5);
  CHECK(store.hit_blocks(b, 0) == 2);
  pin(store, b, 2);
  compute(store, b, 2, 3, 7);
  CHECK(store.key(0, 2).hi != store.key(0, 7).hi);
}

TEST_CASE("a block completed twice keeps its first frame", "[kvstore]") {
  PrefixStore store(1);
  store.add_pool(20);
  const Ids ids{1, 2, 3};
  const NodeId a = store.enter({ids, 1}, 100);
  const NodeId b = store.enter({ids, 1}, 101);
  pin(store, a, 0);
  pin(store, b, 0);
  compute(store, a, 0, 2, 0);
  Spans duplicates;
  const BlockSum sum = compute(store, b, 0, 3, 10, &duplicates);
  CHECK(sum.blocks == 1);
  CHECK(sum.depths == 2);
  CHECK(equal(duplicates, {{10, 2}}));
  CHECK(store.hit_blocks(a, 0) == 3);
}

TEST_CASE("behind a hole nothing is hit, and a pin drops it", "[kvstore]") {
  PrefixStore store(1);
  store.add_pool(20);
  const Ids ids{1, 2, 3, 4, 5};
  const NodeId a = store.enter({ids, 1}, 100);
  pin(store, a, 0);
  compute(store, a, 0, 5, 0);
  unpin(store, a);
  const BlockSum evicted = store.evict(0, {1, 1});
  CHECK(evicted.depths == 1);
  CHECK(store.hit_blocks(a, 0) == 1);
  Spans pinned, orphans;
  const BlockSum dropped = store.pin(a, 0, 1, pinned, orphans);
  CHECK(equal(pinned, {{0, 1}}));
  CHECK(equal(orphans, {{2, 3}}));
  CHECK(dropped.blocks == 3);
  CHECK(dropped.depths == 2 + 3 + 4);
}

TEST_CASE("a hole before a branch, once filled, hides nothing behind the branch", "[kvstore]") {
  PrefixStore store(1);
  store.add_pool(20);
  const Ids ids{1, 2, 3, 4, 5, 6};
  const NodeId a = store.enter({ids, 1}, 100);
  pin(store, a, 0);
  compute(store, a, 0, 6, 0);
  unpin(store, a);
  store.evict(0, {1, 1});
  const Ids other{1, 2, 3, 9};
  const NodeId b = store.enter({other, 1}, 101);  // splits behind block 2
  CHECK(store.hit_blocks(b, 0) == 1);
  pin(store, b, 1);  // drops block 2, not 3, 4, 5: they are not on its way
  compute(store, b, 1, 3, 10);
  CHECK(store.hit_blocks(a, 0) == 6);
}

TEST_CASE("a hole behind a branch still hides what follows it", "[kvstore]") {
  PrefixStore store(1);
  store.add_pool(20);
  const Ids ids{1, 2, 3, 4, 5, 6};
  const NodeId a = store.enter({ids, 1}, 100);
  pin(store, a, 0);
  compute(store, a, 0, 6, 0);
  unpin(store, a);
  store.evict(0, {4, 1});
  const Ids other{1, 2, 9};
  store.enter({other, 1}, 101);  // splits behind block 1
  CHECK(store.hit_blocks(a, 0) == 4);
}

TEST_CASE("a path ends in a part of an id only where the other ends there too", "[kvstore]") {
  PrefixStore store(4);
  store.add_pool(40);
  const Ids whole{1, 2};
  const Ids part{1, 77};  // what a caller names id 2 cut to three blocks
  const NodeId a = store.enter({whole, 4}, 100);
  pin(store, a, 0);
  compute(store, a, 0, 8, 0);
  std::vector<uint32_t> matched(1);
  store.match({part, 3}, matched);
  CHECK(matched[0] == 4);
  const NodeId b = store.enter({part, 3}, 101);
  pin(store, b, 4);
  compute(store, b, 4, 7, 20);
  store.match({part, 3}, matched);
  CHECK(matched[0] == 7);
}

TEST_CASE("a run goes once nobody uses it and no pool holds a block of it", "[kvstore]") {
  PrefixStore store(1);
  store.add_pool(20);
  const Ids ids{1, 2, 3};
  const NodeId a = store.enter({ids, 1}, 100);
  pin(store, a, 0);
  compute(store, a, 0, 4, 0);
  unpin(store, a);
  store.leave(a);
  CHECK(store.nodes_alive() == 3);  // root, the named run, the private one with its block
  store.evict(0, {3, 1});
  CHECK(store.nodes_alive() == 2);
  store.evict(0, {0, 3});
  CHECK(store.nodes_alive() == 1);
  CHECK(store.records_alive() == 0);
}

TEST_CASE("a split leaves no run behind that nothing needs", "[kvstore]") {
  PrefixStore store(1);
  store.add_pool(20);
  const Ids ids{1, 2, 3, 4};
  const NodeId a = store.enter({ids, 1}, 100);
  pin(store, a, 0);
  compute(store, a, 0, 4, 0);
  unpin(store, a);
  store.leave(a);
  store.evict(0, {2, 2});
  const Ids other{1, 2, 9};
  store.leave(store.enter({other, 1}, 101));  // splits behind block 1: nothing is left below
  CHECK(store.nodes_alive() == 2);
  store.evict(0, {0, 2});
  CHECK(store.nodes_alive() == 1);
}

TEST_CASE("turns of a session grow one run, and a branch splits it", "[kvstore]") {
  PrefixStore store(1);
  store.add_pool(100);
  Ids ids;
  for (uint32_t turn = 0; turn < 20; ++turn) {
    const auto before = static_cast<uint32_t>(ids.size());
    for (uint64_t k = 0; k < 3; ++k) ids.push_back(100 * turn + k);
    const NodeId leaf = store.enter({ids, 1}, turn);
    CHECK(store.hit_blocks(leaf, 0) == before);
    pin(store, leaf, before);
    // Every other turn's frames follow on from those before, the others leave a frame out.
    compute(store, leaf, before, before + 3, before + turn / 2);
    unpin(store, leaf);
    store.leave(leaf);
    CHECK(store.nodes_alive() == 2);
    CHECK(store.records_alive() == 1);
  }
  CHECK(store.stretch(0, 0).count == 6);
  CHECK(store.stretch(0, 7).depth == 6);
  const Ids branch{0, 1, 2, 100, 7};
  const NodeId other = store.enter({branch, 1}, 99);
  CHECK(store.hit_blocks(other, 0) == 4);
  CHECK(store.nodes_alive() == 5);  // root, four blocks, what follows, the branch, its private run
  store.leave(other);
  CHECK(store.nodes_alive() == 3);  // both parts of the session's run stay as they were split
  store.evict(0, {0, 6});
  std::vector<uint32_t> matched(1);
  store.match({ids, 1}, matched);
  CHECK(matched[0] == 0);
  CHECK(store.stretch(0, 7).depth == 6);
}

TEST_CASE("a run that others hold keeps its id, one that ends in a part of an id its end",
          "[kvstore]") {
  PrefixStore store(2);
  store.add_pool(100);
  const Ids first{1, 2};
  const Ids second{1, 2, 3};
  const NodeId a = store.enter({first, 2}, 100);
  pin(store, a, 0);
  compute(store, a, 0, 4, 0);
  unpin(store, a);
  store.leave(a);
  const NodeId b = store.enter({second, 1}, 101);
  pin(store, b, 4);
  compute(store, b, 4, 5, 10);
  unpin(store, b);
  const NodeId held = store.stretch(0, 10).node;
  store.hold(held);
  store.leave(b);
  CHECK(store.stretch(0, 10).node == held);
  store.leave(held);
  CHECK(store.nodes_alive() == 2);
  CHECK(store.stretch(0, 10).node != held);
  CHECK(store.stretch(0, 10).depth == 4);
  const Ids third{1, 2, 3, 4};
  const NodeId c = store.enter({third, 2}, 102);
  CHECK(store.hit_blocks(c, 0) == 5);  // behind half of id 3 nothing follows
  pin(store, c, 5);
  store.leave(c);
}
