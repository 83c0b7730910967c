#pragma once

#include <cstdint>

#include "sim/base/histogram.hpp"  // Int128

namespace tiercast::resources {

/// What a station did up to the latest instant given to it: areas under its counts, exact. Of all
/// jobs together, waiting + busy time is the time they spent there (Little's law as an area), for
/// stations where a job in service holds one server.
struct StationCounts {
  Int128 busy_ns = 0;     ///< servers in use x ns
  Int128 waiting_ns = 0;  ///< jobs not in service x ns
  uint64_t arrived = 0;
  uint64_t ended = 0;
  int64_t now_ns = 0;

  /// Time moves to `to_ns` with these counts.
  void move(int64_t to_ns, uint64_t busy, uint64_t waiting) {
    busy_ns += static_cast<Int128>(busy) * (to_ns - now_ns);
    waiting_ns += static_cast<Int128>(waiting) * (to_ns - now_ns);
    now_ns = to_ns;
  }
};

}  // namespace tiercast::resources
