#pragma once

#include <atomic>
#include <cstdint>

namespace tiercast::tiering {

/// The call into a policy that the run is in. Written by the one thread that simulates, read by
/// whoever watches from another that no call takes for ever; no result depends on it.
struct CallInProgress {
  std::atomic<uint64_t> serial{0};  ///< odd inside a call, even outside, never the same again
  std::atomic<const char*> policy{""};
  std::atomic<const char*> call{""};
  std::atomic<int64_t> now_ns{0};  ///< simulated time
};
inline CallInProgress call_in_progress;

/// Marks a call while it lasts. Both texts must outlive it.
class CallMark {
 public:
  CallMark(const char* policy, const char* call, int64_t now_ns)
      : serial_(call_in_progress.serial.load(std::memory_order_relaxed) + 1) {
    call_in_progress.policy.store(policy, std::memory_order_relaxed);
    call_in_progress.call.store(call, std::memory_order_relaxed);
    call_in_progress.now_ns.store(now_ns, std::memory_order_relaxed);
    call_in_progress.serial.store(serial_, std::memory_order_release);
  }
  /// Of a call that is told no time: that of the call before stays.
  CallMark(const char* policy, const char* call)
      : CallMark(policy, call, call_in_progress.now_ns.load(std::memory_order_relaxed)) {}
  CallMark(const CallMark&) = delete;
  CallMark& operator=(const CallMark&) = delete;
  ~CallMark() { call_in_progress.serial.store(serial_ + 1, std::memory_order_release); }

 private:
  uint64_t serial_;
};

}  // namespace tiercast::tiering
