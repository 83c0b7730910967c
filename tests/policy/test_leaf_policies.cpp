// leaf-lru and priority: policies whose victims are leaves of the prefix tree.
#include <algorithm>
#include <list>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "models/policy/level_index.hpp"
#include "models/policy/registry.hpp"
#include "tests/policy/random_host.hpp"

namespace {

using namespace tiercast;
using namespace tiercast::tests;

/// Leaf-first eviction on a plain list of blocks: the next victim is the first, of those of least
/// priority, that may leave while none of its descendants may.
class NaiveLeaves final : public NaivePolicy {
 public:
  /// default_priority 0: priorities do not matter.
  explicit NaiveLeaves(uint32_t default_priority) : default_priority_(default_priority) {}

  void clock(int64_t now_ns) override { now_ns_ = now_ns; }
  void tick() override {
    std::vector<std::pair<int64_t, uint32_t>> due;
    for (const auto& [slot, block] : blocks_) {
      if (block.priority != default_priority_ && block.expires_ns <= now_ns_) {
        due.emplace_back(block.expires_ns, slot);
      }
    }
    std::sort(due.begin(), due.end());
    for (const auto& [expires_ns, slot] : due) {
      blocks_[slot].priority = default_priority_;
      if (blocks_[slot].state != State::in_use) renew(slot);
    }
  }
  void insert_block(uint32_t slot, const tp_block& block) override {
    tick();
    blocks_[slot] = {block.parent_slot, State::in_use, 0, INT64_MAX};
    if (default_priority_ != 0) tell(slot, block.priority, block.expires_ns);
  }
  void touch(uint32_t slot) override { touch_for(nullptr, slot); }
  void touch_for(const tp_request* request, uint32_t slot) override {
    tick();
    if (blocks_[slot].state == State::evictable) renew(slot);
    if (default_priority_ == 0 || request == nullptr || request->priority == 0) return;
    if (blocks_[slot].state == State::leaving) renew(slot);
    const int64_t ends_ns = request->arrival_ns + request->retain_ns;
    tell(slot, request->priority, request->retain_ns == 0 ? INT64_MAX : ends_ns);
  }
  void remove(uint32_t slot) override {
    tick();
    for (auto& [other, block] : blocks_) {
      if (block.parent == slot) block.parent = UINT32_MAX;
    }
    blocks_.erase(slot);
    order_.remove(slot);
  }
  void set_evictable(bool on, uint32_t slot) override {
    tick();
    Block& block = blocks_[slot];
    if (block.state == State::in_use) order_.push_back(slot);
    if (!on) order_.remove(slot);
    block.state = on ? State::evictable : State::in_use;
  }
  Slots victims(uint32_t need) const override {
    NaiveLeaves rest = *this;
    Slots victims;
    for (; need != 0; --need) {
      victims.push_back(rest.next());
      rest.blocks_[victims.back()].state = State::leaving;
    }
    return victims;
  }
  void commit(const std::vector<bool>& refused) override {
    const Slots evicted = victims(static_cast<uint32_t>(refused.size()));
    for (std::size_t i = 0; i < evicted.size(); ++i) {
      if (!refused[i]) blocks_[evicted[i]].state = State::leaving;
    }
  }
  bool tail_first() const override { return true; }

 private:
  enum class State { in_use, evictable, leaving };
  struct Block {
    uint32_t parent;
    State state;
    uint32_t priority;
    int64_t expires_ns;
  };

  void tell(uint32_t slot, uint32_t priority, int64_t expires_ns) {
    const bool over = priority == 0 || expires_ns <= now_ns_;
    blocks_[slot].priority = over ? default_priority_ : priority;
    blocks_[slot].expires_ns = expires_ns;
  }
  uint32_t next() const {
    std::set<uint32_t> held;
    for (const auto& [slot, block] : blocks_) {
      if (block.state != State::evictable) continue;
      for (uint32_t at = block.parent; at != UINT32_MAX; at = blocks_.at(at).parent) {
        held.insert(at);
      }
    }
    uint32_t best = UINT32_MAX;
    for (const uint32_t slot : order_) {
      if (blocks_.at(slot).state != State::evictable || held.count(slot) != 0) continue;
      if (best == UINT32_MAX || blocks_.at(slot).priority < blocks_.at(best).priority) best = slot;
    }
    return best;
  }
  void renew(uint32_t slot) {
    order_.remove(slot);
    order_.push_back(slot);
  }

