#include <algorithm>
#include <array>
#include <list>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include <catch2/catch.hpp>

#include "models/policy/departed_blocks.hpp"
#include "models/policy/registry.hpp"
#include "models/policy/reuse_intervals.hpp"
#include "tests/policy/naive_lru.hpp"
#include "tests/policy/naive_sessions.hpp"
#include "tests/policy/random_host.hpp"
#include "tests/policy/tenant_cache.hpp"

namespace {

using namespace tiercast;
using namespace tiercast::tests;

constexpr int64_t second = 1'000'000'000;

const tp_cache_table& group_ttl() { return *tp_find_builtin_cache("group-ttl"); }

class NaiveGroupTtl final : public NaivePolicy {
 public:
  NaiveGroupTtl(uint32_t capacity, uint32_t turns, int64_t ttl_ns, uint32_t period)
      : capacity_(capacity), turns_(turns), ttl_ns_(ttl_ns), period_(period) {
    places_ = 64;
    while (places_ < capacity) places_ *= 2;
  }

  void clock(int64_t now_ns) override { now_ = now_ns; }
  void insert_for(const tp_request* request, uint32_t slot, const tp_block& block) override {
    if (blocks_.empty() && times_ == 0 && observed_ == 0 && !started_) since_ = now_;
    started_ = true;
    const bool by_view = block.tenant != 0 || request == nullptr;
    const uint32_t tenant = by_view ? block.tenant : request->tenant;
    const uint64_t digest = policy::DepartedBlocks::digest_of(block.key);
    const auto gone = departed_.find(digest % places_);
    if (gone != departed_.end() && gone->second.digest == digest) {
      Group& group = groups_[gone->second.kind];
      if (group.lost > 0) --group.lost;
      ++group.uses[step_of(now_ - gone->second.used)];
      departed_.erase(gone);
      observe();
    }
    blocks_[slot] = {now_, block.depth, class_of(tenant, request != nullptr ? request->turn : 0),
                     digest};
  }
  void touch(uint32_t slot) override { touch_for(nullptr, slot); }
  void touch_for(const tp_request* request, uint32_t slot) override {
    Block& block = blocks_[slot];
    ++groups_[block.kind].uses[step_of(now_ - block.used)];
    observe();
    if (request != nullptr) block.kind = class_of(request->tenant, request->turn);
    block.used = now_;
    const auto found = std::find(order_.begin(), order_.end(), slot);
    if (found != order_.end()) order_.splice(order_.end(), order_, found);
  }
  void remove(uint32_t slot) override {
    const Block block = blocks_[slot];
    ++groups_[block.kind].lost;
    departed_[block.digest % places_] = block;
    observe();
    blocks_.erase(slot);
    order_.remove(slot);
  }
  void set_evictable(bool on, uint32_t slot) override {
    if (on) {
      blocks_[slot].used = now_;
      order_.push_back(slot);
    } else {
      order_.remove(slot);
    }
  }
  Slots victims(uint32_t need) const override {
    std::list<uint32_t> left = order_;
    Slots all;
    while (all.size() < need) {
      std::map<uint32_t, uint32_t> heads;  // by class
      for (const uint32_t slot : left) heads.emplace(blocks_.at(slot).kind, slot);
      const auto rank = [&](uint32_t slot) {
        const Block& block = blocks_.at(slot);
        const auto group = groups_.find(block.kind);
        const int64_t set = group != groups_.end() ? group->second.ttl : -1;
        return std::make_tuple(block.used + (set < 0 ? ttl_ns_ : set), -int64_t{block.depth},
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
  uint32_t times_set() const { return times_; }

 private:
  struct Block {
    int64_t used = 0;
    uint32_t depth = 0;
    uint32_t kind = 0;
    uint64_t digest = 0;
  };
  struct Group {
    std::array<uint64_t, 32> uses{};
    uint64_t lost = 0;
    int64_t ttl = -1;  // not set yet
    uint32_t step = 0;

    uint64_t total() const {
      uint64_t sum = lost;
      for (const uint64_t count : uses) sum += count;
      return sum;
    }
    /// Of holding blocks through the steps after one up to another.
    double cost(int64_t from, uint32_t to) const {
      double sum = 0;
      for (int64_t at = from + 1; at <= int64_t{to}; ++at) {
        uint64_t held = total();
        for (int64_t before = 0; before < at; ++before) held -= uses[static_cast<size_t>(before)];
        const int64_t width = end_of(at) - (at == 0 ? 0 : end_of(at - 1));
        // Those used within the step are there for half of it.
        const uint64_t halves = 2 * held - uses[static_cast<std::size_t>(at)];
        sum += static_cast<double>(halves) * 0.5 * static_cast<double>(width);
      }
      return sum;
    }
    double gain(uint32_t from, uint32_t to) const {
      uint64_t sum = 0;
      for (uint32_t at = from + 1; at <= to; ++at) sum += uses[at];
      return sum == 0 ? 0 : static_cast<double>(sum) / cost(from, to);
    }
  };

  static int64_t end_of(int64_t step) { return 1'048'576 * (int64_t{1} << step); }
  static uint32_t step_of(int64_t unused) {
    uint32_t step = 0;
    while (step < 31 && unused >= end_of(step)) ++step;
    return step;
  }
  uint32_t class_of(uint32_t tenant, uint32_t turn) {
    const auto key = std::make_pair(tenant, std::min(turn, turns_));
    return kinds_.emplace(key, static_cast<uint32_t>(kinds_.size())).first->second;
  }
  void observe() {
    if (++observed_ < period_) return;
    observed_ = 0;
    ++times_;
    span_ += now_ - since_;
    since_ = now_;
    double room = static_cast<double>(capacity_) * static_cast<double>(span_);
    for (auto& [kind, group] : groups_) {
      group.step = 0;
      if (group.total() >= 32) room -= group.cost(-1, 0);
    }
    for (bool longer = true; longer;) {
      Group* best = nullptr;
      uint32_t best_step = 0;
      for (auto& [kind, group] : groups_) {
        if (group.total() < 32) continue;
        for (uint32_t step = group.step + 1; step < 32; ++step) {
          const double most = best == nullptr ? 0 : best->gain(best->step, best_step);
          if (group.gain(group.step, step) <= most) continue;
          best = &group;
          best_step = step;
        }
      }
      longer = best != nullptr && best->cost(best->step, best_step) <= room;
      if (!longer) break;
      room -= best->cost(best->step, best_step);
      best->step = best_step;
    }
    for (auto& [kind, group] : groups_) {
      if (group.total() >= 32) group.ttl = end_of(group.step);
    }
    for (auto& [kind, group] : groups_) {
      for (uint64_t& count : group.uses) count /= 2;
      group.lost /= 2;
    }
    span_ /= 2;
  }

  uint32_t capacity_;
  uint32_t turns_;
  int64_t ttl_ns_;
  uint32_t period_;
  uint64_t places_ = 0;
  bool started_ = false;
  uint32_t observed_ = 0;
  uint32_t times_ = 0;
  int64_t now_ = 0;
  int64_t since_ = 0;
  int64_t span_ = 0;
  std::list<uint32_t> order_;  // evictable blocks, the least recently used first
  std::map<uint32_t, Block> blocks_;
  std::map<uint64_t, Block> departed_;                       // by place
  std::map<std::pair<uint32_t, uint32_t>, uint32_t> kinds_;  // in order of appearance
  std::map<uint32_t, Group> groups_;                         // by class
};

TEST_CASE("group-ttl agrees with plain lists and a plain search for times") {
  const uint32_t capacity = GENERATE(1u, 5u, 64u, 200u);
  const uint64_t seed = GENERATE(1u, 2u, 3u);
  const uint32_t turns = GENERATE(0u, 2u);
  const uint32_t slot_count = capacity * GENERATE(1u, 2u);
  const std::string config = "ttl=0.005\nperiod=100\nturns=" + std::to_string(turns);
  Instance joined(group_ttl(), capacity, config, true, slot_count);
  Instance singles(group_ttl(), capacity, config, false, slot_count);
  NaiveGroupTtl naive(capacity, turns, 5'000'000, 100);
  RandomHost host(seed, capacity, {&joined, &singles}, &naive, slot_count);
  host.pace(1'000'000);
  host.run(2500);
  CHECK(host.victims() > 50);
  CHECK(naive.times_set() >= 5);
}

TEST_CASE("group-ttl with one group is lru") {
  check_same_as_lru(group_ttl(), Tale::no_sessions, "period=100");
}

TEST_CASE("a time to live grows where that gains most uses for what it costs") {
  // Of 100 blocks 50 are used again in step 1, which takes 75 blocks for 2^20 ns, none in step 2
  // (50 blocks for 2^21), 40 in step 3 (30 for 2^22), 10 never.
  policy::ReuseIntervals of{};
  of.uses[1] = 50;
  of.uses[3] = 40;
  of.lost = 10;
  const auto first = of.best_extension(0);
  CHECK(first.step == 1);
  CHECK(first.cost == 75.0 * (1 << 20));
  CHECK(first.gain == 50 / first.cost);
  const auto second_one = of.best_extension(1);  // leaps over the step that gains nothing
  CHECK(second_one.step == 3);
  CHECK(second_one.cost == 50.0 * (1 << 21) + 30.0 * (1 << 22));
  CHECK(second_one.gain == 40 / second_one.cost);
  CHECK(of.best_extension(3).gain == 0);
  CHECK(policy::ReuseIntervals::step_of((1 << 20) - 1) == 0);
  CHECK(policy::ReuseIntervals::step_of(1 << 20) == 1);
  CHECK(policy::ReuseIntervals::step_of(INT64_MAX) == 31);
}

TEST_CASE("group-ttl finds out which tenant's blocks are worth keeping where lru keeps neither") {
  // Tenant 1 asks for ten prompts in turn, one a second, so each again after 10 s. Tenant 2 asks
  // for two new ones a second. In a cache of 24 blocks lru sees 30 others before a prompt is back.
  const auto hits = [](const tp_cache_table& table, const std::string& config) {
    TenantCache cache(table, 24, config);
    for (int64_t turn = 0; turn < 600; ++turn) {
      const auto number = static_cast<uint64_t>(turn);
      cache.ask(turn * second, 1 + number % 10, 1);
      cache.ask(turn * second + second / 3, 1000 + 2 * number, 2);
      cache.ask(turn * second + second / 2, 1001 + 2 * number, 2);
    }
    return cache.hits();
  };
  CHECK(hits(*tp_find_builtin_cache("lru"), "") == 0);
  CHECK(hits(group_ttl(), "period=256") > 400);
}

}  // namespace
