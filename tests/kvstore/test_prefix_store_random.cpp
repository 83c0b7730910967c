// PrefixStore against per-block bookkeeping, under random operations.
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
using kvstore::PrefixStore;

namespace {

constexpr Purpose kOperations{"test.prefix_store"};
constexpr uint32_t kFrames = 60;

using Slots = NaiveStore::Slots;

Slots expand(const std::vector<tp_span>& spans) {
  Slots slots;
  for (const tp_span& span : spans) {
    for (uint32_t k = 0; k < span.count; ++k) slots.push_back(span.first_slot + k);
  }
  return slots;
}

struct OwnedPath {
  std::vector<uint64_t> ids;
  uint32_t last_blocks = 0;
  Path view() const { return {ids, last_blocks}; }
};

// One leaf in both stores, and how far each pool has computed its path.
struct User {
  NodeId leaf = 0;
  uint32_t naive = 0;
  uint32_t length = 0;  // blocks it will compute
  std::map<uint32_t, uint32_t> cursor;
  std::map<uint32_t, Slots> duplicates;
};

class Walk {
 public:
  explicit Walk(uint64_t number)
      : draw_(99, kOperations, number),
        blocks_per_id_(static_cast<uint32_t>(draw_.between(1, 4))),
        pools_(static_cast<uint32_t>(draw_.between(1, 3))),
        store_(blocks_per_id_),
        naive_(blocks_per_id_, pools_),
        free_(pools_) {
    for (uint32_t p = 0; p < pools_; ++p) {
      CHECK(store_.add_pool(kFrames) == p);
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
        pin();
        break;
      case 3:
        unpin();
        break;
      case 4:
        place();
        break;
      case 5:
        place();
        break;
      default:
        evict();
    }
    check();
  }

  void finish() {
    while (!users_.empty()) {
      for (uint32_t p = 0; p < pools_; ++p) unpin_user(users_.back(), p);
      store_.leave(users_.back().leaf);
      naive_.leave(users_.back().naive);
      users_.pop_back();
    }
    for (uint32_t p = 0; p < pools_; ++p) {
      while (!naive_.content(p).empty()) evict_from(p, naive_.content(p).begin()->first);
    }
    CHECK(store_.nodes_alive() == 1);
    CHECK(store_.records_alive() == 0);
  }

 private:
  // The first ids of an earlier path, then new ones. An id that covers fewer blocks than the others
  // has a name of its own and stands at the end only.
  OwnedPath random_path() {
    OwnedPath path;
    if (!known_.empty() && draw_.below(4) != 0) {
      const OwnedPath& base = known_[draw_.below(known_.size())];
      if (draw_.below(3) == 0) return base;
      const auto kept = static_cast<std::ptrdiff_t>(draw_.below(base.ids.size() + 1));
      path.ids.assign(base.ids.begin(), base.ids.begin() + kept);
      if (!path.ids.empty() && path.ids.back() >= kShort) path.ids.pop_back();
    }
    for (uint64_t more = draw_.below(8); more > 0; --more) path.ids.push_back(next_id_++);
    if (path.ids.empty()) return path;
    path.last_blocks = blocks_per_id_;
    if (blocks_per_id_ > 1 && draw_.below(4) == 0) {
      path.last_blocks = static_cast<uint32_t>(draw_.between(1, blocks_per_id_ - 1));
      path.ids.back() = kShort + path.ids.back() * blocks_per_id_ + path.last_blocks;
    }
    known_.push_back(path);
    return path;
  }

  void enter() {
    if (users_.size() >= 8) return;
    const OwnedPath path = random_path();
    User user;
    user.leaf = store_.enter(path.view(), next_serial_);
    user.naive = naive_.enter(path.view(), next_serial_);
    ++next_serial_;
    user.length = static_cast<uint32_t>(naive_.blocks_of(path.view()).size() + draw_.below(6));
    users_.push_back(user);
  }

  void leave() {
    if (users_.empty()) return;
    const auto at = static_cast<std::ptrdiff_t>(draw_.below(users_.size()));
    User& user = users_[static_cast<size_t>(at)];
    if (!user.cursor.empty()) return;
    store_.leave(user.leaf);
    naive_.leave(user.naive);
    users_.erase(users_.begin() + at);
  }

