#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>

#include "models/policy/cache_entry.hpp"
#include "models/policy/flat_array.hpp"
#include "models/policy/held_sessions.hpp"
#include "models/policy/request_views.hpp"
#include "models/policy/return_times.hpp"

namespace tiercast::policy {
namespace {

/// Time-to-live over tool calls: least recently used, tail first, but a session that has called a
/// tool keeps its blocks until it is expected back. Source: Li et al., "Continuum: Efficient and
/// Robust Multi-Turn LLM Agent Scheduling with KV Cache Time-to-Live", arXiv 2511.02230 (CacheTTL
/// in its version 4), sections 4 and 5; Abhyankar et al., "InferCept", ICML 2024, is its ancestor.
///
/// A session is held from TP_PHASE_TOOL_CALL on, or from a hint of its tool's return. With hints
/// it is held until the latest of the expected return and its p90, plus `margin`. Without, for the
/// t that maximises P(return within t) * (cost of losing its blocks + `queueing`) - t, which is the
/// source's rule with its queueing term as a parameter: P from the last 128 returns of its tenant
/// where there are more than `history`, else of all tenants; the cost is the sum of the blocks'
/// recompute_ns. While returns are too few, or no cost is known, it is held for `ttl`. Arriving
/// (TP_PHASE_ARRIVE or _RESUME) within its time it is held until it is scheduled or uses blocks.
/// Then, at TP_HINT_SESSION_ENDS, or as the time is over, its blocks are ordinary again, in the
/// order of use in which they are. Hints come by on_hint, or with TP_PHASE_TOOL_CALL and _FINISH.
///
/// Where only held blocks are left, those of the session known for the shortest time go first, as
/// the source unpins the program that arrived last; it unpins it whole, here only as many blocks go
/// as are needed, its least recently used first. A block belongs to the session that used it last.
/// Returns are by tenant, not by tool: the contract names no tools. A host that tells of no tool
/// calls has `lru`.
class Ttl {
 public:
  static constexpr std::string_view name = "ttl";
  static constexpr uint32_t capabilities = TP_CAP_READS_KEYS | TP_CAP_READS_BLOCKS;
  static constexpr VictimOrder victim_order = VictimOrder::downwards;
  static constexpr uint32_t capacity_blocks_max = HeldSessions::capacity_max;

  static std::span<const Parameter> parameters() {
    static constexpr Parameter list[] = {
        {"margin", "s", ParameterKind::real, 1, 0, 86400,
         "How long a session is held past the return that hints expect."},
        {"ttl", "s", ParameterKind::real, 2, 0, 86400,
         "How long a tool's caller is held while there is neither a hint nor enough experience."},
        {"history", "returns", ParameterKind::integer, 100, 1, ReturnTimes::window - 1,
         "A tenant's, or else all tenants', returns are experience once there are more than this."},
        {"queueing", "s", ParameterKind::real, 0, 0, 86400,
         "What a session waits in the queue for losing its blocks, beside their recomputation."},
        SessionTable::parameter};
    return list;
  }

  Ttl(const tp_pool& pool, const ParameterValues& values, uint64_t /*seed*/)
      : margin_ns_(nanoseconds(values.real("margin"))),
        ttl_ns_(nanoseconds(values.real("ttl"))),
        history_(values.integer("history")),
        queueing_us_(static_cast<uint64_t>(values.real("queueing") * 1e6)),
        held_(pool, values),
        states_(held_.sessions().capacity()),
        cost_us_(pool.slot_count) {
    std::fill_n(states_.data(), states_.size(), unknown);
  }

  void prefetch(uint32_t slot) const { held_.prefetch(slot); }
  void prefetch(uint32_t slot, const tp_block*) const {
    held_.prefetch(slot);
    cost_us_.prefetch(slot);
  }

  void insert(const Notice& at, uint32_t slot, const tp_block* block) {
    cost_us_[slot] =
        static_cast<uint32_t>(std::min<uint64_t>(block->recompute_ns / 1000, UINT32_MAX));
    const uint64_t session = session_behind(at, block);
    if (session != 0) own(slot, use(session), false);
  }

