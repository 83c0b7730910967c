#pragma once

#include <cstdint>
#include <span>

#include "models/policy/cache_policy.hpp"

namespace tiercast::policy {

/// The session of the request behind a call; 0 where there is none.
inline uint64_t session_behind(const Notice& at) {
  return at.request != nullptr ? at.request->session : 0;
}
/// The session that a block comes in for: as its view says, else that of the request.
inline uint64_t session_behind(const Notice& at, const tp_block* block) {
  return block->session != 0 ? block->session : session_behind(at);
}

inline std::span<const tp_hint> hints_of(const tp_request& request) {
  return {request.hints, request.hints != nullptr ? request.hint_count : 0};
}

}  // namespace tiercast::policy
