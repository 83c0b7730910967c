#include <algorithm>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include <catch2/catch.hpp>

#include "models/policy/registry.hpp"
#include "tests/policy/random_host.hpp"

namespace {

using namespace tiercast;
using namespace tiercast::tests;

/// A made-up future, the same to all who ask at one time: one key in five is never used again.
struct MadeUp {
  int64_t now_ns = 0;

  int64_t next_use(uint64_t key) const {
    const uint32_t after = Draw(key * 1000 + static_cast<uint64_t>(now_ns)).below(25);
    return after < 5 ? INT64_MAX : now_ns + after / 5;  // ties in plenty
  }
  tp_future view() {
    return {sizeof(tp_future), 0, this, [](void* self, const tp_key* key) {
              return static_cast<const MadeUp*>(self)->next_use(key->lo);
            }};
  }
};

/// Sorts all that may leave whenever it is asked.
class NaiveFarthest final : public NaivePolicy {
 public:
  explicit NaiveFarthest(MadeUp& future) : future_(future) {}

  void clock(int64_t now_ns) override { future_.now_ns = now_ns; }
  void insert_block(uint32_t slot, const tp_block& block) override {
    blocks_[slot] = {block.key.lo, block.depth, future_.next_use(block.key.lo), false};
  }
  void touch(uint32_t slot) override {
    blocks_[slot].next_use = future_.next_use(blocks_[slot].key);
  }
  void remove(uint32_t slot) override { blocks_.erase(slot); }
  void set_evictable(bool on, uint32_t slot) override { blocks_[slot].evictable = on; }
  Slots victims(uint32_t need) const override {
    std::vector<std::tuple<int64_t, int64_t, uint32_t>> all;
    for (const auto& [slot, block] : blocks_) {
      if (block.evictable) all.emplace_back(-block.next_use, -int64_t{block.depth}, slot);
    }
    std::sort(all.begin(), all.end());
    Slots named;
    for (uint32_t i = 0; i < need; ++i) named.push_back(std::get<2>(all[i]));
    return named;
  }
  void commit(const std::vector<bool>& refused) override {
    const Slots named = victims(static_cast<uint32_t>(refused.size()));
    for (std::size_t i = 0; i < named.size(); ++i) blocks_[named[i]].evictable = refused[i];
  }
  bool tail_first() const override { return true; }

 private:
  struct Block {
    uint64_t key;
    uint32_t depth;
    int64_t next_use;
    bool evictable;
  };
  MadeUp& future_;
  std::map<uint32_t, Block> blocks_;
};

void attach(std::string_view name, Instance& instance, MadeUp& future) {
  const tp_future view = future.view();
  REQUIRE(tp_find_builtin_future(name.data())->attach(instance.cache(), &view) == TP_OK);
}

TEST_CASE("offline bounds agree with a sorted list") {
  const std::string name = GENERATE("belady", "prefix-bound");
  const uint32_t capacity = GENERATE(1u, 5u, 64u, 200u);
  const uint64_t seed = GENERATE(1u, 2u);
  const tp_cache_table& table = *tp_find_builtin_cache(name.c_str());
  const uint32_t slot_count = capacity * GENERATE(1u, 2u);
  MadeUp future;
  Instance joined(table, capacity, "", true, slot_count);
  Instance singles(table, capacity, "", false, slot_count);
  for (Instance* instance : {&joined, &singles}) attach(name, *instance, future);
  NaiveFarthest naive(future);
  RandomHost host(seed, capacity, {&joined, &singles}, &naive, slot_count);
  host.run(1500);
  CHECK(host.victims() > 50);
}

/// Keys stand for the time of their next use; 0 is never.
int64_t key_as_time(void*, const tp_key* key) {
  return key->lo != 0 ? static_cast<int64_t>(key->lo) : INT64_MAX;
}

tp_block block_at(uint64_t key, uint32_t depth) {
  tp_block block = view_of(key);
  block.depth = depth;
  return block;
}

TEST_CASE("prefix-bound lets in what is used sooner than what would leave for it") {
  const tp_cache_table& table = *tp_find_builtin_cache("prefix-bound");
  Instance cache(table, 4, "", true);
  const tp_future future{sizeof(tp_future), 0, nullptr, key_as_time};
  REQUIRE(tp_find_builtin_future("prefix-bound")->attach(cache.cache(), &future) == TP_OK);
  const auto admitted = [&](const std::vector<tp_block>& blocks) {
    std::vector<uint8_t> verdicts(blocks.size(), 7);
    REQUIRE(table.admit(cache.cache(), 1, nullptr, blocks.data(), blocks.size(), verdicts.data()) ==
            TP_OK);
    return std::vector<int>(verdicts.begin(), verdicts.end());
  };
  using Verdicts = std::vector<int>;
  // Room for four: all that are used again.
  CHECK(admitted({block_at(9, 0), block_at(0, 1), block_at(9, 2)}) == Verdicts{1, 0, 1});
  cache.insert_blocks(1, {0, 1, 2, 3},
                      {block_at(10, 0), block_at(20, 1), block_at(20, 2), block_at(30, 5)});
  cache.set_evictable(1, true, {0, 1, 2});  // slot 3 stays in use
  // Full. What may leave is used at 20 (depth 2), 20 (depth 1), 10.
  CHECK(admitted({block_at(21, 0)}) == Verdicts{0});
  CHECK(admitted({block_at(20, 2)}) == Verdicts{0});
  CHECK(admitted({block_at(20, 1)}) == Verdicts{1});
  CHECK(admitted({block_at(5, 0), block_at(6, 1), block_at(7, 2), block_at(8, 3)}) ==
        Verdicts{1, 1, 1, 0});
  CHECK(admitted({block_at(5, 0), block_at(20, 1), block_at(12, 2)}) == Verdicts{1, 0, 1});
  uint64_t token = 0;
  CHECK(text(cache.select(2, 3, token)) == " 0+3");  // downwards: 2, 1, 0
}

TEST_CASE("only offline bounds have a future to attach") {
  for (const policy::CacheEntry& entry : policy::cache_policies()) {
    const bool needs = (entry.table->info()->capabilities & TP_CAP_NEEDS_FUTURE) != 0;
    CHECK((entry.future != nullptr) == needs);
    CHECK(tp_find_builtin_future(entry.name.data()) == entry.future);
  }
  const tp_future_table& table = *tp_find_builtin_future("belady");
  Instance cache(*tp_find_builtin_cache("belady"), 4, "", true);
  const tp_future none{sizeof(tp_future), 0, nullptr, nullptr};
  CHECK(table.attach(cache.cache(), &none) == TP_EINVAL);
  CHECK(table.attach(cache.cache(), nullptr) == TP_EINVAL);
  CHECK(table.attach(nullptr, &none) == TP_EINVAL);
}

}  // namespace
