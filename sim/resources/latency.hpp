#pragma once

#include <algorithm>
#include <cstdint>

#include "sim/base/check.hpp"
#include "sim/base/histogram.hpp"  // Int128
#include "sim/base/random.hpp"

namespace tiercast::resources {

/// How long one operation takes at a given load, in whole ns:
///
///     (base + min(load x u / (1 - u), load_max)) x (with tail_probability: tail_multiple)
///
/// u is the utilisation of what serves it. u / (1 - u) is the mean queue of M/M/1 in units of its
/// service; the cap stands for what bounds real queues. The tail is what a mean cannot have: a
/// garbage collection, a retry. All integers, so a law is the same on every machine.
struct LatencyLaw {
  int64_t base_ns = 0;
  int64_t load_ns = 0;
  int64_t load_max_ns = 0;
  uint32_t tail_ppm = 0;                ///< probability of the tail, millionths
  uint32_t tail_multiple_milli = 1000;  ///< in thousandths

  static constexpr uint32_t kOnePpm = 1'000'000;

  /// Without the tail. utilisation_ppm from 0 to 10^6, where the cap holds.
  int64_t typical_ns(uint32_t utilisation_ppm) const {
    TIERCAST_CHECK(utilisation_ppm <= kOnePpm, "a utilisation of {} ppm is above 1",
                   utilisation_ppm);
    if (utilisation_ppm == kOnePpm) return base_ns + (load_ns > 0 ? load_max_ns : 0);
    const Int128 queue_ns =
        static_cast<Int128>(load_ns) * utilisation_ppm / (kOnePpm - utilisation_ppm);
    return base_ns + static_cast<int64_t>(std::min(queue_ns, static_cast<Int128>(load_max_ns)));
  }

  /// Takes one draw of the stream, tail or not, so that systems under one seed see the same tails.
  int64_t draw_ns(Stream& stream, uint32_t utilisation_ppm) const {
    const int64_t typical = typical_ns(utilisation_ppm);
    if (stream.below(kOnePpm) >= tail_ppm) return typical;
    return static_cast<int64_t>(static_cast<Int128>(typical) * tail_multiple_milli / 1000);
  }
};

}  // namespace tiercast::resources
