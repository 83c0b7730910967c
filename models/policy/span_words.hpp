#pragma once

#include <cstdint>

#include "models/policy/tierpolicy.h"

namespace tiercast::policy {

/// Calls visit(word index, mask of the span's slots in it) for the words of a bitmap over slots
/// that a span touches, until it answers false; answers whether it never did.
template <class Visit>
bool for_span_words(tp_span span, Visit visit) {
  const uint32_t first_word = span.first_slot / 64;
  const uint32_t last = span.first_slot + (span.count - 1);
  const uint64_t head = ~uint64_t{0} << (span.first_slot % 64);
  const uint64_t tail = ~uint64_t{0} >> (63 - last % 64);
  if (first_word == last / 64) return visit(first_word, head & tail);
  if (!visit(first_word, head)) return false;
  for (uint32_t word = first_word + 1; word < last / 64; ++word) {
    if (!visit(word, ~uint64_t{0})) return false;
  }
  return visit(last / 64, tail);
}

}  // namespace tiercast::policy
