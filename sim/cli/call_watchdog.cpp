#include "sim/cli/call_watchdog.hpp"

#include <atomic>
#include <chrono>
#include <cstdio>
#include <string>
#include <unistd.h>

#include <fmt/format.h>

#include "models/tiering/checked_cache.hpp"
#include "sim/cli/arguments.hpp"

namespace tiercast::cli {

namespace {

constexpr int kLooks = 10;  // at one call before it has failed

}  // namespace

CallWatchdog::CallWatchdog(int64_t limit_ns) : thread_([this, limit_ns] { watch(limit_ns); }) {
  tiering::watched_calls = &calls_;
}

CallWatchdog::~CallWatchdog() {
  tiering::watched_calls = nullptr;
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  stopped_.notify_all();
  thread_.join();
}

void CallWatchdog::give_up(int64_t limit_ns) const {
  static std::atomic_flag told;
  while (told.test_and_set()) pause();  // another thread's call hangs too, and ends the program
  const tiering::PolicyFault fault(calls_.policy.load(), calls_.call.load(), calls_.now_ns.load(),
                                   fmt::format("no answer within {} ms", limit_ns / 1'000'000));
  std::fprintf(stderr, "tiercast: %s\n", fault.what());
  _exit(exit_error);  // the thread that hangs cannot be unwound
}

// Looks, not clock readings, are counted: a process that was stopped has not been looked at.
void CallWatchdog::watch(int64_t limit_ns) {
  const std::chrono::nanoseconds pause(limit_ns / kLooks);
  uint64_t seen = 0;
  int looks = 0;
  std::unique_lock lock(mutex_);
  while (!stopped_.wait_for(lock, pause, [this] { return stop_; })) {
    const uint64_t serial = calls_.serial.load(std::memory_order_acquire);
    const bool same_call = serial % 2 == 1 && serial == seen;
    looks = same_call ? looks + 1 : 0;
    seen = serial;
    if (looks >= kLooks) give_up(limit_ns);
  }
}

}  // namespace tiercast::cli
