#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "models/policy/span_words.hpp"
#include "models/policy/state_archive.hpp"
#include "models/policy/tierpolicy.h"

namespace tiercast::policy {

/// What a pool's slot holds, as host and policy agree: nothing; a block in use; a committed victim
/// not yet gone; a block that may leave. The two bits are those of SlotStates.
enum class SlotState : uint8_t { absent = 0, pinned = 1, leaving = 2, evictable = 3 };

/// Sets of states that a call may require: one bit a state.
enum class SlotSet : uint8_t {
  absent = 1u << 0,
  pinned = 1u << 1,
  evictable = 1u << 3,
  held = 1u << 1 | 1u << 2,              ///< pinned or leaving
  present = 1u << 1 | 1u << 2 | 1u << 3  ///< pinned, leaving or evictable
};

constexpr SlotSet set_of(SlotState state) {
  return static_cast<SlotSet>(1u << static_cast<unsigned>(state));
}

/// The state of every slot of a pool, a span at a time in O(1 + count / 64).
class SlotStates {
 public:
  explicit SlotStates(uint32_t capacity)
      : capacity_(capacity), counts_{capacity, 0, 0, 0}, words_(capacity / 64 + 1) {}

  uint32_t capacity() const { return capacity_; }
  uint32_t present() const { return capacity_ - count(SlotState::absent); }
  uint32_t evictable() const { return count(SlotState::evictable); }

  SlotState state(uint32_t slot) const {
    const Word& word = words_[slot / 64];
    return static_cast<SlotState>((word.low >> (slot % 64) & 1) | (word.high >> (slot % 64) & 1)
                                                                      << 1);
  }

  bool in_range(tp_span span) const {
    return span.count != 0 && span.first_slot < capacity_ &&
           span.count <= capacity_ - span.first_slot;
  }

  /// Is every slot of a span in range in one of the set's states?
  bool all(tp_span span, SlotSet set) const;
  /// Moves every slot of a span in range to a state, whatever it was in.
  void assign(tp_span span, SlotState to);

  /// Calls visit(tp_span) for each maximal evictable run inside a span, the last run first.
  template <class Visit>
  void evictable_runs_backward(tp_span span, Visit visit) const;

  void hash(StateHash& hash) const {
    for (const Word& word : words_) {
      hash.add(word.low);
      hash.add(word.high);
    }
  }

  template <class Self, class Archive>
  static void archive(Self& self, Archive& archive) {
    archive.items(self.words_.data(), self.words_.size());
    archive.value(self.counts_);
  }

 private:
  struct Word {
    uint64_t low = 0;
    uint64_t high = 0;
  };

  uint32_t count(SlotState state) const { return counts_[static_cast<std::size_t>(state)]; }
  uint32_t& count(SlotState state) { return counts_[static_cast<std::size_t>(state)]; }
  void leave_counts(const Word& word, uint64_t mask);

  uint32_t capacity_;
  uint32_t counts_[4];  // slots by state
  std::vector<Word> words_;
};

inline bool SlotStates::all(tp_span span, SlotSet set) const {
  const auto has = [set](SlotState state) {
    return (static_cast<unsigned>(set) >> static_cast<unsigned>(state) & 1) != 0;
  };
  if (span.count == 1) return has(state(span.first_slot));
  return for_span_words(span, [&](uint32_t index, uint64_t mask) {
    const Word& word = words_[index];
    uint64_t members = 0;
    if (has(SlotState::absent)) members |= ~word.low & ~word.high;
    if (has(SlotState::pinned)) members |= word.low & ~word.high;
    if (has(SlotState::leaving)) members |= ~word.low & word.high;
    if (has(SlotState::evictable)) members |= word.low & word.high;
    return (members & mask) == mask;
  });
}

inline void SlotStates::leave_counts(const Word& word, uint64_t mask) {
  const auto bits = [](uint64_t set) { return static_cast<uint32_t>(std::popcount(set)); };
  const uint32_t pinned = bits(word.low & ~word.high & mask);
  const uint32_t leaving = bits(~word.low & word.high & mask);
  const uint32_t evictable = bits(word.low & word.high & mask);
  count(SlotState::pinned) -= pinned;
  count(SlotState::leaving) -= leaving;
  count(SlotState::evictable) -= evictable;
  count(SlotState::absent) -= bits(mask) - (pinned + leaving + evictable);
}

inline void SlotStates::assign(tp_span span, SlotState to) {
  const uint64_t low = uint64_t{0} - (static_cast<uint64_t>(to) & 1);
  const uint64_t high = uint64_t{0} - (static_cast<uint64_t>(to) >> 1);
  const auto write = [&](uint32_t index, uint64_t mask) {
    Word& word = words_[index];
    word.low ^= (word.low ^ low) & mask;
    word.high ^= (word.high ^ high) & mask;
  };
  // Mostly a span is in one state, which spares counting word by word.
  const SlotState from = state(span.first_slot);
  if (span.count == 1) {
    --count(from);
    write(span.first_slot / 64, uint64_t{1} << (span.first_slot % 64));
  } else if (all(span, set_of(from))) {
    count(from) -= span.count;
    for_span_words(span, [&](uint32_t index, uint64_t mask) {
      write(index, mask);
      return true;
    });
  } else {
    for_span_words(span, [&](uint32_t index, uint64_t mask) {
      leave_counts(words_[index], mask);
      write(index, mask);
      return true;
    });
  }
  count(to) += span.count;
}

template <class Visit>
void SlotStates::evictable_runs_backward(tp_span span, Visit visit) const {
  if (all(span, SlotSet::evictable)) {
    visit(span);
    return;
  }
  uint32_t end = span.first_slot + span.count;
  while (end > span.first_slot) {
    if (state(end - 1) != SlotState::evictable) {
      --end;
      continue;
    }
    uint32_t begin = end - 1;
    while (begin > span.first_slot && state(begin - 1) == SlotState::evictable) --begin;
    visit(tp_span{begin, end - begin});
    end = begin;
  }
}

}  // namespace tiercast::policy
