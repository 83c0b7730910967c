#include "sim/resources/fifo_gates.hpp"

#include <algorithm>

namespace tiercast::resources {

template <class Entry>
uint32_t FifoGates::take(std::vector<Entry>& pool, std::vector<uint32_t>& spare) {
  if (spare.empty()) {
    pool.emplace_back();
    return static_cast<uint32_t>(pool.size() - 1);
  }
  const uint32_t taken = spare.back();
  spare.pop_back();
  return taken;
}

uint32_t FifoGates::add_gate() {
  gates_.emplace_back();
  return static_cast<uint32_t>(gates_.size() - 1);
}

void FifoGates::add_path(std::span<const uint32_t> gates) {
  paths_.push_back(
      Path{static_cast<uint32_t>(path_gates_.size()), static_cast<uint32_t>(gates.size())});
  path_gates_.insert(path_gates_.end(), gates.begin(), gates.end());
}

void FifoGates::arrive(const Flow& flow) {
  const uint32_t waiter = take(waiters_, spare_waiters_);
  waiters_[waiter] = Waiter{flow, 0};
  arrived_.push_back(waiter);
}

// True where somebody else is first.
bool FifoGates::enqueue(uint32_t gate, uint32_t waiter) {
  const uint32_t place = take(places_, spare_places_);
  places_[place] = Place{waiter, kNone};
  Gate& queue = gates_[gate];
  const bool behind = queue.head != kNone;
  if (behind) {
    places_[queue.tail].next = place;
  } else {
    queue.head = place;
  }
  queue.tail = place;
  return behind;
}

void FifoGates::leave(uint32_t path) {
  const std::span<const uint32_t> gates = gates_of(path);
  for (const uint32_t id : gates) {
    Gate& gate = gates_[id];
    const uint32_t place = gate.head;
    if (id == gates.front()) spare_waiters_.push_back(places_[place].waiter);
    gate.head = places_[place].next;
    spare_places_.push_back(place);
    if (gate.head == kNone) continue;
    const uint32_t next = places_[gate.head].waiter;
    if (--waiters_[next].ahead == 0) ready_.push_back(next);
  }
}

void FifoGates::release(std::vector<Flow>& go) {
  std::sort(arrived_.begin(), arrived_.end(),
            [&](uint32_t a, uint32_t b) { return waiters_[a].flow.tag < waiters_[b].flow.tag; });
  for (const uint32_t waiter : arrived_) {
    for (const uint32_t gate : gates_of(waiters_[waiter].flow.path)) {
      if (enqueue(gate, waiter)) ++waiters_[waiter].ahead;
    }
    if (waiters_[waiter].ahead == 0) ready_.push_back(waiter);
  }
  arrived_.clear();
  for (const uint32_t waiter : ready_) go.push_back(waiters_[waiter].flow);
  ready_.clear();
}

}  // namespace tiercast::resources
