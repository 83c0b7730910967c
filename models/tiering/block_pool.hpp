#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "models/kvstore/prefix_store.hpp"
#include "models/tiering/block_views.hpp"
#include "models/tiering/checked_cache.hpp"
#include "models/tiering/frame_numbers.hpp"
#include "models/tiering/late_index.hpp"
#include "models/tiering/piece.hpp"
#include "models/tiering/transition_digest.hpp"

namespace tiercast::tiering {

/// Counters of one pool, all in blocks.
struct PoolCounts {
  uint64_t taken = 0;       // frames handed out
  uint64_t placed = 0;      // became cached content
  uint64_t duplicated = 0;  // completed, but the pool had the block already
  uint64_t evicted = 0;     // left as victims
  uint64_t dropped = 0;     // left because a gap before them made them useless
  uint64_t returned = 0;    // frames given back that held no cached content
  int64_t first_eviction_ns = -1;
};

/// The HBM pool of one instance: free frames first, then victims that the policy names.
///
/// A frame is free, taken (held by a running sequence, content not complete), or present (holds a
/// cached block: pinned while a running sequence uses it, else evictable). The policy sees present
/// frames only.
class BlockPool {
 public:
  /// Numbers for a pool of so many frames: what tp_pool::slot_count should be.
  static uint32_t slots_for(uint32_t capacity_blocks);

  BlockPool(kvstore::PrefixStore& store, CheckedCache cache, uint32_t block_tokens,
            uint32_t block_bytes);

  uint32_t capacity_blocks() const { return cache_.capacity_blocks(); }
  uint32_t slot_count() const { return cache_.slot_count(); }
  uint32_t free_blocks() const { return free_; }
  /// Frames that take() can hand out.
  uint32_t available_blocks() const { return free_ + cache_.evictable_blocks(); }
  /// Frames in use by running sequences: taken, or present and pinned.
  uint32_t busy_blocks() const { return capacity_blocks() - available_blocks(); }
  uint32_t present_blocks() const { return cache_.present_blocks(); }

  uint32_t hit_blocks(kvstore::NodeId leaf) const { return store_->hit_blocks(leaf, id_); }
  /// Of the first `blocks` blocks, how many count as available now and would not once pinned.
  uint32_t unpinned_blocks(kvstore::NodeId leaf, uint32_t blocks) const {
    return store_->unpinned_blocks(leaf, id_, blocks);
  }

  /// Pins the way to `leaf`, of which the first `hit` blocks are used again. `asked`: blocks of
  /// the prompt, which the policy hears of before that; 0: it has heard of them.
  void pin(int64_t now_ns, kvstore::NodeId leaf, uint32_t hit, const tp_request* request = nullptr,
           uint32_t asked = 0);
  void unpin(int64_t now_ns, kvstore::NodeId leaf);

  /// Hands out `count` <= available_blocks() frames, appended to `out`.
  void take(int64_t now_ns, uint32_t count, std::vector<tp_span>& out);
  void give_back(std::span<const tp_span> frames);
  /// From now on what take() evicts is appended to `out` too, each node held for the receiver.
  void tell_departed(std::vector<Piece>* out) { departed_ = out; }
  /// From now on, the pool being empty, departing pieces have owners.
  void keep_owners() { owners_.emplace(slot_count()); }
  /// From now on an index that is late hears of every block that comes and goes.
  void tell_index(LateIndex* index) { index_ = index; }

  /// Blocks from `depth` on are complete in these taken frames. Frames whose block the pool has
  /// already stay taken and are appended to `duplicates`. The policy hears of all blocks placed
  /// since the last announce() in one call; where it reads requests, in one for each request.
  void place(int64_t now_ns, kvstore::NodeId leaf, uint32_t depth, std::span<const tp_span> frames,
             std::vector<tp_span>& duplicates, const tp_request* request = nullptr);
  void announce(int64_t now_ns);

  // What the policy hears of besides, each where it wants to.
  void request(int64_t now_ns, const tp_request& request, uint32_t phase) {
    cache_.request(now_ns, request, phase);
  }
  void hint(int64_t now_ns, uint64_t session, std::span<const tp_hint> hints) {
    cache_.hint(now_ns, session, hints);
  }
  bool hears_of_requests() const { return cache_.hears_of_requests(); }
  bool reads_blocks() const { return cache_.reads_blocks(); }
  /// Its views say all from now on: see BlockViews::tell_all.
  void tell_all(std::span<const uint64_t> recompute_ns);

  const PoolCounts& counts() const { return counts_; }
  /// Digest of every transition so far, each with its time; grouping into calls or spans does not
  /// show.
  uint64_t digest() const { return digest_.value(); }
  uint64_t policy_hash() const { return cache_.hash_state(); }
  uint64_t policy_calls() const { return cache_.policy_calls(); }
  kvstore::PoolId id() const { return id_; }

 private:
  // Blocks that one request placed: spans of placed_ up to where the next begin.
  struct Batch {
    std::optional<tp_request> request;
    size_t first_span = 0;
  };
  void look_up(int64_t now_ns, kvstore::NodeId leaf, uint32_t blocks, const tp_request* request);
  void take_note(const tp_request* request);
  void insert(int64_t now_ns, std::span<const tp_span> spans, const tp_request* request);
  void free_frames(tp_span frames);
  void evict(int64_t now_ns, uint32_t count);

  kvstore::PrefixStore* store_;
  CheckedCache cache_;
  kvstore::PoolId id_;
  BlockViews views_;
  BlockViews asked_views_;
  uint32_t free_;
  FrameNumbers numbers_;
  std::vector<tp_span> placed_;  // not yet announced
  std::vector<tp_span> fresh_;   // scratch of place()
  std::vector<Batch> batches_;   // of placed_, where the policy reads requests
  std::optional<OwnersBySlot> owners_;
  std::vector<tp_span> scratch_;
  std::vector<tp_span> orphans_;
  PoolCounts counts_;
  TransitionDigest digest_;
  std::vector<Piece>* departed_ = nullptr;
  LateIndex* index_ = nullptr;
};

}  // namespace tiercast::tiering
