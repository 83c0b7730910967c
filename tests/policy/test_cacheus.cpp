#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <list>
#include <map>
#include <optional>
#include <vector>

#include <catch2/catch.hpp>

#include "models/policy/key_hash.hpp"
#include "tests/policy/naive_lists.hpp"

namespace {

using namespace tiercast;
using namespace tiercast::tests;

/// The paper's algorithms on plain lists, with the library's generator.
class NaiveCacheus final : public NaivePolicy {
 public:
  NaiveCacheus(uint32_t capacity, double sr, uint64_t seed)
      : capacity_(capacity),
        seed_(policy::mix_bits(seed + 0x9E3779B97F4A7C15u)),
        sr_most_(std::max(1.0, sr * capacity)),
        rate_(0.001 + 0.999 * chance(~uint64_t{0})) {}

  void lookup(const std::vector<uint64_t>& missing) override {
    for (auto key = missing.rbegin(); key != missing.rend(); ++key) {
      const auto ghost = find_ghost(*key);
      if (!ghost) continue;
      awaited_.push_back(*ghost);
      if (awaited_.size() > capacity_ / 8 + 64) awaited_.pop_front();
    }
    demote();
  }
  void insert(uint32_t slot, uint64_t key) override {
    std::optional<Ghost> ghost = take(awaited_, key);
    if (!ghost) ghost = find_ghost(key);
    blocks_[slot] = {.key = key, .uses = ghost ? ghost->uses + 1 : 1};
    (ghost ? r_ : sr_).push_back(slot);
    demote();
    end_use(false);
  }
  void touch(uint32_t slot) override {
    Block& block = blocks_[slot];
    ++block.uses;
    if (block.demoted) {
      sr_most_ = std::max(1.0, sr_most_ - std::max(1.0, count_new() / count_demoted()));
      block.demoted = false;
    }
    sr_.remove(slot);
    r_.remove(slot);
    r_.push_back(slot);
    if (block.evictable) renew(slot);
    demote();
    end_use(true);
  }
  void remove(uint32_t slot) override {
    const Block& block = blocks_[slot];
    const bool is_new = contains(sr_, slot) && !block.demoted;
    if (block.evictor == Evictor::sr_lru) push(sr_lru_history_, {block.key, block.uses, is_new});
    if (block.evictor == Evictor::cr_lfu) push(cr_lfu_history_, {block.key, block.uses, is_new});
    sr_.remove(slot);
    r_.remove(slot);
    by_recency_.remove(slot);
    blocks_.erase(slot);
  }
  void set_evictable(bool on, uint32_t slot) override {
    Block& block = blocks_[slot];
    block.evictable = on;
    block.evictor = Evictor::none;
    if (on) renew(slot);
    demote();
  }
  Slots victims(uint32_t need) const override {
    Slots named;
    for (const auto& [slot, evictor] : draw(need)) named.push_back(slot);
    return named;
  }
  void commit(const std::vector<bool>& refused) override {
    const auto drawn = draw(static_cast<uint32_t>(refused.size()));
    draws_ += drawn.size();
    for (std::size_t i = 0; i < drawn.size(); ++i) {
      if (refused[i]) continue;
      Block& block = blocks_[drawn[i].first];
      block.evictable = false;
      block.evictor = drawn[i].second;
    }
  }
  bool tail_first() const override { return true; }

 private:
  enum class Evictor : uint8_t { none, sr_lru, cr_lfu, both };
  using List = std::list<uint32_t>;  // oldest first
  struct Block {
    uint64_t key = 0;
    uint64_t uses = 0;
    bool demoted = false;
    bool evictable = false;
    Evictor evictor = Evictor::none;
  };
  struct Ghost {
    uint64_t key;
    uint64_t uses;
    bool is_new;
  };
  using History = std::list<Ghost>;