  void touch(const Notice& at, uint32_t slot) {
    const bool evictable = at.slots.state(slot) == SlotState::evictable;
    if (const uint64_t id = session_behind(at); id != 0) {
      const uint32_t session = use(id);
      if (states_[session].hold_until_ns == INT64_MAX) run(session);
      own(slot, session, evictable);
    }
    if (evictable) held_.renew(slot);
  }

  void remove(const Notice& at, uint32_t /*reason*/, uint32_t slot) {
    const bool evictable = at.slots.state(slot) == SlotState::evictable;
    own(slot, HeldSessions::none, evictable);
    held_.remove(slot, evictable);
    cost_us_[slot] = 0;
  }

  void set_evictable(const Notice&, bool on, uint32_t slot) {
    if (on) return held_.put_down(slot);
    held_.take_up(slot);
  }

  void request(const Notice& at, uint32_t phase) {
    const tp_request& request = *at.request;
    if (request.session == 0) return;
    const uint32_t session = use(request.session);
    State& state = states_[session];
    state.tenant = request.tenant;
    if (phase == TP_PHASE_ARRIVE || phase == TP_PHASE_RESUME) return arrive(at.now_ns, session);
    if (phase == TP_PHASE_SCHEDULE) return run(session);
    if (phase == TP_PHASE_TOOL_CALL) {
      state.called_ns = at.now_ns;
      hold_until(at.now_ns, session, later(at.now_ns, learned_ttl_ns(state)));
    }
    if (phase == TP_PHASE_TOOL_CALL || phase == TP_PHASE_FINISH) {
      hear(at.now_ns, session, hints_of(request));
    }
  }

  void hint(const Notice& at, uint64_t session, std::span<const tp_hint> hints) {
    if (session != 0) hear(at.now_ns, use(session), hints);
  }

  template <class Victims>
  void select(int64_t now_ns, uint32_t need, Victims& victims) const {
    expire(now_ns);
    held_.select(need, victims);
  }
  template <class Verdicts>
  void commit(int64_t now_ns, uint32_t need, Verdicts& verdicts) {
    expire(now_ns);
    held_.commit(need, verdicts);
  }

  void hash(StateHash& hash) const {
    held_.hash(hash, [&](StateHash& into, uint32_t session) {
      const State& state = states_[session];
      for (const int64_t time :
           {state.hold_until_ns, state.called_ns, state.return_ns, state.p90_ns}) {
        into.add(static_cast<uint64_t>(time));
      }
      into.add(state.cost_us);
      into.add(state.tenant);
    });
    returns_.hash(hash);
    for (std::size_t slot = 0; slot < cost_us_.size(); ++slot) hash.add(cost_us_[slot]);
  }

  template <class Self, class Archive>
  static void archive(Self& self, Archive& archive) {
    HeldSessions::archive(self.held_, archive);
    archive.items(self.states_.data(), self.states_.size());
    archive.items(self.cost_us_.data(), self.cost_us_.size());
    ReturnTimes::archive(self.returns_, archive);
    archive.value(self.first_expiry_ns_);
  }

 private:
  static constexpr int64_t never = INT64_MIN;

  /// What is known of a session. Times are `never` where they are not known.
  struct State {
    int64_t hold_until_ns;  // INT64_MAX: until it runs
    int64_t called_ns;      // its tool
    int64_t return_ns;      // expected by hints
    int64_t p90_ns;
    uint64_t cost_us;  // to compute its blocks in this pool again
    uint32_t tenant;
    uint32_t reserved;
  };
  static constexpr State unknown{never, never, never, never, 0, 0, 0};

  static int64_t nanoseconds(double seconds) { return static_cast<int64_t>(seconds * 1e9); }
  /// now + delay, short of the end of time.
  static int64_t later(int64_t now_ns, int64_t delay_ns) {
    const int64_t delay = std::max<int64_t>(delay_ns, 0);
    return now_ns > INT64_MAX - 1 - delay ? INT64_MAX - 1 : now_ns + delay;
  }

