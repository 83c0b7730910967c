// A late index against the list of all that happened, replayed block by block.
#include <algorithm>
#include <array>
#include <set>
#include <vector>

#include <catch2/catch.hpp>

#include "models/tiering/late_index.hpp"
#include "sim/base/random.hpp"

using namespace tiercast;
using kvstore::PrefixStore;
using tiering::LateIndex;

namespace {

constexpr Purpose kDraws{"test.late_index"};
constexpr uint32_t kSlots = 24;
using Ids = std::vector<uint64_t>;

// Ids say all that comes before them: paths branch off one another after any block.
Ids random_path(Stream& draw) {
  Ids ids;
  const uint64_t branch = draw.below(4);
  const auto fork = static_cast<uint64_t>(draw.between(1, 6));
  const auto length = static_cast<uint64_t>(draw.between(1, 8));
  for (uint64_t d = 0; d < length; ++d)
    ids.push_back(d < fork ? d : 100 * (branch + 1) + 10 * fork + d);
  return ids;
}

// A pool that fills and evicts block by block, and everything it ever did.
class Pool {
 public:
  struct Event {
    int64_t time_ns;
    uint64_t id;
    bool came;
  };

  Pool() : id_(store_.add_pool(kSlots)), index_(store_, kSlots) {
    for (uint32_t slot = 0; slot < kSlots; ++slot) free_.push_back(slot);
  }

  void fill(int64_t now_ns, const Ids& ids, Stream& draw) {
    const kvstore::NodeId leaf = store_.enter({ids, 1}, serial_++);
    std::vector<tp_span> filled;
    for (uint32_t depth = 0; depth < ids.size() && !free_.empty(); ++depth) {
      if (store_.run_from(leaf, id_, depth, depth + 1) > 0 || draw.below(5) == 0) continue;
      const size_t which = draw.below(free_.size());
      const tp_span frame{free_[which], 1};
      free_.erase(free_.begin() + static_cast<std::ptrdiff_t>(which));
      store_.fill(leaf, id_, depth, {&frame, 1});
      kvstore::add_span(filled, frame);
      held_.push_back({frame.first_slot, ids[depth]});
      events_.push_back({now_ns, ids[depth], true});
    }
    index_.added(now_ns, id_, filled);
    store_.leave(leaf);
  }

  void evict(int64_t now_ns, size_t which) {
    const tp_span frame{held_[which].slot, 1};
    events_.push_back({now_ns, held_[which].id, false});
    index_.removed(now_ns, {&frame, 1});
    store_.evict(id_, frame);
    free_.push_back(frame.first_slot);
    held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(which));
  }

  size_t held() const { return held_.size(); }

  void check_known(const Ids& ids, int64_t before_ns) {
    index_.replay_before(before_ns);
    std::set<uint64_t> there;
    for (const Event& event : events_) {
      if (event.time_ns >= before_ns) break;
      event.came ? void(there.insert(event.id)) : void(there.erase(event.id));
    }
    uint32_t expected = 0;
    while (expected < ids.size() && there.count(ids[expected]) != 0) ++expected;
    std::array<uint32_t, 2> matched{};
    store_.match({ids, 1}, matched);
    REQUIRE(matched[index_.known()] == expected);
    const kvstore::NodeId leaf = store_.enter({ids, 1}, serial_++);
    for (uint32_t depth = 0; depth < ids.size(); ++depth) {
      const bool known = store_.run_from(leaf, index_.known(), depth, depth + 1) > 0;
      REQUIRE(known == (there.count(ids[depth]) != 0));
    }
    store_.leave(leaf);
  }

  void check_at_rest(int64_t now_ns) {
    while (held() > 0) evict(now_ns, 0);
    index_.replay_before(INT64_MAX);
    CHECK(store_.nodes_alive() == 1);
    CHECK(store_.records_alive() == 0);
  }

 private:
  struct Held {
    uint32_t slot;
    uint64_t id;
  };
  PrefixStore store_{1};
  kvstore::PoolId id_;
  LateIndex index_;
  uint64_t serial_ = 0;
  std::vector<uint32_t> free_;
  std::vector<Held> held_;
  std::vector<Event> events_;
};

}  // namespace

TEST_CASE("a late index knows what the pool held just before then", "[tiering][oracle]") {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    INFO("seed " << seed);
    Stream draw(11, kDraws, seed);
    const int64_t delay_ns = draw.between(0, 40);
    Pool pool;
    int64_t now_ns = 0;
    for (int step = 0; step < 120; ++step) {
      now_ns += draw.between(0, 3);
      if (pool.held() > 0 && draw.below(2) == 0) {
        for (int64_t n = draw.between(1, 4); n > 0 && pool.held() > 0; --n) {
          pool.evict(now_ns, draw.below(pool.held()));
        }
      } else {
        pool.fill(now_ns, random_path(draw), draw);
      }
      if (draw.below(3) == 0) pool.check_known(random_path(draw), now_ns - delay_ns);
    }
    pool.check_at_rest(now_ns);
  }
}
