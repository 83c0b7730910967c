#include <algorithm>
#include <map>
#include <optional>
#include <vector>

#include <catch2/catch.hpp>

#include "models/policy/registry.hpp"
#include "tests/policy/random_host.hpp"

namespace {

using namespace tiercast;
using namespace tiercast::tests;

/// Worths kept by slot; parents by slot and by which stay of a block there it is.
class NaiveGdsf final : public NaivePolicy {
 public:
  void insert_block(uint32_t slot, const tp_block& view) override {
    Block& block = blocks_[slot];  // a child may have raised its worth already
    block.present = true;
    block.uses = 1;
    const double cost = view.recompute_ns == 0 ? 1 : static_cast<double>(view.recompute_ns);
    block.ratio = static_cast<float>(cost / (view.bytes == 0 ? 1 : view.bytes));
    if (view.parent_slot != UINT32_MAX) {
      block.parent = {view.parent_slot, stays_[view.parent_slot]};
    }
    revalue(slot);
  }
  void touch(uint32_t slot) override {
    ++blocks_[slot].uses;
    blocks_[slot].order = ++clock_;
    revalue(slot);
  }
  void remove(uint32_t slot) override {
    blocks_.erase(slot);
    ++stays_[slot];
  }
  void set_evictable(bool on, uint32_t slot) override {
    blocks_[slot].evictable = on;
    if (on) blocks_[slot].order = ++clock_;
  }
  Slots victims(uint32_t need) const override {
    Slots all;
    for (const auto& [slot, block] : blocks_) {
      if (block.evictable) all.push_back(slot);
    }
    std::sort(all.begin(), all.end(), [&](uint32_t a, uint32_t b) {
      const Block& first = blocks_.at(a);
      const Block& second = blocks_.at(b);
      return first.worth != second.worth ? first.worth < second.worth : first.order < second.order;
    });
    all.resize(need);
    return all;
  }
  void commit(const std::vector<bool>& refused) override {
    const Slots named = victims(static_cast<uint32_t>(refused.size()));
    for (std::size_t i = 0; i < named.size(); ++i) {
      if (refused[i]) continue;
      blocks_[named[i]].evictable = false;
      age_ = std::max(age_, blocks_[named[i]].worth);
    }
  }
  bool tail_first() const override { return true; }

 private:
  struct Block {
    double worth = 0;
    float ratio = 0;
    uint32_t uses = 0;
    std::optional<std::pair<uint32_t, uint32_t>> parent;
    uint64_t order = 0;
    bool evictable = false;
    bool present = false;
  };
  void revalue(uint32_t slot) {
    const double worth = age_ + double(blocks_[slot].uses) * double(blocks_[slot].ratio);
    raise(slot, worth);
    const double least = blocks_[slot].worth;
    for (auto up = blocks_[slot].parent; up && stays_[up->first] == up->second;
         up = blocks_[up->first].parent) {
      if (!raise(up->first, least)) break;
    }
  }
  bool raise(uint32_t slot, double worth) {
    if (worth <= blocks_[slot].worth) return false;
    blocks_[slot].worth = worth;
    blocks_[slot].order = ++clock_;
    return true;
  }

  std::map<uint32_t, Block> blocks_;
  std::map<uint32_t, uint32_t> stays_;
  uint64_t clock_ = 0;
  double age_ = 0;
};

const tp_cache_table& gdsf() { return *tp_find_builtin_cache("gdsf"); }

TEST_CASE("gdsf agrees with a sorted list") {
  const uint32_t capacity = GENERATE(1u, 5u, 64u, 200u);
  const uint64_t seed = GENERATE(1u, 2u, 3u);
  const uint32_t slot_count = capacity * GENERATE(1u, 2u);
  Instance joined(gdsf(), capacity, "", true, slot_count);
  Instance singles(gdsf(), capacity, "", false, slot_count);
  NaiveGdsf naive;
  RandomHost host(seed, capacity, {&joined, &singles}, &naive, slot_count);
  host.run(1500);
  CHECK(host.victims() > 50);
}

tp_block priced(uint64_t key, uint64_t recompute_ns, uint32_t bytes) {
  tp_block block = view_of(key);
  block.recompute_ns = recompute_ns;
  block.bytes = bytes;
  return block;
}

TEST_CASE("gdsf evicts what costs least a byte and use, and ages what stays") {
  Instance cache(gdsf(), 4, "", true);
  cache.insert_blocks(0, {0, 1, 2}, {priced(1, 30, 10), priced(2, 40, 10), priced(3, 100, 50)});
  cache.set_evictable(0, true, {0, 1, 2});  // worth 3, 4, 2
  cache.touch(1, {2});                      // 4, and newer than block 1's
  uint64_t token = 0;
  CHECK(text(cache.select(2, 3, token)) == " 0+1 1+1 2+1");
  const std::vector<uint8_t> accepted{1};
  REQUIRE(gdsf().abort(cache.cache(), token) == TP_OK);
  cache.select(2, 1, token);
  REQUIRE(gdsf().commit(cache.cache(), 2, token, accepted.data()) == TP_OK);
  cache.remove(2, TP_REMOVED_EVICTED, {0});  // L is 3
  cache.insert_blocks(3, {0}, {priced(4, 20, 10)});
  cache.set_evictable(3, true, {0});  // 3 + 2: more than the two others
  CHECK(text(cache.select(4, 3, token)) == " 1+1 2+1 0+1");
}

TEST_CASE("gdsf keeps a prefix while it keeps what lies behind it") {
  Instance cache(gdsf(), 4, "", true);
  tp_block child = priced(2, 900, 10);
  child.parent_slot = 0;
  tp_block grandchild = priced(3, 1000, 10);
  grandchild.parent_slot = 1;
  cache.insert_blocks(0, {0, 1, 2}, {priced(1, 10, 10), child, grandchild});
  cache.insert_blocks(0, {3}, {priced(4, 500, 10)});
  cache.set_evictable(1, true, {0, 1, 2, 3});
  uint64_t token = 0;
  CHECK(text(cache.select(2, 4, token)) == " 0+4");  // downwards: 3, then the tail 2, 1, 0
}

}  // namespace
