#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "models/policy/tierpolicy.h"

namespace tiercast::policy {

using Spans = std::span<const tp_span>;

/// Walks the blocks of a batch in order.
class BlockCursor {
 public:
  explicit BlockCursor(Spans spans) : spans_(spans) {}
  bool done() const { return span_ == spans_.size(); }
  uint32_t slot() const { return spans_[span_].first_slot + offset_; }
  std::size_t index() const { return index_; }
  void step() {
    ++index_;
    if (++offset_ == spans_[span_].count) {
      ++span_;
      offset_ = 0;
    }
  }

 private:
  Spans spans_;
  std::size_t span_ = 0;
  uint32_t offset_ = 0;
  std::size_t index_ = 0;
};

/// The same from the tail on.
class TailCursor {
 public:
  explicit TailCursor(Spans spans) : spans_(spans), left_(spans.size()) {
    for (const tp_span span : spans) index_ += span.count;
    if (left_ != 0) offset_ = spans_[left_ - 1].count;
  }
  bool done() const { return left_ == 0; }
  uint32_t slot() const { return spans_[left_ - 1].first_slot + (offset_ - 1); }
  std::size_t index() const { return index_ - 1; }
  void step() {
    --index_;
    if (--offset_ == 0 && --left_ != 0) offset_ = spans_[left_ - 1].count;
  }

 private:
  Spans spans_;
  std::size_t left_;
  uint32_t offset_ = 0;
  std::size_t index_ = 0;
};

/// Calls visit(slot, index in the batch) for the blocks of a batch in the cursor's order, and
/// ahead(slot, index) some blocks earlier.
template <class Cursor, class Ahead, class Visit>
void walk_blocks(Spans spans, Ahead ahead, Visit visit) {
  if (spans.size() == 1 && spans[0].count == 1) {
    visit(spans[0].first_slot, 0);
    return;
  }
  constexpr std::size_t distance = 12;
  Cursor fetched(spans);
  for (std::size_t i = 0; i < distance && !fetched.done(); ++i, fetched.step()) {
    ahead(fetched.slot(), fetched.index());
  }
  for (Cursor block(spans); !block.done(); block.step()) {
    if (!fetched.done()) {
      ahead(fetched.slot(), fetched.index());
      fetched.step();
    }
    visit(block.slot(), block.index());
  }
}

}  // namespace tiercast::policy