  static bool contains(const List& list, uint32_t slot) {
    return std::find(list.begin(), list.end(), slot) != list.end();
  }
  static std::optional<Ghost> take(History& history, uint64_t key) {
    const auto found = std::find_if(history.begin(), history.end(),
                                    [&](const Ghost& ghost) { return ghost.key == key; });
    if (found == history.end()) return std::nullopt;
    const Ghost ghost = *found;
    history.erase(found);
    return ghost;
  }
  void push(History& history, const Ghost& ghost) const {
    history.push_back(ghost);
    if (history.size() > std::max(1u, capacity_ / 2)) history.pop_front();
  }
  double count_new() const {
    return static_cast<double>(std::count_if(sr_lru_history_.begin(), sr_lru_history_.end(),
                                             [](const Ghost& ghost) { return ghost.is_new; }));
  }
  double count_demoted() const {
    return static_cast<double>(std::count_if(
        sr_.begin(), sr_.end(), [&](uint32_t slot) { return blocks_.at(slot).demoted; }));
  }

  std::optional<Ghost> find_ghost(uint64_t key) {
    const double new_ghosts = count_new();
    if (const auto ghost = take(sr_lru_history_, key)) {
      if (ghost->is_new) {
        sr_most_ += std::max(1.0, count_demoted() / new_ghosts);
        sr_most_ = std::min(sr_most_, std::max(1.0, capacity_ - 1.0));
      }
      reweigh(sr_lru_weight_);
      return ghost;
    }
    const auto ghost = take(cr_lfu_history_, key);
    if (ghost) reweigh(cr_lfu_weight_);
    return ghost;
  }
  void reweigh(double& blamed) {
    blamed *= std::exp(-rate_);
    const double sum = sr_lru_weight_ + cr_lfu_weight_;
    sr_lru_weight_ = std::min(0.99, std::max(0.01, sr_lru_weight_ / sum));
    cr_lfu_weight_ = 1 - sr_lru_weight_;
  }
  void demote() {
    const auto is_candidate = [&](uint32_t slot) { return blocks_[slot].evictable; };
    const auto stays = [&](uint32_t slot) { return blocks_[slot].evictor == Evictor::none; };
    while (static_cast<double>(std::count_if(r_.begin(), r_.end(), stays)) > capacity_ - sr_most_) {
      const auto oldest = std::find_if(r_.begin(), r_.end(), is_candidate);
      if (oldest == r_.end()) return;
      blocks_[*oldest].demoted = true;
      sr_.splice(sr_.end(), r_, oldest);
    }
  }
  void renew(uint32_t slot) {
    by_recency_.remove(slot);
    by_recency_.push_back(slot);
  }

  void end_use(bool hit) {
    hits_ += hit ? 1 : 0;
    if (++uses_ < capacity_) return;
    const double hit_rate = static_cast<double>(hits_) / capacity_;
    const double gain = hit_rate - hit_rate_before_;
    const double change = rate_ - rate_before_;
    rate_before_ = rate_;
    if (change != 0) {
      const double sign = gain / change > 0 ? 1 : -1;
      rate_ = std::max(0.001, std::min(1.0, rate_ + sign * std::abs(rate_ * change)));
      unlearned_ = 0;
    } else if (hit_rate == 0 || gain <= 0) {
      if (++unlearned_ >= 10) {
        unlearned_ = 0;
        rate_ = 0.001 + 0.999 * chance(~uint64_t{++restarts_});
      }
    }
    hit_rate_before_ = hit_rate;
    uses_ = hits_ = 0;
  }

  std::vector<std::pair<uint32_t, Evictor>> draw(uint32_t need) const {
    std::vector<std::pair<uint32_t, Evictor>> drawn;
    const auto free = [&](uint32_t slot) {
      return blocks_.at(slot).evictable &&
             std::none_of(drawn.begin(), drawn.end(),
                          [&](const auto& victim) { return victim.first == slot; });
    };
    while (drawn.size() < need) {
      auto oldest = std::find_if(sr_.begin(), sr_.end(), free);
      if (oldest == sr_.end()) oldest = std::find_if(r_.begin(), r_.end(), free);
      std::optional<uint32_t> least;
      for (const uint32_t slot : by_recency_) {
        if (!free(slot)) continue;
        if (!least || blocks_.at(slot).uses <= blocks_.at(*least).uses) least = slot;
      }
      const bool by_sr_lru = chance(draws_ + drawn.size()) < sr_lru_weight_;
      const Evictor evictor = *oldest == *least ? Evictor::both
                              : by_sr_lru       ? Evictor::sr_lru
                                                : Evictor::cr_lfu;
      drawn.emplace_back(by_sr_lru ? *oldest : *least, evictor);
    }
    return drawn;
  }
  double chance(uint64_t number) const {
    const uint64_t bits = policy::mix_bits(seed_ + number * 0x9E3779B97F4A7C15u);
    return std::ldexp(static_cast<double>(bits >> 11), -53);
  }

