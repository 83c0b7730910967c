#pragma once

#include <algorithm>
#include <cstdint>

#include "sim/base/check.hpp"
#include "sim/base/histogram.hpp"  // Int128

namespace tiercast::resources {

/// By how much an operation takes longer at a given load, in whole ns:
///
///     min(load x u / (1 - u), load_max)
///
/// u is the utilisation of what serves it. u / (1 - u) is the mean queue of M/M/1 in units of its
/// service; the cap stands for what bounds real queues. All integers, so a law is the same on every
/// machine.
struct LatencyLaw {
  int64_t load_ns = 0;
  int64_t load_max_ns = 0;

  static constexpr uint32_t kOnePpm = 1'000'000;

  /// utilisation_ppm from 0 to 10^6, where the cap holds.
  int64_t wait_ns(uint32_t utilisation_ppm) const {
    TIERCAST_CHECK(utilisation_ppm <= kOnePpm, "a utilisation of {} ppm is above 1",
                   utilisation_ppm);
    if (utilisation_ppm == kOnePpm) return load_ns > 0 ? load_max_ns : 0;
    const Int128 queue_ns =
        static_cast<Int128>(load_ns) * utilisation_ppm / (kOnePpm - utilisation_ppm);
    return static_cast<int64_t>(std::min(queue_ns, static_cast<Int128>(load_max_ns)));
  }
};

}  // namespace tiercast::resources
