#include <algorithm>
#include <list>
#include <map>
#include <vector>

#include <catch2/catch.hpp>

#include "models/policy/ghost_cells.hpp"
#include "models/policy/key_hash.hpp"
#include "models/policy/registry.hpp"
#include "tests/policy/random_host.hpp"

namespace {

using namespace tiercast;
using namespace tiercast::tests;

TEST_CASE("ghost cells find keys, and keep their numbers") {
  const uint32_t count = GENERATE(1u, 2u, 13u, 500u);
  policy::GhostCells ghosts(count);
  std::map<uint64_t, uint32_t> cells;
  Draw draw(count);
  for (uint32_t step = 0; step < 20 * count + 200; ++step) {
    // Hashes whose high halves are few, so that they crowd each other.
    const uint64_t hash = uint64_t{draw.below(3) * 1'431'655'765u} << 32 | draw.below(2 * count);
    const auto known = cells.find(hash);
    REQUIRE(ghosts.find(hash) == (known != cells.end() ? known->second : policy::GhostCells::none));
    if (known != cells.end()) {
      REQUIRE(ghosts.hash_at(known->second) == hash);
      if (draw.chance(50)) {
        ghosts.drop(known->second);
        cells.erase(known);
      }
    } else if (!ghosts.full()) {
      cells[hash] = ghosts.add(hash);
      REQUIRE(cells[hash] < count);
    } else {
      ghosts.drop(cells.begin()->second);
      cells.erase(cells.begin());
    }
    REQUIRE(ghosts.size() == cells.size());
  }
}

/// Stack and queue as lists, oldest first; a ghost has no slot.
class NaiveLirs final : public NaivePolicy {
 public:
  NaiveLirs(uint32_t capacity, uint32_t hir_share)
      : capacity_(capacity), lir_most_(capacity - hir_share), ghosts_most_(capacity + hir_share) {}

  void insert(uint32_t slot, uint64_t key) override {
    blocks_[slot] = {key, false, false, false, ++now_};
    const auto ghost = std::find_if(stack_.begin(), stack_.end(), [&](const Entry& entry) {
      return entry.slot == none && entry.key == key;
    });
    if (ghost != stack_.end()) {
      stack_.erase(ghost);
      become_lir(slot);
    } else if (lirs() < lir_most_) {
      blocks_[slot].lir = true;
      stack_.push_back({key, slot});
    } else {
      queue_.push_back(slot);
      if (lirs() != 0) stack_.push_back({key, slot});
    }
    while (stack_.size() > 2 * capacity_ && ghosts() != 0) drop_lowest_ghost();
  }
  void touch(uint32_t slot) override {
    blocks_[slot].since = ++now_;
    const auto place = find(slot);
    const bool stacked = place != stack_.end();
    if (blocks_[slot].lir) {
      stack_.splice(stack_.end(), stack_, place);
      prune();
    } else if (stacked) {
      stack_.erase(place);
      queue_.remove(slot);
      become_lir(slot);
    } else {
      queue_.remove(slot);
      queue_.push_back(slot);
      if (lirs() != 0) stack_.push_back({blocks_[slot].key, slot});
    }
  }
  void remove(uint32_t slot) override {
    const auto place = find(slot);
    const Block block = blocks_[slot];
    queue_.remove(slot);
    blocks_.erase(slot);
    if (place == stack_.end()) return;
    if (block.leaving && !block.lir) {
      if (ghosts() == ghosts_most_) drop_lowest_ghost();
      place->slot = none;
    } else {
      stack_.erase(place);
      if (block.lir) prune();
    }
  }
  void set_evictable(bool on, uint32_t slot) override {
    blocks_[slot].evictable = on;
    blocks_[slot].leaving = false;
  }
  Slots victims(uint32_t need) const override {
    Slots all;
    for (const uint32_t slot : queue_) {
      if (blocks_.at(slot).evictable) all.push_back(slot);
    }
    for (const Entry& entry : stack_) {
      if (entry.slot == none) continue;
      const Block& block = blocks_.at(entry.slot);
      if (block.lir && block.evictable) all.push_back(entry.slot);
    }
    all.resize(need);
    return all;
  }
  void commit(const std::vector<bool>& refused) override {
    const Slots named = victims(static_cast<uint32_t>(refused.size()));
    bool fell = false;
    for (std::size_t i = 0; i < named.size(); ++i) {
      if (refused[i]) continue;
      Block& block = blocks_[named[i]];
      block.evictable = false;
      block.leaving = true;
      if (!block.lir) continue;
      block.lir = false;
      fell = true;
      stack_.erase(find(named[i]));
      // Should it come back, the queue has it where its last use puts it.
      const auto later = std::find_if(queue_.begin(), queue_.end(), [&](uint32_t other) {
        return blocks_[other].since > block.since;
      });
      queue_.insert(later, named[i]);
    }
    if (fell) prune();
  }
  bool tail_first() const override { return true; }

 private:
  static constexpr uint32_t none = UINT32_MAX;
  struct Entry {
    uint64_t key;
    uint32_t slot;
  };
  struct Block {
    uint64_t key;
    bool lir;
    bool evictable;
    bool leaving = false;
    uint64_t since = 0;  // its last use, or its fall to the queue
  };

  std::list<Entry>::iterator find(uint32_t slot) {
    return std::find_if(stack_.begin(), stack_.end(),
                        [&](const Entry& entry) { return entry.slot == slot; });
  }
  bool is_lir(const Entry& entry) const { return entry.slot != none && blocks_.at(entry.slot).lir; }
  std::size_t lirs() const {
    return static_cast<std::size_t>(std::count_if(
        stack_.begin(), stack_.end(), [&](const Entry& entry) { return is_lir(entry); }));
  }
  std::size_t ghosts() const {
    return static_cast<std::size_t>(std::count_if(
        stack_.begin(), stack_.end(), [](const Entry& entry) { return entry.slot == none; }));
  }
  void drop_lowest_ghost() {
    stack_.erase(std::find_if(stack_.begin(), stack_.end(),
                              [](const Entry& entry) { return entry.slot == none; }));
  }
  void prune() {
    while (!stack_.empty() && !is_lir(stack_.front())) stack_.pop_front();
  }
  void become_lir(uint32_t slot) {
    if (lirs() >= lir_most_) {
      const auto lowest = std::find_if(stack_.begin(), stack_.end(),
                                       [&](const Entry& entry) { return is_lir(entry); });
      blocks_[lowest->slot].lir = false;
      blocks_[lowest->slot].since = now_;  // before the block that becomes LIR
      queue_.push_back(lowest->slot);
      stack_.erase(lowest);
      prune();
    }
    blocks_[slot].lir = true;
    stack_.push_back({blocks_[slot].key, slot});
  }

  uint32_t capacity_;
  uint32_t lir_most_;
  uint32_t ghosts_most_;
  std::map<uint32_t, Block> blocks_;
  std::list<Entry> stack_;
  std::list<uint32_t> queue_;
  uint64_t now_ = 0;
};

const tp_cache_table& lirs() { return *tp_find_builtin_cache("lirs"); }

TEST_CASE("lirs agrees with the algorithm on plain lists") {
  struct Case {
    uint32_t capacity;
    const char* config;
    uint32_t hir_share;
  };
  const Case example =
      GENERATE(Case{1, "", 1}, Case{2, "", 1}, Case{10, "", 1}, Case{64, "hir=0.25", 16},
               Case{100, "hir=0.9", 90}, Case{200, "hir=0.05", 10});
  const uint64_t seed = GENERATE(1u, 2u, 3u);
  INFO(example.capacity << " blocks, " << example.config);
  const uint32_t slot_count = example.capacity * GENERATE(1u, 2u);
  Instance joined(lirs(), example.capacity, example.config, true, slot_count);
  Instance singles(lirs(), example.capacity, example.config, false, slot_count);
  NaiveLirs naive(example.capacity, example.hir_share);
  RandomHost host(seed, example.capacity, {&joined, &singles}, &naive, slot_count);
  host.run(2500);
  CHECK(host.victims() > 50);
}

TEST_CASE("lirs keeps what was used twice in a short time, known again by its ghost") {
  // Four blocks, one of them HIR at most: 1 2 3 fill the LIR part. 4 is HIR.
  Instance cache(lirs(), 4, "hir=0.25", true);
  const auto enter = [&](int64_t now, uint32_t slot, uint64_t key) {
    cache.insert(now, {slot}, {key});
    cache.set_evictable(now, true, {slot});
  };
  for (uint32_t slot = 0; slot < 4; ++slot) enter(slot, slot, slot + 1);
  uint64_t token = 0;
  const auto evict = [&](int64_t now) {
    const SpanList named = cache.select(now, 1, token);
    REQUIRE(lirs().commit(cache.cache(), now, token, nullptr) == TP_OK);
    cache.remove(now, TP_REMOVED_EVICTED, as_slots(named));
    return named.front().first_slot;
  };
  CHECK(evict(4) == 3);
  enter(4, 3, 5);  // HIR; 4 is a ghost above 1 2 3
  CHECK(evict(5) == 3);
  enter(5, 3, 4);  // as its ghost: LIR, and 1, the lowest, falls to the queue
  CHECK(evict(6) == 0);
  enter(6, 0, 6);       // HIR
  cache.touch(7, {0});  // in the stack, so LIR, and 2 falls
  CHECK(evict(8) == 1);
  enter(8, 1, 7);
  CHECK(text(cache.select(9, 4, token)) ==
        " 1+1 2+1 3+1 0+1");  // 7, then LIR from the lowest: 3 4 6
}

}  // namespace