  uint32_t capacity_;
  uint64_t seed_;
  double sr_most_;
  double rate_;
  double rate_before_ = 0;
  double hit_rate_before_ = 0;
  double sr_lru_weight_ = 0.5;
  double cr_lfu_weight_ = 0.5;
  uint64_t draws_ = 0;
  uint32_t uses_ = 0;
  uint32_t hits_ = 0;
  uint32_t unlearned_ = 0;
  uint32_t restarts_ = 0;
  std::map<uint32_t, Block> blocks_;
  List sr_;
  List r_;
  List by_recency_;  // touched or put down longest ago first
  History sr_lru_history_;
  History cr_lfu_history_;
  History awaited_;
};

TEST_CASE("cacheus agrees with the algorithms on plain lists") {
  const uint32_t capacity = GENERATE(1u, 2u, 10u, 64u, 150u);
  const uint64_t seed = GENERATE(1u, 2u, 3u);
  const uint32_t slots_a_block = GENERATE(1u, 2u);
  CHECK(compare_with_naive("cacheus", capacity, "", NaiveCacheus(capacity, 1, 7), seed,
                           slots_a_block, 2000) > 50);
  CHECK(compare_with_naive("cacheus", capacity, "sr=0.3", NaiveCacheus(capacity, 0.3, 7), seed,
                           slots_a_block, 2000) > 50);
}

std::vector<uint64_t> scan(uint64_t first, uint64_t count) {
  std::vector<uint64_t> keys;
  for (uint64_t key = first; key < first + count; ++key) keys.push_back(key);
  return keys;
}

TEST_CASE("cacheus keeps what was used again through a scan") {
  // R has room for two. The scan's blocks fill SR: SR-LRU names its oldest, CR-LFU its newest.
  UnitHost host("cacheus", 4, "sr=0.5");
  host.use_all({1, 2, 1, 2});
  host.use_all(scan(10, 50));
  CHECK(host.use_all({1, 2}) == "- -");
}

TEST_CASE("cacheus gives room to what is used again once demoted blocks are used") {
  // SR is all of the pool, so 1 is demoted at once, SR's oldest, and leaves as SR-LRU is first
  // heard.
  UnitHost without("cacheus", 4, "sr=1");
  without.use_all({1, 1});
  without.use_all(scan(10, 50));
  CHECK(without.use(1) != "");
  // Used once more it takes a block off SR, and the scan cannot reach it.
  UnitHost with("cacheus", 4, "sr=1");
  with.use_all({1, 1, 1});
  with.use_all(scan(10, 50));
  CHECK(with.use(1).empty());
}

TEST_CASE("cacheus hits in a loop one longer than the pool, where lru never does") {
  UnitHost lru("lru", 4);
  UnitHost cacheus("cacheus", 4);
  int lru_hits = 0;
  int cacheus_hits = 0;
  for (int use = 0; use < 500; ++use) {
    const uint64_t key = 1 + static_cast<uint64_t>(use % 5);
    if (use < 5) {
      lru.use(key);
      cacheus.use(key);
      continue;
    }
    lru_hits += lru.use(key).empty() ? 1 : 0;
    cacheus_hits += cacheus.use(key).empty() ? 1 : 0;
  }
  CHECK(lru_hits == 0);
  CHECK(cacheus_hits > 250);  // at most four of five
}

TEST_CASE("cacheus blames nobody for a victim that both experts name") {
  UnitHost host("cacheus", 1);
  CHECK(host.use_all({1, 2}) == "- 1");
  const uint64_t hash = host.cache().hash();
  host.cache().lookup(50, {1});
  CHECK(host.cache().hash() == hash);
}

TEST_CASE("cacheus learns once from a key that is looked up again before it comes") {
  UnitHost host("cacheus", 4);
  host.use_all({1, 2, 3, 4, 5});  // 1 leaves if SR-LRU names it, else 4
  const uint64_t before = host.cache().hash();
  host.cache().lookup(100, {1, 4});
  const uint64_t hash = host.cache().hash();
  CHECK(hash != before);
  host.cache().lookup(101, {1, 4});
  CHECK(host.cache().hash() == hash);
}

}  // namespace
