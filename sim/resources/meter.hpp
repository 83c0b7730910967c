#pragma once

#include <cstdint>

#include "sim/base/check.hpp"
#include "sim/base/histogram.hpp"  // Int128

namespace tiercast::resources {

/// What a box draws. 1 mW x 1 ns = 1 pJ, so energy is an exact sum of integers.
struct PowerLaw {
  int64_t idle_mw = 0;      ///< always, used or not
  int64_t active_mw = 0;    ///< on top, for each unit that is busy
  int64_t pj_per_item = 0;  ///< on top, for each byte or operation
};

/// Energy of one box from `start_ns` on. At any time
///
///     energy = (idle + active) , idle = idle_mw x (now - start),
///     active = active_mw x integral of busy units + pj_per_item x items
///
/// The power between two changes is constant, so energy is the sum of power x time and of the
/// items.
class PowerMeter {
 public:
  explicit PowerMeter(const PowerLaw& law, int64_t start_ns = 0)
      : law_(law), start_ns_(start_ns), now_ns_(start_ns) {}

  /// From `now_ns` on, `units` are busy.
  void set_busy(int64_t now_ns, uint64_t units) {
    move(now_ns);
    busy_ = units;
  }
  /// Bytes moved or operations done, whenever.
  void add_items(uint64_t items) { items_ += items; }
  /// Time passes.
  void move(int64_t now_ns) {
    TIERCAST_CHECK(now_ns >= now_ns_, "a meter cannot go back from {} ns to {} ns", now_ns_,
                   now_ns);
    busy_area_ns_ += static_cast<Int128>(busy_) * (now_ns - now_ns_);
    now_ns_ = now_ns;
  }

  /// At this instant, items aside.
  int64_t power_mw() const { return law_.idle_mw + law_.active_mw * static_cast<int64_t>(busy_); }
  Int128 idle_pj() const { return static_cast<Int128>(law_.idle_mw) * (now_ns_ - start_ns_); }
  Int128 active_pj() const {
    return law_.active_mw * busy_area_ns_ + static_cast<Int128>(law_.pj_per_item) * items_;
  }
  Int128 energy_pj() const { return idle_pj() + active_pj(); }
  Int128 busy_area_ns() const { return busy_area_ns_; }

 private:
  PowerLaw law_;
  int64_t start_ns_;
  int64_t now_ns_;
  uint64_t busy_ = 0;
  uint64_t items_ = 0;
  Int128 busy_area_ns_ = 0;
};

}  // namespace tiercast::resources
