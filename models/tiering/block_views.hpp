#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "models/kvstore/prefix_store.hpp"
#include "models/policy/tierpolicy.h"

namespace tiercast::tiering {

/// Views of a pool's recorded frames for policies that read keys; storage is reused between calls.
class BlockViews {
 public:
  BlockViews(uint32_t block_tokens, uint32_t block_bytes, uint32_t flags);

  /// One view a block of the batch, valid until the next call.
  std::span<const tp_block> of(const kvstore::PrefixStore& store, kvstore::PoolId pool,
                               std::span<const tp_span> frames);

 private:
  tp_block like_{};
  std::vector<tp_block> views_;
  std::vector<tp_key> keys_;
};

}  // namespace tiercast::tiering
