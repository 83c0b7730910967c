#include <cstdint>
#include <span>
#include <string_view>

#include "models/policy/cache_entry.hpp"
#include "models/policy/slot_queues.hpp"

namespace tiercast::policy {
namespace {

/// SIEVE (Zhang, Yang, Yue, Vigfusson, Rashmi, "SIEVE is simpler than LRU", NSDI 2024). Blocks
/// stand in order of insertion and never move; a use marks a block as visited. A hand goes from
/// old to new, starts over behind the newest and keeps its place between evictions: a visited block
/// under it loses its mark, one without is the victim. Here blocks in use are passed over and keep
/// their mark, of a batch the tail counts as the older, the hand moves at commit, and a victim that
/// the host refuses stays where it is, now behind the hand.
class Sieve {
  using Queues = SlotQueues<2>;
  static constexpr uint32_t unvisited = 0;
  static constexpr uint32_t visited = 1;

 public:
  static constexpr std::string_view name = "sieve";
  static constexpr uint32_t capabilities = 0;
  static constexpr VictimOrder victim_order = VictimOrder::downwards;
  static constexpr uint32_t capacity_blocks_max = Queues::capacity_max;
  static std::span<const Parameter> parameters() { return {}; }

  Sieve(const tp_pool& pool, const ParameterValues&, uint64_t /*seed*/)
      : queues_(pool.slot_count, pool.capacity_blocks) {}

  void prefetch(uint32_t slot) const { queues_.prefetch(slot); }
  void prefetch_touch(uint32_t slot) const { queues_.prefetch_queue(slot); }
  void prefetch(uint32_t slot, const tp_block*) const { queues_.prefetch(slot); }

  void insert(const Notice&, uint32_t slot, const tp_block*) { queues_.push(unvisited, slot); }
  void touch(const Notice& at, uint32_t slot) {
    if (queues_.queue_of(slot) == visited) return;
    queues_.change_queue(visited, slot, at.slots.state(slot) != SlotState::leaving);
  }
  void remove(const Notice& at, uint32_t /*reason*/, uint32_t slot) {
    queues_.remove(slot, at.slots.state(slot) != SlotState::leaving);
  }
  void set_evictable(const Notice& at, bool on, uint32_t slot) {
    if (on && at.slots.state(slot) == SlotState::leaving) return queues_.come_back(slot);
    queues_.set_candidate(slot, on);
  }

  template <class Victims>
  void select(uint32_t need, Victims& victims) const {
    for_victims(need, [&](uint32_t slot) { victims.take(slot); });
  }

  template <class Verdicts>
  void commit(uint32_t need, Verdicts& verdicts) {
    const Stop stop = for_victims(need, [&](uint32_t slot) {
      if (queues_.queue_of(slot) == visited) queues_.change_queue(unvisited, slot);
      if (verdicts.accepts(slot)) queues_.leave(slot);
    });
    const uint32_t hand = queues_.hand();
    if (stop.sweep == 0) {
      unmark(hand, stop.place);
    } else {
      unmark(hand, Queues::none);
      unmark(0, stop.sweep == 1 ? stop.place : hand);
    }
    queues_.set_hand(stop.place + 1);
  }

  void hash(StateHash& hash) const { queues_.hash(hash); }

  template <class Self, class Archive>
  static void archive(Self& self, Archive& archive) {
    Queues::archive(self.queues_, archive);
  }

 private:
  /// Where the hand found its last victim.
  struct Stop {
    uint32_t sweep;
    uint32_t place;
  };

  /// The hand sweeps from its place to the newest end and from the oldest to its place; then, all
  /// marks being gone, over both parts again.
  template <class Visit>
  Stop for_victims(uint32_t need, Visit visit) const {
    const uint32_t hand = queues_.hand();
    for (uint32_t sweep = 0; sweep < 4; ++sweep) {
      const uint32_t queue = sweep < 2 ? unvisited : visited;
      const bool ahead = sweep % 2 == 0;
      const uint32_t end = ahead ? Queues::none : hand;
      uint32_t place = queues_.oldest(queue, ahead ? hand : 0);
      while (place < end) {
        const uint32_t here = place;
        place = queues_.oldest(queue, here + 1);
        visit(queues_.slot_at(here));
        if (--need == 0) return {sweep, here};
      }
    }
    return {3, hand};
  }

  /// Takes the marks of blocks not in use in places [from, to).
  void unmark(uint32_t from, uint32_t to) {
    for (uint32_t place = queues_.oldest(visited, from); place < to;
         place = queues_.oldest(visited, place + 1)) {
      queues_.change_queue(unvisited, queues_.slot_at(place));
    }
  }

  Queues queues_;
};

}  // namespace

CacheEntry sieve_entry() {
  return cache_entry<Sieve>(
      "One queue in order of insertion and a hand that keeps its place: it takes the marks of used "
      "blocks and evicts those without, so newcomers that are not used soon leave quickly. "
      "A use only sets a bit.",
      "Zhang, Yang, Yue, Vigfusson, Rashmi: SIEVE is simpler than LRU, NSDI 2024");
}

}  // namespace tiercast::policy
