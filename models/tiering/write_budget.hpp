#pragma once

#include <algorithm>
#include <cstdint>

#include "sim/base/histogram.hpp"  // Int128

namespace tiercast::tiering {

/// What may be written into a pool without wearing it out before its rated life: a token bucket. It
/// fills at `bytes_per_day`, holds what comes in `burst_ns` at most, and starts full. Writes beyond
/// leave it in debt: whether they happen is the policy's to say.
class WriteBudget {
 public:
  /// bytes_per_day 0: no bound is known.
  WriteBudget(uint64_t bytes_per_day, int64_t burst_ns)
      : bytes_per_day_(bytes_per_day), most_(Int128{bytes_per_day} * burst_ns), level_(most_) {}

  void spend(int64_t now_ns, uint64_t bytes) {
    if (bytes_per_day_ == 0) return;
    fill(now_ns);
    level_ -= Int128{bytes} * kDayNs;
  }

  uint64_t left(int64_t now_ns) {
    if (bytes_per_day_ == 0) return UINT64_MAX;
    fill(now_ns);
    return level_ <= 0 ? 0 : static_cast<uint64_t>(level_ / kDayNs);
  }

 private:
  static constexpr int64_t kDayNs = int64_t{86'400} * 1'000'000'000;

  void fill(int64_t now_ns) {
    level_ = std::min(most_, level_ + Int128{now_ns - filled_ns_} * bytes_per_day_);
    filled_ns_ = now_ns;
  }

  uint64_t bytes_per_day_;
  Int128 most_;   // bytes x ns of a day
  Int128 level_;  // the same; below 0: debt
  int64_t filled_ns_ = 0;
};

}  // namespace tiercast::tiering
