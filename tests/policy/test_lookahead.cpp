#include <algorithm>
#include <list>
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

const tp_cache_table& lookahead() { return *tp_find_builtin_cache("lookahead"); }

class NaiveLookahead final : public NaivePolicy {
 public:
  NaiveLookahead(std::size_t sessions, std::size_t window) : window_(window), blocks_(sessions) {}

  void insert_for(const tp_request* request, uint32_t slot, const tp_block& block) override {
    own(slot, session_of(request, block));
  }
  void touch(uint32_t slot) override { touch_for(nullptr, slot); }
  void touch_for(const tp_request* request, uint32_t slot) override {
    own(slot, session_of(request));
    if (blocks_.evictable(slot)) blocks_.renew(slot);
  }
  void remove(uint32_t slot) override {
    blocks_.order.remove(slot);
    blocks_.owner.erase(slot);
  }
  void set_evictable(bool on, uint32_t slot) override {
    if (on) {
      blocks_.order.push_back(slot);
    } else {
      blocks_.order.remove(slot);
    }
  }
  void request(const tp_request& request, uint32_t phase) override {
    const uint64_t session = request.session;
    if (session == 0) return;
    use(session);
    if (phase == TP_PHASE_ARRIVE || phase == TP_PHASE_RESUME) {
      if (waiting_.count(session) != 0) return;
      queue_.remove(session);
      queue_.push_back(session);
      waiting_.insert(session);
    } else if (phase == TP_PHASE_PREEMPT) {
      waiting_.insert(session);
    } else if (phase == TP_PHASE_SCHEDULE || phase == TP_PHASE_FINISH) {
      waiting_.erase(session);
    }
  }
  Slots victims(uint32_t need) const override {
    std::vector<uint64_t> sheltered;
    for (const uint64_t session : queue_) {
      if (waiting_.count(session) != 0 && sheltered.size() < window_) sheltered.push_back(session);
    }
    sheltered.push_back(0);  // last of all, and so the first to go: whatever is not sheltered
    Slots all;
    for (auto session = sheltered.rbegin(); session != sheltered.rend(); ++session) {
      for (const uint32_t slot : blocks_.order) {
        const uint64_t owner = blocks_.owner_of(slot);
        const auto found = std::find(sheltered.begin(), sheltered.end(), owner);
        if ((found != sheltered.end() ? owner : 0) == *session) all.push_back(slot);
      }
    }
    all.resize(need);
    return all;
  }
  void commit(const std::vector<bool>& refused) override {
    const Slots evicted = victims(static_cast<uint32_t>(refused.size()));
    for (std::size_t i = 0; i < evicted.size(); ++i) {
      if (!refused[i]) blocks_.order.remove(evicted[i]);
    }
  }
  bool tail_first() const override { return true; }

 private:
  void use(uint64_t session) {
    const bool is_new = !blocks_.knows(session);
    if (const uint64_t forgotten = blocks_.use(session); forgotten != 0) {
      queue_.remove(forgotten);
      waiting_.erase(forgotten);
    }
    if (is_new) queue_.push_back(session);
  }
  void own(uint32_t slot, uint64_t session) {
    if (session == 0) return;
    use(session);
    blocks_.owner[slot] = session;
  }

  std::size_t window_;
  NaiveSessions blocks_;
  std::list<uint64_t> queue_;  // every session known, in order of its last arrival
  std::set<uint64_t> waiting_;
};

TEST_CASE("lookahead agrees with a plain queue") {
  const uint32_t capacity = GENERATE(1u, 5u, 64u, 200u);
  const uint64_t seed = GENERATE(1u, 2u);
  const uint32_t window = GENERATE(1u, 3u, 50u);
  const uint32_t sessions = GENERATE(1u, 4u, 64u);
  const uint32_t slot_count = capacity * GENERATE(1u, 2u);
  const std::string config =
      "window=" + std::to_string(window) + "\nsessions=" + std::to_string(sessions);
  Instance joined(lookahead(), capacity, config, true, slot_count);
  Instance singles(lookahead(), capacity, config, false, slot_count);
  NaiveLookahead naive(sessions, window);
  RandomHost host(seed, capacity, {&joined, &singles}, &naive, slot_count);
  host.run(1500);
  CHECK(host.victims() > 50);
}

TEST_CASE("lookahead without requests told is lru") {
  check_same_as_lru(lookahead(), GENERATE(Tale::no_hints, Tale::no_sessions));
}

/// Sessions 1, 2 and 3 have put down two blocks each, one after the other: 0 and 1, 2 and 3, 4
/// and 5.
void put_down_three(Instance& cache) {
  for (const uint32_t session : {1u, 2u, 3u}) {
    const uint32_t first = 2 * (session - 1);
    cache.insert_blocks(session, {first, first + 1},
                        {view_of(first + 1, session), view_of(first + 2, session)});
    cache.set_evictable(session, true, {first, first + 1});
  }
}

TEST_CASE("lookahead evicts the session furthest back in the queue once no other is left") {
  Instance cache(lookahead(), 8, "", true);
  put_down_three(cache);
  CHECK(next_victims(cache, 10, 6) == " 1 0 3 2 5 4");
  cache.request(10, request_of(2), TP_PHASE_ARRIVE);
  cache.request(11, request_of(1), TP_PHASE_ARRIVE);
  CHECK(next_victims(cache, 12, 6) == " 5 4 1 0 3 2");
  SECTION("who is scheduled no longer waits; preempted it has its old place") {
    cache.request(12, request_of(2), TP_PHASE_SCHEDULE);
    CHECK(next_victims(cache, 12, 6) == " 3 2 5 4 1 0");
    cache.request(13, request_of(2), TP_PHASE_PREEMPT);
    CHECK(next_victims(cache, 13, 6) == " 5 4 1 0 3 2");
  }
  SECTION("who arrives anew goes to the end") {
    cache.request(12, request_of(2), TP_PHASE_SCHEDULE);
    cache.request(13, request_of(2), TP_PHASE_FINISH);
    cache.request(14, request_of(2), TP_PHASE_ARRIVE);
    CHECK(next_victims(cache, 14, 6) == " 5 4 3 2 1 0");
  }
}

TEST_CASE("lookahead shelters no more sessions than its window has") {
  Instance cache(lookahead(), 8, "window=1", true);
  put_down_three(cache);
  cache.request(10, request_of(1), TP_PHASE_ARRIVE);
  cache.request(11, request_of(2), TP_PHASE_ARRIVE);
  CHECK(next_victims(cache, 12, 6) == " 3 2 5 4 1 0");
  cache.request(12, request_of(1), TP_PHASE_SCHEDULE);  // now 2 is in the window
  CHECK(next_victims(cache, 12, 6) == " 1 0 5 4 3 2");
  cache.request(13, request_of(1), TP_PHASE_PREEMPT);  // and pushed out again
  CHECK(next_victims(cache, 13, 6) == " 3 2 5 4 1 0");
}

}  // namespace
