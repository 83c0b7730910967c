#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include <catch2/catch.hpp>

#include "models/policy/hit_densities.hpp"
#include "models/policy/key_hash.hpp"
#include "tests/policy/naive_lists.hpp"

namespace {

using namespace tiercast;
using namespace tiercast::tests;

/// Hits and evictions as lists by class and age, draws from a plain list of candidates with the
/// library's generator.
class NaiveLhd final : public NaivePolicy {
 public:
  NaiveLhd(uint32_t capacity, uint32_t sample, uint64_t seed)
      : capacity_(capacity),
        sample_(sample),
        seed_(policy::mix_bits(seed + 0x9E3779B97F4A7C15u)),
        ages_(16) {
    while (ages_ < capacity && ages_ < 128) ages_ *= 2;
    while (ages_ * step_ <= 4 * capacity) step_ *= 2;
  }

  void insert_block(uint32_t slot, const tp_block& block) override {
    blocks_[slot] = {now_, block.tenant % 4, "unused"};
    pass_time();
  }
  void touch(uint32_t slot) override {
    Block& block = blocks_[slot];
    ++events(block).hits[age(block)];
    block.class_of_age = class_of(now_ - block.used);
    block.used = now_;
    pass_time();
  }
  void remove(uint32_t slot) override {
    Block& block = blocks_[slot];
    if (block.leaving) ++events(block).evictions[age(block)];
    leave(slot);
    blocks_.erase(slot);
  }
  void set_evictable(bool on, uint32_t slot) override {
    blocks_[slot].leaving = false;
    on ? row_.push_back(slot) : leave(slot);
  }
  Slots victims(uint32_t need) const override {
    Slots named;
    while (named.size() < need) {
      std::vector<std::tuple<double, uint64_t, uint32_t>> drawn;  // density, last use and slot
      for (uint32_t i = 0; i < sample_; ++i) {
        const uint64_t number = (draws_ + named.size()) * 256 + i;
        const uint64_t bits = policy::mix_bits(seed_ + number * 0x9E3779B97F4A7C15u);
        std::size_t at = (bits >> 32) * row_.size() >> 32;
        while (std::find(named.begin(), named.end(), row_[at]) != named.end()) {
          at = (at + 1) % row_.size();
        }
        const Block& block = blocks_.at(row_[at]);
        drawn.emplace_back(density(block), block.used, row_[at]);
      }
      named.push_back(std::get<2>(*std::min_element(drawn.begin(), drawn.end())));
    }
    return named;
  }
  void commit(const std::vector<bool>& refused) override {
    const Slots named = victims(static_cast<uint32_t>(refused.size()));
    draws_ += named.size();
    for (std::size_t i = 0; i < named.size(); ++i) {
      if (refused[i]) continue;
      leave(named[i]);
      blocks_[named[i]].leaving = true;
    }
  }
  bool tail_first() const override { return true; }

 private:
  struct Block {
    uint64_t used = 0;
    uint32_t tenant = 0;
    std::string class_of_age;
    bool leaving = false;
  };
  struct Events {
    std::vector<double> hits;
    std::vector<double> evictions;
  };
  using Class = std::pair<uint32_t, std::string>;

  std::string class_of(uint64_t unused) const {
    for (const uint64_t part : {32u, 16u, 8u, 4u, 2u, 1u}) {
      if (unused * part < capacity_) return "below 1/" + std::to_string(part);
    }
    return "long";
  }
  std::size_t age(const Block& block) const {
    return std::min((now_ - block.used) / step_, ages_ - 1);
  }
  Events& events(const Block& block) {
    Events& events = events_[{block.tenant, block.class_of_age}];
    events.hits.resize(ages_);
    events.evictions.resize(ages_);
    return events;
  }
  double density(const Block& block) const {
    const auto known = densities_.find({block.tenant, block.class_of_age});
    return known != densities_.end() ? known->second[age(block)] : 0;
  }

  void pass_time() {
    ++now_;
    if (++uses_ < std::max(64u, capacity_)) return;
    uses_ = 0;
    fit_step();
    densities_.clear();
    for (auto& [of, events] : events_) {
      std::vector<double>& densities = densities_[of];
      densities.resize(ages_);
      double hits = 0;
      double all = 0;
      double lifetime = 0;
      for (std::size_t age = ages_; age-- > 0;) {
        hits += events.hits[age];
        all += events.hits[age] + events.evictions[age];
        lifetime += all;
        densities[age] = lifetime > 0 ? hits / lifetime : 0;
        events.hits[age] *= 0.9;
        events.evictions[age] *= 0.9;
      }
    }
  }
  void fit_step() {
    double all = 0;
    double upper = 0;
    double last = 0;
    for (const auto& [of, events] : events_) {
      for (std::size_t age = 0; age < ages_; ++age) {
        const double here = events.hits[age] + events.evictions[age];
        all += here;
        if (age >= ages_ / 2) upper += here;
        if (age == ages_ - 1) last += here;
      }
    }
    if (last > 0.01 * all) {
      step_ *= 2;
      for (auto& [of, events] : events_) {
        for (std::vector<double>* row : {&events.hits, &events.evictions}) {
          std::vector<double> wide(ages_);
          for (std::size_t age = 0; age < ages_; ++age) wide[age / 2] += (*row)[age];
          *row = wide;
        }
      }
    } else if (step_ > 1 && upper < 0.001 * all) {
      step_ /= 2;
      for (auto& [of, events] : events_) {
        for (std::vector<double>* row : {&events.hits, &events.evictions}) {
          std::vector<double> narrow(ages_);
          for (std::size_t age = 0; age < ages_ / 2; ++age) {
            narrow[2 * age] = narrow[2 * age + 1] = (*row)[age] / 2;
          }
          double beyond = 0;
          for (std::size_t age = ages_ / 2; age < ages_; ++age) beyond += (*row)[age];
          narrow.back() += beyond;
          *row = narrow;
        }
      }
    }
  }
  void leave(uint32_t slot) {
    const auto place = std::find(row_.begin(), row_.end(), slot);
    if (place == row_.end()) return;
    *place = row_.back();
    row_.pop_back();
  }

