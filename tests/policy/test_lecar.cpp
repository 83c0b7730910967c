#include <algorithm>
#include <cmath>
#include <list>
#include <map>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "models/policy/key_hash.hpp"
#include "tests/policy/naive_lists.hpp"
#include "tests/policy/two_tiers.hpp"

namespace {

using namespace tiercast;
using namespace tiercast::tests;

/// The paper's algorithm on plain lists, with the library's generator.
class NaiveLeCar final : public NaivePolicy {
 public:
  NaiveLeCar(std::size_t capacity, double learning, uint64_t seed)
      : capacity_(capacity),
        learning_(learning),
        seed_(policy::mix_bits(seed + 0x9E3779B97F4A7C15u)) {}

  void lookup(const std::vector<uint64_t>& missing) override {
    for (auto key = missing.rbegin(); key != missing.rend(); ++key) learn(*key);
  }
  void insert(uint32_t slot, uint64_t key) override {
    learn(key);
    blocks_[slot] = {key, 1, Expert::none};
    ++now_;
  }
  void touch(uint32_t slot) override {
    ++now_;
    ++blocks_[slot].uses;
    const auto found = std::find(order_.begin(), order_.end(), slot);
    if (found != order_.end()) order_.splice(order_.end(), order_, found);
  }
  void remove(uint32_t slot) override {
    const Block& block = blocks_[slot];
    if (block.evictor == Expert::lru) push(lru_history_, block.key);
    if (block.evictor == Expert::lfu) push(lfu_history_, block.key);
    order_.remove(slot);
    blocks_.erase(slot);
  }
  void set_evictable(bool on, uint32_t slot) override {
    order_.remove(slot);
    blocks_[slot].evictor = Expert::none;
    if (on) order_.push_back(slot);
  }
  Slots victims(uint32_t need) const override {
    Slots named;
    for (const auto& [slot, expert] : draw(need)) named.push_back(slot);
    return named;
  }
  void commit(const std::vector<bool>& refused) override {
    const auto drawn = draw(static_cast<uint32_t>(refused.size()));
    draws_ += drawn.size();
    for (std::size_t i = 0; i < drawn.size(); ++i) {
      if (refused[i]) continue;
      order_.remove(drawn[i].first);
      blocks_[drawn[i].first].evictor = drawn[i].second;
    }
  }
  bool tail_first() const override { return true; }

 private:
  enum class Expert : uint8_t { none, lru, lfu };
  struct Block {
    uint64_t key;
    uint64_t uses;
    Expert evictor;
  };
  using History = std::list<std::pair<uint64_t, uint64_t>>;  // key and when it left

  void push(History& history, uint64_t key) const {
    if (history.size() == capacity_) history.pop_front();
    history.emplace_back(key, now_);
  }
  void learn(uint64_t key) {
    const auto reward = [&](History& history, double& other) {
      const auto is_it = [&](const auto& ghost) { return ghost.first == key; };
      const auto ghost = std::find_if(history.begin(), history.end(), is_it);
      if (ghost == history.end()) return;
      const double share =
          static_cast<double>(now_ - ghost->second) / static_cast<double>(capacity_);
      other *= std::exp(learning_ * std::pow(0.005, share));
      history.erase(ghost);
    };
    reward(lru_history_, lfu_weight_);
    reward(lfu_history_, lru_weight_);
    const double sum = lru_weight_ + lfu_weight_;
    lru_weight_ = std::min(0.99, std::max(0.01, lru_weight_ / sum));
    lfu_weight_ = 1 - lru_weight_;
  }
  std::vector<std::pair<uint32_t, Expert>> draw(uint32_t need) const {
    std::vector<std::pair<uint32_t, Expert>> drawn;
    std::list<uint32_t> left = order_;
    while (drawn.size() < need) {
      const uint64_t number = draws_ + drawn.size();
      const uint64_t bits = policy::mix_bits(seed_ + number * 0x9E3779B97F4A7C15u);
      const bool by_lru = std::ldexp(static_cast<double>(bits >> 11), -53) < lru_weight_;
      auto victim = left.begin();
      if (!by_lru) {
        victim = std::min_element(left.begin(), left.end(), [&](uint32_t a, uint32_t b) {
          return blocks_.at(a).uses < blocks_.at(b).uses;
        });
      }
      drawn.emplace_back(*victim, by_lru ? Expert::lru : Expert::lfu);
      left.erase(victim);
    }
    return drawn;
  }

