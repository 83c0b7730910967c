#pragma once

#include <cstdint>
#include <vector>

#include "models/policy/registry.hpp"

namespace tiercast::tests {

/// One access of a request to a block.
struct SmallAccess {
  uint32_t block;  ///< from 0 on
  uint32_t depth;  ///< 0 begins a request
};
using SmallTrace = std::vector<SmallAccess>;

/// Time is the number of the access, or that of the request.
enum class SmallClock { accesses, requests };

/// Which accesses hit a pool of so many blocks that a policy runs, one block at a time: a hit is a
/// touch; a missed block is looked up and, where the policy admits it, takes a free slot or a
/// victim's. Every block may leave once accessed. A policy that needs the future is told it. Fails
/// the running test at an answer that breaks the contract.
std::vector<bool> replay_small(const policy::CacheEntry& entry, uint32_t capacity,
                               const SmallTrace& trace, SmallClock clock = SmallClock::accesses);

enum class SmallRule { block, prefix };

/// Under the prefix rule all accesses of a request from its first missed block on.
uint32_t count_misses(const SmallTrace& trace, const std::vector<bool>& hits, SmallRule rule);

/// Forests of `blocks` nodes, one of each shape, as the parent of each node; a root is its own.
std::vector<std::vector<uint32_t>> forests(uint32_t blocks);

/// Appends the path from the root of the block's tree down to it.
void append_request(SmallTrace& trace, const std::vector<uint32_t>& forest, uint32_t block);

/// The fewest misses of any sequence of decisions whatever, found by trying all of them: after each
/// access the pool may hold any part, of at most `capacity` blocks, of what it held and the block
/// accessed. A search goes on from a shorter trace's, so that all traces of a tree cost little.
class AllDecisions {
 public:
  /// Of up to 5 blocks. demand_filled: each missed block enters, and one block at most leaves for
  /// it.
  AllDecisions(uint32_t capacity, SmallRule rule, bool demand_filled);
  void access(SmallAccess access);
  uint32_t fewest_misses() const;

 private:
  uint32_t capacity_;
  SmallRule rule_;
  bool demand_filled_;
  std::vector<uint32_t> fewest_;  // by contents << 1 | whether the request has missed
};

}  // namespace tiercast::tests
