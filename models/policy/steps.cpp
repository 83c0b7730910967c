#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "models/policy/arrival_order.hpp"
#include "models/policy/bit_index.hpp"
#include "models/policy/cache_entry.hpp"
#include "models/policy/flat_array.hpp"
#include "models/policy/request_views.hpp"
#include "models/policy/session_blocks.hpp"
#include "models/policy/session_table.hpp"

namespace tiercast::policy {
namespace {

/// Steps to execution: what an agent graph says will run last goes first. Source: Pan et al.,
/// "KVFlow: Efficient Prefix Caching for Accelerating LLM-Based Multi-Agent Workflows", arXiv
/// 2507.07400; its python/sglang/srt/managers/agent_manager.py and mem_cache/hiradix_cache.py.
///
/// A session's steps are what TP_HINT_STEPS_TO_RUN said last (by on_hint, or with
/// TP_PHASE_TOOL_CALL and _FINISH), unknown before, when negative, and from TP_HINT_SESSION_ENDS
/// on. A block's steps are the fewest of the sessions that use it, and no more than `horizon`;
/// unknown counts as `horizon` too, as in the source. The block with the most steps goes first, of
/// those alike the least recently used, a batch from its tail on.
///
/// Where the source knows every agent that uses a node, here a block remembers two: for a third it
/// forgets the one with more steps, or else the one in the first of its two places. The source
/// evicts leaves of a radix tree only; here tails go first as the order of use has it. Without
/// hints it is `lru`.
class Steps {
 public:
  static constexpr std::string_view name = "steps";
  static constexpr uint32_t capabilities = TP_CAP_READS_KEYS | TP_CAP_READS_BLOCKS;
  static constexpr VictimOrder victim_order = VictimOrder::downwards;
  static constexpr uint32_t capacity_blocks_max = ArrivalOrder::capacity_max;

  static std::span<const Parameter> parameters() {
    static constexpr Parameter list[] = {
        {"horizon", "steps", ParameterKind::integer, ArrivalOrder::tag_max, 1,
         ArrivalOrder::tag_max,
         "Sessions that run again after so many steps, or later, count alike."},
        SessionTable::parameter};
    return list;
  }

  Steps(const tp_pool& pool, const ParameterValues& values, uint64_t /*seed*/)
      : horizon_(values.integer("horizon")),
        sessions_(SessionTable::capacity_for(pool, values)),
        users_(std::size_t{pool.slot_count} * places, sessions_.capacity()),
        steps_(sessions_.capacity()),
        order_(pool.slot_count, pool.capacity_blocks) {
    for (uint32_t level = 0; level <= horizon_; ++level) {
      candidates_.emplace_back(ArrivalOrder::positions_for(pool.capacity_blocks));
    }
  }

  void prefetch(uint32_t slot) const {
    order_.prefetch(slot);
    for (const uint32_t node : nodes_of(slot)) users_.prefetch(node);
  }
  void prefetch(uint32_t slot, const tp_block*) const { prefetch(slot); }

  void insert(const Notice& at, uint32_t slot, const tp_block* block) {
    if (const uint64_t id = session_behind(at, block); id != 0) note_user(slot, use(id), false);
  }

  void touch(const Notice& at, uint32_t slot) {
    const bool evictable = at.slots.state(slot) == SlotState::evictable;
    if (const uint64_t id = session_behind(at); id != 0) note_user(slot, use(id), evictable);
    if (!evictable) return;
    withdraw(slot);
    append(slot);
  }

  void remove(const Notice& at, uint32_t /*reason*/, uint32_t slot) {
    const bool evictable = at.slots.state(slot) == SlotState::evictable;
    if (evictable) withdraw(slot);
    for (const uint32_t node : nodes_of(slot)) users_.remove(evictable, node);
  }

  void set_evictable(const Notice&, bool on, uint32_t slot) {
    if (!on) return take_up(slot);
    for (const uint32_t node : nodes_of(slot)) users_.move(false, true, node);
    append(slot);
  }

  void request(const Notice& at, uint32_t phase) {
    if (at.request->session == 0) return;
    const uint32_t session = use(at.request->session);
    if (phase != TP_PHASE_TOOL_CALL && phase != TP_PHASE_FINISH) return;
    hear(session, hints_of(*at.request));
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
    order_.for_slots([&](uint32_t slot) {
      hash.add(slot);
      for (const uint32_t node : nodes_of(slot)) {
        const uint32_t session = users_.session_of(node);
        hash.add(session != none ? sessions_.id(session) : 0);
      }
    });
    sessions_.for_sessions([&](uint32_t session) {
      hash.add(sessions_.id(session));
      hash.add(steps_[session]);
      hash.add(users_.others_digest(session));
    });
  }

