#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/policy/slot_states.hpp"
#include "models/policy/tierpolicy.h"
#include "models/tiering/policy_checks.hpp"
#include "models/tiering/policy_instance.hpp"
#include "models/tiering/run_fault.hpp"

namespace tiercast::tiering {

/// A policy broke its contract. Thrown inside a run, caught at the run's boundary; the message
/// names the policy, the call, the simulated time and the answer.
class PolicyFault : public RunFault {
 public:
  PolicyFault(std::string_view policy, std::string_view call, int64_t now_ns,
              std::string_view answer);

  const std::string& call() const { return call_; }
  int64_t now_ns() const { return now_ns_; }
  const std::string& answer() const { return answer_; }

 private:
  std::string call_;
  int64_t now_ns_;
  std::string answer_;
};

/// Owns one policy instance and knows the state of every slot of its pool: absent, pinned (in the
/// pool, in use), evictable, or leaving (a committed victim not yet gone). It is the one route from
/// a host to a policy: notices mirror the table's, victims come back checked.
///
/// A notice that contradicts the slots' states (an insert of a present slot, say) is a bug of the
/// host and fails a contract check. A policy's error code or wrong answer throws PolicyFault; the
/// object is then good for nothing but destruction.
///
/// Spans are in prefix order, as tierpolicy.h says. Costs O(spans + blocks / 64) beside the policy.
class CheckedCache {
 public:
  /// config: `name=value` lines, empty for all defaults. On failure answers nothing and puts one
  /// sentence in `error`: a bad parameter is the user's, so it is no PolicyFault. tape: receives
  /// every call from now on; NULL: none does.
  static std::optional<CheckedCache> create(const tp_cache_table& given, const tp_pool& pool,
                                            std::string_view config, uint64_t seed,
                                            std::string& error,
                                            PolicyChecks checks = PolicyChecks::answers,
                                            const tp_tape* tape = nullptr);

  /// For offline bounds, before the first block. The policy must need it.
  void attach(const tp_future_table& table, const tp_future& future);

  /// Absent slots become pinned. blocks: one view a block in batch order, or empty; may be empty
  /// unless reads_keys().
  void insert(int64_t now_ns, std::span<const tp_span> spans, std::span<const tp_block> blocks = {},
              const tp_request* request = nullptr);
  /// Present slots (pinned or evictable) were used again.
  void touch(int64_t now_ns, std::span<const tp_span> spans, const tp_request* request = nullptr);
  /// Pinned, evictable or leaving slots become absent. reason: TP_REMOVED_*.
  void remove(int64_t now_ns, uint32_t reason, std::span<const tp_span> spans);
  /// on: pinned (the last pin went) or leaving (its move failed) slots become evictable.
  /// off: evictable slots become pinned.
  void evictable(int64_t now_ns, bool on, std::span<const tp_span> spans);

  /// Victims leave at once: select, check, commit, remove(evicted). Appends exactly `need_blocks`
  /// evictable slots to `out`, now absent, and answers true; or answers false, with nothing
  /// changed, where the policy refuses. Requires need_blocks <= evictable_blocks().
  bool take_victims(int64_t now_ns, uint32_t need_blocks, std::vector<tp_span>& out);
  /// The same, but the victims stay behind as leaving until remove() or evictable(on): for victims
  /// whose bytes move to another tier first.
  bool begin_eviction(int64_t now_ns, uint32_t need_blocks, std::vector<tp_span>& out);

  /// Passed on where the policy has the entry, else nothing.
  void request(int64_t now_ns, const tp_request& request, uint32_t phase);
  /// A prompt's blocks are asked for, one view each; the first `hits` are in the pool.
  void lookup(int64_t now_ns, std::span<const tp_block> blocks, std::size_t hits,
              const tp_request* request = nullptr);
  void hint(int64_t now_ns, uint64_t session, std::span<const tp_hint> hints);
  /// How many of the blocks, from the first on, the policy would take in; all of them where it has
  /// no say.
  std::size_t admitted(int64_t now_ns, std::span<const tp_block> blocks,
                       const tp_request* request = nullptr);
  /// When the policy hears of the time next; INT64_MAX: not as things are. It is told at exactly
  /// that time, before whatever call comes first from then on: as nothing but calls shows what a
  /// policy knows, telling it later, in one go, is the same.
  int64_t next_wakeup_ns() const { return wakeup_ns_; }

