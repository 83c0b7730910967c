#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "models/policy/tierpolicy.h"
#include "models/serving/instance.hpp"
#include "models/tiering/tier_manager.hpp"

namespace tiercast::serving {

/// How requests fared that were routed by an index that is late, against one that is not; blocks
/// are those that an instance could use. All zero where nothing is late.
struct RouterCounts {
  uint64_t requests = 0;
  uint64_t stale_hit_blocks = 0;  ///< that the chosen instance was believed to hold and did not
  uint64_t misrouted = 0;         ///< requests that would have gone to another instance
  uint64_t missed_blocks = 0;     ///< that one held, beyond those the chosen one did
};

/// What a router may know of an instance when a request arrives, by counters that change only with
/// facts and prefills; blocks in use and what it holds come with each request.
tp_worker worker_view(const Instance& instance);
/// Blocks in use, counted from prompts.
void count_active_blocks(uint32_t block_tokens, std::span<tp_worker> workers);

/// Whole ids of a prompt as keys of its heads.
class PromptKeys {
 public:
  /// `id_tokens`: that each id names; 0: prompts have no ids.
  explicit PromptKeys(uint32_t id_tokens) : id_tokens_(id_tokens) {}

  /// The prompt as a router sees it, valid until the next call.
  tp_prompt of(uint32_t tokens, uint32_t block_tokens, const Content& content, bool with_keys);

 private:
  uint32_t id_tokens_;
  std::vector<tp_key> keys_;
};

/// Adds what lower tiers hold of the prompt to the workers' views, in which device_tokens are
/// right. `matched`: by pool of the prefix store, blocks from the head on without a gap, as they
/// are now.
void match_tiers(const tiering::TierManager& tiers, std::span<const uint32_t> matched,
                 uint32_t block_tokens, std::span<tp_worker> workers);

}  // namespace tiercast::serving
