#include <algorithm>
#include <list>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "models/policy/registry.hpp"
#include "tests/policy/naive_lru.hpp"
#include "tests/policy/naive_sessions.hpp"
#include "tests/policy/random_host.hpp"

namespace {

using namespace tiercast;
using namespace tiercast::tests;

const tp_cache_table& session_aware() { return *tp_find_builtin_cache("session"); }

/// Every block has the time of its last use, every session that of its last activity; victims are
/// sorted by these.
class NaiveSessionAware final : public NaivePolicy {
 public:
  explicit NaiveSessionAware(std::size_t sessions) : blocks_(sessions) {}

  void insert_for(const tp_request* request, uint32_t slot, const tp_block& block) override {
    const uint64_t session = session_of(request, block);
    if (session != 0) own(slot, session);
  }
  void touch(uint32_t slot) override { touch_for(nullptr, slot); }
  void touch_for(const tp_request* request, uint32_t slot) override {
    if (const uint64_t session = session_of(request); session != 0) own(slot, session);
    if (const uint64_t owner = blocks_.owner_of(slot); owner != 0) active_[owner] = ++time_;
    if (used_.count(slot) != 0) put_down(slot);
  }
  void remove(uint32_t slot) override {
    used_.erase(slot);
    orphans_.erase(slot);
    blocks_.owner.erase(slot);
  }
  void set_evictable(bool on, uint32_t slot) override {
    if (on) return put_down(slot);
    used_.erase(slot);
    orphans_.erase(slot);
  }
  void request(const tp_request& request, uint32_t phase) override {
    if (request.session == 0) return;
    use(request.session);
    if (phase == TP_PHASE_ARRIVE || phase == TP_PHASE_RESUME) ended_.erase(request.session);
    if (phase != TP_PHASE_TOOL_CALL && phase != TP_PHASE_FINISH) return;
    for (uint32_t i = 0; i < request.hint_count; ++i) hear(request.session, request.hints[i]);
  }
  void hint(uint64_t session, const std::vector<tp_hint>& hints) override {
    if (session == 0) return;
    use(session);
    for (const tp_hint& hint : hints) hear(session, hint);
  }
  Slots victims(uint32_t need) const override {
    Slots all;
    for (const auto& [slot, time] : used_) all.push_back(slot);
    const auto rank = [&](uint32_t slot) {
      const uint64_t owner = blocks_.owner_of(slot);
      const bool over = owner != 0 ? ended_.count(owner) != 0 : orphans_.count(slot) != 0;
      const uint64_t active = owner != 0 ? active_.at(owner) : used_.at(slot);
      return std::make_tuple(!over, active, used_.at(slot));
    };
    std::sort(all.begin(), all.end(), [&](uint32_t a, uint32_t b) { return rank(a) < rank(b); });
    all.resize(need);
    return all;
  }
  void commit(const std::vector<bool>& refused) override {
    const Slots evicted = victims(static_cast<uint32_t>(refused.size()));
    for (std::size_t i = 0; i < evicted.size(); ++i) {
      if (refused[i]) continue;
      used_.erase(evicted[i]);
      orphans_.erase(evicted[i]);
    }
  }
  bool tail_first() const override { return true; }

 private:
  void use(uint64_t session) {
    const bool is_new = !blocks_.knows(session);
    const std::map<uint32_t, uint64_t> owners = blocks_.owner;
    if (const uint64_t forgotten = blocks_.use(session); forgotten != 0) {
      std::vector<std::pair<uint64_t, uint32_t>> left;  // by last use
      for (const auto& [slot, owner] : owners) {
        if (owner == forgotten && used_.count(slot) != 0) left.push_back({used_[slot], slot});
      }
      std::sort(left.begin(), left.end());
      for (const auto& [used, slot] : left) {
        used_[slot] = ++time_;
        orphans_.insert(slot);
      }
      ended_.erase(forgotten);
    }
    if (is_new) active_[session] = ++time_;
  }
  void own(uint32_t slot, uint64_t session) {
    use(session);
    blocks_.owner[slot] = session;
    active_[session] = ++time_;
  }
  void put_down(uint32_t slot) {
    used_[slot] = ++time_;
    orphans_.erase(slot);
    if (const uint64_t owner = blocks_.owner_of(slot); owner != 0) active_[owner] = ++time_;
  }
  void hear(uint64_t session, const tp_hint& hint) {
    if (hint.kind != TP_HINT_SESSION_ENDS) return;
    if (hint.value != 0) {
      ended_.insert(session);
    } else {
      ended_.erase(session);
    }
  }

