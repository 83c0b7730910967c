#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "models/policy/arrival_order.hpp"
#include "models/policy/bit_index.hpp"
#include "models/policy/cache_entry.hpp"
#include "models/policy/request_views.hpp"
#include "models/policy/session_blocks.hpp"
#include "models/policy/session_table.hpp"

namespace tiercast::policy {
namespace {

/// Whole sessions, the least recently active first; a session that has ended goes before all
/// others. Inside a session the least recently used block goes first, so of one turn its tail. A
/// KV cache is of use to a session only as a prefix, so two half sessions are worth less than one
/// whole: the granularity of CachedAttention (Gao et al., USENIX ATC 2024: a session's cache "is
/// either all used or none of it"), with ends of sessions as vLLM's session-aware proposals have
/// them (open and close of a session in the offload manager's policy seam).
///
/// A session is active as it inserts, touches or puts down a block. A block belongs to the session
/// that used it last, so shared prefixes to the most recently active one. A block without a
/// session counts as one of its own, active as it is put down, or touched while evictable. A
/// session has ended from TP_HINT_SESSION_ENDS on (by on_hint, or with TP_PHASE_TOOL_CALL and
/// _FINISH) until the hint is taken back or a request of it arrives (TP_PHASE_ARRIVE or _RESUME).
/// A forgotten session's blocks count as ended ones without a session, until they are used. A host
/// that tells of no sessions has `lru`.
class SessionAware {
 public:
  static constexpr std::string_view name = "session";
  static constexpr uint32_t capabilities = TP_CAP_READS_KEYS | TP_CAP_READS_BLOCKS;
  static constexpr VictimOrder victim_order = VictimOrder::downwards;
  static constexpr uint32_t capacity_blocks_max =
      ArrivalOrder::capacity_max - SessionTable::capacity_max;
  static std::span<const Parameter> parameters() {
    static constexpr Parameter list[] = {SessionTable::parameter};
    return list;
  }

  SessionAware(const tp_pool& pool, const ParameterValues& values, uint64_t /*seed*/)
      : slot_count_(pool.slot_count),
        sessions_(SessionTable::capacity_for(pool, values)),
        blocks_(pool.slot_count, sessions_.capacity()),
        order_(pool.slot_count + sessions_.capacity(), pool.capacity_blocks + sessions_.capacity()),
        candidates_{BitIndex(place_count(pool)), BitIndex(place_count(pool))} {}

  void prefetch(uint32_t slot) const {
    order_.prefetch(slot);
    blocks_.prefetch(slot);
  }
  void prefetch(uint32_t slot, const tp_block*) const { prefetch(slot); }

  void insert(const Notice& at, uint32_t slot, const tp_block* block) {
    if (const uint64_t id = session_behind(at, block); id != 0) {
      const uint32_t session = use(id);
      blocks_.add(session, false, slot);
      make_last(entry_of(session));
    }
  }

  void touch(const Notice& at, uint32_t slot) {
    const bool evictable = at.slots.state(slot) == SlotState::evictable;
    if (evictable) take_up(slot);
    if (const uint64_t id = session_behind(at); id != 0) {
      const uint32_t session = use(id);
      if (blocks_.session_of(slot) != session) {
        blocks_.remove(false, slot);
        blocks_.add(session, false, slot);
      }
    }
    if (const uint32_t session = blocks_.session_of(slot); session != none) {
      make_last(entry_of(session));
    }
    if (evictable) put_down(slot);
  }

  void remove(const Notice& at, uint32_t /*reason*/, uint32_t slot) {
    if (at.slots.state(slot) == SlotState::evictable) take_up(slot);
    blocks_.remove(false, slot);
  }

  void set_evictable(const Notice&, bool on, uint32_t slot) {
    if (on) return put_down(slot);
    take_up(slot);
  }

  void request(const Notice& at, uint32_t phase) {
    if (at.request->session == 0) return;
    const uint32_t session = use(at.request->session);
    if (phase == TP_PHASE_ARRIVE || phase == TP_PHASE_RESUME) set_kind(session, lasting);
    if (phase == TP_PHASE_TOOL_CALL || phase == TP_PHASE_FINISH) {
      hear(session, hints_of(*at.request));
    }
  }
  void hint(const Notice&, uint64_t session, std::span<const tp_hint> hints) {
    if (session != 0) hear(use(session), hints);
  }

  template <class Victims>
  void select(uint32_t need, Victims& victims) const {
    for_victims(need, [&](uint32_t slot) { victims.take(slot); });
  }
  template <class Verdicts>
  void commit(uint32_t need, Verdicts& verdicts) {
    for_victims(need, [&](uint32_t slot) {
      if (verdicts.accepts(slot)) take_up(slot);
    });
  }

  void hash(StateHash& hash) const {
    order_.for_slots([&](uint32_t entry) {
      hash.add(order_.tag(entry));
      if (entry < slot_count_) return hash.add(entry);
      hash.add(sessions_.id(entry - slot_count_));
      blocks_.for_candidates(entry - slot_count_, [&](uint32_t slot) {
        hash.add(slot);
        return true;
      });
    });
    sessions_.for_sessions([&](uint32_t session) {
      hash.add(sessions_.id(session));
      hash.add(blocks_.others_digest(session));
    });
  }

