#include <algorithm>
#include <array>
#include <list>
#include <map>
#include <vector>

#include <catch2/catch.hpp>

#include "models/policy/frequency_sketch.hpp"
#include "models/policy/key_hash.hpp"
#include "models/policy/registry.hpp"
#include "tests/policy/random_host.hpp"

namespace {

using namespace tiercast;
using namespace tiercast::tests;

uint64_t hash_of(uint64_t key) { return policy::key_hash({key * 31, key}); }

TEST_CASE("a frequency sketch never counts too little, and seldom too much") {
  const uint32_t capacity = 1000;
  policy::FrequencySketch sketch(capacity, UINT64_MAX);
  std::map<uint64_t, uint32_t> counts;
  Draw draw(1);
  for (int i = 0; i < 3000; ++i) {
    const uint64_t key = std::min(draw.below(capacity), draw.below(capacity));
    sketch.add(hash_of(key));
    ++counts[key];
  }
  uint32_t exact = 0;
  for (const auto& [key, count] : counts) {
    const uint32_t estimate = sketch.estimate(hash_of(key));
    REQUIRE(estimate >= std::min(count, policy::FrequencySketch::most));
    exact += estimate == std::min(count, policy::FrequencySketch::most) ? 1 : 0;
  }
  CHECK(exact * 10 > counts.size() * 9);
}

TEST_CASE("a frequency sketch halves its counts after so many") {
  policy::FrequencySketch sketch(100, 30);
  for (int i = 0; i < 25; ++i) sketch.add(hash_of(1));
  CHECK(sketch.estimate(hash_of(1)) == 15);
  for (int i = 0; i < 4; ++i) sketch.add(hash_of(2));
  CHECK(sketch.estimate(hash_of(2)) == 4);
  sketch.add(hash_of(2));
  CHECK(sketch.estimate(hash_of(1)) == 7);
  CHECK(sketch.estimate(hash_of(2)) == 2);
}

/// Window, probation and protected as lists, oldest first. The sketch is the library's: it has
/// tests of its own.
class NaiveWTinyLfu final : public NaivePolicy {
 public:
  NaiveWTinyLfu(uint32_t capacity, std::size_t window, std::size_t protect, uint64_t sample)
      : window_most_(window),
        main_most_(capacity - window),
        protect_most_(protect),
        sketch_(capacity, sample) {}

  void insert(uint32_t slot, uint64_t key) override {
    count(hash_of(key));
    blocks_[slot] = {key, false, false};
    lists_[0].push_back(slot);
    pass_on();
  }
  void touch(uint32_t slot) override {
    count(hash_of(blocks_[slot].key));
    if (blocks_[slot].leaving) return;
    const bool window = holds(0, slot);
    take_out(slot);
    lists_[window ? 0 : 2].push_back(slot);
    if (window) return;
    while (staying(2) > protect_most_ && oldest(2) != none) {
      const uint32_t surplus = oldest(2);
      take_out(surplus);
      lists_[1].push_back(surplus);
    }
  }
  void remove(uint32_t slot) override {
    take_out(slot);
    blocks_.erase(slot);
  }
  void set_evictable(bool on, uint32_t slot) override {
    blocks_[slot].evictable = on;
    blocks_[slot].leaving = false;
    if (on) pass_on();
  }
  Slots victims(uint32_t need) const override {
    Slots winners;
    return contest(need, winners);
  }
  void commit(const std::vector<bool>& refused) override {
    Slots winners;
    const Slots named = contest(static_cast<uint32_t>(refused.size()), winners);
    for (std::size_t i = 0; i < named.size(); ++i) {
      if (refused[i]) continue;
      blocks_[named[i]].evictable = false;
      blocks_[named[i]].leaving = true;
    }
    for (const uint32_t slot : winners) {
      if (blocks_[slot].leaving) continue;
      take_out(slot);
      lists_[1].push_back(slot);
    }
  }
  bool tail_first() const override { return true; }

 private:
  static constexpr uint32_t none = UINT32_MAX;
  struct Block {
    uint64_t key;
    bool evictable;
    bool leaving;
  };

