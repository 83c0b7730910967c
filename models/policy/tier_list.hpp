#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "models/policy/tierpolicy.h"

namespace tiercast::policy {

/// The tiers of a placement call, whatever the size of the caller's views.
class TierList {
 public:
  TierList(const tp_tier* first, std::size_t count)
      : first_(reinterpret_cast<const char*>(first)), count_(count) {}

  std::size_t size() const { return count_; }
  const tp_tier& operator[](std::size_t i) const {
    const std::size_t stride = reinterpret_cast<const tp_tier*>(first_)->size;
    return *reinterpret_cast<const tp_tier*>(first_ + i * stride);
  }
  bool takes_stores(std::size_t i) const { return ((*this)[i].flags & TP_TIER_READ_ONLY) == 0; }

  /// The nearest host memory that takes stores; TP_NO_TIER: there is none.
  uint32_t host() const {
    for (std::size_t i = 1; i < count_; ++i) {
      if ((*this)[i].kind == TP_TIER_DRAM && takes_stores(i)) return static_cast<uint32_t>(i);
    }
    return TP_NO_TIER;
  }

  /// Of a host that knows of no such bound: none.
  uint64_t write_budget_bytes(std::size_t i) const {
    const tp_tier& tier = (*this)[i];
    constexpr std::size_t needed = offsetof(tp_tier, write_budget_bytes) + sizeof(uint64_t);
    return tier.size >= needed ? tier.write_budget_bytes : UINT64_MAX;
  }

  /// Latency, then what is queued and these bytes at the tier's rate.
  int64_t load_ns(std::size_t i, uint64_t bytes) const {
    const tp_tier& tier = (*this)[i];
    const double seconds = static_cast<double>(tier.queued_read_bytes + bytes) /
                           static_cast<double>(std::max<uint64_t>(1, tier.read_bytes_per_s));
    return tier.read_latency_ns + static_cast<int64_t>(std::min(seconds, 1e9) * 1e9);
  }

 private:
  const char* first_;
  std::size_t count_;
};

/// The first tier of a mask that is not 0.
inline uint32_t nearest_tier(uint32_t mask) {
  uint32_t tier = 0;
  while ((mask >> tier & 1u) == 0) ++tier;
  return tier;
}

}  // namespace tiercast::policy
