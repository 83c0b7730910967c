#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tiercast {

/// The pending time of each of many things, earliest first, ties by id: a 4-ary array heap whose
/// entries know their position, so that setting, moving and removing are O(log n) and nothing goes
/// stale. Ids are dense; room for a new one is made when it is first set.
class TimeHeap {
 public:
  TimeHeap() = default;
  /// With room for ids below `ids`.
  explicit TimeHeap(uint32_t ids) : position_(ids, kAbsent) { heap_.reserve(ids); }

  bool empty() const { return heap_.empty(); }
  /// The earliest time and whose it is. The heap must not be empty.
  int64_t first_ns() const { return heap_.front().time_ns; }
  uint32_t first_id() const { return heap_.front().id; }

  bool holds(uint32_t id) const { return id < position_.size() && position_[id] != kAbsent; }
  /// Of an id that the heap holds.
  int64_t time_ns(uint32_t id) const { return heap_[position_[id]].time_ns; }

  /// Sets or moves the pending time of `id`.
  void set(uint32_t id, int64_t time_ns);
  /// Does nothing for an id without one.
  void remove(uint32_t id);

 private:
  struct Entry {
    int64_t time_ns;
    uint32_t id;
  };
  static bool before(const Entry& a, const Entry& b) {
    return a.time_ns != b.time_ns ? a.time_ns < b.time_ns : a.id < b.id;
  }
  void place(size_t at, Entry entry);
  void sift_up(size_t at, Entry entry);
  void sift_down(size_t at, Entry entry);

  static constexpr uint32_t kAbsent = UINT32_MAX;
  std::vector<Entry> heap_;
  std::vector<uint32_t> position_;  // by id
};

}  // namespace tiercast
