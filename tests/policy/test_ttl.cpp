#include <algorithm>
#include <deque>
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

constexpr int64_t second = 1'000'000'000;

const tp_cache_table& ttl() { return *tp_find_builtin_cache("ttl"); }

struct Setting {
  int64_t margin_ns;
  int64_t ttl_ns;
  std::size_t history;
  int64_t queueing_us;
};

class NaiveTtl final : public NaivePolicy {
 public:
  NaiveTtl(std::size_t capacity, const Setting& setting) : setting_(setting), blocks_(capacity) {}

  void clock(int64_t now_ns) override { now_ = now_ns; }
  void insert_for(const tp_request* request, uint32_t slot, const tp_block& block) override {
    cost_us_[slot] = static_cast<int64_t>(block.recompute_ns / 1000);
    const uint64_t session = session_of(request, block);
    if (session == 0) return;
    use(session);
    blocks_.owner[slot] = session;
  }
  void touch(uint32_t slot) override { touch_for(nullptr, slot); }
  void touch_for(const tp_request* request, uint32_t slot) override {
    const uint64_t session = session_of(request);
    if (session != 0) {
      use(session);
      if (waits_.count(session) != 0) run(session);
      blocks_.owner[slot] = session;
    }
    if (blocks_.evictable(slot)) blocks_.renew(slot);
  }
  void remove(uint32_t slot) override {
    blocks_.order.remove(slot);
    blocks_.owner.erase(slot);
    cost_us_.erase(slot);
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
    tenant_[session] = request.tenant;
    if (phase == TP_PHASE_ARRIVE || phase == TP_PHASE_RESUME) {
      if (called_.count(session) == 0) return;
      const int64_t took_us = (now_ - called_[session]) / 1000;
      remember(all_, took_us);
      remember(by_tenant_[request.tenant], took_us);
      called_.erase(session);
      if (held(session)) waits_.insert(session);
    } else if (phase == TP_PHASE_SCHEDULE) {
      run(session);
    } else if (phase == TP_PHASE_TOOL_CALL) {
      called_[session] = now_;
      waits_.erase(session);
      until_[session] = now_ + learned(session);
      hear(session, request.hints, request.hint_count);
    } else if (phase == TP_PHASE_FINISH) {
      hear(session, request.hints, request.hint_count);
    }
  }
  void hint(uint64_t session, const std::vector<tp_hint>& hints) override {
    if (session == 0) return;
    use(session);
    hear(session, hints.data(), hints.size());
  }
  Slots victims(uint32_t need) const override {
    Slots all;
    for (const uint32_t slot : blocks_.order) {
      if (!held(blocks_.owner_of(slot))) all.push_back(slot);
    }
    for (auto session = programs_.rbegin(); session != programs_.rend(); ++session) {
      for (const uint32_t slot : blocks_.order) {
        if (held(*session) && blocks_.owner_of(slot) == *session) all.push_back(slot);
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
  static void remember(std::deque<int64_t>& times, int64_t us) {
    times.push_back(us);
    if (times.size() > 128) times.pop_front();
  }
  void use(uint64_t session) {
    const bool is_new = !blocks_.knows(session);
    if (const uint64_t forgotten = blocks_.use(session); forgotten != 0) {
      programs_.remove(forgotten);
      run(forgotten);
      called_.erase(forgotten);
      tenant_.erase(forgotten);
    }
    if (is_new) programs_.push_back(session);
  }
  bool held(uint64_t session) const {
    if (waits_.count(session) != 0) return true;
    const auto found = until_.find(session);
    return found != until_.end() && found->second > now_;
  }
  void run(uint64_t session) {
    waits_.erase(session);
    until_.erase(session);
    expected_.erase(session);
    expected_p90_.erase(session);
  }
  void hear(uint64_t session, const tp_hint* hints, std::size_t count) {
    bool ends = false;
    for (std::size_t i = 0; i < count; ++i) {
      const int64_t at = now_ + std::max<int64_t>(hints[i].value, 0);
      if (hints[i].kind == TP_HINT_TOOL_RETURN_NS) expected_[session] = at;
      if (hints[i].kind == TP_HINT_TOOL_RETURN_P90_NS) expected_p90_[session] = at;
      if (hints[i].kind == TP_HINT_SESSION_ENDS) ends = hints[i].value != 0;
    }
    if (ends) {
      called_.erase(session);
      return run(session);
    }
    std::vector<int64_t> times;
    if (expected_.count(session) != 0) times.push_back(expected_[session]);
    if (expected_p90_.count(session) != 0) times.push_back(expected_p90_[session]);
    if (times.empty()) return;
    called_.emplace(session, now_);
    waits_.erase(session);
    until_[session] = *std::max_element(times.begin(), times.end()) + setting_.margin_ns;
  }
  int64_t learned(uint64_t session) {
    int64_t cost_us = 0;
    for (const auto& [slot, owner] : blocks_.owner) {
      if (owner == session) cost_us += cost_us_[slot];
    }
    const std::deque<int64_t>* times = &by_tenant_[tenant_[session]];
    if (times->size() <= setting_.history) times = &all_;
    if (cost_us == 0 || times->size() <= setting_.history) return setting_.ttl_ns;
    const auto gain = [&](int64_t us) {
      const auto within =
          std::count_if(times->begin(), times->end(), [&](int64_t time) { return time <= us; });
      return within * (cost_us + setting_.queueing_us) - static_cast<int64_t>(times->size()) * us;
    };
    std::set<int64_t> candidates(times->begin(), times->end());
    int64_t best = -1;
    for (const int64_t us : candidates) {
      if (gain(us) > (best < 0 ? 0 : gain(best))) best = us;
    }
    return best < 0 ? 0 : best * 1000;
  }

  Setting setting_;
  NaiveSessions blocks_;
  std::list<uint64_t> programs_;  // the one known longest first
  std::map<uint32_t, int64_t> cost_us_;
  std::map<uint64_t, uint32_t> tenant_;
  std::map<uint64_t, int64_t> called_;
  std::map<uint64_t, int64_t> until_;
  std::map<uint64_t, int64_t> expected_;
  std::map<uint64_t, int64_t> expected_p90_;
  std::set<uint64_t> waits_;  // back, and not yet running
  std::deque<int64_t> all_;
  std::map<uint32_t, std::deque<int64_t>> by_tenant_;
  int64_t now_ = 0;
};

TEST_CASE("ttl agrees with plain lists and maps") {
  const uint32_t capacity = GENERATE(1u, 5u, 64u, 200u);
  const uint64_t seed = GENERATE(1u, 2u);
  const int64_t pace = GENERATE(1, 1000);
  const uint32_t slot_count = capacity * GENERATE(1u, 2u);
  std::string config =
      pace == 1 ? "margin=3e-9\nttl=9e-9" : "margin=5e-6\nttl=2e-5\nhistory=3\nqueueing=4e-6";
  const uint32_t sessions = GENERATE(1u, 4u, 64u);
  config += "\nsessions=" + std::to_string(sessions);
  Instance joined(ttl(), capacity, config, true, slot_count);
  Instance singles(ttl(), capacity, config, false, slot_count);
  NaiveTtl naive(sessions, pace == 1 ? Setting{3, 9, 100, 0} : Setting{5000, 20000, 3, 4});
  RandomHost host(seed, capacity, {&joined, &singles}, &naive, slot_count);
  host.pace(pace);
  host.run(1500);
  CHECK(host.victims() > 50);
}

TEST_CASE("ttl without tool calls is lru") {
  check_same_as_lru(ttl(), GENERATE(Tale::no_hints, Tale::no_sessions));
}

/// Sessions 1 and 2 have put down two blocks each, 1 first: slots 0 and 1, then 2 and 3. The blocks
/// of each take a millisecond to compute.
void put_down_two(Instance& cache) {
  for (const uint32_t session : {1u, 2u}) {
    const uint32_t first = 2 * (session - 1);
    std::vector<tp_block> blocks{view_of(first + 1, session), view_of(first + 2, session)};
    for (tp_block& block : blocks) block.recompute_ns = 500'000;
    cache.insert_blocks(session, {first, first + 1}, blocks);
    cache.set_evictable(session, true, {first, first + 1});
  }
}

void call_tool(Instance& cache, int64_t now_ns, const std::vector<tp_hint>& hints) {
  tp_request request = request_of(1);
  request.hints = hints.data();
  request.hint_count = static_cast<uint32_t>(hints.size());
  cache.request(now_ns, request, TP_PHASE_TOOL_CALL);
}

TEST_CASE("ttl keeps a session that called a tool until its expected return and a margin") {
  Instance cache(ttl(), 8, "margin=1", true);
  put_down_two(cache);
  CHECK(next_victims(cache, 10, 4) == " 1 0 3 2");  // as lru
  SECTION("the p90 counts where both are told") {
    call_tool(
        cache, 10,
        {{TP_HINT_TOOL_RETURN_NS, 0, 3 * second}, {TP_HINT_TOOL_RETURN_P90_NS, 0, 5 * second}});
    CHECK(next_victims(cache, 10, 2) == " 3 2");
    CHECK(next_victims(cache, 6 * second + 9, 2) == " 3 2");
    CHECK(next_victims(cache, 6 * second + 10, 2) == " 1 0");
  }
  SECTION("a hint that comes alone is enough, and a later one replaces it") {
    cache.hint(10, 1, {{TP_HINT_TOOL_RETURN_NS, 0, 9 * second}});
    CHECK(next_victims(cache, 3 * second, 2) == " 3 2");
    cache.hint(11, 1, {{TP_HINT_TOOL_RETURN_NS, 0, second}});
    CHECK(next_victims(cache, 3 * second, 2) == " 1 0");
  }
  SECTION("where nothing else is left held blocks go, the session known last first") {
    cache.hint(10, 1, {{TP_HINT_TOOL_RETURN_NS, 0, 9 * second}});
    cache.hint(10, 2, {{TP_HINT_TOOL_RETURN_NS, 0, second}});
    CHECK(next_victims(cache, 20, 4) == " 3 2 1 0");
  }
  SECTION("a session that has ended is held no longer") {
    cache.hint(10, 1, {{TP_HINT_TOOL_RETURN_NS, 0, 9 * second}});
    cache.hint(11, 1, {{TP_HINT_SESSION_ENDS, 0, 1}});
    CHECK(next_victims(cache, 12, 2) == " 1 0");
  }
  SECTION("back in time it is kept until it runs, however long that takes") {
    call_tool(cache, 10, {{TP_HINT_TOOL_RETURN_NS, 0, second}});
    cache.request(second, request_of(1), TP_PHASE_ARRIVE);
    CHECK(next_victims(cache, 50 * second, 2) == " 3 2");
    cache.request(50 * second, request_of(1), TP_PHASE_SCHEDULE);
    CHECK(next_victims(cache, 50 * second, 2) == " 1 0");
  }
  SECTION("a block that another session uses is that one's") {
    call_tool(cache, 10, {{TP_HINT_TOOL_RETURN_NS, 0, second}});
    const tp_request other = request_of(2);
    cache.touch(11, {0}, &other);
    CHECK(next_victims(cache, 12, 4) == " 3 2 0 1");
  }
}

TEST_CASE("ttl learns how long tools take where no hints come") {
  // Losing session 1's blocks costs 1 ms. Of four returns so far three took 0.2 ms, one 50 ms:
  // holding 0.2 ms gains 3/4 * 1 ms - 0.2 ms = 0.55 ms, 50 ms loses.
  Instance cache(ttl(), 8, "history=3\nttl=2", true);
  put_down_two(cache);
  int64_t now_ns = 1000;
  const auto round_trip = [&](int64_t took_ns) {
    call_tool(cache, now_ns, {});
    CHECK(next_victims(cache, now_ns + 2 * second - 1, 2) == " 3 2");  // the default
    now_ns += took_ns;
    cache.request(now_ns, request_of(1), TP_PHASE_ARRIVE);
    cache.request(now_ns, request_of(1), TP_PHASE_SCHEDULE);
  };
  for (const int64_t took_ns : {200'000, 50'000'000, 200'000, 200'000}) round_trip(took_ns);
  call_tool(cache, now_ns, {});
  CHECK(next_victims(cache, now_ns + 199'999, 2) == " 3 2");
  CHECK(next_victims(cache, now_ns + 200'000, 2) == " 1 0");
}

TEST_CASE("ttl saves a tool-calling session's blocks where lru loses them") {
  // An agent with a prefix of four blocks calls a tool that takes 2 s; meanwhile ten other sessions
  // of two blocks each pass through a cache of eight blocks. Then the agent is back.
  const auto blocks_left = [](const tp_cache_table& table) {
    Instance cache(table, 8, "", true);
    std::vector<uint64_t> held_by(8);
    std::vector<tp_block> blocks;
    for (uint32_t i = 0; i < 4; ++i) blocks.push_back(view_of(i + 1, 1));
    cache.insert_blocks(0, {0, 1, 2, 3}, blocks);
    for (uint32_t slot = 0; slot < 4; ++slot) held_by[slot] = 1;
    cache.set_evictable(second, true, {0, 1, 2, 3});
    if (table.on_request != nullptr)
      call_tool(cache, second, {{TP_HINT_TOOL_RETURN_NS, 0, 2 * second}});
    for (uint32_t visitor = 0; visitor < 10; ++visitor) {
      const int64_t now_ns = second + visitor * (second / 10);
      Slots free;
      for (uint32_t slot = 0; slot < 8 && free.size() < 2; ++slot) {
        if (held_by[slot] == 0) free.push_back(slot);
      }
      if (free.empty()) {
        uint64_t token = 0;
        free = as_slots(cache.select(now_ns, 2, token));
        REQUIRE(table.commit(cache.cache(), now_ns, token, nullptr) == TP_OK);
        cache.remove(now_ns, TP_REMOVED_EVICTED, free);
      }
      const uint64_t session = 2 + visitor;
      cache.insert_blocks(
          now_ns, free, {view_of(100 + 2 * visitor, session), view_of(101 + 2 * visitor, session)});
      cache.set_evictable(now_ns, true, free);
      for (const uint32_t slot : free) held_by[slot] = session;
    }
    return std::count(held_by.begin(), held_by.end(), 1u);
  };
  CHECK(blocks_left(*tp_find_builtin_cache("lru")) == 0);
  CHECK(blocks_left(ttl()) == 4);
}

}  // namespace
