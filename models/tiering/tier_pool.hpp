#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "models/kvstore/prefix_store.hpp"
#include "models/policy/flat_array.hpp"
#include "models/tiering/block_views.hpp"
#include "models/tiering/checked_cache.hpp"
#include "models/tiering/frame_numbers.hpp"
#include "models/tiering/late_index.hpp"
#include "models/tiering/piece.hpp"
#include "models/tiering/run_fault.hpp"
#include "models/tiering/transition_digest.hpp"

namespace tiercast::tiering {

/// Counters of one pool below GPU memory, in blocks. At any time
/// reserved = arrived + arriving, and arrived = evicted + present.
struct TierPoolCounts {
  uint64_t reserved = 0;  ///< frames handed to stores
  uint64_t arrived = 0;
  uint64_t evicted = 0;
  uint64_t refused = 0;  ///< of stores for which no frame could be had, or that the policy refused
  int64_t first_eviction_ns = -1;

  TierPoolCounts& operator+=(const TierPoolCounts& other);
};

/// A run filled a pool as far as it is simulated, though the real one is larger.
class PoolTooLarge : public RunFault {
 public:
  explicit PoolTooLarge(const std::string& tier, uint64_t blocks);
};

/// One pool of a tier below GPU memory. A frame is free, arriving (a store is on its way), or ready
/// (readable; pinned while transfers read it, else evictable). Blocks come in any order and gaps
/// may lie anywhere.
class TierPool {
 public:
  TierPool(kvstore::PrefixStore& store, CheckedCache cache, uint32_t block_tokens,
           uint32_t block_bytes);

  kvstore::PoolId ready() const { return ready_; }
  kvstore::PoolId arriving() const { return arriving_; }
  /// From now on, the pool being empty, there is an index that hears of it `delay_ns` later.
  void keep_index(int64_t delay_ns);
  /// Brings that index to `now_ns`: it knows of what happened at now_ns - delay_ns or before.
  void catch_up(int64_t now_ns);
  /// What it knows: `ready()` itself where no index is kept.
  kvstore::PoolId known() const { return index_ == nullptr ? ready_ : index_->known(); }

  uint32_t capacity_blocks() const { return cache_.capacity_blocks(); }
  uint32_t used_blocks() const { return capacity_blocks() - free_; }
  uint32_t present_blocks() const { return cache_.present_blocks(); }

  /// Frames for as many leading blocks of the piece as the policy admits and as can be had,
  /// arriving from now on; answers how many: those for which there are free frames where the policy
  /// refuses victims for more. None of the piece may be ready or arriving. `departed` (may be NULL)
  /// receives what was evicted for it, each node held once for the receiver.
  uint32_t reserve(int64_t now_ns, const Piece& piece, std::vector<Piece>* departed,
                   const tp_request* request = nullptr);
  /// Blocks that nobody wants to store here after all: what lies before them was refused.
  void refuse(uint32_t blocks) { counts_.refused += blocks; }
  /// Arriving blocks are there. They are the request's, or where there is none the piece's owner's.
  void arrive(int64_t now_ns, const Piece& piece, const tp_request* request = nullptr);

  /// Ready blocks are being read, or no longer.
  void pin(int64_t now_ns, const Piece& piece);
  void unpin(int64_t now_ns, const Piece& piece);
  /// Those of the piece that are ready leave; nothing reads them.
  void drop(int64_t now_ns, const Piece& piece);
  /// Ready blocks were used again.
  void touch(int64_t now_ns, const Piece& piece, const tp_request* request = nullptr);

  // What the policy hears of besides, each where it wants to.
  void request(int64_t now_ns, const tp_request& request, uint32_t phase) {
    cache_.request(now_ns, request, phase);
  }
  void hint(int64_t now_ns, uint64_t session, std::span<const tp_hint> hints) {
    cache_.hint(now_ns, session, hints);
  }
  bool hears_of_requests() const { return cache_.hears_of_requests() || cache_.wants_admission(); }
  bool reads_blocks() const { return cache_.reads_blocks(); }
  /// Its views say all from now on: see BlockViews::tell_all.
  void tell_all(std::span<const uint64_t> recompute_ns) { views_.tell_all(recompute_ns); }
  /// From now on, the pool being empty, departing pieces have owners.
  void keep_owners() { owners_.emplace(cache_.slot_count()); }

  const TierPoolCounts& counts() const { return counts_; }
  uint64_t digest() const { return digest_.value(); }
  uint64_t policy_calls() const { return cache_.policy_calls(); }

 private:
  uint32_t ask(int64_t now_ns, const Piece& piece, const tp_request* request);
  bool evict(int64_t now_ns, uint32_t count, std::vector<Piece>* departed);
  // Ready frames that the policy has heard of for the last time are free.
  void forget(int64_t now_ns, std::span<const tp_span> frames, std::vector<Piece>* departed);
  // Frames of the piece whose pin count crosses zero; into scratch_.
  template <class Crosses>
  void crossing(const Piece& piece, Crosses crosses);

  kvstore::PrefixStore* store_;
  CheckedCache cache_;
  kvstore::PoolId ready_;
  kvstore::PoolId arriving_;
  BlockViews views_;
  uint32_t free_;
  FrameNumbers numbers_;
  std::unique_ptr<LateIndex> index_;
  int64_t index_delay_ns_ = 0;
  policy::FlatArray<uint16_t> pins_;  // by slot: transfers that read it
  std::optional<OwnersBySlot> owners_;
  std::vector<tp_span> frames_;  // scratch
  std::vector<tp_span> scratch_;
  TierPoolCounts counts_;
  TransitionDigest digest_;
};

}  // namespace tiercast::tiering
