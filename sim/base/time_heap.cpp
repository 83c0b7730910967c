#include "sim/base/time_heap.hpp"

#include <algorithm>

namespace tiercast {

namespace {
constexpr size_t kArity = 4;
}  // namespace

void TimeHeap::place(size_t at, Entry entry) {
  heap_[at] = entry;
  position_[entry.id] = static_cast<uint32_t>(at);
}

void TimeHeap::sift_up(size_t at, Entry entry) {
  while (at > 0) {
    const size_t parent = (at - 1) / kArity;
    if (!before(entry, heap_[parent])) break;
    place(at, heap_[parent]);
    at = parent;
  }
  place(at, entry);
}

void TimeHeap::sift_down(size_t at, Entry entry) {
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

void TimeHeap::set(uint32_t id, int64_t time_ns) {
  if (id >= position_.size()) position_.resize(size_t{id} + 1, kAbsent);
  const Entry entry{time_ns, id};
  const uint32_t at = position_[id];
  if (at == kAbsent) {
    heap_.push_back(entry);
    sift_up(heap_.size() - 1, entry);
  } else if (before(entry, heap_[at])) {
    sift_up(at, entry);
  } else {
    sift_down(at, entry);
  }
}

void TimeHeap::remove(uint32_t id) {
  if (!holds(id)) return;
  const size_t at = position_[id];
  position_[id] = kAbsent;
  const Entry moved = heap_.back();
  heap_.pop_back();
  if (at == heap_.size()) return;
  if (at > 0 && before(moved, heap_[(at - 1) / kArity])) {
    sift_up(at, moved);
  } else {
    sift_down(at, moved);
  }
}

}  // namespace tiercast
