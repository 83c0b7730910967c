#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

/// Contract checks: for bugs, never for input. Always on, in every build type.
///
///     TIERCAST_CHECK(free >= taken, "pool {} gives {} frames but has {}", name, taken, free);
///
/// A failing check prints the message, file:line and the run context (seed, simulated time, replay
/// command) to stderr and aborts. Conditions must be free of side effects and cheap enough to keep.
#define TIERCAST_CHECK(condition, ...)                                                \
  do {                                                                                \
    if (!(condition)) [[unlikely]] {                                                  \
      ::tiercast::check_failed(::tiercast::CheckSite{#condition, __FILE__, __LINE__}, \
                               __VA_ARGS__);                                          \
    }                                                                                 \
  } while (false)

namespace tiercast {

/// What a failing check says about the run it happened in. The run owns the object and keeps
/// `now_ns` current; nothing else is needed for a check to name the simulated time.
struct RunContext {
  std::uint64_t seed = 0;
  std::int64_t now_ns = 0;
  std::string replay = {};  ///< command line that repeats the run, empty when there is none
};

/// Registers `context` for the calling thread until the scope ends; scopes nest.
class RunContextScope {
 public:
  explicit RunContextScope(const RunContext& context);
  explicit RunContextScope(const RunContext&&) = delete;  // would dangle
  ~RunContextScope();
  RunContextScope(const RunContextScope&) = delete;
  RunContextScope& operator=(const RunContextScope&) = delete;

 private:
  const RunContext* previous_;
};

struct CheckSite {
  const char* condition;
  const char* file;
  int line;
};

/// One value of a check message, turned into text. Takes numbers, text and anything with `value()`.
class CheckArg {
 public:
  // Implicit on purpose: arguments of a message convert themselves.
  // NOLINTBEGIN(google-explicit-constructor)
  CheckArg(std::string_view text) : text_(text) {}
  CheckArg(const std::string& text) : text_(text) {}
  CheckArg(const char* text) : text_(text) {}
  CheckArg(bool value) : text_(value ? "true" : "false") {}
  template <class T>
  requires(std::integral<T> || std::floating_point<T>) CheckArg(T value)
      : text_(std::to_string(value)) {}
  template <class T>
  requires requires(const T& amount) { std::to_string(amount.value()); }
  CheckArg(const T& amount) : text_(std::to_string(amount.value())) {}
  // NOLINTEND(google-explicit-constructor)

  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

/// Fills each `{}` of `pattern` with the next argument; arguments left over are appended.
std::string fill_braces(std::string_view pattern, std::initializer_list<CheckArg> args);

[[noreturn]] void fail_check(const CheckSite& site, const std::string& message);

template <class... Args>
[[noreturn]] void check_failed(const CheckSite& site, std::string_view pattern,
                               const Args&... args) {
  fail_check(site, fill_braces(pattern, {CheckArg(args)...}));
}

}  // namespace tiercast