  policy::SlotState state(uint32_t slot) const { return slots_.state(slot); }
  uint32_t capacity_blocks() const { return capacity_blocks_; }
  uint32_t slot_count() const { return slots_.capacity(); }
  uint32_t present_blocks() const { return slots_.present(); }  // pinned, evictable, leaving
  uint32_t evictable_blocks() const { return slots_.evictable(); }
  /// Whether inserts must have views, and whether these must say more than key, depth and size.
  bool reads_keys() const {
    return (capabilities_ & (TP_CAP_READS_KEYS | TP_CAP_READS_BLOCKS | TP_CAP_NEEDS_FUTURE)) != 0;
  }
  bool reads_blocks() const { return (capabilities_ & TP_CAP_READS_BLOCKS) != 0; }
  bool needs_future() const { return (capabilities_ & TP_CAP_NEEDS_FUTURE) != 0; }
  bool wants_lookups() const { return table().on_lookup != nullptr; }
  bool wants_requests() const { return table().on_request != nullptr; }
  bool wants_hints() const { return table().on_hint != nullptr; }
  bool wants_admission() const { return table().admit != nullptr; }
  /// Whether touches and inserts must say which request is behind them; inserts are then told one
  /// by one, each with the blocks of one request.
  bool reads_requests() const { return wants_requests() || reads_blocks(); }
  /// Whether anything at all must be told of requests.
  bool hears_of_requests() const { return reads_requests() || wants_lookups() || wants_hints(); }
  std::string_view policy_name() const { return name_; }
  /// Digest of the policy's state; 0 where the policy has none.
  uint64_t hash_state() const;
  /// Calls through the table so far, this class's own select/commit/remove included.
  uint64_t policy_calls() const { return policy_calls_; }

 private:
  CheckedCache(PolicyInstance policy, const tp_pool& pool, PolicyChecks checks);

  const tp_cache_table& table() const { return policy_.table(); }

  void expect_ok(int code, const char* call, int64_t now_ns) {
    ++policy_calls_;
    if (code != TP_OK) [[unlikely]]
      fail(call, now_ns, code);
  }
  [[noreturn]] void fail(const char* call, int64_t now_ns, int code) const;
  [[noreturn]] void wrong_slots(const char* call, tp_span span) const;
  void move_slots(const char* call, std::span<const tp_span> spans, policy::SlotSet from,
                  policy::SlotState to);
  int select(int64_t now_ns, uint32_t need_blocks, tp_victims& answer);
  void take_answer(int64_t now_ns, uint32_t need_blocks, const tp_victims& answer);
  // A call into the policy: before it the ticks whose times have come, behind it the next one.
  template <class Call>
  void tell(const char* name, int64_t now_ns, Call call);
  void wake(int64_t now_ns) {
    if (wakeup_ns_ <= now_ns) [[unlikely]]
      tick_until(now_ns);
  }
  void tick_until(int64_t now_ns);
  void plan_wakeup(int64_t now_ns) {
    if (ticks_) [[unlikely]]
      ask_wakeup(now_ns);
  }
  void ask_wakeup(int64_t now_ns);
  void check_victims(int64_t now_ns, tp_span span) const;
  std::optional<std::vector<tp_span>> rehearse(int64_t now_ns, uint32_t need_blocks);

  PolicyInstance policy_;
  const char* name_;  // as its info says
  uint32_t capacity_blocks_;
  policy::SlotStates slots_;
  uint32_t capabilities_;
  PolicyChecks checks_;
  uint64_t last_token_ = 0;
  std::set<uint64_t> tokens_;  // all of them, where asking is rehearsed
  uint64_t selects_ = 0;
  uint64_t policy_calls_ = 0;
  bool ticks_;  // it has on_tick and next_wakeup
  int64_t wakeup_ns_ = INT64_MAX;
  std::vector<tp_span> victims_;   // scratch of select
  std::vector<uint8_t> verdicts_;  // scratch of admitted
};

}  // namespace tiercast::tiering
