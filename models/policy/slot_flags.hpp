#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "models/policy/flat_array.hpp"
#include "models/policy/span_words.hpp"

namespace tiercast::policy {

/// One bit a slot, a span at a time in O(1 + count / 64).
class SlotFlags {
 public:
  explicit SlotFlags(uint32_t slot_count) : words_(slot_count / 64 + 1) {}

  bool test(uint32_t slot) const { return (words_[slot / 64] >> (slot % 64) & 1) != 0; }
  void set(tp_span span) {
    for_span_words(span, [&](uint32_t index, uint64_t mask) {
      words_[index] |= mask;
      return true;
    });
  }
  void clear(tp_span span) {
    for_span_words(span, [&](uint32_t index, uint64_t mask) {
      words_[index] &= ~mask;
      return true;
    });
  }
  uint32_t count(tp_span span) const {
    uint32_t set = 0;
    for_span_words(span, [&](uint32_t index, uint64_t mask) {
      set += static_cast<uint32_t>(std::popcount(words_[index] & mask));
      return true;
    });
    return set;
  }

  /// Calls visit(run, flag) for the runs of slots alike that a span is made of, the last run first.
  template <class Visit>
  void for_runs_backward(tp_span span, Visit visit) const {
    while (span.count != 0) {
      const tp_span run = last_run(span);
      span.count -= run.count;
      visit(run, test(run.first_slot));
    }
  }

  template <class Self, class Archive>
  static void archive(Self& self, Archive& archive) {
    archive.items(self.words_.data(), self.words_.size());
  }

 private:
  /// The slots at a span's end that are as its last one.
  tp_span last_run(tp_span span) const {
    const uint32_t last = span.first_slot + (span.count - 1);
    const uint64_t wanted = uint64_t{0} - uint64_t{test(last)};
    uint32_t length = 0;
    while (length < span.count) {
      const uint32_t slot = last - length;
      const uint64_t alike = ~(words_[slot / 64] ^ wanted) << (63 - slot % 64);
      const auto here = std::min(static_cast<uint32_t>(std::countl_one(alike)), slot % 64 + 1);
      length += here;
      if (here <= slot % 64) break;
    }
    length = std::min(length, span.count);
    return {last - (length - 1), length};
  }

  FlatArray<uint64_t> words_;
};

}  // namespace tiercast::policy