  template <class Self, class Archive>
  static void archive(Self& self, Archive& archive) {
    SessionTable::archive(self.sessions_, archive);
    SessionBlocks::archive(self.users_, archive);
    archive.items(self.steps_.data(), self.steps_.size());
    ArrivalOrder::archive(self.order_, archive);
    for (auto& candidates : self.candidates_) BitIndex::archive(candidates, archive);
  }

 private:
  static constexpr uint32_t none = SessionTable::none;
  static constexpr uint32_t places = 2;  // for users of a block

  static std::array<uint32_t, places> nodes_of(uint32_t slot) {
    return {slot * places, slot * places + 1};
  }
  /// Of the session in a block's place; with nobody there, as if unknown.
  uint32_t steps_of(uint32_t node) const {
    const uint32_t session = users_.session_of(node);
    return session != none && steps_[session] != 0 ? steps_[session] - 1 : horizon_;
  }

  uint32_t use(uint64_t id) {
    return sessions_.use(
        id, [&](uint32_t index) { forget(index); }, [](uint32_t) {});
  }
  void forget(uint32_t session) {
    tell_steps(session, 0);
    users_.clear(session);
  }

  void note_user(uint32_t slot, uint32_t session, bool evictable) {
    const auto nodes = nodes_of(slot);
    uint32_t place = nodes[0];
    for (const uint32_t node : nodes) {
      if (users_.session_of(node) == session) return;
      const bool is_free = users_.session_of(node) == none;
      const bool place_is_free = users_.session_of(place) == none;
      if (!place_is_free && (is_free || steps_of(node) > steps_of(place))) place = node;
    }
    users_.remove(evictable, place);
    users_.add(session, evictable, place);
  }

  void hear(uint32_t session, std::span<const tp_hint> hints) {
    for (const tp_hint& hint : hints) {
      if (hint.kind == TP_HINT_SESSION_ENDS && hint.value != 0) tell_steps(session, 0);
      if (hint.kind != TP_HINT_STEPS_TO_RUN) continue;
      const bool known = hint.value >= 0;
      tell_steps(session,
                 known ? 1 + static_cast<uint32_t>(std::min<int64_t>(hint.value, horizon_)) : 0);
    }
  }
  void tell_steps(uint32_t session, uint32_t one_more) {
    if (steps_[session] == one_more) return;
    steps_[session] = static_cast<uint8_t>(one_more);
    users_.for_candidates(session, [&](uint32_t node) {
      const uint32_t slot = node / places;
      candidates_[order_.tag(slot)].clear(order_.position(slot));
      set_candidate(slot);
      return true;
    });
  }

  void take_up(uint32_t slot) {
    withdraw(slot);
    for (const uint32_t node : nodes_of(slot)) users_.move(true, false, node);
  }
  void withdraw(uint32_t slot) {
    candidates_[order_.tag(slot)].clear(order_.position(slot));
    order_.release(slot);
  }
  void append(uint32_t slot) {
    if (order_.full()) {
      order_.compact([&](uint32_t from, uint32_t to) {
        for (BitIndex& candidates : candidates_) candidates.move(from, to);
      });
    }
    order_.append(slot, 0);
    set_candidate(slot);
  }
  void set_candidate(uint32_t slot) {
    const auto nodes = nodes_of(slot);
    order_.set_tag(slot, std::min(steps_of(nodes[0]), steps_of(nodes[1])));
    candidates_[order_.tag(slot)].set(order_.position(slot));
  }

  template <class Visit>
  void for_victims(uint32_t need, Visit visit) const {
    for (uint32_t level = horizon_ + 1; level-- > 0;) {
      const bool more = candidates_[level].for_members(0, BitIndex::none, [&](uint32_t place) {
        visit(order_.slot_at(place));
        return --need != 0;
      });
      if (!more) return;
    }
  }

  uint32_t horizon_;
  SessionTable sessions_;
  SessionBlocks users_;       // a node is a place for a user
  FlatArray<uint8_t> steps_;  // by session: one more than its steps, or 0
  ArrivalOrder order_;        // evictable blocks, the least recent first; tags are their steps
  std::vector<BitIndex> candidates_;  // by steps: positions
};

}  // namespace

CacheEntry steps_entry() {
  return cache_entry<Steps>(
      "The block whose sessions run again after the most steps of their agent graph goes first, of "
      "those alike the least recently used. Without such hints it is lru.",
      "Pan et al.: KVFlow, arXiv 2507.07400; KVFlow's agent_manager.py, hiradix_cache.py");
}

}  // namespace tiercast::policy
