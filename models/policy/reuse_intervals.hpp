#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

namespace tiercast::policy {

/// How long blocks of one group were unused before each use, by steps of a factor 2, and how many
/// were never used again; and what it gains to hold them longer.
struct ReuseIntervals {
  static constexpr uint32_t step_count = 32;
  static constexpr uint64_t known_min = 32;  // observations from which on they say something

  std::array<uint64_t, step_count> uses;
  uint64_t lost;  // not used again, as far as is known

  /// Step 0 ends at 2^20 ns, about 1 ms; each next one at twice that.
  static int64_t end_ns(uint32_t step) { return int64_t{1} << (20 + step); }
  static uint32_t step_of(int64_t unused_ns) {
    const auto steps = std::bit_width(static_cast<uint64_t>(unused_ns) >> 20);
    return std::min(static_cast<uint32_t>(steps), step_count - 1);
  }

  uint64_t total() const {
    uint64_t sum = lost;
    for (const uint64_t used : uses) sum += used;
    return sum;
  }
  bool is_known() const { return total() >= known_min; }

  /// Block-nanoseconds of holding through one more step so many blocks: half of it those that are
  /// used within.
  double cost(uint64_t held, uint32_t step) const {
    const int64_t width_ns = step == 0 ? end_ns(0) : end_ns(step - 1);
    return static_cast<double>(2 * held - uses[step]) * 0.5 * static_cast<double>(width_ns);
  }

  struct Extension {
    double gain = 0;  // uses for each block and nanosecond; 0: there is nothing to gain
    double cost = 0;  // block-nanoseconds
    uint32_t step = 0;
  };
  /// The extension of a time to live that ends with a step which gains most for its cost; the
  /// shortest of equals.
  Extension best_extension(uint32_t from) const {
    Extension best;
    uint64_t held = total();
    for (uint32_t step = 0; step <= from; ++step) held -= uses[step];
    uint64_t gained = 0;
    double paid = 0;
    for (uint32_t step = from + 1; step < step_count; ++step) {
      paid += cost(held, step);
      gained += uses[step];
      held -= uses[step];
      const double gain = gained == 0 ? 0 : static_cast<double>(gained) / paid;
      if (gain > best.gain) best = {gain, paid, step};
    }
    return best;
  }

  void halve() {
    for (uint64_t& used : uses) used /= 2;
    lost /= 2;
  }
};

}  // namespace tiercast::policy
