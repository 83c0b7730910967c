#include <algorithm>
#include <array>
#include <map>
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

const tp_cache_table& steps() { return *tp_find_builtin_cache("steps"); }

class NaiveSteps final : public NaivePolicy {
 public:
  NaiveSteps(std::size_t sessions, int64_t horizon) : horizon_(horizon), blocks_(sessions) {}

  void insert_for(const tp_request* request, uint32_t slot, const tp_block& block) override {
    users_[slot] = {};
    note(slot, session_of(request, block));
  }
  void touch(uint32_t slot) override { touch_for(nullptr, slot); }
  void touch_for(const tp_request* request, uint32_t slot) override {
    note(slot, session_of(request));
    if (blocks_.evictable(slot)) blocks_.renew(slot);
  }
  void remove(uint32_t slot) override {
    blocks_.order.remove(slot);
    users_.erase(slot);
  }
  void set_evictable(bool on, uint32_t slot) override {
    if (on) {
      blocks_.order.push_back(slot);
    } else {
      blocks_.order.remove(slot);
    }
  }
  void request(const tp_request& request, uint32_t phase) override {
    if (request.session == 0) return;
    use(request.session);
    if (phase != TP_PHASE_TOOL_CALL && phase != TP_PHASE_FINISH) return;
    for (uint32_t i = 0; i < request.hint_count; ++i) hear(request.session, request.hints[i]);
  }
  void hint(uint64_t session, const std::vector<tp_hint>& hints) override {
    if (session == 0) return;
    use(session);
    for (const tp_hint& hint : hints) hear(session, hint);
  }
  Slots victims(uint32_t need) const override {
    Slots all(blocks_.order.begin(), blocks_.order.end());
    const auto steps_of = [&](uint32_t slot) {
      const auto& users = users_.at(slot);
      return std::min(left(users[0]), left(users[1]));
    };
    std::stable_sort(all.begin(), all.end(),
                     [&](uint32_t a, uint32_t b) { return steps_of(a) > steps_of(b); });
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
  int64_t left(uint64_t session) const {
    const auto found = told_.find(session);
    return found != told_.end() ? std::min(found->second, horizon_) : horizon_;
  }
  void use(uint64_t session) {
    const uint64_t forgotten = blocks_.use(session);
    if (forgotten == 0) return;
    told_.erase(forgotten);
    for (auto& [slot, users] : users_) {
      for (uint64_t& user : users) {
        if (user == forgotten) user = 0;
      }
    }
  }
  void note(uint32_t slot, uint64_t session) {
    if (session == 0) return;
    use(session);
    auto& [first, second] = users_[slot];
    if (first == session || second == session) return;
    if (first == 0) {
      first = session;
    } else if (second == 0 || left(second) > left(first)) {
      second = session;
    } else {
      first = session;
    }
  }
  void hear(uint64_t session, const tp_hint& hint) {
    if (hint.kind == TP_HINT_SESSION_ENDS && hint.value != 0) told_.erase(session);
    if (hint.kind == TP_HINT_STEPS_TO_RUN) {
      told_.erase(session);
      if (hint.value >= 0) told_[session] = hint.value;
    }
  }

  int64_t horizon_;
  NaiveSessions blocks_;
  std::map<uint32_t, std::array<uint64_t, 2>> users_;
  std::map<uint64_t, int64_t> told_;
};

TEST_CASE("steps agrees with sorting by steps") {
  const uint32_t capacity = GENERATE(1u, 5u, 64u, 200u);
  const uint64_t seed = GENERATE(1u, 2u, 3u);
  const uint32_t horizon = GENERATE(1u, 4u, 7u);
  const uint32_t sessions = GENERATE(1u, 4u, 64u);
  const uint32_t slot_count = capacity * GENERATE(1u, 2u);
  const std::string config =
      "horizon=" + std::to_string(horizon) + "\nsessions=" + std::to_string(sessions);
  Instance joined(steps(), capacity, config, true, slot_count);
  Instance singles(steps(), capacity, config, false, slot_count);
  NaiveSteps naive(sessions, horizon);
  RandomHost host(seed, capacity, {&joined, &singles}, &naive, slot_count);
  host.run(1500);
  CHECK(host.victims() > 50);
}

TEST_CASE("steps without hints is lru") {
  check_same_as_lru(steps(), GENERATE(Tale::no_hints, Tale::no_sessions));
}

TEST_CASE("steps evicts what runs last") {
  Instance cache(steps(), 8, "horizon=4", true);
  for (const uint32_t session : {1u, 2u, 3u}) {
    const uint32_t first = 2 * (session - 1);
    cache.insert_blocks(session, {first, first + 1},
                        {view_of(first + 1, session), view_of(first + 2, session)});
    cache.set_evictable(session, true, {first, first + 1});
  }
  const auto tell = [&](uint64_t session, int64_t count) {
    cache.hint(12, session, {{TP_HINT_STEPS_TO_RUN, 0, count}});
  };
  CHECK(next_victims(cache, 12, 6) == " 1 0 3 2 5 4");
  tell(1, 1);
  tell(2, 3);
  CHECK(next_victims(cache, 12, 6) == " 5 4 3 2 1 0");
  SECTION("steps past the horizon count as unknown ones, by use") {
    tell(1, 100);
    CHECK(next_victims(cache, 12, 6) == " 1 0 5 4 3 2");
  }
  SECTION("a block has the fewest steps of those that use it") {
    const tp_request near = request_of(1);
    cache.touch(12, {2}, &near);  // of session 2, so of both now
    CHECK(next_victims(cache, 12, 6) == " 5 4 3 1 0 2");
    tell(2, 0);
    CHECK(next_victims(cache, 12, 6) == " 5 4 1 0 3 2");
    SECTION("of three users the one with most steps is forgotten") {
      const tp_request other = request_of(3);
      cache.touch(12, {2}, &other);  // session 1 has 1 step, 2 has 0: block 2 forgets 1
      tell(2, 4);
      CHECK(next_victims(cache, 12, 6) == " 3 5 4 2 1 0");
    }
  }
  SECTION("a session that has ended runs no more") {
    cache.hint(12, 1, {{TP_HINT_SESSION_ENDS, 0, 1}});
    CHECK(next_victims(cache, 12, 6) == " 1 0 5 4 3 2");
  }
}

TEST_CASE("steps keeps a round of agents that lru loses") {
  // Three agents with prompts of two blocks run in turn in a cache of four blocks. Each says as it
  // ends when it runs again; lru always loses the very prompt that is next. From the fourth turn on
  // steps keeps the one that runs next, and loses the other: every second turn hits.
  const auto hits = [](const tp_cache_table& table) {
    Instance cache(table, 4, "", true);
    std::array<Slots, 3> prompts;  // slots, or nothing
    Slots free{0, 1, 2, 3};
    uint32_t hit_count = 0;
    for (uint32_t turn = 0; turn < 12; ++turn) {
      const uint32_t agent = turn % 3;
      const int64_t now_ns = turn;
      // The others are one step nearer.
      for (uint32_t other = 0; other < 3; ++other) {
        cache.hint(now_ns, 1 + other, {{TP_HINT_STEPS_TO_RUN, 0, (other + 3 - agent) % 3}});
      }
      const tp_request request = request_of(1 + agent);
      if (!prompts[agent].empty()) {
        ++hit_count;
        cache.touch(now_ns, prompts[agent], &request);
        cache.set_evictable(now_ns, false, prompts[agent]);
      } else {
        if (free.empty()) {
          uint64_t token = 0;
          free = as_slots(cache.select(now_ns, 2, token));
          REQUIRE(table.commit(cache.cache(), now_ns, token, nullptr) == TP_OK);
          cache.remove(now_ns, TP_REMOVED_EVICTED, free);
          for (Slots& prompt : prompts) {
            if (!prompt.empty() && prompt.front() == free.front()) prompt.clear();
          }
        }
        prompts[agent] = Slots(free.begin(), free.begin() + 2);
        free.erase(free.begin(), free.begin() + 2);
        cache.insert_blocks(now_ns, prompts[agent],
                            {view_of(2 * agent + 1, 1 + agent), view_of(2 * agent + 2, 1 + agent)});
      }
      cache.hint(now_ns, 1 + agent, {{TP_HINT_STEPS_TO_RUN, 0, 3}});
      cache.set_evictable(now_ns, true, prompts[agent]);
    }
    return hit_count;
  };
  CHECK(hits(*tp_find_builtin_cache("lru")) == 0);
  CHECK(hits(steps()) == 5);
}

}  // namespace
