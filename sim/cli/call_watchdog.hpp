#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

#include "models/tiering/call_mark.hpp"

namespace tiercast::cli {

/// While it lives, ends the program (exit_error, with an error that names policy, call and
/// simulated time) where a call into a policy, by the thread that made the object, takes longer
/// than its limit: for plug-ins that run in this process, where nothing else can end an endless
/// loop. It only looks on, so no result depends on it. The thread that makes it destroys it.
class CallWatchdog {
 public:
  /// limit_ns: wall time, which only counts while this process is awake.
  explicit CallWatchdog(int64_t limit_ns);
  CallWatchdog(const CallWatchdog&) = delete;
  CallWatchdog& operator=(const CallWatchdog&) = delete;
  ~CallWatchdog();

 private:
  void watch(int64_t limit_ns);
  [[noreturn]] void give_up(int64_t limit_ns) const;

  tiering::CallInProgress calls_;
  std::mutex mutex_;
  std::condition_variable stopped_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace tiercast::cli
