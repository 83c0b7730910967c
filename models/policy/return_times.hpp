#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "models/policy/state_archive.hpp"

namespace tiercast::policy {

/// How long tools took to return lately: a window over all tenants and one for each of the tenants
/// seen last. Times in microseconds, up to 71 minutes.
class ReturnTimes {
 public:
  static constexpr uint32_t window = 128;  // returns remembered, of all and of each tenant
  static constexpr uint32_t tenants_max = 15;

  void add(uint32_t tenant, int64_t ns) {
    const auto us = static_cast<uint32_t>(std::clamp<int64_t>(ns / 1000, 0, UINT32_MAX));
    windows_[0].add(us);
    Window* of = find(tenant);
    if (of == nullptr) {
      of = std::min_element(windows_.begin() + 1, windows_.end(),
                            [](const Window& a, const Window& b) { return a.stamp < b.stamp; });
      *of = {};
      of->tenant = tenant;
    }
    of->stamp = ++stamp_;
    of->add(us);
  }

  /// How long to hold what costs `benefit_us` to lose: the time t that maximises P(the tool returns
  /// within t) * benefit - t, P as in the window, of the tenant where it has more than `enough`
  /// times, else of all where that has. -1 where neither has.
  int64_t best_ttl_ns(uint32_t tenant, uint32_t enough, uint64_t benefit_us) const {
    const Window* of = find(tenant);
    if (of == nullptr || of->count <= enough) of = &windows_[0];
    if (of->count <= enough) return -1;
    std::array<uint32_t, window> us = of->us;
    const auto end = us.begin() + of->count;
    std::sort(us.begin(), end);
    const auto benefit = static_cast<int64_t>(std::min<uint64_t>(benefit_us, uint64_t{1} << 40));
    int64_t best = 0;
    int64_t best_gain = 0;  // of not holding at all
    for (int64_t i = 0; i < of->count; ++i) {
      const int64_t gain = (i + 1) * benefit - int64_t{of->count} * us[static_cast<uint32_t>(i)];
      if (gain <= best_gain) continue;
      best_gain = gain;
      best = us[static_cast<uint32_t>(i)];
    }
    return best * 1000;
  }

  void hash(StateHash& hash) const {
    hash.add(stamp_);
    for (const Window& of : windows_) {
      hash.add(of.stamp);
      hash.add(uint64_t{of.tenant} << 32 | of.count << 8 | of.next);
      for (uint32_t i = 0; i < of.count; ++i) hash.add(of.us[i]);
    }
  }

  template <class Self, class Archive>
  static void archive(Self& self, Archive& archive) {
    archive.items(self.windows_.data(), self.windows_.size());
    archive.value(self.stamp_);
  }

 private:
  struct Window {
    uint64_t stamp;  // of its last time; 0: not in use
    uint32_t tenant;
    uint32_t count;
    uint32_t next;
    uint32_t reserved;
    std::array<uint32_t, window> us;

    void add(uint32_t time_us) {
      us[next] = time_us;
      next = (next + 1) % window;
      count = std::min(count + 1, window);
    }
  };

  const Window* find(uint32_t tenant) const {
    const auto found = std::find_if(windows_.begin() + 1, windows_.end(), [&](const Window& of) {
      return of.stamp != 0 && of.tenant == tenant;
    });
    return found != windows_.end() ? &*found : nullptr;
  }
  Window* find(uint32_t tenant) {
    return const_cast<Window*>(static_cast<const ReturnTimes&>(*this).find(tenant));
  }

  std::array<Window, 1 + tenants_max> windows_{};  // all, then tenants in no order
  uint64_t stamp_ = 0;
};

}  // namespace tiercast::policy
