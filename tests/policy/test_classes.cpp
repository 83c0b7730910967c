#include <algorithm>
#include <cmath>
#include <list>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include <catch2/catch.hpp>

#include "models/policy/decay.hpp"
#include "models/policy/departed_blocks.hpp"
#include "models/policy/registry.hpp"
#include "tests/policy/naive_lru.hpp"
#include "tests/policy/naive_sessions.hpp"
#include "tests/policy/random_host.hpp"
#include "tests/policy/tenant_cache.hpp"

namespace {

using namespace tiercast;
using namespace tiercast::tests;

constexpr int64_t second = 1'000'000'000;

const tp_cache_table& classes() { return *tp_find_builtin_cache("classes"); }

class NaiveClasses final : public NaivePolicy {
 public:
  NaiveClasses(uint32_t capacity, uint32_t turns, double reuse_ns, int64_t life_ns)
      : turns_(turns), reuse_ns_(reuse_ns), life_ns_(life_ns) {
    while (places_ < capacity) places_ *= 2;
  }

  void clock(int64_t now_ns) override { now_ = now_ns; }
  void insert_for(const tp_request* request, uint32_t slot, const tp_block& block) override {
    const bool by_view = block.tenant != 0 || request == nullptr;
    const uint32_t tenant = by_view ? block.tenant : request->tenant;
    const uint64_t digest = policy::DepartedBlocks::digest_of(block.key);
    const auto gone = departed_.find(digest % places_);
    if (gone != departed_.end() && gone->second.digest == digest) {
      observe(gone->second, true);
      departed_.erase(gone);
    }
    blocks_[slot] = {now_, block.depth, class_of(tenant, request != nullptr ? request->turn : 0),
                     digest};
  }
  void touch(uint32_t slot) override { touch_for(nullptr, slot); }
  void touch_for(const tp_request* request, uint32_t slot) override {
    Block& block = blocks_[slot];
    observe(block, true);
    if (request != nullptr) block.kind = class_of(request->tenant, request->turn);
    block.used = now_;
    const auto found = std::find(order_.begin(), order_.end(), slot);
    if (found != order_.end()) order_.splice(order_.end(), order_, found);
  }
  void remove_for(uint32_t reason, uint32_t slot) override {
    Block block = blocks_[slot];
    observe(block, false);
    if (reason == TP_REMOVED_EVICTED || reason == TP_REMOVED_MOVED) {
      life_ns_ += (now_ - block.used - life_ns_) / 16;
    }
    blocks_.erase(slot);
    order_.remove(slot);
    block.used = now_;  // what it waited so far has been counted
    departed_[block.digest % places_] = block;
  }
  void remove(uint32_t) override {}
  void set_evictable(bool on, uint32_t slot) override {
    if (on) {
      blocks_[slot].used = now_;
      order_.push_back(slot);
    } else {
      order_.remove(slot);
    }
  }
  /// Always the least likely of the heads of all classes' queues.
  Slots victims(uint32_t need) const override {
    std::list<uint32_t> left = order_;
    Slots all;
    while (all.size() < need) {
      std::map<uint32_t, uint32_t> heads;  // by class
      for (const uint32_t slot : left) heads.emplace(blocks_.at(slot).kind, slot);
      const auto rank = [&](uint32_t slot) {
        const Block& block = blocks_.at(slot);
        const double rate = rate_of(block.kind);
        const double age = rate * static_cast<double>(now_ - block.used);
        const double in_life = 1 - policy::decay(rate * static_cast<double>(life_ns_));
        return std::make_tuple(policy::decay(age) * in_life, -age, -int64_t{block.depth},
                               block.used, block.kind);
      };
      uint32_t next = heads.begin()->second;
      for (const auto& [kind, slot] : heads) {
        if (rank(slot) < rank(next)) next = slot;
      }
      all.push_back(next);
      left.remove(next);
    }
    return all;
  }
  void commit(const std::vector<bool>& refused) override {
    const Slots evicted = victims(static_cast<uint32_t>(refused.size()));
    for (std::size_t i = 0; i < evicted.size(); ++i) {
      if (!refused[i]) order_.remove(evicted[i]);
    }
  }
  bool tail_first() const override { return true; }

 private:
  struct Block {
    int64_t used = 0;
    uint32_t depth = 0;
    uint32_t kind = 0;
    uint64_t digest = 0;
  };
  struct Law {
    uint64_t uses = 0;
    uint64_t unused = 0;
    uint64_t observed = 0;
  };

  /// Classes in order of appearance.
  uint32_t class_of(uint32_t tenant, uint32_t turn) {
    const auto key = std::make_pair(tenant, std::min(turn, turns_));
    return kinds_.emplace(key, static_cast<uint32_t>(kinds_.size())).first->second;
  }
  void observe(const Block& block, bool used) {
    Law& law = laws_[block.kind];
    law.uses += used ? 1 : 0;
    law.unused += static_cast<uint64_t>(now_ - block.used);
    if (++law.observed == 4096) law = {law.uses / 2, law.unused / 2, 2048};
  }
  double rate_of(uint32_t kind) const {
    const auto found = laws_.find(kind);
    const Law law = found != laws_.end() ? found->second : Law{};
    return (static_cast<double>(law.uses) + 1) / (static_cast<double>(law.unused) + reuse_ns_);
  }

