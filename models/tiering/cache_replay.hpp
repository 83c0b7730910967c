#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "models/policy/tierpolicy.h"

namespace tiercast::tiering {

/// The block accesses of a trace.
struct ReplayTrace {
  std::span<const uint64_t> ids;           ///< in file order, then list order
  std::span<const uint64_t> request_ends;  ///< index past each request's last id, ascending; only
                                           ///< HitRule::prefix reads it
};

/// The policy that runs the pool.
struct ReplayPolicy {
  const tp_cache_table* table = nullptr;
  const tp_future_table* future = nullptr;  ///< of an offline bound
  std::string_view config{};                ///< `name=value` lines
  uint64_t seed = 1;
};

enum class HitRule {
  block,  ///< every id that the pool holds is a hit
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

/// Replays a trace against one pool of `capacity` blocks run by a cache policy: one access an id,
/// blocks of unit size, no warm-up, every block evictable again once accessed. A hit is a touch; a
/// miss is looked up, takes a free slot or else evicts one block, then inserts. The host's clock is
/// the number of the access. Under HitRule::prefix the ids behind a request's first miss count as
/// misses, but reach the pool all the same: the request computes those blocks and so uses them.
///
/// Answers nothing, and a sentence in `error`, where the policy cannot be created with that
/// configuration. Throws PolicyFault where it breaks its contract.
std::optional<ReplayResult> replay_cache(const ReplayPolicy& policy, uint32_t capacity,
                                         const ReplayTrace& trace, HitRule rule,
                                         std::string& error);

}  // namespace tiercast::tiering
