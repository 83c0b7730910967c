#pragma once

#include <cstddef>
#include <cstdint>

#include "models/policy/tierpolicy.h"

namespace tiercast::policy {

/// When a request's blocks lose its priority; INT64_MAX: never, or its caller is older than the
/// field.
inline int64_t blocks_expire_ns(const tp_request& request) {
  constexpr std::size_t told = offsetof(tp_request, retain_ns) + sizeof request.retain_ns;
  if (request.size < told || request.retain_ns <= 0) return INT64_MAX;
  if (request.arrival_ns > INT64_MAX - request.retain_ns) return INT64_MAX;
  return request.arrival_ns + request.retain_ns;
}

}  // namespace tiercast::policy
