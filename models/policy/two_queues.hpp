#pragma once

#include <cstdint>

#include "models/policy/slot_queues.hpp"

namespace tiercast::policy {

/// Victims out of queues 0 and 1, the oldest candidate of one or the other: of 0 where
/// first_gives(slots that stay in 0) says so or 1 has none left. Calls visit(slot), which may let
/// it leave, up to `need` times.
template <uint32_t count, class Rule, class Visit>
void for_victims_of_two(const SlotQueues<count>& queues, uint32_t need, uint32_t first_size,
                        Rule first_gives, Visit visit) {
  constexpr uint32_t none = SlotQueues<count>::none;
  uint32_t next[2] = {queues.oldest(0), queues.oldest(1)};
  for (; need != 0; --need) {
    const bool first = next[0] != none && (next[1] == none || first_gives(first_size));
    const uint32_t queue = first ? 0 : 1;
    const uint32_t place = next[queue];
    if (place == none) return;
    next[queue] = queues.oldest(queue, place + 1);
    if (first) --first_size;
    visit(queues.slot_at(place));
  }
}

}  // namespace tiercast::policy
