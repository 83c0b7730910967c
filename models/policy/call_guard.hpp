#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "models/policy/slot_states.hpp"
#include "models/policy/tierpolicy.h"

namespace tiercast::policy {

/// The checks of one instance's calls, whatever its policy: the state of slots, time, and the one
/// outstanding answer. A refused call changes nothing.
class CallGuard {
 public:
  CallGuard(uint32_t slot_count, uint32_t capacity_blocks)
      : capacity_blocks_(capacity_blocks), slots_(slot_count), batch_(slot_count / 64 + 1) {}

  const SlotStates& slots() const { return slots_; }
  SlotStates& slots() { return slots_; }
  bool answer_outstanding() const { return selected_blocks_ != 0; }

  /// Every slot named must be in one of the states `allowed`; of absent ones, which enter, no more
  /// than the pool has room for. Doubles within a batch are for touch only. Answers a return code;
  /// TP_OK advances the time.
  int check_notice(int64_t now_ns, const tp_span* spans, std::size_t span_count, SlotSet allowed,
                   bool doubles_allowed) {
    if (answer_outstanding()) return TP_ESTATE;
    if (now_ns < last_now_ns_ || (spans == nullptr && span_count != 0)) return TP_EINVAL;
    uint64_t blocks = 0;
    for (std::size_t i = 0; i < span_count; ++i) {
      if (!slots_.in_range(spans[i]) || !slots_.all(spans[i], allowed)) return TP_EINVAL;
      blocks += spans[i].count;
    }
    if (allowed == SlotSet::absent && blocks > capacity_blocks_ - slots_.present()) {
      return TP_EINVAL;
    }
    if (span_count > 1 && !doubles_allowed && has_doubles(spans, span_count)) return TP_EINVAL;
    last_now_ns_ = now_ns;
    return TP_OK;
  }

  int check_select(int64_t now_ns, uint32_t need_blocks) const {
    if (answer_outstanding()) return TP_ESTATE;
    if (now_ns < last_now_ns_ || need_blocks == 0) return TP_EINVAL;
    return need_blocks <= slots_.evictable() ? TP_OK : TP_EREFUSED;
  }

  /// An answer of so many blocks goes out; answers its token, never 0 and never one used before.
  /// const as select is: for the caller nothing but this changes.
  uint64_t open_answer(int64_t now_ns, uint32_t blocks) const {
    answered_ns_ = now_ns;
    selected_blocks_ = blocks;
    return ++last_token_;
  }

  /// When the answer went out, which may be before its commit.
  int64_t answered_ns() const { return answered_ns_; }

  int check_token(uint64_t token) const {
    if (!answer_outstanding()) return TP_ESTATE;
    return token == last_token_ ? TP_OK : TP_EINVAL;
  }

  int check_commit(int64_t now_ns, uint64_t token) {
    if (const int code = check_token(token); code != TP_OK) return code;
    if (now_ns < last_now_ns_) return TP_EINVAL;
    last_now_ns_ = now_ns;
    return TP_OK;
  }

  /// Answers how many blocks it had named.
  uint32_t close_answer() {
    const uint32_t blocks = selected_blocks_;
    selected_blocks_ = 0;
    return blocks;
  }

  template <class Self, class Archive>
  static void archive(Self& self, Archive& archive) {
    archive.value(self.last_now_ns_);
    archive.value(self.last_token_);
    SlotStates::archive(self.slots_, archive);
  }

 private:
  bool has_doubles(const tp_span* spans, std::size_t span_count) {
    const auto apart = [&](std::size_t low, std::size_t high) {
      return spans[low].first_slot + spans[low].count <= spans[high].first_slot;
    };
    std::size_t in_order = 1;  // upwards or downwards, as most batches are
    while (in_order < span_count && apart(in_order - 1, in_order)) ++in_order;
    if (in_order == 1) {
      while (in_order < span_count && apart(in_order, in_order - 1)) ++in_order;
    }
    if (in_order == span_count) return false;
    std::size_t marked = 0;
    bool doubles = false;
    for (; marked < span_count && !doubles; ++marked) {
      for_span_words(spans[marked], [&](uint32_t word, uint64_t mask) {
        doubles |= (batch_[word] & mask) != 0;
        batch_[word] |= mask;
        return true;
      });
    }
    for (std::size_t i = 0; i < marked; ++i) {
      for_span_words(spans[i], [&](uint32_t word, uint64_t mask) {
        batch_[word] &= ~mask;
        return true;
      });
    }
    return doubles;
  }

  uint32_t capacity_blocks_;
  SlotStates slots_;
  std::vector<uint64_t> batch_;  // slots of the batch under check; all zero between calls
  int64_t last_now_ns_ = INT64_MIN;
  mutable uint64_t last_token_ = 0;
  mutable uint32_t selected_blocks_ = 0;
  mutable int64_t answered_ns_ = 0;
};

}  // namespace tiercast::policy
