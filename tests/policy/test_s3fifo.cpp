#include <algorithm>
#include <list>
#include <map>
#include <vector>

#include <catch2/catch.hpp>

#include "models/policy/registry.hpp"
#include "tests/policy/random_host.hpp"

namespace {

using namespace tiercast;
using namespace tiercast::tests;

/// The algorithm on plain lists. Victims are found by running it on a copy.
class NaiveS3Fifo final : public NaivePolicy {
 public:
  NaiveS3Fifo(std::size_t small_share, std::size_t ghost_max, uint32_t threshold)
      : small_share_(small_share), ghost_max_(ghost_max), threshold_(threshold) {}

  void insert(uint32_t slot, uint64_t key) override {
    const auto ghost = std::find(ghosts_.begin(), ghosts_.end(), key);
    const bool returns = ghost != ghosts_.end();
    if (returns) ghosts_.erase(ghost);
    blocks_[slot] = {key, 0, false, false};
    (returns ? main_ : small_).push_back(slot);
  }
  void touch(uint32_t slot) override { blocks_[slot].uses = std::min(3u, blocks_[slot].uses + 1); }
  void remove(uint32_t slot) override {
    const bool small = std::find(small_.begin(), small_.end(), slot) != small_.end();
    if (small && blocks_[slot].leaving && ghost_max_ != 0) {
      if (ghosts_.size() == ghost_max_) ghosts_.pop_front();
      ghosts_.push_back(blocks_[slot].key);
    }
    small_.remove(slot);
    main_.remove(slot);
  }
  void set_evictable(bool on, uint32_t slot) override {
    blocks_[slot].evictable = on;
    blocks_[slot].leaving = false;
  }
  Slots victims(uint32_t need) const override {
    NaiveS3Fifo copy = *this;
    return copy.evict(need);
  }
  void commit(const std::vector<bool>& refused) override {
    const Slots evicted = evict(static_cast<uint32_t>(refused.size()));
    for (std::size_t i = 0; i < evicted.size(); ++i) {
      if (refused[i]) set_evictable(true, evicted[i]);
    }
  }
  bool tail_first() const override { return false; }

 private:
  struct Block {
    uint64_t key;
    uint32_t uses;
    bool evictable;
    bool leaving;
  };
  using Queue = std::list<uint32_t>;

  Queue::iterator head(Queue& queue) {
    return std::find_if(queue.begin(), queue.end(),
                        [&](uint32_t slot) { return blocks_[slot].evictable; });
  }

  /// Victims stay in their queue as leaving, out of the reach of head().
  Slots evict(uint32_t need) {
    Slots victims;
    const auto leave = [&](uint32_t slot) {
      blocks_[slot].evictable = false;
      blocks_[slot].leaving = true;
      victims.push_back(slot);
    };
    while (victims.size() < need) {
      const auto staying = std::count_if(small_.begin(), small_.end(),
                                         [&](uint32_t slot) { return !blocks_[slot].leaving; });
      const bool small_gives =
          head(small_) != small_.end() &&
          (static_cast<std::size_t>(staying) >= small_share_ || head(main_) == main_.end());
      if (small_gives) {
        for (bool gave = false; !gave && head(small_) != small_.end();) {
          const auto first = head(small_);
          gave = blocks_[*first].uses < threshold_;
          if (gave) {
            leave(*first);
          } else {
            blocks_[*first].uses = 0;
            main_.splice(main_.end(), small_, first);
          }
        }
      } else {
        auto first = head(main_);
        for (; blocks_[*first].uses != 0; first = head(main_)) {
          --blocks_[*first].uses;
          main_.splice(main_.end(), main_, first);
        }
        leave(*first);
      }
    }
    return victims;
  }

  std::size_t small_share_;
  std::size_t ghost_max_;
  uint32_t threshold_;
  Queue small_;
  Queue main_;
  std::list<uint64_t> ghosts_;
  std::map<uint32_t, Block> blocks_;
};

const tp_cache_table& s3fifo() { return *tp_find_builtin_cache("s3fifo"); }

TEST_CASE("s3fifo agrees with the algorithm on plain lists") {
  struct Case {
    uint32_t capacity;
    const char* config;
    NaiveS3Fifo naive;
  };
  const Case example =
      GENERATE(Case{1, "", NaiveS3Fifo(1, 0, 2)}, Case{10, "", NaiveS3Fifo(1, 9, 2)},
               Case{64, "small = 0.25\nthreshold = 1", NaiveS3Fifo(16, 57, 1)},
               Case{100, "small=0.5\nghost=2\nthreshold=3", NaiveS3Fifo(50, 200, 3)},
               Case{100, "small=0.3\nghost=0", NaiveS3Fifo(30, 0, 2)},
               Case{200, "ghost=0.3", NaiveS3Fifo(20, 60, 2)});
  const uint64_t seed = GENERATE(1u, 2u, 3u);
  INFO(example.capacity << " blocks, " << example.config);
  const uint32_t slot_count = example.capacity * GENERATE(1u, 2u);
  Instance joined(s3fifo(), example.capacity, example.config, true, slot_count);
  Instance singles(s3fifo(), example.capacity, example.config, false, slot_count);
  NaiveS3Fifo naive = example.naive;
  RandomHost host(seed, example.capacity, {&joined, &singles}, &naive, slot_count);
  host.run(2500);
  CHECK(host.victims() > 50);
}

TEST_CASE("s3fifo filters one-time blocks and lets what comes back enter main") {
  // Ten blocks, share of small 1: block 0 was used twice, so it survives in main while the others,
  // unused, leave in order of arrival.
  Instance cache(s3fifo(), 10, "", true);
  std::vector<uint64_t> keys = {100, 101, 102, 103, 104, 105, 106, 107, 108, 109};
  const Slots all = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  cache.insert(0, all, keys);
  cache.set_evictable(0, true, all);
  cache.touch(1, {0});
  cache.touch(2, {0});
  uint64_t token = 0;
  CHECK(text(cache.select(3, 3, token)) == " 1+3");
  REQUIRE(s3fifo().commit(cache.cache(), 3, token, nullptr) == TP_OK);
  cache.remove(3, TP_REMOVED_EVICTED, {1, 2, 3});
  // Key 101 is a ghost now and enters main behind block 0; key 200 enters small.
  cache.insert(4, {1, 2}, {101, 200});
  cache.set_evictable(4, true, {1, 2});
  CHECK(text(cache.select(5, 9, token)) == " 4+6 2+1 0+2");
}

}  // namespace