  template <class Self, class Archive>
  static void archive(Self& self, Archive& archive) {
    SessionTable::archive(self.sessions_, archive);
    SessionBlocks::archive(self.blocks_, archive);
    ArrivalOrder::archive(self.order_, archive);
    for (auto& candidates : self.candidates_) BitIndex::archive(candidates, archive);
    archive.value(self.last_);
  }

 private:
  static constexpr uint32_t none = SessionTable::none;

  // An entry of the order: a slot whose block is evictable and of no session, or, from slot_count_
  // on, a session. Its kind, which is its tag, says who goes first.
  static constexpr uint32_t lasting = 0;
  static constexpr uint32_t ended = 1;

  uint32_t place_count(const tp_pool& pool) const {
    return ArrivalOrder::positions_for(pool.capacity_blocks + sessions_.capacity());
  }

  uint32_t entry_of(uint32_t session) const { return slot_count_ + session; }
  bool is_candidate(uint32_t entry) const {
    return entry < slot_count_ || blocks_.has_candidates(entry - slot_count_);
  }

  uint32_t use(uint64_t id) {
    return sessions_.use(
        id, [&](uint32_t index) { forget(index); },
        [&](uint32_t index) { append(entry_of(index), lasting); });
  }
  void forget(uint32_t session) {
    withdraw(entry_of(session));
    blocks_.for_candidates(session, [&](uint32_t slot) {
      append(slot, ended);
      mark(slot);
      return true;
    });
    blocks_.clear(session);
  }

  void hear(uint32_t session, std::span<const tp_hint> hints) {
    for (const tp_hint& hint : hints) {
      if (hint.kind == TP_HINT_SESSION_ENDS) set_kind(session, hint.value != 0 ? ended : lasting);
    }
  }
  void set_kind(uint32_t session, uint32_t kind) {
    const uint32_t entry = entry_of(session);
    candidates_[order_.tag(entry)].clear(order_.position(entry));
    order_.set_tag(entry, kind);
    mark(entry);
  }

  void put_down(uint32_t slot) {
    const uint32_t session = blocks_.session_of(slot);
    if (session == none) {
      append(slot, lasting);
      return mark(slot);
    }
    blocks_.move(false, true, slot);
    make_last(entry_of(session));
    mark(entry_of(session));
  }
  void take_up(uint32_t slot) {
    const uint32_t session = blocks_.session_of(slot);
    if (session == none) return withdraw(slot);
    blocks_.move(true, false, slot);
    mark(entry_of(session));
  }

  /// Puts an entry among the candidates of its kind, or takes it out.
  void mark(uint32_t entry) {
    BitIndex& candidates = candidates_[order_.tag(entry)];
    if (is_candidate(entry)) {
      candidates.set(order_.position(entry));
    } else {
      candidates.clear(order_.position(entry));
    }
  }
  void make_last(uint32_t entry) {
    if (entry == last_) return;
    const uint32_t kind = order_.tag(entry);
    withdraw(entry);
    append(entry, kind);
    mark(entry);
  }
  void append(uint32_t entry, uint32_t kind) {
    if (order_.full()) {
      order_.compact([&](uint32_t from, uint32_t to) {
        for (BitIndex& candidates : candidates_) candidates.move(from, to);
      });
    }
    order_.append(entry, kind);
    last_ = entry;
  }
  void withdraw(uint32_t entry) {
    candidates_[order_.tag(entry)].clear(order_.position(entry));
    order_.release(entry);
    if (entry == last_) last_ = none;
  }

  /// Calls visit(slot) for so many evictable blocks, of which there are enough. The visitor may
  /// take up the block.
  template <class Visit>
  void for_victims(uint32_t need, Visit visit) const {
    const auto visit_one = [&](uint32_t slot) {
      visit(slot);
      return --need != 0;
    };
    const auto visit_entry = [&](uint32_t place) {
      const uint32_t entry = order_.slot_at(place);
      if (entry < slot_count_) return visit_one(entry);
      return blocks_.for_candidates(entry - slot_count_, visit_one);
    };
    if (candidates_[ended].for_members(0, BitIndex::none, visit_entry)) {
      candidates_[lasting].for_members(0, BitIndex::none, visit_entry);
    }
  }

  uint32_t slot_count_;
  SessionTable sessions_;
  SessionBlocks blocks_;
  ArrivalOrder order_;  // entries, the least recently active first, each tagged with its kind
  std::array<BitIndex, 2> candidates_;  // by kind: places of entries with evictable blocks
  uint32_t last_ = none;                // entry with the last place, if it is known
};

}  // namespace

CacheEntry session_entry() {
  return cache_entry<SessionAware>(
      "Whole sessions, the least recently active first and inside one the tail first; sessions "
      "that "
      "have ended before all others. A shared prefix is its most recent user's. Without sessions "
      "it "
      "is lru.",
      "Gao et al.: CachedAttention, USENIX ATC 2024 (whole sessions); session ends as in vLLM's "
      "session-aware policy proposals");
}

}  // namespace tiercast::policy
