#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace tiercast::resources {

/// Whole-transfer FIFO: each gate lets one flow through at a time, the one that started first; a
/// flow that passes several gates goes when it is first at all of them. Flows of one instant
/// queue by tag. Since every gate orders by (start, tag), the first of all live flows always goes.
class FifoGates {
 public:
  struct Flow {
    uint32_t path;
    uint64_t bytes;
    uint64_t tag;
  };

  uint32_t add_gate();
  /// Paths are numbered from 0 as they are added; one without gates takes no part.
  void add_path(std::span<const uint32_t> gates);
  bool gated(uint32_t path) const { return paths_[path].size > 0; }
  /// A flow of a gated path starts; it queues at the next release().
  void arrive(const Flow& flow);
  /// The flow that goes along `path` has ended.
  void leave(uint32_t path);
  /// Queues what arrived since the last call, by tag, and appends the flows whose turn has come.
  void release(std::vector<Flow>& go);

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  struct Waiter {
    Flow flow;
    uint32_t ahead;  // gates where another is first
  };
  struct Path {  // its gates
    uint32_t first, size;
  };
  struct Place {  // in the queue of one gate
    uint32_t waiter;
    uint32_t next;
  };
  struct Gate {
    uint32_t head = kNone;
    uint32_t tail = kNone;
  };
  bool enqueue(uint32_t gate, uint32_t waiter);
  template <class Entry>
  static uint32_t take(std::vector<Entry>& pool, std::vector<uint32_t>& spare);
  std::span<const uint32_t> gates_of(uint32_t path) const {
    return {path_gates_.data() + paths_[path].first, paths_[path].size};
  }

  std::vector<Gate> gates_;
  std::vector<Path> paths_;
  std::vector<uint32_t> path_gates_;
  std::vector<Waiter> waiters_;
  std::vector<Place> places_;
  std::vector<uint32_t> spare_waiters_;
  std::vector<uint32_t> spare_places_;
  std::vector<uint32_t> arrived_;
  std::vector<uint32_t> ready_;
};

}  // namespace tiercast::resources
