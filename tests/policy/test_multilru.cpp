#include <algorithm>
#include <array>
#include <list>
#include <map>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "models/policy/hit_sketch.hpp"
#include "models/policy/registry.hpp"
#include "tests/policy/random_host.hpp"

namespace {

using namespace tiercast;
using namespace tiercast::tests;
using policy::HitSketch;

const tp_cache_table& multilru() { return *tp_find_builtin_cache("multilru"); }

/// Four lists and exact counts.
class NaiveMultiLru final : public NaivePolicy {
 public:
  explicit NaiveMultiLru(std::array<uint32_t, 3> thresholds) : thresholds_(thresholds) {}

  void insert(uint32_t slot, uint64_t key) override {
    keys_[slot] = key;
    ++counts_[key];
  }
  void touch(uint32_t slot) override {
    ++counts_[keys_[slot]];
    if (!may_leave(slot)) return;
    drop(slot);
    append(slot);
  }
  void remove(uint32_t slot) override { drop(slot); }
  void set_evictable(bool on, uint32_t slot) override {
    if (on && leaving_.count(slot) != 0) {
      leaving_.erase(slot);
    } else if (on) {
      append(slot);
    } else {
      drop(slot);
    }
  }
  Slots victims(uint32_t need) const override {
    Slots victims;
    for (const std::list<uint32_t>& list : lists_) {
      for (const uint32_t slot : list) {
        if (victims.size() < need && leaving_.count(slot) == 0) victims.push_back(slot);
      }
    }
    return victims;
  }
  void commit(const std::vector<bool>& refused) override {
    const Slots evicted = victims(static_cast<uint32_t>(refused.size()));
    for (std::size_t i = 0; i < evicted.size(); ++i) {
      if (!refused[i]) leaving_[evicted[i]] = true;
    }
  }
  bool tail_first() const override { return true; }

 private:
  bool may_leave(uint32_t slot) const {
    const bool listed = std::any_of(lists_.begin(), lists_.end(), [&](const auto& list) {
      return std::find(list.begin(), list.end(), slot) != list.end();
    });
    return listed && leaving_.count(slot) == 0;
  }
  void drop(uint32_t slot) {
    for (std::list<uint32_t>& list : lists_) list.remove(slot);
    leaving_.erase(slot);
  }
  void append(uint32_t slot) {
    const uint32_t count = std::min(15u, counts_[keys_[slot]]);
    const auto level = std::upper_bound(thresholds_.begin(), thresholds_.end(), count);
    lists_[static_cast<std::size_t>(level - thresholds_.begin())].push_back(slot);
  }

