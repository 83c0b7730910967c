#pragma once

#include <cstddef>
#include <cstdint>

#include "models/policy/slot_states.hpp"
#include "models/policy/tierpolicy.h"

namespace tiercast::policy {

/// The order of eviction inside a victim span: a policy that evicts tails first names runs from
/// their end, a per-block policy names blocks one by one.
enum class VictimOrder : uint8_t { downwards, upwards };

/// Joins victims, named in eviction order, into spans. Neighbours always join, so the spans of an
/// answer depend on its blocks alone, not on how the policy stores them.
template <VictimOrder order>
class VictimSpans {
 public:
  /// Answers true where the run begins a new span.
  bool add(tp_span run) {
    if (count_ != 0 && continues(run)) {
      if constexpr (order == VictimOrder::downwards) last_.first_slot = run.first_slot;
      last_.count += run.count;
      return false;
    }
    last_ = run;
    ++count_;
    return true;
  }
  std::size_t count() const { return count_; }
  tp_span last() const { return last_; }

 private:
  bool continues(tp_span run) const {
    return order == VictimOrder::downwards ? run.first_slot + run.count == last_.first_slot
                                           : last_.first_slot + last_.count == run.first_slot;
  }

  tp_span last_{};
  std::size_t count_ = 0;
};

/// Receives the victims of a select in eviction order; counts on where the array is too small.
template <VictimOrder order>
class VictimWriter {
 public:
  VictimWriter(tp_span* out, std::size_t capacity) : out_(out), capacity_(capacity) {}

  void take(tp_span run) {
    spans_.add(run);
    blocks_ += run.count;
    if (spans_.count() <= capacity_) out_[spans_.count() - 1] = spans_.last();
  }
  void take(uint32_t slot) { take(tp_span{slot, 1}); }

  uint32_t blocks() const { return blocks_; }
  std::size_t spans() const { return spans_.count(); }

 private:
  tp_span* out_;
  std::size_t capacity_;
  uint32_t blocks_ = 0;
  VictimSpans<order> spans_;
};

/// Answers, as a policy names the same victims again at commit, whether the host accepted each;
/// accepted ones become leaving.
template <VictimOrder order>
class Verdicts {
 public:
  Verdicts(const uint8_t* accepted, SlotStates& slots) : accepted_(accepted), slots_(slots) {}

  bool accepts(tp_span run) {
    spans_.add(run);
    if (accepted_ != nullptr && accepted_[spans_.count() - 1] == 0) return false;
    slots_.move(run, SlotState::evictable, SlotState::leaving);
    return true;
  }
  bool accepts(uint32_t slot) { return accepts(tp_span{slot, 1}); }

 private:
  const uint8_t* accepted_;
  SlotStates& slots_;
  VictimSpans<order> spans_;
};

}  // namespace tiercast::policy
