#pragma once

#include <memory>
#include <string>

#include "models/policy/tape_format.hpp"
#include "models/policy/tierpolicy.h"

namespace tiercast::policy {

/// One instance under replay.
class Replayed {
 public:
  Replayed() = default;
  Replayed(const Replayed&) = delete;
  Replayed& operator=(const Replayed&) = delete;
  virtual ~Replayed() = default;

  /// As the tape says. Answers why not, or nothing.
  virtual std::string create() = 0;
  virtual uint64_t state() const = 0;
  /// TP_CAP_* of the instance.
  virtual uint32_t capabilities() const = 0;
  /// Answers the call as the policy does now: `call` with another answer in it.
  virtual void answer(const TapeCall& asked, TapeCall& call) = 0;

 protected:
  /// The call's request as the policy is told it; NULL where there is none.
  static const tp_request* request_of(TapeCall& call) {
    if (!call.has_request) return nullptr;
    call.request.size = sizeof call.request;
    call.request.hint_count = static_cast<uint32_t>(call.request_hints.size());
    call.request.hints = call.request_hints.data();
    return &call.request;
  }
};

/// What a create that failed is told as.
std::string create_error(const char* policy, const char* message, int code);

// The header outlives the object.
std::unique_ptr<Replayed> replayed(const TapeHeader& header, const tp_cache_table& table);
std::unique_ptr<Replayed> replayed(const TapeHeader& header, const tp_placement_table& table);

}  // namespace tiercast::policy
