// Pools that hold blocks in any order, with gaps: cases worked by hand, and random operations
// against per-block bookkeeping.
#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <vector>

#include <catch2/catch.hpp>

#include "models/kvstore/prefix_store.hpp"
#include "sim/base/random.hpp"
#include "tests/kvstore/naive_store.hpp"

using namespace tiercast;
using namespace tiercast::tests;
using kvstore::BlockSum;
using kvstore::NodeId;
using kvstore::Path;
using kvstore::PoolId;
using kvstore::PrefixStore;

namespace {

using Ids = std::vector<uint64_t>;
using Slots = NaiveStore::Slots;
using Spans = std::vector<tp_span>;

BlockSum fill(PrefixStore& store, NodeId leaf, uint32_t depth, tp_span frames) {
  return store.fill(leaf, 0, depth, {&frames, 1});
}

Slots expand(const Spans& spans) {
  Slots slots;
  for (const tp_span& span : spans) {
    for (uint32_t k = 0; k < span.count; ++k) slots.push_back(span.first_slot + k);
  }
  return slots;
}

Slots frames_of(const PrefixStore& store, NodeId leaf, PoolId pool, uint32_t depth,
                uint32_t count) {
  Spans frames;
  store.frames_of(leaf, pool, depth, count, frames);
  return expand(frames);
}

}  // namespace

TEST_CASE("blocks fill a pool in any order and are found between gaps", "[kvstore]") {
  PrefixStore store(1);
  store.add_pool(20);
  const Ids ids{1, 2, 3, 4, 5, 6};
  const NodeId leaf = store.enter({ids, 1}, 100);
  CHECK(fill(store, leaf, 4, {10, 2}).depths == 4 + 5);
  fill(store, leaf, 1, {0, 2});
  CHECK(store.run_from(leaf, 0, 0, 6) == 0);
  CHECK(store.next_present(leaf, 0, 0, 6) == 1);
  CHECK(store.run_from(leaf, 0, 1, 6) == 2);
  CHECK(store.next_present(leaf, 0, 3, 6) == 4);
  CHECK(store.run_from(leaf, 0, 4, 5) == 1);  // not past the end asked for
  CHECK(store.next_present(leaf, 0, 3, 4) == 4);
  CHECK(store.hit_blocks(leaf, 0) == 0);
  fill(store, leaf, 0, {7, 1});
  CHECK(store.hit_blocks(leaf, 0) == 3);
  fill(store, leaf, 3, {5, 1});
  CHECK(store.hit_blocks(leaf, 0) == 6);
  CHECK(frames_of(store, leaf, 0, 0, 6) == Slots{7, 0, 1, 5, 10, 11});
}

TEST_CASE("frames that run on across a filled gap leave as one span", "[kvstore]") {
  PrefixStore store(1);
  store.add_pool(20);
  const Ids ids{1, 2, 3, 4, 5};
  const NodeId leaf = store.enter({ids, 1}, 100);
  fill(store, leaf, 2, {12, 1});
  const uint32_t before = GENERATE(0u, 1u);
  if (before != 0) fill(store, leaf, 0, {10, 1});
  fill(store, leaf, 1, {11, 1});
  const BlockSum gone = store.evict(0, {11 - before, 2 + before});
  CHECK(gone.blocks == 2 + before);
  CHECK(gone.depths == 3);
  CHECK(store.next_present(leaf, 0, 0, 5) == 5);
  CHECK(store.records_alive() == 0);
}

TEST_CASE("a piece that is held keeps its way through splits and departures", "[kvstore]") {
  PrefixStore store(2);
  store.add_pool(20);
  const Ids ids{1, 2, 3};
  const NodeId a = store.enter({ids, 2}, 100);
  fill(store, a, 1, {4, 4});  // depths 1 to 4
  const NodeId held = store.stretch(0, 6).node;
  CHECK(store.stretch(0, 6).depth == 3);
  store.hold(held);
  store.leave(a);
  const Ids other{1, 9};
  const NodeId b = store.enter({other, 2}, 101);  // splits behind block 1, inside what is held
  CHECK(store.run_from(b, 0, 0, 4) == 0);
  CHECK(store.run_from(b, 0, 1, 4) == 1);
  CHECK(frames_of(store, held, 0, 1, 4) == Slots{4, 5, 6, 7});
  store.evict(0, {4, 4});
  CHECK(store.next_present(held, 0, 0, 6) == 6);
  fill(store, held, 0, {0, 6});  // what left comes back along the held way
  CHECK(store.hit_blocks(b, 0) == 2);
  store.evict(0, {0, 6});
  store.leave(b);
  CHECK(store.nodes_alive() == 3);  // root and the two runs of the held way
  store.leave(held);
  CHECK(store.nodes_alive() == 1);
  CHECK(store.records_alive() == 0);
}

