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

const tp_cache_table& lease() { return *tp_find_builtin_cache("lease"); }

/// Times of each block, sorted anew for each answer.
class NaiveLease final : public NaivePolicy {
 public:
  NaiveLease(int64_t lease_ns, int64_t soft_pin_ns, bool evict_soft)
      : lease_ns_(lease_ns), soft_pin_ns_(soft_pin_ns), evict_soft_(evict_soft) {}

  void clock(int64_t now_ns) override { now_ns_ = now_ns; }
  void insert_block(uint32_t slot, const tp_block& block) override {
    Block& made = blocks_[slot];
    made = {};
    made.soft = block.priority >= 80;
    grant(made, 0);
  }
  void touch(uint32_t slot) override {
    Block& block = blocks_[slot];
    if (block.leaving) return;
    block.read = true;
    grant(block, lease_ns_);
  }
  void remove(uint32_t slot) override { blocks_.erase(slot); }
  void set_evictable(bool on, uint32_t slot) override {
    blocks_[slot].evictable = on;
    blocks_[slot].leaving = false;
  }
  Slots victims(uint32_t need) const override {
    using Key = std::tuple<int, int64_t, bool, bool, uint64_t, uint32_t>;
    std::vector<Key> keys;
    for (const auto& [slot, block] : blocks_) {
      if (!block.evictable) continue;
      const bool leased = now_ns_ < block.lease_timeout;
      const bool pinned = block.soft && now_ns_ < block.soft_timeout;
      const int pass = leased ? (pinned ? 4 : 3) : !pinned ? 1 : evict_soft_ ? 2 : 4;
      keys.emplace_back(pass, block.lease_timeout, block.soft, block.read, block.grant, slot);
    }
    std::sort(keys.begin(), keys.end());
    Slots victims;
    for (uint32_t i = 0; i < need; ++i) victims.push_back(std::get<5>(keys[i]));
    return victims;
  }
  void commit(const std::vector<bool>& refused) override {
    const Slots evicted = victims(static_cast<uint32_t>(refused.size()));
    for (std::size_t i = 0; i < evicted.size(); ++i) {
      if (refused[i]) continue;
      blocks_[evicted[i]].evictable = false;
      blocks_[evicted[i]].leaving = true;
    }
  }
  bool tail_first() const override { return true; }

 private:
  struct Block {
    bool soft = false;
    bool read = false;
    bool evictable = false;
    bool leaving = false;
    int64_t lease_timeout = 0;
    int64_t soft_timeout = 0;
    uint64_t grant = 0;
  };
  void grant(Block& block, int64_t ttl_ns) {
    block.lease_timeout = std::max(block.lease_timeout, now_ns_ + ttl_ns);
    block.soft_timeout = now_ns_ + soft_pin_ns_;
    block.grant = ++grants_;
  }

  int64_t lease_ns_;
  int64_t soft_pin_ns_;
  bool evict_soft_;
  int64_t now_ns_ = 0;
  uint64_t grants_ = 0;
  std::map<uint32_t, Block> blocks_;
};

TEST_CASE("lease agrees with times sorted anew") {
  struct Case {
    const char* config;
    NaiveLease naive;
  };
  const Case example =
      GENERATE(Case{"lease=0.00002\nsoft_pin=80\nsoft_pin_ms=0.00009", NaiveLease(20, 90, true)},
               Case{"lease=0.0003\nsoft_pin=80\nsoft_pin_ms=0.00004", NaiveLease(300, 40, true)},
               Case{"lease=0.00006\nsoft_pin=80\nsoft_pin_ms=0.0002\nevict_soft=0",
                    NaiveLease(60, 200, false)},
               Case{"lease=0\nsoft_pin=80\nsoft_pin_ms=0", NaiveLease(0, 0, true)});
  const uint32_t capacity = GENERATE(1u, 5u, 64u, 150u);
  const uint64_t seed = GENERATE(1u, 2u, 3u);
  const uint32_t slot_count = capacity * GENERATE(1u, 2u);
  INFO(example.config);
  Instance joined(lease(), capacity, example.config, true, slot_count);
  Instance singles(lease(), capacity, example.config, false, slot_count);
  NaiveLease naive = example.naive;
  RandomHost host(seed, capacity, {&joined, &singles}, &naive, slot_count);
  host.run(1500);
  CHECK(host.victims() > 50);
}

constexpr int64_t second = 1'000'000'000;

/// Unused blocks, put in one at a time.
class Store {
 public:
  explicit Store(const std::string& config) : cache_(lease(), 32, config, true) {}

