#include <cstdint>
#include <span>
#include <string_view>

#include "models/policy/bit_index.hpp"
#include "models/policy/cache_entry.hpp"
#include "models/policy/held_sessions.hpp"
#include "models/policy/request_views.hpp"

namespace tiercast::policy {
namespace {

/// Looks ahead in the queue: least recently used, tail first, but the blocks of sessions whose
/// request waits go last, those of the session whose request is furthest back in the queue first.
/// Sources: Gao et al., "Cost-Efficient Large Language Model Serving for Multi-turn Conversations
/// with CachedAttention", USENIX ATC 2024, section 3.3.2 (look-ahead eviction window, evicted from
/// its tail); the same idea for prefix trees is Wang et al., "PCR", arXiv 2603.23049.
///
/// A session waits from TP_PHASE_ARRIVE or _RESUME of a request of it until TP_PHASE_SCHEDULE or
/// _FINISH, in order of arrival; TP_PHASE_PREEMPT takes it back to the place it had. Of the waiting
/// ones the first `window` are protected; CachedAttention sizes its window as capacity over the
/// mean size of a session. Of several requests of one session the first that is scheduled ends its
/// wait. Where CachedAttention evicts sessions whole, here only as many blocks go as are needed,
/// the session's least recently used first. A block belongs to the session that used it last; that
/// of a waiting request's prefix which other sessions used later is not protected (PCR protects
/// it: the contract tells of a request's blocks as it is scheduled, not as it arrives). A host
/// that tells of no requests has `lru`.
class Lookahead {
 public:
  static constexpr std::string_view name = "lookahead";
  static constexpr uint32_t capabilities = TP_CAP_READS_KEYS | TP_CAP_READS_BLOCKS;
  static constexpr VictimOrder victim_order = VictimOrder::downwards;
  static constexpr uint32_t capacity_blocks_max = HeldSessions::capacity_max;

  static std::span<const Parameter> parameters() {
    static constexpr Parameter list[] = {
        {"window", "sessions", ParameterKind::integer, SessionTable::capacity_max, 1,
         SessionTable::capacity_max,
         "How many waiting sessions are protected, from the head of the queue on."},
        SessionTable::parameter};
    return list;
  }

  Lookahead(const tp_pool& pool, const ParameterValues& values, uint64_t /*seed*/)
      : window_(values.integer("window")),
        held_(pool, values),
        waiting_(ArrivalOrder::positions_for(held_.sessions().capacity())) {}

  void prefetch(uint32_t slot) const { held_.prefetch(slot); }
  void prefetch(uint32_t slot, const tp_block*) const { held_.prefetch(slot); }

  void insert(const Notice& at, uint32_t slot, const tp_block* block) {
    const uint64_t session = session_behind(at, block);
    if (session != 0) held_.own(slot, use(session), false);
  }

  void touch(const Notice& at, uint32_t slot) {
    const bool evictable = at.slots.state(slot) == SlotState::evictable;
    const uint64_t session = session_behind(at);
    if (session != 0) held_.own(slot, use(session), evictable);
    if (evictable) held_.renew(slot);
  }

  void remove(const Notice& at, uint32_t /*reason*/, uint32_t slot) {
    held_.remove(slot, at.slots.state(slot) == SlotState::evictable);
  }

  void set_evictable(const Notice&, bool on, uint32_t slot) {
    if (on) return held_.put_down(slot);
    held_.take_up(slot);
  }

  void request(const Notice& at, uint32_t phase) {
    if (at.request->session == 0) return;
    const uint32_t session = use(at.request->session);
    const bool waits = waiting_.test(held_.place_of(session));
    switch (phase) {
      case TP_PHASE_ARRIVE:
      case TP_PHASE_RESUME:
        if (waits) return;
        held_.place_last(session, Moved{waiting_});
        return wait(session);
      case TP_PHASE_PREEMPT:
        if (!waits) wait(session);
        return;
      case TP_PHASE_SCHEDULE:
      case TP_PHASE_FINISH:
        if (waits) leave(session);
        return;
      default:
        return;
    }
  }

  template <class Victims>
  void select(uint32_t need, Victims& victims) const {
    held_.select(need, victims);
  }
  template <class Verdicts>
  void commit(uint32_t need, Verdicts& verdicts) {
    held_.commit(need, verdicts);
  }

  void hash(StateHash& hash) const {
    held_.hash(hash, [&](StateHash& into, uint32_t session) {
      into.add(waiting_.test(held_.place_of(session)) ? 1 : 0);
    });
  }

  template <class Self, class Archive>
  static void archive(Self& self, Archive& archive) {
    HeldSessions::archive(self.held_, archive);
    BitIndex::archive(self.waiting_, archive);
    archive.value(self.protected_);
  }

 private:
  // What follows when sessions' places change.
  struct Moved {
    BitIndex& waiting;
    void operator()(uint32_t from, uint32_t to) const { waiting.move(from, to); }
  };
  uint32_t use(uint64_t id) {
    return held_.use(
        id,
        [&](uint32_t forgotten) {
          if (waiting_.test(held_.place_of(forgotten))) leave(forgotten);
        },
        Moved{waiting_});
  }

  // Held are the first `window_` of the waiting ones, or all where there are fewer.

  void wait(uint32_t session) {
    waiting_.set(held_.place_of(session));
    if (protected_ < window_) {
      ++protected_;
      return held_.hold(session);
    }
    const uint32_t last = held_.last_held();
    if (held_.place_of(last) < held_.place_of(session)) return;
    held_.release(last);
    held_.hold(session);
  }
  void leave(uint32_t session) {
    waiting_.clear(held_.place_of(session));
    if (!held_.is_held(session)) return;
    held_.release(session);
    const uint32_t last = held_.last_held();
    const uint32_t behind = last == HeldSessions::none ? 0 : held_.place_of(last) + 1;
    const uint32_t next = waiting_.find_at_or_after(behind);
    if (next == BitIndex::none) {
      --protected_;
    } else {
      held_.hold(held_.session_at(next));
    }
  }

  uint32_t window_;
  HeldSessions held_;
  BitIndex waiting_;        // places
  uint32_t protected_ = 0;  // sessions
};

}  // namespace

CacheEntry lookahead_entry() {
  return cache_entry<Lookahead>(
      "Least recently used, but blocks of sessions whose request waits in the queue go last, "
      "furthest back first. Without requests told it is lru.",
      "Gao et al.: CachedAttention, USENIX ATC 2024, section 3.3.2; Wang et al.: PCR, "
      "arXiv 2603.23049");
}

}  // namespace tiercast::policy
