#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "models/kvstore/prefix_store.hpp"
#include "models/policy/retention.hpp"
#include "models/policy/tierpolicy.h"

namespace tiercast::tiering {

/// Whose blocks these are: what the request said that brought them in, and how long to keep them:
/// what the last one said that used them and said anything.
struct BlockOwner {
  uint64_t session = 0;
  uint32_t tenant = 0;
  uint32_t priority = 0;
  int64_t expires_ns = INT64_MAX;  ///< its priority; INT64_MAX: never

  static BlockOwner of(const tp_request* request) {
    if (request == nullptr) return {};
    return {request->session, request->tenant, request->priority,
            policy::blocks_expire_ns(*request)};
  }
  /// A request uses the block: its priority, if it tells one, is what counts from now on.
  void renew(const tp_request& user) {
    if (user.priority == 0) return;
    priority = user.priority;
    expires_ns = policy::blocks_expire_ns(user);
  }
  bool operator==(const BlockOwner&) const = default;
};

/// Views of blocks for policies that read them: keys and depths, or all that is known. Storage is
/// reused between calls.
class BlockViews {
 public:
  BlockViews(uint32_t block_tokens, uint32_t block_bytes, uint32_t flags);

  /// From now on views say all that is known: parent, owner, and recompute_ns[depth], what it takes
  /// to compute a block, those before it being there. Blocks behind the end of `recompute_ns`,
  /// which must outlive the object, have 0, unknown.
  void tell_all(std::span<const uint64_t> recompute_ns);

  /// Of a pool's recorded frames, one view a block of the batch, valid until the next call.
  std::span<const tp_block> of(const kvstore::PrefixStore& store, kvstore::PoolId pool,
                               std::span<const tp_span> frames, const BlockOwner& owner = {});
  /// Of blocks [depth, depth + count) on the way to `leaf`, the first `hits` of which are in the
  /// pool, valid until the next call.
  std::span<const tp_block> of_way(const kvstore::PrefixStore& store, kvstore::PoolId pool,
                                   kvstore::NodeId leaf, uint32_t depth, uint32_t count,
                                   uint32_t hits, const BlockOwner& owner);

 private:
  void make_room(size_t blocks);
  uint32_t slot_before(const kvstore::PrefixStore& store, kvstore::PoolId pool,
                       kvstore::NodeId node, uint32_t depth);
  void tell(tp_block& view, uint32_t parent_slot, const BlockOwner& owner) const;

  tp_block like_{};
  bool all_ = false;
  std::span<const uint64_t> recompute_ns_;
  std::vector<tp_block> views_;
  std::vector<tp_key> keys_;
  std::vector<tp_span> frames_;  // scratch
};

}  // namespace tiercast::tiering