  std::array<uint32_t, 3> thresholds_;
  std::array<std::list<uint32_t>, 4> lists_;
  std::map<uint32_t, uint64_t> keys_;
  std::map<uint64_t, uint32_t> counts_;
  std::map<uint32_t, bool> leaving_;
};

TEST_CASE("multilru agrees with plain lists where the sketch is large") {
  const uint32_t capacity = GENERATE(1u, 5u, 64u, 150u);
  const uint64_t seed = GENERATE(1u, 2u, 3u);
  const uint32_t slot_count = capacity * GENERATE(1u, 2u);
  const std::string config = "warm=2\nhot=6\nspread=1\nsketch=4096";
  Instance joined(multilru(), capacity, config, true, slot_count);
  Instance singles(multilru(), capacity, config, false, slot_count);
  NaiveMultiLru naive({2, 6, 15});
  RandomHost host(seed, capacity, {&joined, &singles}, &naive, slot_count);
  host.run(2500);
  CHECK(host.victims() > 50);
}

/// Blocks 0 to 3, of keys 1 to 4, used so often and then put down one by one.
std::string order_of(const std::array<uint32_t, 4>& hits, const std::string& config) {
  Instance cache(multilru(), 8, config, true);
  for (uint32_t slot = 0; slot < 4; ++slot) {
    cache.insert(0, {slot}, {slot + 1});  // the first hit
    for (uint32_t hit = 1; hit < hits[slot]; ++hit) cache.touch(0, {slot});
  }
  for (uint32_t slot = 0; slot < 4; ++slot) cache.set_evictable(0, true, {slot});
  uint64_t token = 0;
  std::string order;
  for (uint32_t need = 1; need <= 4; ++need) {
    // Of each answer the one victim that those before have not named.
    Slots named = as_slots(cache.select(0, need, token));
    REQUIRE(cache.table().abort(cache.cache(), token) == TP_OK);
    for (const uint32_t slot : named) {
      const char name = static_cast<char>('0' + slot);
      if (order.find(name) == std::string::npos) order += name;
    }
  }
  return order;
}

TEST_CASE("multilru takes the coldest queue first, and in it the oldest") {
  // The cases of Dynamo's multi_lru_backend.rs, re-derived: levels 2, 6 and 15.
  const std::string config = "warm=2\nhot=6\nvery_hot=15\nsketch=64\nspread=1";
  CHECK(order_of({1, 2, 6, 16}, config) == "0123");
  CHECK(order_of({16, 6, 2, 1}, config) == "3210");
  CHECK(order_of({1, 1, 6, 1}, config) == "0132");
  CHECK(order_of({2, 5, 3, 4}, config) == "0123");
  CHECK(order_of({14, 15, 6, 5}, config) == "3021");
  CHECK(order_of({2, 1, 3, 3}, "sketch=64\nspread=1") == "0123");  // warm from 3 on
  CHECK(order_of({3, 2, 7, 8}, "sketch=64\nspread=1") == "1023");  // hot from 8 on
}

TEST_CASE("multilru remembers a key's hits when its block comes back") {
  Instance cache(multilru(), 8, "sketch=64\nspread=1", true);
  cache.insert(0, {0}, {7});
  cache.touch(0, {0, 0, 0});
  cache.remove(0, TP_REMOVED_DROPPED, {0});
  cache.insert(0, {0, 5}, {7, 8});
  cache.set_evictable(0, true, {0});
  cache.set_evictable(0, true, {5});
  uint64_t token = 0;
  CHECK(text(cache.select(0, 2, token)) == " 5+1 0+1");
}

TEST_CASE("multilru refuses thresholds that do not ascend") {
  const tp_pool pool{sizeof(tp_pool), 8, 16, 4096, 0, 0};
  tp_cache* cache = nullptr;
  std::array<char, 200> error{};
  CHECK(multilru().create("warm=9", &pool, 0, &cache, error.data(), error.size()) == TP_EINVAL);
  CHECK(std::string(error.data()) ==
        "parameters 'warm' (9), 'hot' (8) and 'very_hot' (15) must ascend");
}

tp_key key(uint64_t id) { return {id * 77, id}; }

TEST_CASE("the sketch of hits never counts too few, stops at 15 and halves") {
  // 4,096 entries: 16,384 counters, halved at the 40,960th hit that adds.
  HitSketch sketch(4096, true);
  uint64_t hits = 0;
  const auto hit = [&](uint64_t id) {
    sketch.add(key(id));
    ++hits;
  };
  for (int i = 0; i < 5; ++i) hit(1);
  CHECK(sketch.count(key(1)) == 5);
  CHECK(sketch.count(key(2)) == 0);
  for (uint64_t id = 100; hits < 20'000; ++id) hit(id);
  CHECK(sketch.count(key(1)) >= 5);
  uint64_t id = 1'000'000;
  for (; hits < 40'959; ++id) hit(id);
  const uint32_t before = sketch.count(key(1));
  REQUIRE(before >= 8);
  REQUIRE(before < 15);
  hit(1);
  CHECK(sketch.count(key(1)) == (before + 1) / 2);

  HitSketch small(64, true);
  for (int i = 0; i < 20; ++i) small.add(key(1));
  CHECK(small.count(key(1)) == 15);
}

TEST_CASE("the sketch fills up before it halves where its counters are chosen as in Dynamo") {
  HitSketch dynamo(1u << 14, false);
  HitSketch spread(1u << 14, true);
  for (uint64_t id = 0; id < 100'000; ++id) {  // 6 hits an entry; halved at 10
    dynamo.add(key(id));
    spread.add(key(id));
  }
  CHECK(dynamo.count(key(1'000'000)) == 15);
  CHECK(spread.count(key(1'000'000)) < 8);
}

}  // namespace