  std::size_t capacity_;
  double learning_;
  uint64_t seed_;
  double lru_weight_ = 0.5;
  double lfu_weight_ = 0.5;
  uint64_t now_ = 0;
  uint64_t draws_ = 0;
  std::map<uint32_t, Block> blocks_;
  std::list<uint32_t> order_;  // candidates, touched or put down longest ago first
  History lru_history_;
  History lfu_history_;
};

TEST_CASE("lecar agrees with the algorithm on plain lists") {
  const uint32_t capacity = GENERATE(1u, 2u, 10u, 64u, 150u);
  const uint64_t seed = GENERATE(1u, 2u, 3u);
  const uint32_t slots_a_block = GENERATE(1u, 2u);
  CHECK(compare_with_naive("lecar", capacity, "", NaiveLeCar(capacity, 0.45, 7), seed,
                           slots_a_block, 2000) > 50);
  CHECK(compare_with_naive("lecar", capacity, "learning=5", NaiveLeCar(capacity, 5, 7), seed,
                           slots_a_block, 2000) > 50);
}

// Of four blocks 1 is used first and most often, 4 last and least: LRU would evict 1, LFU 4. LFU
// has nearly all the weight, and a regret at once moves nearly all of it: 0.005^(1/4) is 0.27, and
// e^(100 * 0.27) some 10^11.
const std::vector<uint64_t> fill = {1, 1, 1, 1, 2, 2, 2, 3, 3, 4};
const std::string filled = "- - - - - - - - - - ";
const std::string eager = "learning=100\nlru=1e-6\nfloor=0";

TEST_CASE("lecar hears the expert whose victims are not missed") {
  // 5 drives out LFU's 4. That is missed at once, so LRU's 1 goes for it. That is missed too, so
  // it is LFU's turn again: of 5 and 4, both used once, the older.
  UnitHost host("lecar", 4, eager);
  CHECK(host.use_all(fill) + " " == filled);
  CHECK(host.use_all({5, 4, 1, 6}) == "4 1 5 4");
}

TEST_CASE("lecar regrets less what left longer ago") {
  // After 5 times as many uses as before a regret weighs 0.005^(5/4), 0.001: LFU stays.
  UnitHost host("lecar", 4, eager);
  CHECK(host.use_all(fill) + " " == filled);
  CHECK(host.use_all({5, 1, 1, 1, 1, 4}) == "4 - - - - 5");
}

TEST_CASE("lecar forgets regrets beyond the pool's length") {
  // Victims 4 to 8 of LFU, one more than it remembers, so that it keeps its weight as 4 comes back.
  UnitHost host("lecar", 4, eager);
  CHECK(host.use_all(fill) + " " == filled);
  CHECK(host.use_all({5, 6, 7, 8, 9}) == "4 5 6 7 8");
  const uint64_t hash = host.cache().hash();
  host.cache().lookup(100, {4});
  CHECK(host.cache().hash() == hash);
  host.cache().lookup(100, {5});
  CHECK(host.cache().hash() != hash);
}

TEST_CASE("lecar learns once from a key that is looked up again before it comes") {
  UnitHost host("lecar", 4);
  host.use_all({1, 2, 3, 4, 5});  // 1 leaves, whichever expert names it
  const uint64_t before = host.cache().hash();
  host.cache().lookup(100, {1});
  const uint64_t hash = host.cache().hash();
  CHECK(hash != before);
  host.cache().lookup(101, {1});
  CHECK(host.cache().hash() == hash);
}

TEST_CASE("lecar remembers no block that the host gave up by itself") {
  UnitHost host("lecar", 4);
  host.use_all({1, 2, 3});
  host.cache().remove(50, TP_REMOVED_DROPPED, {0});
  const uint64_t hash = host.cache().hash();
  host.cache().lookup(51, {1});
  CHECK(host.cache().hash() == hash);
}

TEST_CASE("lecar evicts in two tiers as the algorithm does, whatever four blocks are used") {
  check_two_tier_histories("lecar",
                           [](uint32_t capacity) { return NaiveLeCar(capacity, 0.45, 7); });
}

}  // namespace
