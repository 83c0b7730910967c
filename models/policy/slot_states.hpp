#pragma once

#include <algorithm>
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

constexpr bool holds(SlotSet set, SlotState state) {
  return (static_cast<unsigned>(set) >> static_cast<unsigned>(state) & 1) != 0;
}

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

  /// Is every slot of a span in range in the state, or in one of the set's?
  bool all(tp_span span, SlotState in) const {
    return span.count == 1 ? state(span.first_slot) == in : all_of_many(span, in);
  }
  bool all(tp_span span, SlotSet set) const {
    const SlotState first = state(span.first_slot);
    return holds(set, first) && (span.count == 1 || all_of_many(span, set, first));
  }
  /// Moves every slot of a span in range to a state, whatever it was in.
  void assign(tp_span span, SlotState to) {
    // Mostly a span is in one state, which spares counting word by word.
    const SlotState from = state(span.first_slot);
    if (all(span, from)) return move(span, from, to);
    assign_many(span, to);
  }
  /// The same where all of them are known to be in `from`.
  void move(tp_span span, SlotState from, SlotState to) {
    count(from) -= span.count;
    count(to) += span.count;
    if (span.count != 1) return move_many(span, to);
    write(span.first_slot / 64, uint64_t{1} << (span.first_slot % 64), to);
  }
  /// The same where all of them are in one of the set's states; else nothing changes.
  bool move_if(tp_span span, SlotSet from, SlotState to);

  /// Calls visit(run, state) for the runs of slots alike that a span is made of, the last run
  /// first.
  template <class Visit>
  void for_runs_backward(tp_span span, Visit visit) const;

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

  static uint64_t slots_in(const Word& word, SlotState state);
  /// The slots at a span's end that are in the state, which the last one is in.
  tp_span last_run(tp_span span, SlotState in) const;
  bool all_of_many(tp_span span, SlotState in) const;
  bool all_of_many(tp_span span, SlotSet set, SlotState first) const;
  void move_many(tp_span span, SlotState to);
  void assign_many(tp_span span, SlotState to);
  uint32_t count(SlotState state) const { return counts_[static_cast<std::size_t>(state)]; }
  uint32_t& count(SlotState state) { return counts_[static_cast<std::size_t>(state)]; }
  void leave_counts(const Word& word, uint64_t mask);
  void write(uint32_t index, uint64_t mask, SlotState to);

  uint32_t capacity_;
  uint32_t counts_[4];  // slots by state
  std::vector<Word> words_;
};

inline uint64_t SlotStates::slots_in(const Word& word, SlotState state) {
  const uint64_t low = uint64_t{0} - (static_cast<uint64_t>(state) & 1);
  const uint64_t high = uint64_t{0} - (static_cast<uint64_t>(state) >> 1);
  return ~((word.low ^ low) | (word.high ^ high));
}

inline bool SlotStates::all_of_many(tp_span span, SlotState in) const {
  return for_span_words(span, [&](uint32_t index, uint64_t mask) {
    return (slots_in(words_[index], in) & mask) == mask;
  });
}

inline bool SlotStates::all_of_many(tp_span span, SlotSet set, SlotState first) const {
  if (all(span, first)) return true;  // as most spans are
  if (set == set_of(first)) return false;
  return for_span_words(span, [&](uint32_t index, uint64_t mask) {
    const Word& word = words_[index];
    uint64_t members = 0;
    if (holds(set, SlotState::absent)) members |= ~word.low & ~word.high;
    if (holds(set, SlotState::pinned)) members |= word.low & ~word.high;
    if (holds(set, SlotState::leaving)) members |= ~word.low & word.high;
    if (holds(set, SlotState::evictable)) members |= word.low & word.high;
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

inline void SlotStates::write(uint32_t index, uint64_t mask, SlotState to) {
  Word& word = words_[index];
  const uint64_t low = uint64_t{0} - (static_cast<uint64_t>(to) & 1);
  const uint64_t high = uint64_t{0} - (static_cast<uint64_t>(to) >> 1);
  word.low ^= (word.low ^ low) & mask;
  word.high ^= (word.high ^ high) & mask;
}

inline void SlotStates::move_many(tp_span span, SlotState to) {
  for_span_words(span, [&](uint32_t index, uint64_t mask) {
    write(index, mask, to);
    return true;
  });
}

inline void SlotStates::assign_many(tp_span span, SlotState to) {
  for_span_words(span, [&](uint32_t index, uint64_t mask) {
    leave_counts(words_[index], mask);
    write(index, mask, to);
    return true;
  });
  count(to) += span.count;
}

inline bool SlotStates::move_if(tp_span span, SlotSet from, SlotState to) {
  const SlotState first = state(span.first_slot);
  if (!holds(from, first)) return false;
  if (all(span, first)) {
    move(span, first, to);
    return true;
  }
  if (!all(span, from)) return false;
  assign(span, to);
  return true;
}

inline tp_span SlotStates::last_run(tp_span span, SlotState in) const {
  const uint32_t last = span.first_slot + (span.count - 1);
  uint32_t length = 1;
  while (length < span.count) {
    const uint32_t slot = last - length;
    const uint64_t alike = slots_in(words_[slot / 64], in) << (63 - slot % 64);
    const auto here = std::min(static_cast<uint32_t>(std::countl_one(alike)), slot % 64 + 1);
    length += here;
    if (here <= slot % 64) break;
  }
  length = std::min(length, span.count);
  return {last - (length - 1), length};
}

template <class Visit>
void SlotStates::for_runs_backward(tp_span span, Visit visit) const {
  while (span.count != 0) {
    const SlotState in = state(span.first_slot + (span.count - 1));
    const tp_span run = last_run(span, in);
    span.count -= run.count;
    visit(run, in);
  }
}

}  // namespace tiercast::policy