  uint32_t capacity_;
  uint32_t sample_;
  uint64_t seed_;
  uint64_t ages_;
  uint64_t step_ = 1;
  uint64_t now_ = 0;
  uint64_t draws_ = 0;
  uint32_t uses_ = 0;
  std::map<uint32_t, Block> blocks_;
  Slots row_;
  std::map<Class, Events> events_;
  std::map<Class, std::vector<double>> densities_;
};

TEST_CASE("lhd agrees with events in lists and draws from a plain list") {
  const uint32_t capacity = GENERATE(1u, 5u, 64u, 200u);
  const uint32_t sample = GENERATE(1u, 4u, 64u);
  const uint32_t slots_a_block = GENERATE(1u, 2u);
  CHECK(compare_with_naive("lhd", capacity, "sample=" + std::to_string(sample),
                           NaiveLhd(capacity, sample, 7), sample + capacity, slots_a_block,
                           2500) > 50);
}

TEST_CASE("a hit density is hits to come over time to come") {
  policy::HitDensities densities(2, 16, 3, 0.5);
  CHECK(densities.age_of(7) == 0);
  CHECK(densities.age_of(8) == 1);
  CHECK(densities.age_of(1'000'000) == 15);
  for (int i = 0; i < 3; ++i) densities.hit(0, 1);
  densities.hit(0, 9);
  for (int i = 0; i < 4; ++i) densities.eviction(0, 3);
  densities.eviction(1, 0);
  CHECK(densities.density(0, 1) == 0);
  densities.update();
  // Eight blocks, four hits. All live through ages 0 and 1, five through 2 and 3, one up to 9.
  CHECK(densities.density(0, 0) == 4.0 / (8 + 8 + 5 + 5 + 6));
  CHECK(densities.density(0, 1) == 4.0 / (8 + 5 + 5 + 6));
  CHECK(densities.density(0, 2) == 1.0 / (5 + 5 + 6));
  CHECK(densities.density(0, 4) == 1.0 / 6);
  CHECK(densities.density(0, 9) == 1.0);
  CHECK(densities.density(0, 10) == 0);
  CHECK(densities.density(1, 0) == 0);
  // What was seen counts half by now: 5 hits, 2.5 of them at age 1 or 9, in 7 events.
  for (int i = 0; i < 3; ++i) densities.hit(0, 0);
  densities.update();
  CHECK(densities.density(0, 0) == 5.0 / (7 + 4 + 2.5 + 2.5 + 3));
}

TEST_CASE("ages widen where many events lie beyond them, and narrow where few come near the end") {
  policy::HitDensities densities(1, 16, 3, 1);
  for (int i = 0; i < 50; ++i) densities.hit(0, 4);
  densities.hit(0, 5);
  densities.eviction(0, 15);
  densities.update();
  CHECK(densities.age_of(16) == 1);  // a step is 16 long; what was at 4 and 5 is at 2
  CHECK(densities.density(0, 2) == 51.0 / (52 + 5));
  CHECK(densities.density(0, 7) == 0);
  policy::HitDensities narrow(1, 16, 3, 1);
  for (int i = 0; i < 8; ++i) narrow.hit(0, 4);
  narrow.update();
  CHECK(narrow.age_of(4) == 1);  // a step is 4 long; what was at 4 is at 8 and 9, half each
  CHECK(narrow.density(0, 8) == 8.0 / (8 + 4));
  CHECK(narrow.density(0, 10) == 0);
}

TEST_CASE("lhd evicts what is unused longest as long as it has learned nothing") {
  UnitHost host("lhd", 4, "sample=256");  // meets each of four
  CHECK(host.use_all({1, 2, 3, 4, 1, 5, 6, 7, 8}) == "- - - - - 2 3 4 1");
}

/// Misses of eight blocks used in turn for some rounds, each use followed by so many new blocks.
int misses_in_turn(UnitHost& host, int rounds, int new_blocks, uint64_t& next) {
  int misses = 0;
  for (int round = 0; round < rounds; ++round) {
    for (uint64_t key = 1; key <= 8; ++key) {
      if (!host.use(key).empty()) ++misses;
      for (int i = 0; i < new_blocks; ++i) host.use(next++);
    }
  }
  return misses;
}

TEST_CASE("lhd gives up what its class is not used again after, be it the newest") {
  // The eight come back after 16 uses at first, just in time for lru; new blocks never do. Once
  // that is learned new blocks leave for new ones, and the eight may take 24 uses to come back.
  UnitHost lhd("lhd", 16, "sample=256");
  UnitHost lru("lru", 16);
  uint64_t next = 100;
  misses_in_turn(lhd, 20, 1, next);
  misses_in_turn(lru, 20, 1, next);
  CHECK(misses_in_turn(lhd, 20, 2, next) == 0);
  CHECK(misses_in_turn(lru, 20, 2, next) > 150);
}

}  // namespace
