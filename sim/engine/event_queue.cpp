#include "sim/engine/event_queue.hpp"

#include <algorithm>

#include "sim/base/check.hpp"

namespace tiercast::engine {

namespace {
constexpr size_t kArity = 4;
}  // namespace

EventQueue::EventQueue(uint32_t entities)
    : entities_(entities), position_(size_t{entities} * kPhases, kAbsent) {
  heap_.reserve(position_.size());
}

uint32_t EventQueue::key(Phase phase, uint32_t entity) const {
  TIERCAST_CHECK(entity < entities_, "event for an unknown entity");
  return static_cast<uint32_t>(phase) * entities_ + entity;
}

void EventQueue::place(size_t at, Entry entry) {
  heap_[at] = entry;
  position_[entry.key] = static_cast<uint32_t>(at);
}

void EventQueue::sift_up(size_t at, Entry entry) {
  while (at > 0) {
    const size_t parent = (at - 1) / kArity;
    if (!before(entry, heap_[parent])) break;
    place(at, heap_[parent]);
    at = parent;
  }
  place(at, entry);
}

void EventQueue::sift_down(size_t at, Entry entry) {
  for (;;) {
    const size_t first = at * kArity + 1;
    if (first >= heap_.size()) break;
    const size_t last = std::min(first + kArity, heap_.size());
    size_t least = first;
    for (size_t child = first + 1; child < last; ++child) {
      if (before(heap_[child], heap_[least])) least = child;
    }
    if (!before(heap_[least], entry)) break;
    place(at, heap_[least]);
    at = least;
  }
  place(at, entry);
}

void EventQueue::schedule(int64_t time_ns, Phase phase, uint32_t entity) {
  TIERCAST_CHECK(time_ns >= now_ns_, "event scheduled in the past");
  const Entry entry{time_ns, key(phase, entity)};
  const uint32_t at = position_[entry.key];
  if (at == kAbsent) {
    heap_.push_back(entry);
    sift_up(heap_.size() - 1, entry);
  } else if (before(entry, heap_[at])) {
    sift_up(at, entry);
  } else {
    sift_down(at, entry);
  }
}

void EventQueue::remove_at(size_t at) {
  position_[heap_[at].key] = kAbsent;
  const Entry moved = heap_.back();
  heap_.pop_back();
  if (at == heap_.size()) return;
  if (at > 0 && before(moved, heap_[(at - 1) / kArity])) {
    sift_up(at, moved);
  } else {
    sift_down(at, moved);
  }
}

void EventQueue::cancel(Phase phase, uint32_t entity) {
  const uint32_t at = position_[key(phase, entity)];
  if (at != kAbsent) remove_at(at);
}

int64_t EventQueue::pending_ns(Phase phase, uint32_t entity) const {
  const uint32_t at = position_[key(phase, entity)];
  return at == kAbsent ? -1 : heap_[at].time_ns;
}

Event EventQueue::pop() {
  TIERCAST_CHECK(!heap_.empty(), "pop from an empty event queue");
  const Entry top = heap_.front();
  remove_at(0);
  now_ns_ = top.time_ns;
  ++popped_;
  return Event{top.time_ns, static_cast<Phase>(top.key / entities_), top.key % entities_};
}

}  // namespace tiercast::engine