  void put(int64_t now_ns, uint32_t slot, uint32_t priority = 0) {
    tp_block block = view_of(slot + 1);
    block.priority = priority;
    cache_.insert_blocks(now_ns, {slot}, {block});
    cache_.set_evictable(now_ns, true, {slot});
  }
  void get(int64_t now_ns, uint32_t slot) { cache_.touch(now_ns, {slot}); }
  void pin(int64_t now_ns, uint32_t slot) { cache_.set_evictable(now_ns, false, {slot}); }
  /// Who leaves, in order; "refused" where the policy does.
  std::string evict(int64_t now_ns, uint32_t need) {
    SpanList out(need);
    tp_victims victims{};
    tp_cache* cache = cache_.cache();
    const int code = lease().select(cache, now_ns, need, out.data(), out.size(), &victims);
    if (code == TP_EREFUSED) return "refused";
    REQUIRE(code == TP_OK);
    REQUIRE(lease().commit(cache, now_ns, victims.token, nullptr) == TP_OK);
    out.resize(victims.span_count);
    std::string gone;
    for (const tp_span span : out) {  // downwards in a span
      for (uint32_t i = span.count; i-- > 0;) gone += " " + std::to_string(span.first_slot + i);
    }
    cache_.remove(now_ns, TP_REMOVED_EVICTED, as_slots(out));
    return gone;
  }

 private:
  Instance cache_;
};

// The cases of Mooncake's master_service_evict_scenario_test.cpp, re-derived.

TEST_CASE("lease takes exactly as many as asked for, written longest ago first") {
  Store store("refuse=1");
  int64_t now_ns = 0;
  for (const uint32_t slot : {7u, 3u, 9u, 1u}) store.put(++now_ns, slot);
  CHECK(store.evict(second, 3) == " 7 3 9");
  CHECK(store.evict(second, 1) == " 1");
}

TEST_CASE("lease takes writes in order and spares what was read within the lease") {
  Store store("lease=10000\nrefuse=1");
  for (uint32_t slot = 0; slot < 6; ++slot) store.put(slot * second, slot);
  store.get(6 * second, 0);  // until 16 s
  store.get(7 * second, 2);  // until 17 s
  CHECK(store.evict(8 * second, 2) == " 1 3");
  CHECK(store.evict(8 * second, 3) == "refused");  // 4 and 5 are left without a lease
  CHECK(store.evict(15 * second, 2) == " 4 5");
  CHECK(store.evict(15 * second, 1) == "refused");
  store.put(16 * second, 8);
  CHECK(store.evict(16 * second, 1) ==
        " 8");  // written then: ends as 0's lease does, written first
  CHECK(store.evict(16 * second, 2) == "refused");
  CHECK(store.evict(16 * second, 1) == " 0");
  CHECK(store.evict(17 * second, 1) == " 2");
}

TEST_CASE("lease goes on to blocks under lease where it may not refuse") {
  Store store("lease=10000");
  for (uint32_t slot = 0; slot < 4; ++slot) store.put(0, slot);
  store.get(1 * second, 3);
  store.get(2 * second, 1);
  CHECK(store.evict(3 * second, 4) == " 0 2 3 1");
}

TEST_CASE("lease takes softly pinned blocks once no others are left") {
  // Ten without and ten with a soft pin; of 16 victims 6 are softly pinned.
  Store store("soft_pin=90\nsoft_pin_ms=3600000\nrefuse=1");
  for (uint32_t slot = 10; slot < 20; ++slot) store.put(slot, slot, 90);
  for (uint32_t slot = 0; slot < 10; ++slot) store.put(20 + slot, slot, 89);
  CHECK(store.evict(second, 16) == " 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15");
}

TEST_CASE("lease forgets a soft pin that nobody renewed") {
  Store store("soft_pin=90\nsoft_pin_ms=60000\nrefuse=1");
  store.put(0, 0, 90);
  store.put(1 * second, 1);
  store.put(2 * second, 2, 90);
  store.get(3 * second, 2);
  CHECK(store.evict(60 * second, 2) == " 0 1");
  CHECK(store.evict(62 * second, 1) == " 2");  // softly pinned until 63 s
}

TEST_CASE("lease keeps softly pinned blocks where they are not for eviction") {
  SECTION("and refuses") {
    Store store("soft_pin=90\nevict_soft=0\nrefuse=1");
    for (uint32_t slot = 0; slot < 3; ++slot) store.put(slot, slot, 90);
    CHECK(store.evict(second, 1) == "refused");
    store.put(second, 4);
    CHECK(store.evict(2 * second, 1) == " 4");
  }
  SECTION("until nothing else is left") {
    Store store("soft_pin=90\nevict_soft=0");
    for (uint32_t slot = 0; slot < 3; ++slot) store.put(slot, slot, 90);
    store.put(second, 4);
    store.get(second, 4);
    CHECK(store.evict(2 * second, 3) == " 4 0 1");
  }
}

TEST_CASE("lease never takes a block that the host pins") {
  Store store("refuse=1");
  for (uint32_t slot = 0; slot < 4; ++slot) store.put(slot, slot);
  store.pin(4, 0);
  CHECK(store.evict(5, 3) == " 1 2 3");
}

}  // namespace