namespace {

constexpr Purpose kOperations{"test.prefix_extents"};
constexpr uint32_t kFrames = 48;
constexpr uint32_t kDeepest = 40;

// A way that somebody holds, in both stores.
struct Holder {
  NodeId node = 0;
  uint32_t naive = 0;
  uint32_t length = 0;   // blocks of the way that may be asked for
  bool request = false;  // else it holds a piece, which never pins
};

// Pool 0 is pinned by requests; the others take blocks in any order.
class Walk {
 public:
  explicit Walk(uint64_t number)
      : draw_(98, kOperations, number),
        blocks_per_id_(static_cast<uint32_t>(draw_.between(1, 4))),
        pools_(static_cast<uint32_t>(draw_.between(2, 4))),
        store_(blocks_per_id_),
        naive_(blocks_per_id_, pools_),
        free_(pools_) {
    for (uint32_t p = 0; p < pools_; ++p) {
      store_.add_pool(kFrames);
      for (uint32_t slot = 0; slot < kFrames; ++slot) free_[p].insert(slot);
    }
  }

  void step() {
    switch (draw_.below(8)) {
      case 0:
        enter();
        break;
      case 1:
        leave();
        break;
      case 2:
        hold();
        break;
      case 3:
        serve();
        break;
      case 4:
        evict();
        break;
      default:
        fill();
    }
    check();
  }

  void finish() {
    while (!holders_.empty()) leave();
    for (uint32_t p = 0; p < pools_; ++p) {
      while (!naive_.content(p).empty()) evict_from(p, naive_.content(p).begin()->first);
    }
    CHECK(store_.nodes_alive() == 1);
    CHECK(store_.records_alive() == 0);
  }

 private:
  uint32_t below(uint64_t bound) { return static_cast<uint32_t>(draw_.below(bound)); }
  Holder& any() { return holders_[below(holders_.size())]; }
  uint32_t any_gap_pool() { return 1 + below(pools_ - 1); }

  void enter() {
    if (holders_.size() >= 10) return;
    Ids ids;
    if (!known_.empty() && draw_.below(5) != 0) {
      const Ids& base = known_[below(known_.size())];
      ids.assign(base.begin(), base.begin() + below(base.size() + 1));
    }
    for (uint64_t more = draw_.below(6); more > 0; --more) ids.push_back(next_id_++);
    if (!ids.empty()) known_.push_back(ids);
    const Path path{ids, ids.empty() ? 0 : blocks_per_id_};
    Holder user{store_.enter(path, next_serial_), naive_.enter(path, next_serial_), 0, true};
    ++next_serial_;
    user.length = std::min(kDeepest, static_cast<uint32_t>(ids.size()) * blocks_per_id_ + below(6));
    holders_.push_back(user);
  }

  void leave() {
    if (holders_.empty()) return;
    const uint32_t at = below(holders_.size());
    store_.leave(holders_[at].node);
    naive_.leave(holders_[at].naive);
    holders_.erase(holders_.begin() + at);
  }

  // Whoever moves a block keeps its way, whatever becomes of the one who made it.
  void hold() {
    const uint32_t pool = any_gap_pool();
    const auto& content = naive_.content(pool);
    if (content.empty() || holders_.size() >= 14) return;
    const uint32_t slot = std::next(content.begin(), below(content.size()))->first;
    const NodeId node = store_.stretch(pool, slot).node;
    store_.hold(node);
    holders_.push_back(
        {node, naive_.hold(pool, slot), store_.stretch(pool, slot).depth + 1, false});
  }

  Spans take(uint32_t pool, uint32_t count) {
    Spans frames;
    const bool in_order = draw_.below(2) == 0;
    auto next = std::next(free_[pool].begin(), below(free_[pool].size()));
    for (uint32_t k = 0; k < count; ++k) {
      if (next == free_[pool].end() || !in_order) {
        next = std::next(free_[pool].begin(), below(free_[pool].size()));
      }
      kvstore::add_span(frames, {*next, 1});
      next = free_[pool].erase(next);
    }
    return frames;
  }

  void fill() {
    if (holders_.empty()) return;
    const Holder& user = any();
    const uint32_t pool = any_gap_pool();
    if (user.length == 0 || free_[pool].empty()) return;
    const uint32_t depth = below(user.length);
    if (naive_.present(user.naive, pool, depth)) return;
    const uint32_t gap_end = naive_.next_present(user.naive, pool, depth, user.length);
    const uint32_t count =
        std::min({gap_end - depth, 1 + below(5), static_cast<uint32_t>(free_[pool].size())});
    const Spans frames = take(pool, count);
    const BlockSum sum = store_.fill(user.node, pool, depth, frames);
    uint32_t at = depth;
    for (const uint32_t slot : expand(frames)) REQUIRE(naive_.place(user.naive, pool, at++, slot));
    REQUIRE(sum.blocks == count);
    REQUIRE(sum.depths == uint64_t{count} * depth + count * (count - 1) / 2);
  }

