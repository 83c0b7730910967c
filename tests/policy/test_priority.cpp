// priority: least recently used within each priority, with times after which it is lost.
#include <string>

#include <catch2/catch.hpp>

#include "models/policy/registry.hpp"
#include "tests/policy/naive_leaves.hpp"
#include "tests/policy/random_host.hpp"

namespace {

using namespace tiercast;
using namespace tiercast::tests;

const tp_cache_table& priority() { return *tp_find_builtin_cache("priority"); }

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

}  // namespace
