#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include <catch2/catch.hpp>

#include "models/policy/key_hash.hpp"
#include "models/policy/registry.hpp"
#include "tests/policy/random_host.hpp"

namespace {

using namespace tiercast;
using namespace tiercast::tests;

/// Draws from a plain list of candidates, with the library's generator.
class NaiveHyperbolic final : public NaivePolicy {
 public:
  NaiveHyperbolic(uint32_t sample, uint64_t seed)
      : sample_(sample), seed_(policy::mix_bits(seed + 0x9E3779B97F4A7C15u)) {}

  void insert(uint32_t slot, uint64_t) override { blocks_[slot] = {now_++, 1}; }
  void touch(uint32_t slot) override {
    ++now_;
    ++blocks_[slot].uses;
  }
  void remove(uint32_t slot) override { leave(slot); }
  void set_evictable(bool on, uint32_t slot) override { on ? row_.push_back(slot) : leave(slot); }
  Slots victims(uint32_t need) const override {
    Slots named;
    while (named.size() < need) {
      std::set<std::pair<double, uint32_t>> drawn;  // worth and slot
      for (uint32_t i = 0; i < sample_; ++i) {
        const uint64_t number = (draws_ + named.size()) * 256 + i;
        const uint64_t bits = policy::mix_bits(seed_ + number * 0x9E3779B97F4A7C15u);
        std::size_t at = (bits >> 32) * row_.size() >> 32;
        while (std::find(named.begin(), named.end(), row_[at]) != named.end()) {
          at = (at + 1) % row_.size();
        }
        const Block& block = blocks_.at(row_[at]);
        drawn.insert({static_cast<double>(block.uses) / static_cast<double>(now_ - block.entered),
                      row_[at]});
      }
      named.push_back(drawn.begin()->second);
    }
    return named;
  }
  void commit(const std::vector<bool>& refused) override {
    const Slots named = victims(static_cast<uint32_t>(refused.size()));
    draws_ += named.size();
    for (std::size_t i = 0; i < named.size(); ++i) {
      if (!refused[i]) leave(named[i]);
    }
  }
  bool tail_first() const override { return true; }

 private:
  struct Block {
    uint64_t entered;
    uint64_t uses;
  };
  void leave(uint32_t slot) {
    const auto place = std::find(row_.begin(), row_.end(), slot);
    if (place == row_.end()) return;
    *place = row_.back();
    row_.pop_back();
  }

  uint32_t sample_;
  uint64_t seed_;
  uint64_t now_ = 0;
  uint64_t draws_ = 0;
  std::map<uint32_t, Block> blocks_;
  Slots row_;
};

const tp_cache_table& hyperbolic() { return *tp_find_builtin_cache("hyperbolic"); }

TEST_CASE("hyperbolic agrees with draws from a plain list") {
  const uint32_t capacity = GENERATE(1u, 5u, 64u, 200u);
  const uint32_t sample = GENERATE(1u, 64u, 256u);
  const uint32_t slot_count = capacity * GENERATE(1u, 2u);
  const std::string config = "sample=" + std::to_string(sample);
  Instance joined(hyperbolic(), capacity, config, true, slot_count);
  Instance singles(hyperbolic(), capacity, config, false, slot_count);
  NaiveHyperbolic naive(sample, 7);  // the seed of every Instance
  RandomHost host(sample + capacity, capacity, {&joined, &singles}, &naive, slot_count);
  host.run(1500);
  CHECK(host.victims() > 50);
}

TEST_CASE("hyperbolic evicts what was used least for its time in the pool") {
  // Of four blocks, 256 draws meet each: the least worthy of all.
  Instance cache(hyperbolic(), 4, "sample=256", true);
  for (uint32_t slot = 0; slot < 4; ++slot) cache.insert(slot, {slot}, {slot + 1});
  cache.set_evictable(3, true, {0, 1, 2, 3});
  for (int64_t now = 4; now < 8; ++now) cache.touch(now, {1});
  // Of 8 uses in all, worth: 1 of 8, 5 of 7, 1 of 6, 1 of 5.
  uint64_t token = 0;
  CHECK(text(cache.select(8, 4, token)) == " 0+1 2+1 3+1 1+1");
}

}  // namespace
