#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>

#include "models/policy/cache_entry.hpp"
#include "models/policy/slot_queues.hpp"

namespace tiercast::policy {
namespace {

/// CLOCK (Corbato, "A paging experiment with the Multics system", MIT Project MAC, 1968), also
/// called second chance or FIFO with reinsertion. Blocks stand in order of insertion; a use counts
/// up to 2^bits - 1. To evict, the oldest block is asked: where it has uses it gives one up and
/// goes to the newest end, else it is the victim. Here blocks in use are passed over and keep their
/// place and uses, of a batch the tail counts as the older, and the hand moves as a commit names
/// the victims that the select before has found by the same rule: blocks with r uses leave in the
/// r-th round, each round in order.
class Clock {
 public:
  static constexpr std::string_view name = "clock";
  static constexpr uint32_t capabilities = 0;
  static constexpr VictimOrder victim_order = VictimOrder::downwards;

  static std::span<const Parameter> parameters() {
    static constexpr Parameter list[] = {
        {"bits", "bits", ParameterKind::integer, 1, 1, bits_max,
         "Of the counter of uses that a block has; 1 remembers that there was one."}};
    return list;
  }

 private:
  static constexpr uint32_t bits_max = 2;
  // A block's queue is how often it was used since the hand came by, or says that the host has just
  // refused to let it go.
  static constexpr uint32_t refused = 1u << bits_max;
  using Queues = SlotQueues<refused + 1>;

 public:
  static constexpr uint32_t capacity_blocks_max = Queues::capacity_max;

  Clock(const tp_pool& pool, const ParameterValues& values, uint64_t /*seed*/)
      : uses_max_((1u << values.integer("bits")) - 1),
        queues_(pool.slot_count, pool.capacity_blocks) {}

  void prefetch(uint32_t slot) const { queues_.prefetch(slot); }
  void prefetch_touch(uint32_t slot) const { queues_.prefetch_queue(slot); }
  void prefetch(uint32_t slot, const tp_block*) const { queues_.prefetch(slot); }

  void insert(const Notice&, uint32_t slot, const tp_block*) { queues_.push(0, slot); }
  void touch(const Notice& at, uint32_t slot) {
    const uint32_t uses = queues_.queue_of(slot);
    if (uses == uses_max_) return;
    queues_.change_queue(uses + 1, slot, at.slots.state(slot) != SlotState::leaving);
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
    for (uint32_t uses = 0; uses <= uses_max_; ++uses) {
      for (uint32_t place = queues_.oldest(uses); place != Queues::none;
           place = queues_.oldest(uses, place + 1)) {
        victims.take(queues_.slot_at(place));
        if (--need == 0) return;
      }
    }
  }

  template <class Verdicts>
  void commit(uint32_t need, Verdicts& verdicts) {
    while (need != 0) {
      uint32_t oldest = Queues::none;
      for (uint32_t uses = 0; uses <= uses_max_; ++uses) {
        oldest = std::min(oldest, queues_.oldest(uses));
      }
      const uint32_t slot = queues_.slot_at(oldest);
      const uint32_t uses = queues_.queue_of(slot);
      if (uses != 0) {
        queues_.move(uses - 1, slot);
        continue;
      }
      if (verdicts.accepts(slot)) {
        queues_.leave(slot);
      } else {
        queues_.change_queue(refused, slot);
      }
      --need;
    }
    for (uint32_t place = queues_.oldest(refused); place != Queues::none;
         place = queues_.oldest(refused, place + 1)) {
      queues_.change_queue(0, queues_.slot_at(place));
    }
  }

  void hash(StateHash& hash) const { queues_.hash(hash); }

  template <class Self, class Archive>
  static void archive(Self& self, Archive& archive) {
    Queues::archive(self.queues_, archive);
  }

 private:
  uint32_t uses_max_;
  Queues queues_;
};

}  // namespace

CacheEntry clock_entry() {
  return cache_entry<Clock>(
      "First in, first out with a second chance: a block that was used since the hand last came by "
      "goes round once more. Near LRU's hits at the cost of a bit set on each use.",
      "Corbato: A paging experiment with the Multics system, MIT Project MAC, 1968");
}

}  // namespace tiercast::policy