  uint32_t use(uint64_t id) {
    return held_.use(
        id, [&](uint32_t forgotten) { states_[forgotten] = unknown; }, [](uint32_t, uint32_t) {});
  }

  void own(uint32_t slot, uint32_t session, bool evictable) {
    const uint32_t before = held_.session_of(slot);
    if (before == session) return;
    if (before != HeldSessions::none) states_[before].cost_us -= cost_us_[slot];
    if (session != HeldSessions::none) states_[session].cost_us += cost_us_[slot];
    held_.own(slot, session, evictable);
  }

  int64_t learned_ttl_ns(const State& state) const {
    if (state.cost_us == 0) return ttl_ns_;
    const int64_t best = returns_.best_ttl_ns(state.tenant, history_, state.cost_us + queueing_us_);
    return best < 0 ? ttl_ns_ : best;
  }

  void hear(int64_t now_ns, uint32_t session, std::span<const tp_hint> hints) {
    State& state = states_[session];
    bool ends = false;
    for (const tp_hint& hint : hints) {
      if (hint.kind == TP_HINT_TOOL_RETURN_NS) state.return_ns = later(now_ns, hint.value);
      if (hint.kind == TP_HINT_TOOL_RETURN_P90_NS) state.p90_ns = later(now_ns, hint.value);
      if (hint.kind == TP_HINT_SESSION_ENDS) ends = hint.value != 0;
    }
    if (ends) {
      state.called_ns = never;
      return run(session);
    }
    const int64_t back_ns = std::max(state.return_ns, state.p90_ns);
    if (back_ns == never) return;
    if (state.called_ns == never) state.called_ns = now_ns;
    hold_until(now_ns, session, later(back_ns, margin_ns_));
  }

  void arrive(int64_t now_ns, uint32_t session) {
    State& state = states_[session];
    if (state.called_ns == never) return;
    returns_.add(state.tenant, now_ns - state.called_ns);
    state.called_ns = never;
    if (state.hold_until_ns > now_ns) hold_until(now_ns, session, INT64_MAX);
  }

  /// Its blocks are ordinary, and what was expected of it is over.
  void run(uint32_t session) {
    State& state = states_[session];
    state.hold_until_ns = state.return_ns = state.p90_ns = never;
    held_.release(session);
  }

  void hold_until(int64_t now_ns, uint32_t session, int64_t until_ns) {
    states_[session].hold_until_ns = until_ns;
    if (until_ns <= now_ns) return held_.release(session);
    held_.hold(session);
    first_expiry_ns_ = std::min(first_expiry_ns_, until_ns);
  }

  /// Lets go the sessions whose time is over. What time has decided is no state of its own: where
  /// this has been asked for or not, the answers are the same.
  void expire(int64_t now_ns) const {
    if (now_ns < first_expiry_ns_) return;
    first_expiry_ns_ = INT64_MAX;
    held_.for_held([&](uint32_t session) {
      const int64_t until_ns = states_[session].hold_until_ns;
      if (until_ns <= now_ns) return held_.release(session);
      first_expiry_ns_ = std::min(first_expiry_ns_, until_ns);
    });
  }

  int64_t margin_ns_;
  int64_t ttl_ns_;
  uint32_t history_;
  uint64_t queueing_us_;
  mutable HeldSessions held_;
  FlatArray<State> states_;      // by session
  FlatArray<uint32_t> cost_us_;  // of computing a slot's block again
  ReturnTimes returns_;
  mutable int64_t first_expiry_ns_ = INT64_MAX;  // no held session's time is over before
};

}  // namespace

CacheEntry ttl_entry() {
  return cache_entry<Ttl>(
      "Least recently used, but a session that has called a tool keeps its blocks until the tool "
      "is "
      "expected to return: by hints, or by what losing the blocks costs and how long returns took. "
      "Without tool calls it is lru.",
      "Li et al.: Continuum (CacheTTL), arXiv 2511.02230; Abhyankar et al.: InferCept, ICML 2024");
}

}  // namespace tiercast::policy
