#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/policy/tierpolicy.h"
#include "models/tiering/policy_checks.hpp"

namespace tiercast::tiering {

/// What is known of a request besides its blocks.
struct ReplayRequest {
  int64_t time_ns = 0;
  uint64_t session = 0;     ///< 0: of none that is known
  uint32_t turn = 0;        ///< within the session
  bool calls_tool = false;  ///< it ends in a tool call: the session goes on when that returns
};

/// The block accesses of a trace.
struct ReplayTrace {
  std::span<const uint32_t> blocks;         ///< numbers below `distinct`, request by request
  std::span<const uint64_t> request_ends;   ///< index past each request's last block, ascending
  std::span<const ReplayRequest> requests;  ///< one each, or empty: nothing is told of them
  uint32_t distinct = 0;
};

/// The policy that runs the pool.
struct ReplayPolicy {
  const tp_cache_table* table = nullptr;
  const tp_future_table* future = nullptr;  ///< of an offline bound
  std::string_view config{};                ///< `name=value` lines
  uint64_t seed = 1;
  PolicyChecks checks = PolicyChecks::answers;
};

enum class HitRule {
  block,  ///< every block that the pool holds is a hit
  prefix  ///< a request's hits end at its first miss
};

struct ReplayResult {
  uint64_t capacity = 0;
  uint64_t accesses = 0;
  uint64_t misses = 0;

  double miss_ratio() const {
    return accesses != 0 ? static_cast<double>(misses) / static_cast<double>(accesses) : 0.0;
  }
};

/// For each access, the next one to the same block; kNoUse behind the last.
inline constexpr uint32_t kNoUse = UINT32_MAX;
std::vector<uint32_t> next_uses(const ReplayTrace& trace);

/// Replays a trace against one pool of `capacity` blocks run by a cache policy: one access a block,
/// blocks of unit size, no warm-up, every block evictable again once accessed. A hit is a touch. A
/// miss is looked up; where the policy admits the block it takes a free slot or else that of one
/// victim, and is inserted, its parent being the block before it in the request. Under
/// HitRule::prefix the blocks behind a request's first miss count as misses, but reach the pool all
/// the same: the request computes and so uses them.
///
/// The host's clock is the requests' time, which does not run backwards here, and policies are told
/// of their arrival, schedule, end and tool calls. Where requests are not told, and for offline
/// bounds, the clock is the number of the access.
///
/// `next` is that of next_uses where the policy has a future table, else not read. Requires a
/// capacity of at least 1. Answers nothing, and a sentence in `error`, where the policy cannot be
/// created with that configuration. Throws PolicyFault where it breaks its contract. Several
/// replays of one trace may run at a time.
std::optional<ReplayResult> replay_cache(const ReplayPolicy& policy, uint32_t capacity,
                                         const ReplayTrace& trace, std::span<const uint32_t> next,
                                         HitRule rule, std::string& error);

}  // namespace tiercast::tiering