  void count(uint64_t hash) { sketch_.add(hash); }
  bool holds(std::size_t list, uint32_t slot) const {
    return std::find(lists_[list].begin(), lists_[list].end(), slot) != lists_[list].end();
  }
  void take_out(uint32_t slot) {
    for (auto& list : lists_) list.remove(slot);
  }
  std::size_t staying(std::size_t list) const {
    return static_cast<std::size_t>(
        std::count_if(lists_[list].begin(), lists_[list].end(),
                      [&](uint32_t slot) { return !blocks_.at(slot).leaving; }));
  }
  Slots candidates(std::size_t list) const {
    Slots slots;
    for (const uint32_t slot : lists_[list]) {
      if (blocks_.at(slot).evictable) slots.push_back(slot);
    }
    return slots;
  }
  uint32_t oldest(std::size_t list) const {
    const Slots slots = candidates(list);
    return slots.empty() ? none : slots.front();
  }
  void pass_on() {
    while (staying(0) > window_most_ && staying(1) + staying(2) < main_most_ && oldest(0) != none) {
      const uint32_t slot = oldest(0);
      take_out(slot);
      const bool low = staying(1) < main_most_ - protect_most_ || staying(2) >= protect_most_;
      lists_[low ? 1 : 2].push_back(slot);
    }
  }
  Slots contest(uint32_t need, Slots& winners) const {
    const Slots window = candidates(0);
    Slots main = candidates(1);
    const Slots protect = candidates(2);
    main.insert(main.end(), protect.begin(), protect.end());
    Slots named;
    std::size_t newcomer = 0;
    std::size_t giving = 0;
    while (named.size() < need) {
      if (newcomer == window.size() && giving == main.size()) {
        named.insert(named.end(), winners.begin(), winners.end());
        named.resize(need);
      } else if (giving == main.size()) {
        named.push_back(window[newcomer++]);
      } else if (newcomer == window.size() || staying(0) < window_most_) {
        named.push_back(main[giving++]);
      } else if (uses(window[newcomer]) > uses(main[giving])) {
        winners.push_back(window[newcomer++]);
        named.push_back(main[giving++]);
      } else {
        named.push_back(window[newcomer++]);
      }
    }
    return named;
  }
  uint32_t uses(uint32_t slot) const { return sketch_.estimate(hash_of(blocks_.at(slot).key)); }

  std::size_t window_most_;
  std::size_t main_most_;
  std::size_t protect_most_;
  std::map<uint32_t, Block> blocks_;
  std::array<std::list<uint32_t>, 3> lists_;
  policy::FrequencySketch sketch_;
};

const tp_cache_table& wtinylfu() { return *tp_find_builtin_cache("wtinylfu"); }

TEST_CASE("wtinylfu agrees with the algorithm on plain lists") {
  struct Case {
    uint32_t capacity;
    const char* config;
    std::size_t window;
    std::size_t protect;
    uint64_t sample;
  };
  const Case example = GENERATE(
      Case{1, "", 1, 0, 10}, Case{2, "", 1, 0, 20}, Case{10, "", 1, 7, 100},
      Case{64, "window=0.25\nprotected=0.5\nsample=2", 16, 24, 128},
      Case{100, "window=0.9\nprotected=0", 90, 0, 1000}, Case{200, "protected=1", 2, 198, 2000});
  const uint64_t seed = GENERATE(1u, 2u, 3u);
  INFO(example.capacity << " blocks, " << example.config);
  const uint32_t slot_count = example.capacity * GENERATE(1u, 2u);
  Instance joined(wtinylfu(), example.capacity, example.config, true, slot_count);
  Instance singles(wtinylfu(), example.capacity, example.config, false, slot_count);
  NaiveWTinyLfu naive(example.capacity, example.window, example.protect, example.sample);
  RandomHost host(seed, example.capacity, {&joined, &singles}, &naive, slot_count);
  host.run(2500);
  CHECK(host.victims() > 50);
}

TEST_CASE("wtinylfu lets newcomers into main that were used more often than what they replace") {
  // Five blocks: a window of one, main of four, two of them protected.
  Instance cache(wtinylfu(), 5, "window=0.2\nprotected=0.5", true);
  for (uint32_t slot = 0; slot < 5; ++slot) {
    cache.insert(slot, {slot}, {slot + 1});
    cache.set_evictable(slot, true, {slot});
  }
  // 1 and 2 went to probation, 3 and 4 to protected, which had room; 5 is the window's.
  uint64_t token = 0;
  CHECK(text(cache.select(5, 1, token)) == " 4+1");  // used once, as often as 1: the window loses
  REQUIRE(wtinylfu().abort(cache.cache(), token) == TP_OK);
  cache.touch(6, {4});
  CHECK(text(cache.select(6, 5, token)) ==
        " 0+1 1+1 2+1 3+1 4+1");  // 1 loses; 5 is in main, behind all others
  REQUIRE(wtinylfu().abort(cache.cache(), token) == TP_OK);
  cache.touch(7, {0});  // moves up, and 3 falls to probation behind 2
  CHECK(text(cache.select(8, 4, token)) == " 1+1 2+1 3+1 0+1");
}

}  // namespace