  void pin() {
    if (users_.empty()) return;
    User& user = users_[draw_.below(users_.size())];
    const auto pool = static_cast<uint32_t>(draw_.below(pools_));
    if (user.cursor.count(pool) != 0) return;
    uint32_t hit = naive_.hit(user.naive, pool);
    if (draw_.below(3) == 0) hit = static_cast<uint32_t>(draw_.below(hit + 1));
    std::vector<tp_span> pinned, orphans;
    Slots naive_pinned, naive_orphans;
    uint64_t depths = 0;
    const BlockSum dropped = store_.pin(user.leaf, pool, hit, pinned, orphans);
    for (const uint32_t slot : expand(orphans)) depths += naive_.depth(pool, slot);
    naive_.pin(user.naive, pool, hit, naive_pinned, naive_orphans);
    REQUIRE(expand(pinned) == naive_pinned);
    REQUIRE(expand(orphans) == naive_orphans);
    REQUIRE(dropped.blocks == naive_orphans.size());
    REQUIRE(dropped.depths == depths);
    free_[pool].insert(naive_orphans.begin(), naive_orphans.end());
    user.cursor[pool] = hit;
  }

  void unpin_user(User& user, uint32_t pool) {
    if (user.cursor.count(pool) == 0) return;
    std::vector<tp_span> freed;
    Slots naive_freed;
    store_.unpin(user.leaf, pool, freed);
    naive_.unpin(user.naive, pool, naive_freed);
    REQUIRE(expand(freed) == naive_freed);
    user.cursor.erase(pool);
    free_[pool].insert(user.duplicates[pool].begin(), user.duplicates[pool].end());
    user.duplicates.erase(pool);
  }

  void unpin() {
    if (users_.empty()) return;
    User& user = users_[draw_.below(users_.size())];
    unpin_user(user, static_cast<uint32_t>(draw_.below(pools_)));
  }

  void place() {
    if (users_.empty()) return;
    User& user = users_[draw_.below(users_.size())];
    if (user.cursor.empty()) return;
    auto& [pool, depth] = *std::next(user.cursor.begin(),
                                     static_cast<std::ptrdiff_t>(draw_.below(user.cursor.size())));
    const auto count = static_cast<size_t>(std::min<uint64_t>(
        {draw_.below(7), free_[pool].size(), user.length - std::min(depth, user.length)}));
    std::vector<tp_span> frames, placed, duplicates;
    Slots naive_placed, naive_duplicates;
    uint64_t depths = 0;
    for (size_t k = 0; k < count; ++k) {
      const auto slot = std::next(
          free_[pool].begin(),
          static_cast<std::ptrdiff_t>(draw_.below(std::min<uint64_t>(2, free_[pool].size()))));
      const auto at = depth + static_cast<uint32_t>(k);
      if (naive_.place(user.naive, pool, at, *slot)) {
        naive_placed.push_back(*slot);
        depths += at;
      } else {
        naive_duplicates.push_back(*slot);
      }
      if (!frames.empty() && frames.back().first_slot + frames.back().count == *slot) {
        ++frames.back().count;
      } else {
        frames.push_back({*slot, 1});
      }
      free_[pool].erase(slot);
    }
    const BlockSum sum = store_.place(user.leaf, pool, depth, frames, placed, duplicates);
    REQUIRE(expand(placed) == naive_placed);
    REQUIRE(expand(duplicates) == naive_duplicates);
    REQUIRE(sum.blocks == naive_placed.size());
    REQUIRE(sum.depths == depths);
    Slots& kept = user.duplicates[pool];
    kept.insert(kept.end(), naive_duplicates.begin(), naive_duplicates.end());
    depth += static_cast<uint32_t>(count);
  }

  void evict_from(uint32_t pool, uint32_t slot) {
    if (!naive_.evictable(pool, slot)) return;
    tp_span span{slot, 1};
    while (draw_.below(3) != 0 && naive_.evictable(pool, slot + span.count)) ++span.count;
    uint64_t depths = 0;
    for (uint32_t k = 0; k < span.count; ++k) {
      depths += naive_.depth(pool, slot + k);
      naive_.evict(pool, slot + k);
      free_[pool].insert(slot + k);
    }
    std::vector<tp_span> batch{span};
    if (span.count > 1) {
      const auto first = static_cast<uint32_t>(draw_.between(1, int64_t{span.count} - 1));
      batch = {{slot + first, span.count - first}, {slot, first}};
    }
    const BlockSum sum = store_.evict(pool, batch);
    REQUIRE(sum.blocks == span.count);
    REQUIRE(sum.depths == depths);
  }

