#include "sim/engine/event_queue.hpp"

#include "sim/base/check.hpp"

namespace tiercast::engine {

EventQueue::EventQueue(uint32_t entities) : entities_(entities), heap_(entities * kPhases) {}

uint32_t EventQueue::id(Phase phase, uint32_t entity) const {
  TIERCAST_CHECK(entity < entities_, "event for an unknown entity");
  return static_cast<uint32_t>(phase) * entities_ + entity;
}

void EventQueue::schedule(int64_t time_ns, Phase phase, uint32_t entity) {
  TIERCAST_CHECK(time_ns >= now_ns_, "event scheduled in the past");
  heap_.set(id(phase, entity), time_ns);
}

void EventQueue::cancel(Phase phase, uint32_t entity) { heap_.remove(id(phase, entity)); }

int64_t EventQueue::pending_ns(Phase phase, uint32_t entity) const {
  const uint32_t of = id(phase, entity);
  return heap_.holds(of) ? heap_.time_ns(of) : -1;
}

Event EventQueue::pop() {
  TIERCAST_CHECK(!heap_.empty(), "pop from an empty event queue");
  const uint32_t first = heap_.first_id();
  now_ns_ = heap_.first_ns();
  heap_.remove(first);
  ++popped_;
  return Event{now_ns_, static_cast<Phase>(first / entities_), first % entities_};
}

}  // namespace tiercast::engine
