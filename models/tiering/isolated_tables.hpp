#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "models/policy/tierpolicy.h"
#include "models/tiering/checked_cache.hpp"
#include "models/tiering/child_process.hpp"

namespace tiercast::tiering {

/// The tables of a plug-in that runs in a child process. Their entries copy a call's arguments to
/// the child, have the plug-in's own entry called there, and copy back what it answers: one call at
/// a time and each waited for, so a plug-in hears the same and is heard the same as in this
/// process. Where the child ends, or takes longer than its limit, the call throws PolicyFault,
/// which it may: the caller is the host itself. An entry that the plug-in lacks is NULL.
class IsolatedTables {
 public:
  /// Throws std::runtime_error where the plug-in cannot be loaded, beginning with the file's name.
  IsolatedTables(const std::string& file, int64_t call_limit_ns);
  IsolatedTables(const IsolatedTables&) = delete;
  IsolatedTables& operator=(const IsolatedTables&) = delete;
  ~IsolatedTables();

  /// NULL where the plug-in has none.
  const tp_cache_table* cache() const { return cache_.size != 0 ? &cache_ : nullptr; }
  const tp_placement_table* placement() const {
    return placement_.size != 0 ? &placement_ : nullptr;
  }
  const tp_router_table* router() const { return router_.size != 0 ? &router_ : nullptr; }
  /// Throws what went wrong as an instance was destroyed, which may not throw.
  void check_end() const;

 private:
  /// A policy's info, here.
  struct Info {
    std::string name;
    std::string version;
    tp_info info{};
  };
  /// How its tables find the object: `info` and `create` are told nothing that could tell.
  template <std::size_t seat>
  struct Seat;
  struct Report;

  void load(const std::string& file);
  void sit_down(const std::string& file);
  void make_cache_table();
  void make_placement_table();
  void make_router_table();
  int create_cache(const char* config, const tp_pool* pool, uint64_t seed, tp_cache** out,
                   char* error, size_t error_size);
  int create_placement(const char* config, uint64_t seed, tp_placement** out, char* error,
                       size_t error_size);

  int create_router(const char* config, uint64_t seed, tp_router** out, char* error,
                    size_t error_size);

  /// What the calls of all kinds have in common (isolated_calls.hpp).
  template <class Policy, class Table, auto info, auto entries>
  struct Calls;
  struct CacheCalls;
  struct PlacementCalls;
  struct RouterCalls;
  /// Of a call that is told no time, which is told as at the call before.
  static constexpr int64_t kNoTime = INT64_MIN;
  /// body(child) with a child that ends told as a fault of that call.
  template <class Body>
  auto call(const Info& policy, const char* name, int64_t now_ns, Body body);

  ChildProcess child_;
  std::size_t seat_;
  int64_t latest_ns_ = 0;
  tp_cache_table cache_there_{};  // entries as the child has them
  tp_placement_table placement_there_{};
  tp_router_table router_there_{};
  tp_cache_table cache_{};  // those that the host calls
  tp_placement_table placement_{};
  tp_router_table router_{};
  Info cache_info_;
  Info placement_info_;
  Info router_info_;
  std::optional<PolicyFault> end_fault_;
};

template <class Body>
auto IsolatedTables::call(const Info& policy, const char* name, int64_t now_ns, Body body) {
  if (now_ns != kNoTime) latest_ns_ = now_ns;
  try {
    child_.clear();
    return body(child_);
  } catch (const ChildLost& lost) {
    if (end_fault_) throw PolicyFault(*end_fault_);
    throw PolicyFault(policy.name, name, latest_ns_, lost.what());
  }
}

/// Calls work() in the child and answers what it does.
template <class Work>
auto ask(ChildProcess& child, const Work& work) {
  using Answer = decltype(work());
  auto* answer = child.room<Answer>();
  child.run([work, answer] { *answer = work(); });
  return *answer;
}

/// A request with its hints, for the child.
inline const tp_request* copy_request(ChildProcess& child, const tp_request* request) {
  tp_request* copied = child.copy(request);
  if (copied != nullptr) copied->hints = child.copy(request->hints, request->hint_count);
  return copied;
}

}  // namespace tiercast::tiering
