// Links shared flow by flow: the same rules as LinkNetwork, followed without bundles, virtual time,
// components or inert links. Every flow is touched at every event.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim/resources/link_network.hpp"

namespace tiercast::tests {

class NaiveNetwork {
 public:
  void add_link(uint64_t bytes_per_s, resources::Discipline discipline);
  uint32_t add_path(std::span<const uint32_t> links, uint32_t weight, uint64_t cap);
  void start(int64_t now_ns, uint32_t path, uint64_t bytes, uint64_t tag);
  int64_t next_end_ns();
  void advance(int64_t now_ns, std::vector<uint64_t>& ended);

 private:
  struct Link {
    uint64_t capacity;
    resources::Discipline discipline;
  };
  struct Flow {
    std::vector<uint32_t> links;
    uint32_t weight;
    uint64_t cap;
    int64_t start_ns;
    uint64_t tag;
    Int128 left;  // nano-bytes
    uint64_t rate = 0;
  };
  bool uses(const Flow& flow, uint32_t link) const;
  bool may_go(const Flow& flow) const;
  void move_clock(int64_t now_ns);
  void solve();

  std::vector<Link> links_;
  std::vector<Flow> paths_;  // patterns
  std::vector<Flow> flows_;
  int64_t now_ns_ = 0;
};

}  // namespace tiercast::tests
