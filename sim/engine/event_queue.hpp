#pragma once

#include <cstdint>

#include "sim/base/time_heap.hpp"

namespace tiercast::engine {

/// Where an event stands among those of the same nanosecond: facts from outside come before the
/// boundaries that must see them, and so do transfers that end.
enum class Phase : uint8_t { fact = 0, transfer = 1, boundary = 2 };
inline constexpr uint32_t kPhases = 3;

/// What happens: plain data, interpreted by the loop that pops it.
struct Event {
  int64_t time_ns = 0;
  Phase phase = Phase::fact;
  uint32_t entity = 0;
};

/// Pending events in the order (time, phase, entity). One pending event per (phase, entity) pair:
/// whoever schedules again moves it, so creation order never decides anything.
class EventQueue {
 public:
  explicit EventQueue(uint32_t entities);

  /// Sets the pending event of (phase, entity) to `time_ns`, moving it when there is one already.
  /// `time_ns` must not precede the last popped event.
  void schedule(int64_t time_ns, Phase phase, uint32_t entity);
  void cancel(Phase phase, uint32_t entity);

  bool empty() const { return heap_.empty(); }
  /// Time of the pending event of (phase, entity), or -1.
  int64_t pending_ns(Phase phase, uint32_t entity) const;
  /// Removes and returns the first event. The queue must not be empty.
  Event pop();

  uint64_t popped() const { return popped_; }

 private:
  // The order within a nanosecond.
  uint32_t id(Phase phase, uint32_t entity) const;

  uint32_t entities_;
  TimeHeap heap_;
  int64_t now_ns_ = INT64_MIN;
  uint64_t popped_ = 0;
};

}  // namespace tiercast::engine
