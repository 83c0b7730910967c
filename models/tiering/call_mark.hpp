#pragma once

#include <atomic>
#include <cstdint>

namespace tiercast::tiering {

/// The call into a policy that a thread is in, for another one that watches whether it comes back.
/// No result depends on it.
struct CallInProgress {
  std::atomic<uint64_t> serial{0};  ///< odd inside a call, even outside, never the same again
  std::atomic<const char*> policy{""};
  std::atomic<const char*> call{""};
  std::atomic<int64_t> now_ns{0};  ///< simulated time
};

/// Where this thread's calls are marked; NULL where nobody watches.
inline constinit thread_local CallInProgress* watched_calls = nullptr;

/// Marks a call while it lasts. Both texts must outlive it.
class CallMark {
 public:
  CallMark(const char* policy, const char* call, int64_t now_ns) : CallMark(policy, call) {
    if (calls_ != nullptr) [[unlikely]]
      calls_->now_ns.store(now_ns, std::memory_order_relaxed);
  }
  /// Of a call that is told no time: that of the call before stays.
  CallMark(const char* policy, const char* call) : calls_(watched_calls) {
    if (calls_ == nullptr) [[likely]]
      return;
    calls_->policy.store(policy, std::memory_order_relaxed);
    calls_->call.store(call, std::memory_order_relaxed);
    advance();
  }
  CallMark(const CallMark&) = delete;
  CallMark& operator=(const CallMark&) = delete;
  ~CallMark() {
    if (calls_ != nullptr) [[unlikely]]
      advance();
  }

 private:
  // One thread writes, so no read-modify-write is needed, which would cost as much as a call.
  void advance() {
    const uint64_t serial = calls_->serial.load(std::memory_order_relaxed);
    calls_->serial.store(serial + 1, std::memory_order_release);
  }

  CallInProgress* calls_;
};

}  // namespace tiercast::tiering
