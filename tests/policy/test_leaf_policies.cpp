// leaf-lru: the least recently used of the prefix tree's leaves; and the index that its queues
// share with those of priority.
#include <map>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "models/policy/level_index.hpp"
#include "models/policy/registry.hpp"
#include "tests/policy/naive_leaves.hpp"
#include "tests/policy/random_host.hpp"

namespace {

using namespace tiercast;
using namespace tiercast::tests;

const tp_cache_table& leaf_lru() { return *tp_find_builtin_cache("leaf-lru"); }

TEST_CASE("leaf-lru agrees with leaves found on a plain list") {
  const uint32_t capacity = GENERATE(1u, 5u, 64u, 150u);
  const uint64_t seed = GENERATE(1u, 2u, 3u);
  const uint32_t slot_count = capacity * GENERATE(1u, 2u);
  Instance joined(leaf_lru(), capacity, "", true, slot_count);
  Instance singles(leaf_lru(), capacity, "", false, slot_count);
  NaiveLeaves naive(0);
  RandomHost host(seed, capacity, {&joined, &singles}, &naive, slot_count);
  host.run(1500);
  CHECK(host.victims() > 50);
}

/// A pool filled block by block.
class Tree {
 public:
  explicit Tree(const tp_cache_table& table) : cache_(table, 64, "", true) {}

  /// Appends a block behind another, unused from the start.
  uint32_t grow(uint32_t parent = UINT32_MAX) {
    const uint32_t slot = next_++;
    tp_block block = view_of(slot + 1);
    block.parent_slot = parent;
    block.depth = parent != UINT32_MAX ? depths_[parent] + 1 : 0;
    depths_[slot] = block.depth;
    cache_.insert_blocks(now_, {slot}, {block});
    cache_.set_evictable(now_, true, {slot});
    return slot;
  }
  uint32_t evict() {
    uint64_t token = 0;
    const uint32_t slot = cache_.select(now_, 1, token).front().first_slot;
    REQUIRE(cache_.table().commit(cache_.cache(), now_, token, nullptr) == TP_OK);
    cache_.remove(now_, TP_REMOVED_EVICTED, {slot});
    return slot;
  }
  Instance& cache() { return cache_; }

 private:
  Instance cache_;
  int64_t now_ = 0;
  uint32_t next_ = 0;
  std::map<uint32_t, uint32_t> depths_;
};

// The cases of Dynamo's lineage.rs, re-derived.

TEST_CASE("leaf-lru takes a child before its parent, however old the parent is") {
  Tree tree(leaf_lru());
  const uint32_t parent = tree.grow();
  const uint32_t child = tree.grow(parent);
  CHECK(tree.evict() == child);
  CHECK(tree.evict() == parent);
}

TEST_CASE("leaf-lru takes a parent that becomes a leaf with its own old stamp") {
  Tree tree(leaf_lru());
  const uint32_t a = tree.grow();
  const uint32_t b = tree.grow(a);
  const uint32_t x = tree.grow();
  const uint32_t y = tree.grow(x);
  CHECK(tree.evict() == b);
  CHECK(tree.evict() == a);  // older than y, though a leaf later
  CHECK(tree.evict() == y);
  CHECK(tree.evict() == x);
}

TEST_CASE("leaf-lru takes a parent only as its last child has gone") {
  Tree tree(leaf_lru());
  const uint32_t root = tree.grow();
  const uint32_t left = tree.grow(root);
  const uint32_t right = tree.grow(root);
  const uint32_t deep = tree.grow(left);
  uint64_t token = 0;
  REQUIRE(Slots{root, left, right, deep} == Slots{0, 1, 2, 3});
  CHECK(text(tree.cache().select(0, 4, token)) == " 2+1 3+1 0+2");  // in a span downwards
}

TEST_CASE("leaf-lru sees a child in use as a link, not as a reason to stay") {
  // As Dynamo, whose graph has unused blocks and ghosts that link them. 0 - 1 - 2: with 2 in use, 1
  // is a leaf; with 1 in use, 2 still comes before 0.
  Tree tree(leaf_lru());
  tree.grow();
  tree.grow(0);
  tree.grow(1);
  uint64_t token = 0;
  SECTION("the last in use") {
    tree.cache().set_evictable(0, false, {2});
    CHECK(text(tree.cache().select(0, 2, token)) == " 0+2");
  }
  SECTION("the middle in use") {
    tree.cache().set_evictable(0, false, {1});
    CHECK(as_slots(tree.cache().select(0, 2, token)) == Slots{2, 0});
  }
}

TEST_CASE("leaf-lru takes the children of a dropped block for roots") {
  Tree tree(leaf_lru());
  tree.grow();
  tree.grow(0);
  tree.cache().remove(0, TP_REMOVED_DROPPED, {0});
  const uint32_t other = tree.grow();
  tree.cache().insert(0, {0}, {99});  // in the parent's slot, but not the parent
  tree.cache().set_evictable(0, true, {0});
  tree.cache().touch(0, {1});
  uint64_t token = 0;
  CHECK(as_slots(tree.cache().select(0, 3, token)) == Slots{other, 0, 1});
}

TEST_CASE("leaf-lru takes no block for the parent of one that is as near the head") {
  Instance cache(leaf_lru(), 8, "", true);
  std::vector<tp_block> blocks{view_of(1), view_of(2), view_of(3)};
  blocks[0].parent_slot = 3;  // a circle
  blocks[1].parent_slot = 0;
  blocks[2].parent_slot = 7;  // never there
  blocks[2].depth = 1;
  cache.insert_blocks(0, {0, 3, 5}, blocks);
  cache.set_evictable(0, true, {0, 3, 5});
  cache.insert(0, {7}, {4});
  cache.set_evictable(0, true, {7});
  cache.set_evictable(0, false, {5});
  cache.remove(0, TP_REMOVED_DROPPED, {5});
  uint64_t token = 0;
  CHECK(as_slots(cache.select(0, 3, token)) == Slots{3, 0, 7});
}

TEST_CASE("leaf-lru without parents, its victims refused, keeps them where they were") {
  Instance cache(leaf_lru(), 8, "", true);
  cache.insert(0, {0, 1, 2, 5}, {1, 2, 3, 4});
  cache.set_evictable(0, true, {0, 1, 2, 5});
  uint64_t token = 0;
  CHECK(text(cache.select(0, 4, token)) == " 5+1 0+3");
  const uint64_t hash = cache.hash();
  const std::vector<uint8_t> accepted{0, 0};
  REQUIRE(leaf_lru().commit(cache.cache(), 0, token, accepted.data()) == TP_OK);
  CHECK(cache.hash() == hash);
  CHECK(text(cache.select(0, 4, token)) == " 5+1 0+3");
}

TEST_CASE("a level index finds the smallest member of the lowest level") {
  const uint32_t size = GENERATE(1u, 64u, 65u, 5000u);
  policy::LevelIndex index(size);
  std::map<uint32_t, uint32_t> members;  // level by member
  Draw draw(size);
  for (int step = 0; step < 5000; ++step) {
    const uint32_t member = draw.below(size);
    const uint32_t level = draw.below(draw.chance(50) ? 4 : policy::LevelIndex::level_max + 1);
    REQUIRE(index.test(member) == (members.count(member) != 0));
    if (members.erase(member) != 0) {
      index.clear(member);
    } else {
      index.set(member, level);
      members[member] = level;
    }
    const auto first =
        std::min_element(members.begin(), members.end(),
                         [](const auto& a, const auto& b) { return a.second < b.second; });
    REQUIRE(index.first() == (first != members.end() ? first->first : policy::LevelIndex::none));
  }
}

}  // namespace