  // Anywhere, so that holes appear.
  void evict() {
    const auto pool = static_cast<uint32_t>(draw_.below(pools_));
    const std::map<uint32_t, NaiveStore::Name>& content = naive_.content(pool);
    for (int tries = 0; tries < 3 && !content.empty(); ++tries) {
      const auto at = static_cast<std::ptrdiff_t>(draw_.below(content.size()));
      evict_from(pool, std::next(content.begin(), at)->first);
    }
  }

  void check() {
    for (const User& user : users_) {
      for (uint32_t p = 0; p < pools_; ++p) {
        const uint32_t hit = naive_.hit(user.naive, p);
        REQUIRE(store_.hit_blocks(user.leaf, p) == hit);
        const auto part = static_cast<uint32_t>(draw_.below(hit + 1));
        REQUIRE(store_.unpinned_blocks(user.leaf, p, part) == naive_.unpinned(user.naive, p, part));
        std::vector<tp_span> frames;
        store_.frames(user.leaf, p, part, frames);
        REQUIRE(expand(frames) == naive_.frames(user.naive, p, part));
      }
    }
    check_match();
    check_keys();
  }

  void check_match() {
    if (known_.empty()) return;
    const OwnedPath& path = known_[draw_.below(known_.size())];
    std::vector<uint32_t> matched(1 + draw_.below(pools_));  // of the first so many
    store_.match(path.view(), matched);
    for (uint32_t p = 0; p < matched.size(); ++p) {
      REQUIRE(matched[p] == naive_.match(path.view(), p));
    }
  }

  // Equal keys for equal blocks, in whatever pool, and for no others.
  void check_keys() {
    std::map<NaiveStore::Name, std::pair<uint64_t, uint64_t>> key_of;
    std::set<std::pair<uint64_t, uint64_t>> keys;
    for (uint32_t p = 0; p < pools_; ++p) {
      for (const auto& [slot, name] : naive_.content(p)) {
        REQUIRE(store_.stretch(p, slot).depth == naive_.depth(p, slot));
        const tp_key key = store_.key(p, slot);
        const auto [at, first] = key_of.emplace(name, std::pair(key.hi, key.lo));
        REQUIRE(at->second == std::pair(key.hi, key.lo));
        if (first) REQUIRE(keys.insert(at->second).second);
        check_span_of_keys(p, slot);
      }
    }
  }

  // From `slot` on as far as recorded frames follow one another.
  void check_span_of_keys(uint32_t p, uint32_t slot) {
    const auto& content = naive_.content(p);
    tp_span span{slot, 0};
    while (span.count < 5 && content.count(slot + span.count) > 0) ++span.count;
    std::vector<tp_key> found(span.count);
    store_.keys(p, span, found);
    for (uint32_t k = 0; k < span.count; ++k) {
      const tp_key expected = store_.key(p, slot + k);
      REQUIRE(found[k].hi == expected.hi);
      REQUIRE(found[k].lo == expected.lo);
    }
    if (slot % 16 == 0) check_keys_on_way(store_.stretch(p, slot), found[0]);
  }

  // The block of `key` and those before it, across the runs on the way.
  void check_keys_on_way(const kvstore::Stretch& at, tp_key key) {
    const auto equal = [](tp_key a, tp_key b) { return a.hi == b.hi && a.lo == b.lo; };
    std::vector<tp_key> way(at.depth + 1);
    store_.keys_of(at.node, 0, way);
    REQUIRE(equal(way.back(), key));
    const auto from = static_cast<uint32_t>(draw_.below(way.size()));
    std::vector<tp_key> rest(way.size() - from);
    store_.keys_of(at.node, from, rest);
    REQUIRE(std::equal(rest.begin(), rest.end(), way.begin() + from, way.end(), equal));
  }

  static constexpr uint64_t kShort = uint64_t{1} << 40;

  Stream draw_;
  uint32_t blocks_per_id_;
  uint32_t pools_;
  PrefixStore store_;
  NaiveStore naive_;
  std::vector<std::set<uint32_t>> free_;
  std::vector<User> users_;
  std::vector<OwnedPath> known_;
  uint64_t next_id_ = 1;
  uint64_t next_serial_ = 1;
};

}  // namespace

TEST_CASE("prefix runs keep what per-block bookkeeping keeps", "[kvstore][oracle]") {
  for (uint64_t number = 0; number < 60; ++number) {
    INFO("walk " << number);
    Walk walk(number);
    for (int i = 0; i < 400; ++i) walk.step();
    walk.finish();
  }
}