  uint64_t places_ = 64;
  uint32_t turns_;
  double reuse_ns_;
  int64_t life_ns_;
  int64_t now_ = 0;
  std::list<uint32_t> order_;  // evictable blocks, the least recently used first
  std::map<uint32_t, Block> blocks_;
  std::map<uint64_t, Block> departed_;  // by place
  std::map<std::pair<uint32_t, uint32_t>, uint32_t> kinds_;
  std::map<uint32_t, Law> laws_;
};

TEST_CASE("decay is e^-x") {
  for (double x = 0; x < 650; x += 0.0371) {
    INFO(x);
    CHECK(std::abs(policy::decay(x) / std::exp(-x) - 1) < 1e-15 + 1.2e-16 * x);
  }
  CHECK(policy::decay(0) == 1);
  CHECK(policy::decay(1e-18) == 1);
  CHECK(policy::decay(700) == 0);
  CHECK(policy::decay(1e300) == 0);
}

TEST_CASE("classes agrees with a plain comparison of heads") {
  const uint32_t capacity = GENERATE(1u, 5u, 64u, 200u);
  const uint64_t seed = GENERATE(1u, 2u, 3u);
  const uint32_t turns = GENERATE(0u, 2u);
  const uint32_t slot_count = capacity * GENERATE(1u, 2u);
  const std::string config = "reuse=2e-5\nlife=1e-5\nturns=" + std::to_string(turns);
  Instance joined(classes(), capacity, config, true, slot_count);
  Instance singles(classes(), capacity, config, false, slot_count);
  NaiveClasses naive(capacity, turns, 2e-5 * 1e9, 10'000);
  RandomHost host(seed, capacity, {&joined, &singles}, &naive, slot_count);
  host.pace(1000);
  host.run(2500);
  CHECK(host.victims() > 50);
}

TEST_CASE("classes without tenants and turns is lru") {
  check_same_as_lru(classes(), Tale::no_sessions);
}

tp_block tenant_view(uint64_t key, uint32_t tenant, uint32_t depth) {
  tp_block block = view_of(key);
  block.tenant = tenant;
  block.depth = depth;
  return block;
}

TEST_CASE("classes evicts what is least likely to be used within a life") {
  Instance cache(classes(), 8, "reuse=10\nlife=10", true);
  cache.insert_blocks(0, {0, 1}, {tenant_view(1, 1, 0), tenant_view(2, 1, 1)});
  cache.insert_blocks(0, {2, 3}, {tenant_view(3, 2, 4), tenant_view(4, 2, 5)});
  cache.set_evictable(0, true, {0, 1});
  cache.set_evictable(0, true, {2, 3});
  // Both classes are as if used every 10 s, and both were used at the same time: the deepest goes
  // first. Heads are 1, of depth 1, and 3, of depth 5; then 2, of depth 4.
  CHECK(next_victims(cache, 5 * second, 4) == " 3 2 1 0");
  SECTION("an older block of a class used sooner is less likely than one of a slower class") {
    // Tenant 1's block is used again after 1 s, four times: its rate is 5 in 14 s.
    for (int64_t now = 1; now <= 4; ++now) cache.touch(now * second, {0});
    // Ages 10 s and 14 s, a life of 10 s: tenant 1's 0 has e^(-10*5/14) (1 - e^(-50/14)) = 0.0273,
    // its 1, unused since 0, e^-5 (1 - e^(-50/14)) = 0.0065; tenant 2's e^-1.4 (1 - e^-1) = 0.156.
    CHECK(next_victims(cache, 14 * second, 4) == " 1 0 3 2");
    // Soon after use it is the other way round: at 4.5 s 0 has 0.81, 1 0.19, tenant 2's 0.40.
    CHECK(next_victims(cache, 4 * second + second / 2, 4) == " 1 3 2 0");
  }
}

TEST_CASE("classes takes tenants for one where there are too many") {
  Instance cache(classes(), 70, "", true);
  std::string all;
  for (uint32_t slot = 0; slot < 70; ++slot) {
    cache.insert_blocks(slot, {slot}, {tenant_view(slot + 1, slot + 1, 0)});
    cache.set_evictable(slot, true, {slot});
    all += " " + std::to_string(slot);
  }
  // Nothing was observed, so every class has the same law, and the oldest is the least likely.
  std::string named;
  uint64_t token = 0;
  for (const uint32_t slot : as_slots(cache.select(100 * second, 70, token))) {
    named += " " + std::to_string(slot);
  }
  CHECK(named == all);
}

TEST_CASE("classes tells apart tenants that lru takes for alike") {
  // Tenant 1 uses each prompt once more, 4 s later; tenant 2, whose prompts come in between, never
  // does. Prompts are one block, one of each tenant a second, in a cache of ten blocks:
  // in the 4 s there are ten others, of which tenant 1 has six.
  const auto hits = [](const tp_cache_table& table, const std::string& config) {
    TenantCache cache(table, 10, config);
    for (int64_t turn = 0; turn < 400; ++turn) {
      const int64_t now_ns = turn * second;
      const auto number = static_cast<uint64_t>(turn);
      if (turn >= 4) cache.ask(now_ns, 1000 + number - 4, 1);
      cache.ask(now_ns, 1000 + number, 1);
      cache.ask(now_ns + second / 2, 9000 + number, 2);
    }
    return cache.hits();
  };
  // The three are from the first turns, in which nothing is asked for again.
  CHECK(hits(*tp_find_builtin_cache("lru"), "") == 3);
  CHECK(hits(classes(), "reuse=5\nlife=2") > 300);
}

}  // namespace