  void evict_from(uint32_t pool, uint32_t slot) {
    tp_span span{slot, 1};
    while (draw_.below(4) != 0 && naive_.evictable(pool, slot + span.count)) ++span.count;
    uint64_t depths = 0;
    for (uint32_t k = 0; k < span.count; ++k) {
      depths += naive_.depth(pool, slot + k);
      naive_.evict(pool, slot + k);
      free_[pool].insert(slot + k);
    }
    const BlockSum sum = store_.evict(pool, span);
    REQUIRE(sum.blocks == span.count);
    REQUIRE(sum.depths == depths);
  }

  void evict() {
    const uint32_t pool = below(pools_);
    const auto& content = naive_.content(pool);
    if (content.empty()) return;
    evict_from(pool, std::next(content.begin(), below(content.size()))->first);
  }

  // A request pins its way in pool 0, computes some blocks there and ends.
  void serve() {
    if (holders_.empty()) return;
    const Holder user = any();
    if (!user.request) return;
    Spans spans, orphans, placed, duplicates;
    Slots naive_pinned, naive_orphans, naive_freed;
    const uint32_t hit = naive_.hit(user.naive, 0);
    store_.pin(user.node, 0, hit, spans, orphans);
    naive_.pin(user.naive, 0, hit, naive_pinned, naive_orphans);
    REQUIRE(expand(orphans) == naive_orphans);
    free_[0].insert(naive_orphans.begin(), naive_orphans.end());
    const uint32_t left = user.length > hit ? user.length - hit : 0;
    const uint32_t count = std::min({left, below(8), static_cast<uint32_t>(free_[0].size())});
    if (count > 0) {
      const Spans frames = take(0, count);
      store_.place(user.node, 0, hit, frames, placed, duplicates);
      uint32_t at = hit;
      for (const uint32_t slot : expand(frames)) REQUIRE(naive_.place(user.naive, 0, at++, slot));
    }
    spans.clear();
    store_.unpin(user.node, 0, spans);
    naive_.unpin(user.naive, 0, naive_freed);
    REQUIRE(expand(spans) == naive_freed);
  }

  void check() {
    for (const Holder& user : holders_) {
      for (uint32_t p = 0; p < pools_; ++p) {
        const uint32_t end = below(user.length + 1);
        const uint32_t depth = below(user.length + 2);
        const uint32_t run = naive_.run_from(user.naive, p, depth, end);
        REQUIRE(store_.run_from(user.node, p, depth, end) == run);
        REQUIRE(frames_of(store_, user.node, p, depth, run) ==
                naive_.frames_of(user.naive, p, depth, run));
        if (depth > end) continue;
        REQUIRE(store_.next_present(user.node, p, depth, end) ==
                naive_.next_present(user.naive, p, depth, end));
      }
    }
    check_content();
  }

  // Every recorded frame says where its block is; a block's keys are the same in every pool.
  void check_content() {
    std::map<NaiveStore::Name, std::pair<uint64_t, uint64_t>> key_of;
    for (uint32_t p = 0; p < pools_; ++p) {
      for (const auto& [slot, name] : naive_.content(p)) {
        REQUIRE(store_.stretch(p, slot).depth == naive_.depth(p, slot));
        REQUIRE(frames_of(store_, store_.stretch(p, slot).node, p, store_.stretch(p, slot).depth,
                          1) == Slots{slot});
        const tp_key key = store_.key(p, slot);
        REQUIRE(key_of.emplace(name, std::pair(key.hi, key.lo)).first->second ==
                std::pair(key.hi, key.lo));
      }
    }
    if (known_.empty()) return;
    const Ids& ids = known_[below(known_.size())];
    std::vector<uint32_t> matched(pools_);
    store_.match({ids, blocks_per_id_}, matched);
    for (uint32_t p = 0; p < pools_; ++p) {
      REQUIRE(matched[p] == naive_.match({ids, blocks_per_id_}, p));
    }
  }

  Stream draw_;
  uint32_t blocks_per_id_;
  uint32_t pools_;
  PrefixStore store_;
  NaiveStore naive_;
  std::vector<std::set<uint32_t>> free_;
  std::vector<Holder> holders_;
  std::vector<Ids> known_;
  uint64_t next_id_ = 1;
  uint64_t next_serial_ = 1;
};

void walk(uint64_t first, uint64_t last, int steps) {
  for (uint64_t number = first; number < last; ++number) {
    INFO("walk " << number);
    Walk walk(number);
    for (int i = 0; i < steps; ++i) walk.step();
    walk.finish();
  }
}

}  // namespace

TEST_CASE("pools with gaps keep what per-block bookkeeping keeps", "[kvstore][oracle]") {
  walk(0, 50, 200);
}

TEST_CASE("pools with gaps, many long walks", "[kvstore][oracle][slow]") { walk(50, 250, 1000); }