  uint32_t default_priority_;
  int64_t now_ns_ = 0;
  std::map<uint32_t, Block> blocks_;  // by slot
  std::list<uint32_t> order_;         // those not in use, oldest first
};

const tp_cache_table& leaf_lru() { return *tp_find_builtin_cache("leaf-lru"); }
const tp_cache_table& priority() { return *tp_find_builtin_cache("priority"); }

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

TEST_CASE("priority agrees with leaves of least priority found on a plain list") {
  const uint32_t capacity = GENERATE(1u, 5u, 64u, 150u);
  const uint64_t seed = GENERATE(1u, 2u, 3u);
  const uint32_t slot_count = capacity * GENERATE(1u, 2u);
  const uint32_t default_priority = GENERATE(35u, 80u);
  const std::string config = "default=" + std::to_string(default_priority);
  Instance joined(priority(), capacity, config, true, slot_count);
  Instance singles(priority(), capacity, config, false, slot_count);
  NaiveLeaves naive(default_priority);
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

// The cases of TensorRT-LLM's evictionPolicyTest.cpp, re-derived; its 8 blocks are in the pool.

/// Eight blocks in use, slot by slot.
class EightBlocks {
 public:
  EightBlocks() : cache_(priority(), 8, "", true) {}
  void insert(int64_t now_ns, uint32_t slot, uint32_t told = 0, int64_t expires_ns = INT64_MAX) {
    tp_block block = view_of(slot + 1);
    block.priority = told;
    block.expires_ns = expires_ns;
    cache_.insert_blocks(now_ns, {slot}, {block});
  }
  /// By a request that arrives then; what it tells lasts for so long.
  void touch(int64_t now_ns, uint32_t slot, uint32_t told, int64_t retain_ns,
             uint32_t caller_size = sizeof(tp_request)) {
    tp_request request{};
    request.size = caller_size;
    request.priority = told;
    request.arrival_ns = now_ns;
    request.retain_ns = retain_ns;
    const tp_span span{slot, 1};
    REQUIRE(cache_.table().on_touch(cache_.cache(), now_ns, &request, &span, 1) == TP_OK);
  }
  void release(int64_t now_ns, uint32_t slot) { cache_.set_evictable(now_ns, true, {slot}); }
  void tick(int64_t now_ns) { cache_.tick(now_ns); }
  int64_t next_wakeup(int64_t now_ns) { return cache_.table().next_wakeup(cache_.cache(), now_ns); }
  std::string order(int64_t now_ns, uint32_t need) {
    uint64_t token = 0;
    const SpanList spans = cache_.select(now_ns, need, token);
    REQUIRE(cache_.table().abort(cache_.cache(), token) == TP_OK);
    return text(spans);
  }

 private:
  Instance cache_;
};

TEST_CASE("priority without priorities is least recently used") {
  EightBlocks pool;
  for (const uint32_t slot : {0u, 1u, 2u}) pool.insert(0, slot);
  for (const uint32_t slot : {1u, 0u, 2u}) pool.release(0, slot);
  CHECK(pool.order(0, 3) == " 0+2 2+1");  // 1, 0, 2
}

TEST_CASE("priority takes the lower priority first, whichever was released first") {
  EightBlocks pool;
  pool.insert(0, 0, 80);
  pool.insert(0, 4, 5);
  pool.insert(0, 2);
  for (const uint32_t slot : {0u, 4u, 2u}) pool.release(0, slot);
  CHECK(pool.order(0, 3) == " 4+1 2+1 0+1");  // 5, the default of 35, 80
}

TEST_CASE("priority lets a block whose time has run out fall back to the default") {
  // Released at 5 ms: 80 for 3 ms more and 50 for 8 ms more.
  constexpr int64_t ms = 1'000'000;
  EightBlocks pool;
  pool.insert(5 * ms, 1, 80, 8 * ms);
  pool.insert(5 * ms, 4, 50, 13 * ms);
  pool.insert(5 * ms, 7);
  for (const uint32_t slot : {1u, 4u, 7u}) pool.release(5 * ms, slot);
  CHECK(pool.next_wakeup(5 * ms) == 8 * ms);
  CHECK(pool.order(5 * ms, 3) == " 7+1 4+1 1+1");
  pool.tick(9 * ms);
  CHECK(pool.order(9 * ms, 3) == " 7+1 1+1 4+1");  // behind what has waited there
  CHECK(pool.next_wakeup(9 * ms) == 13 * ms);
  CHECK(pool.order(13 * ms, 3) == " 7+1 1+1 4+1");  // seen with the next call
  pool.insert(13 * ms, 0, 1);
  pool.release(13 * ms, 0);
  CHECK(pool.order(13 * ms, 4) == " 0+1 7+1 1+1 4+1");
  CHECK(pool.next_wakeup(13 * ms) == INT64_MAX);
  pool.insert(13 * ms, 2, 90, 6 * ms);  // too late to be kept longer
  pool.release(13 * ms, 2);
  CHECK(pool.order(13 * ms, 5) == " 0+1 7+1 1+1 4+1 2+1");
}

TEST_CASE("priority of a block in use is what its last user told") {
  constexpr int64_t ms = 1'000'000;
  EightBlocks pool;
  pool.insert(5 * ms, 1, 80, 8 * ms);
  pool.insert(5 * ms, 4, 80, 8 * ms);
  pool.insert(5 * ms, 7, 80, 8 * ms);
  pool.touch(6 * ms, 1, 0, 0);  // tells none
  pool.touch(6 * ms, 4, 90, 10 * ms);
  pool.touch(6 * ms, 7, 20, 0);
  for (const uint32_t slot : {1u, 4u, 7u}) pool.release(6 * ms, slot);
  CHECK(pool.next_wakeup(6 * ms) == 8 * ms);
  CHECK(pool.order(6 * ms, 3) == " 7+1 1+1 4+1");
  pool.touch(7 * ms, 7, 90, 9 * ms);  // waits for nobody, and is told more
  CHECK(pool.order(7 * ms, 3) == " 1+1 4+1 7+1");
  pool.tick(8 * ms);
  CHECK(pool.next_wakeup(8 * ms) == 16 * ms);
  CHECK(pool.order(8 * ms, 3) == " 1+1 4+1 7+1");
  pool.tick(16 * ms);
  CHECK(pool.order(16 * ms, 3) == " 1+1 4+1 7+1");  // times 16 and 16: by slot
  CHECK(pool.next_wakeup(16 * ms) == INT64_MAX);
}

TEST_CASE("priority hears of no retention from callers that are older") {
  EightBlocks pool;
  pool.insert(0, 1);
  pool.touch(0, 1, 60, 5, TP_REQUEST_SIZE_MIN);
  CHECK(pool.next_wakeup(0) == INT64_MAX);
  pool.touch(0, 1, 60, 5);
  CHECK(pool.next_wakeup(0) == 5);
}

TEST_CASE("priority takes no block before those behind it, however low its priority") {
  Instance cache(priority(), 8, "", true);
  std::vector<tp_block> blocks{view_of(1), view_of(2), view_of(3)};
  blocks[0].priority = 1;
  blocks[1].priority = 90;
  blocks[1].parent_slot = 0;
  blocks[1].depth = 1;
  blocks[2].priority = 40;
  cache.insert_blocks(0, {0, 3, 6}, blocks);
  cache.set_evictable(0, true, {0, 3, 6});
  uint64_t token = 0;
  CHECK(text(cache.select(0, 3, token)) == " 6+1 3+1 0+1");
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