  NaiveSessions blocks_;
  std::map<uint32_t, uint64_t> used_;    // evictable blocks, when each was used last
  std::map<uint64_t, uint64_t> active_;  // sessions
  std::set<uint64_t> ended_;
  std::set<uint32_t> orphans_;  // evictable blocks whose session was forgotten
  uint64_t time_ = 0;
};

TEST_CASE("session agrees with sorting by activity") {
  const uint32_t capacity = GENERATE(1u, 5u, 64u, 200u);
  const uint64_t seed = GENERATE(1u, 2u, 3u);
  const uint32_t sessions = GENERATE(1u, 4u, 64u);
  const uint32_t slot_count = capacity * GENERATE(1u, 2u);
  const std::string config = "sessions=" + std::to_string(sessions);
  Instance joined(session_aware(), capacity, config, true, slot_count);
  Instance singles(session_aware(), capacity, config, false, slot_count);
  NaiveSessionAware naive(sessions);
  RandomHost host(seed, capacity, {&joined, &singles}, &naive, slot_count);
  host.run(1500);
  CHECK(host.victims() > 50);
}

TEST_CASE("session without sessions is lru") {
  check_same_as_lru(session_aware(), Tale::no_sessions);
}

TEST_CASE("session evicts whole sessions, the least recently active first") {
  Instance cache(session_aware(), 12, "", true);
  cache.insert_blocks(1, {0, 1}, {view_of(1, 7), view_of(2, 7)});
  cache.set_evictable(1, true, {0, 1});
  cache.insert_blocks(2, {2, 3}, {view_of(3, 8), view_of(4, 8)});
  cache.set_evictable(2, true, {2, 3});
  cache.insert(3, {4}, {5});  // of no session
  cache.set_evictable(3, true, {4});
  // Session 7's second turn uses its first block alone, which is all that lru would keep of it.
  const tp_request turn = request_of(7);
  cache.touch(4, {0}, &turn);
  CHECK(next_victims(cache, 5, 5) == " 3 2 4 1 0");
  SECTION("a session that has ended goes first, until a request of it arrives") {
    cache.hint(5, 7, {{TP_HINT_SESSION_ENDS, 0, 1}});
    CHECK(next_victims(cache, 5, 5) == " 1 0 3 2 4");
    cache.request(6, request_of(7), TP_PHASE_ARRIVE);
    CHECK(next_victims(cache, 6, 5) == " 3 2 4 1 0");
  }
  SECTION("a shared block is its most recent user's") {
    const tp_request other = request_of(8);
    cache.touch(5, {0}, &other);
    CHECK(next_victims(cache, 5, 5) == " 4 1 3 2 0");
  }
}

TEST_CASE("session keeps a session whole that lru tears apart") {
  // Four sessions of three blocks; each has since used its head once more, in the same order. Five
  // blocks must go: lru takes the tails of all, session one session and most of another.
  const auto whole_sessions = [](const tp_cache_table& table) {
    Instance cache(table, 12, "", true);
    for (uint32_t session = 1; session <= 4; ++session) {
      const uint32_t head = 3 * (session - 1);
      cache.insert_blocks(
          session, {head, head + 1, head + 2},
          {view_of(head + 1, session), view_of(head + 2, session), view_of(head + 3, session)});
      cache.set_evictable(session, true, {head, head + 1, head + 2});
    }
    for (uint32_t session = 1; session <= 4; ++session) {
      const tp_request request = request_of(session);
      cache.touch(10 + session, {3 * (session - 1)}, &request);
    }
    uint64_t token = 0;
    const Slots gone = as_slots(cache.select(20, 5, token));
    uint32_t whole = 0;
    for (uint32_t session = 1; session <= 4; ++session) {
      const bool torn = std::any_of(gone.begin(), gone.end(),
                                    [&](uint32_t slot) { return slot / 3 == session - 1; });
      if (!torn) ++whole;
    }
    return whole;
  };
  CHECK(whole_sessions(*tp_find_builtin_cache("lru")) == 1);
  CHECK(whole_sessions(session_aware()) == 2);
}

}  // namespace
