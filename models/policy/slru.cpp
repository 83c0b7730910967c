#include <cstdint>
#include <span>
#include <string_view>

#include "models/policy/cache_entry.hpp"
#include "models/policy/slot_queues.hpp"

namespace tiercast::policy {
namespace {

/// Segmented LRU (Karedla, Love, Wherry, "Caching strategies to improve disk system performance",
/// IEEE Computer 27(3), 1994), with any number of equal segments, as Huang et al., "An analysis of
/// Facebook photo caching", SOSP 2013, use four. Each segment holds capacity / segments, rounded
/// down. A new block enters the lowest segment with room, or the lowest of all where none has; a
/// use makes it the newest of the next higher one, or of the highest where it is there already; a
/// segment that thereby holds too many moves its oldest down to be the newest of the segment below.
/// The oldest of the lowest segment is the victim. Here blocks in use count and keep their place,
/// but neither leave nor move down: a segment may hold too many until they are released. Of a batch
/// the tail counts as the older.
class Slru {
  static constexpr uint32_t segments_max = 8;
  using Queues = SlotQueues<segments_max>;

 public:
  static constexpr std::string_view name = "slru";
  static constexpr uint32_t capabilities = 0;
  static constexpr VictimOrder victim_order = VictimOrder::downwards;
  static constexpr uint32_t capacity_blocks_max = Queues::capacity_max;

  static std::span<const Parameter> parameters() {
    static constexpr Parameter list[] = {
        {"segments", "segments", ParameterKind::integer, 4, 1, segments_max,
         "Of equal size, which blocks climb one a use; 1 is plain LRU."}};
    return list;
  }

  Slru(const tp_pool& pool, const ParameterValues& values, uint64_t /*seed*/)
      : segments_(values.integer("segments")),
        share_(pool.capacity_blocks / segments_),
        queues_(pool.slot_count, pool.capacity_blocks) {}

  void prefetch(uint32_t slot) const { queues_.prefetch(slot); }
  void prefetch(uint32_t slot, const tp_block*) const { queues_.prefetch(slot); }

  void insert(const Notice&, uint32_t slot, const tp_block*) {
    uint32_t segment = 0;
    while (segment < segments_ && queues_.size(segment) >= share_) ++segment;
    queues_.push(segment < segments_ ? segment : 0, slot);
  }
  void touch(const Notice& at, uint32_t slot) {
    const uint32_t from = queues_.queue_of(slot);
    const uint32_t to = from + 1 < segments_ ? from + 1 : from;
    queues_.move(to, slot, at.slots.state(slot) != SlotState::leaving);
    if (to != from) push_down(to);
  }
  void remove(const Notice& at, uint32_t /*reason*/, uint32_t slot) {
    queues_.remove(slot, at.slots.state(slot) != SlotState::leaving);
  }
  void set_evictable(const Notice& at, bool on, uint32_t slot) {
    if (on && at.slots.state(slot) == SlotState::leaving) {
      queues_.come_back(slot);
    } else {
      queues_.set_candidate(slot, on);
    }
    if (on) push_down(queues_.queue_of(slot));
  }

  template <class Victims>
  void select(uint32_t need, Victims& victims) const {
    for_victims(need, [&](uint32_t slot) { victims.take(slot); });
  }
  template <class Verdicts>
  void commit(uint32_t need, Verdicts& verdicts) {
    for_victims(need, [&](uint32_t slot) {
      if (verdicts.accepts(slot)) queues_.leave(slot);
    });
  }

  void hash(StateHash& hash) const {
    queues_.hash_apart(
        hash, [](uint32_t segment) { return segment; }, [](StateHash&, uint32_t) {});
  }

  template <class Self, class Archive>
  static void archive(Self& self, Archive& archive) {
    Queues::archive(self.queues_, archive);
  }

 private:
  /// What a segment, and then those below, hold too many.
  void push_down(uint32_t segment) {
    for (; segment != 0; --segment) {
      while (queues_.size(segment) > share_) {
        const uint32_t oldest = queues_.oldest(segment);
        if (oldest == Queues::none) break;
        queues_.prefetch_behind(segment, oldest);
        queues_.move(segment - 1, queues_.slot_at(oldest));
      }
    }
  }

  template <class Visit>
  void for_victims(uint32_t need, Visit visit) const {
    for (uint32_t segment = 0; segment < segments_; ++segment) {
      uint32_t place = queues_.oldest(segment);
      while (place != Queues::none) {
        const uint32_t here = place;
        place = queues_.oldest(segment, here + 1);
        visit(queues_.slot_at(here));
        if (--need == 0) return;
      }
    }
  }

  uint32_t segments_;
  uint32_t share_;  // blocks of a segment
  Queues queues_;   // lowest first
};

}  // namespace

CacheEntry slru_entry() {
  return cache_entry<Slru>(
      "Segmented LRU: blocks climb one segment with each use and sink one when it gets too full; "
      "victims are the least recent of the lowest. Keeps blocks used often from being flushed by "
      "those used once.",
      "Karedla, Love, Wherry: Caching strategies to improve disk system performance, IEEE Computer "
      "27(3), 1994; Huang et al.: An analysis of Facebook photo caching, SOSP 2013 (four "
      "segments)");
}

}  // namespace tiercast::policy
