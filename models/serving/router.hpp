#pragma once

#include <cstdint>
#include <memory>
#include <span>

namespace tiercast::serving {

enum class RouterKind : uint8_t { round_robin, least_loaded, prefix };

/// What a router may know of an instance when a request arrives, in tokens and requests.
struct InstanceLoad {
  uint32_t outstanding_requests = 0;      ///< routed to it and not finished
  uint64_t outstanding_input_tokens = 0;  ///< their input
  uint64_t queued_input_tokens = 0;       ///< input of those without a first token yet
  uint32_t matched_tokens = 0;            ///< of the new request's input, in its HBM
};

/// How requests fared that were routed by an index that is late, against one that is not; blocks
/// are those that an instance could use. All zero where nothing is late.
struct RouterCounts {
  uint64_t requests = 0;
  uint64_t stale_hit_blocks = 0;  ///< that the chosen instance was believed to hold and did not
  uint64_t misrouted = 0;         ///< requests that would have gone to another instance
  uint64_t missed_blocks = 0;     ///< that one held, beyond those the chosen one did
};

/// Chooses an instance for each arriving request. Ties go to the lowest index.
class Router {
 public:
  virtual ~Router() = default;
  virtual uint32_t route(uint32_t input_tokens, std::span<const InstanceLoad> loads) = 0;
  /// Whether route() reads matched_tokens; such a router's route() keeps no state.
  virtual bool wants_matches() const { return false; }
};

/// round_robin: request i to instance i mod n. least_loaded: fewest outstanding requests, then
/// fewest outstanding input tokens. prefix: least cost of new prefill + queued prefill + resident
/// context, all in tokens:
///
///   cost = (input - matched) + queued_input + outstanding_input
///
/// after the KV router of NVIDIA Dynamo (prefill blocks less overlap, plus decode blocks; the
/// load terms here are counted from requests' inputs, so that a router needs no engine state).
std::unique_ptr<Router> make_router(RouterKind kind);

}  // namespace tiercast::serving
