#pragma once

#include <cstdint>

#include "models/policy/arrival_order.hpp"
#include "models/policy/bit_index.hpp"
#include "models/policy/cache_policy.hpp"
#include "models/policy/session_blocks.hpp"
#include "models/policy/session_table.hpp"

namespace tiercast::policy {

/// Least recently used, tail first, in which sessions can be held: the blocks of a held session go
/// only when no others are left, those of the session with the latest place first, its least
/// recently used blocks first. Whoever uses this gives sessions their places and says which are
/// held. Without any it is `lru`.
///
/// A block belongs to the session that used it last; a block without one is never held. 22 bytes a
/// block, about 65 a session. Holding and releasing a session costs O(its blocks).
class HeldSessions {
 public:
  static constexpr uint32_t none = SessionTable::none;
  static constexpr uint32_t capacity_max = ArrivalOrder::capacity_max;

  HeldSessions(const tp_pool& pool, const ParameterValues& values)
      : sessions_(SessionTable::capacity_for(pool, values)),
        blocks_(pool.slot_count, sessions_.capacity()),
        order_(pool.slot_count, pool.capacity_blocks),
        free_(ArrivalOrder::positions_for(pool.capacity_blocks)),
        places_(sessions_.capacity(), sessions_.capacity()),
        held_(ArrivalOrder::positions_for(sessions_.capacity())) {}

  const SessionTable& sessions() const { return sessions_; }
  uint32_t session_of(uint32_t slot) const { return blocks_.session_of(slot); }
  void prefetch(uint32_t slot) const {
    order_.prefetch(slot);
    blocks_.prefetch(slot);
  }

  /// A session's index; a new one gets the last place. The one that is forgotten for it, if any, is
  /// no longer held and has no blocks; forget(index) is called first. Calls moved(from, to) for
  /// places that change.
  template <class Forget, class Moved>
  uint32_t use(uint64_t id, Forget forget, Moved moved) {
    return sessions_.use(
        id,
        [&](uint32_t index) {
          forget(index);
          release(index);
          blocks_.clear(index);
          places_.release(index);
        },
        [&](uint32_t index) {
          if (places_.full()) close_places(moved);
          places_.append(index, 0);
        });
  }

  uint32_t place_of(uint32_t session) const { return places_.position(session); }
  uint32_t session_at(uint32_t place) const { return places_.slot_at(place); }
  /// Gives a session that is not held the last place; moved as in use().
  template <class Moved>
  void place_last(uint32_t session, Moved moved) {
    if (places_.full()) close_places(moved);
    places_.release(session);
    places_.append(session, 0);
  }

  bool is_held(uint32_t session) const { return held_.test(place_of(session)); }
  /// The held session with the latest place, or none.
  uint32_t last_held() const {
    const uint32_t place = held_.find_at_or_before(last_place());
    return place == BitIndex::none ? none : session_at(place);
  }
  template <class Visit>
  void for_held(Visit visit) const {
    held_.for_members(0, BitIndex::none, [&](uint32_t place) {
      visit(session_at(place));
      return true;
    });
  }
  void hold(uint32_t session) {
    if (is_held(session)) return;
    held_.set(place_of(session));
    blocks_.for_candidates(session, [&](uint32_t slot) {
      free_.clear(order_.position(slot));
      return true;
    });
  }
  void release(uint32_t session) {
    if (!is_held(session)) return;
    held_.clear(place_of(session));
    blocks_.for_candidates(session, [&](uint32_t slot) {
      free_.set(order_.position(slot));
      return true;
    });
  }

  /// A present block belongs to this session, or to none, from now on.
  void own(uint32_t slot, uint32_t session, bool evictable) {
    if (blocks_.session_of(slot) == session) return;
    blocks_.remove(evictable, slot);
    if (session != none) blocks_.add(session, evictable, slot);
    if (evictable) set_free(slot);
  }
  /// A block in use becomes evictable, the most recent one.
  void put_down(uint32_t slot) {
    blocks_.move(false, true, slot);
    append(slot);
  }
  /// An evictable block is used, and stays evictable.
  void renew(uint32_t slot) {
    withdraw(slot);
    blocks_.move(true, true, slot);
    append(slot);
  }
  /// An evictable block is in use, or leaves.
  void take_up(uint32_t slot) {
    withdraw(slot);
    blocks_.move(true, false, slot);
  }
  void remove(uint32_t slot, bool evictable) {
    if (evictable) withdraw(slot);
    blocks_.remove(evictable, slot);
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

  /// All but what is held; add_session(hash, session) adds what its user knows of a session.
  template <class AddSession>
  void hash(StateHash& hash, AddSession add_session) const {
    const auto id_of = [&](uint32_t session) {
      return session == none ? 0 : sessions_.id(session);
    };
    order_.for_slots([&](uint32_t slot) {
      hash.add(slot);
      hash.add(id_of(blocks_.session_of(slot)));
    });
    sessions_.for_sessions([&](uint32_t session) {
      hash.add(sessions_.id(session));
      hash.add(blocks_.others_digest(session));
      add_session(hash, session);
    });
    places_.for_slots([&](uint32_t session) { hash.add(sessions_.id(session)); });
  }

  template <class Self, class Archive>
  static void archive(Self& self, Archive& archive) {
    SessionTable::archive(self.sessions_, archive);
    SessionBlocks::archive(self.blocks_, archive);
    ArrivalOrder::archive(self.order_, archive);
    BitIndex::archive(self.free_, archive);
    ArrivalOrder::archive(self.places_, archive);
    BitIndex::archive(self.held_, archive);
  }

 private:
  uint32_t last_place() const { return ArrivalOrder::positions_for(sessions_.capacity()) - 1; }

  void append(uint32_t slot) {
    if (order_.full()) {
      order_.compact([&](uint32_t from, uint32_t to) { free_.move(from, to); });
    }
    order_.append(slot, 0);
    set_free(slot);
  }
  void withdraw(uint32_t slot) {
    free_.clear(order_.position(slot));
    order_.release(slot);
  }
  void set_free(uint32_t slot) {
    const uint32_t session = blocks_.session_of(slot);
    if (session != none && is_held(session)) {
      free_.clear(order_.position(slot));
    } else {
      free_.set(order_.position(slot));
    }
  }
  template <class Moved>
  void close_places(Moved moved) {
    places_.compact([&](uint32_t from, uint32_t to) {
      held_.move(from, to);
      moved(from, to);
    });
  }

  /// Calls visit(slot) for so many evictable blocks, of which there are enough. The visitor may
  /// take up the block.
  template <class Visit>
  void for_victims(uint32_t need, Visit visit) const {
    const auto visit_one = [&](uint32_t slot) {
      visit(slot);
      return --need != 0;
    };
    const bool more = free_.for_members(
        0, BitIndex::none, [&](uint32_t place) { return visit_one(order_.slot_at(place)); });
    uint32_t place = more ? held_.find_at_or_before(last_place()) : BitIndex::none;
    while (place != BitIndex::none && blocks_.for_candidates(session_at(place), visit_one)) {
      place = place == 0 ? BitIndex::none : held_.find_at_or_before(place - 1);
    }
  }

  SessionTable sessions_;
  SessionBlocks blocks_;
  ArrivalOrder order_;   // evictable blocks, the least recent first
  BitIndex free_;        // positions of those whose session is not held
  ArrivalOrder places_;  // sessions
  BitIndex held_;        // their places
};

}  // namespace tiercast::policy
