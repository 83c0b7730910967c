#pragma once

#include <cstdint>

#include "models/kvstore/prefix_store.hpp"
#include "sim/base/hash.hpp"

namespace tiercast::tiering {

enum class Transition : uint64_t { placed = 1, evicted = 2, dropped = 3, reused = 4 };

/// Digest of a pool's transitions, each with its time: a sum over blocks, so that grouping them
/// into calls or spans does not show.
class TransitionDigest {
 public:
  void add(int64_t now_ns, Transition transition, const kvstore::BlockSum& sum) {
    const uint64_t when = mix(static_cast<uint64_t>(now_ns), static_cast<uint64_t>(transition));
    value_ += when * sum.blocks + mix(when) * sum.depths;
  }
  uint64_t value() const { return value_; }

 private:
  uint64_t value_ = 0;
};

}  // namespace tiercast::tiering
