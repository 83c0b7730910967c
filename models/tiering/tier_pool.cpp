#include "models/tiering/tier_pool.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "sim/base/check.hpp"

namespace tiercast::tiering {

using kvstore::BlockSum;

TierPoolCounts& TierPoolCounts::operator+=(const TierPoolCounts& other) {
  reserved += other.reserved;
  arrived += other.arrived;
  evicted += other.evicted;
  refused += other.refused;
  const int64_t first = other.first_eviction_ns;
  if (first >= 0 && (first_eviction_ns < 0 || first < first_eviction_ns)) first_eviction_ns = first;
  return *this;
}

PoolTooLarge::PoolTooLarge(const std::string& tier, uint64_t blocks)
    : RunFault("tier '" + tier + "' holds more than the " + std::to_string(blocks) +
               " blocks of a pool that are simulated: raise engine.block_tokens, shorten "
               "the run, or give the tier a smaller capacity") {}

TierPool::TierPool(kvstore::PrefixStore& store, CheckedCache cache, uint32_t block_tokens,
                   uint32_t block_bytes)
    : store_(&store),
      cache_(std::move(cache)),
      ready_(store.add_pool(cache_.slot_count())),
      arriving_(store.add_pool(cache_.slot_count())),
      views_(block_tokens, block_bytes, 0),
      free_(cache_.capacity_blocks()),
      numbers_(cache_.slot_count()),
      pins_(cache_.slot_count()) {}

void TierPool::keep_index(int64_t delay_ns) {
  index_ = std::make_unique<LateIndex>(*store_, cache_.slot_count());
  index_delay_ns_ = delay_ns;
}

void TierPool::catch_up(int64_t now_ns) {
  if (index_ != nullptr) index_->replay_before(now_ns - index_delay_ns_ + 1);
}

// Tells the policy of blocks that are missing here and wanted; answers how many of them, from the
// first on, it takes in.
uint32_t TierPool::ask(int64_t now_ns, const Piece& piece, const tp_request* request) {
  if (!cache_.wants_lookups() && !cache_.wants_admission()) return piece.count;
  const BlockOwner owner = request != nullptr ? BlockOwner::of(request) : piece.owner;
  const std::span<const tp_block> views =
      views_.of_way(*store_, ready_, piece.node, piece.depth, piece.count, 0, owner);
  cache_.lookup(now_ns, views, 0, request);
  return static_cast<uint32_t>(cache_.admitted(now_ns, views, request));
}

uint32_t TierPool::reserve(int64_t now_ns, const Piece& piece, std::vector<Piece>* departed,
                           const tp_request* request) {
  uint32_t count = std::min(ask(now_ns, piece, request), free_ + cache_.evictable_blocks());
  if (count > free_ && !evict(now_ns, count - free_, departed)) count = free_;
  counts_.refused += piece.count - count;
  if (count == 0) return 0;
  free_ -= count;
  counts_.reserved += count;
  frames_.clear();
  numbers_.take(count, frames_);
  store_->fill(piece.node, arriving_, piece.depth, frames_);
  return count;
}

bool TierPool::evict(int64_t now_ns, uint32_t count, std::vector<Piece>* departed) {
  scratch_.clear();
  if (!cache_.take_victims(now_ns, count, scratch_)) return false;
  if (counts_.first_eviction_ns < 0) counts_.first_eviction_ns = now_ns;
  forget(now_ns, scratch_, departed);
  return true;
}

void TierPool::forget(int64_t now_ns, std::span<const tp_span> frames,
                      std::vector<Piece>* departed) {
  if (index_ != nullptr) index_->removed(now_ns, frames);
  if (departed != nullptr) {
    const OwnersBySlot* const owners = owners_ ? &*owners_ : nullptr;
    for (const tp_span& span : frames) hold_pieces(*store_, ready_, span, owners, *departed);
  }
  const BlockSum sum = store_->evict(ready_, frames);
  for (const tp_span& span : frames) {
    free_ += span.count;
    numbers_.give_back(span);
  }
  counts_.evicted += sum.blocks;
  digest_.add(now_ns, Transition::evicted, sum);
}

void TierPool::arrive(int64_t now_ns, const Piece& piece, const tp_request* request) {
  frames_.clear();
  const BlockSum sum =
      store_->pass_on(piece.node, arriving_, ready_, piece.depth, piece.count, frames_);
  if (index_ != nullptr) index_->added(now_ns, ready_, frames_);
  counts_.arrived += piece.count;
  digest_.add(now_ns, Transition::placed, sum);
  const BlockOwner owner = request != nullptr ? BlockOwner::of(request) : piece.owner;
  if (owners_) {
    for (const tp_span& span : frames_) {
      for (uint32_t k = 0; k < span.count; ++k) (*owners_)[span.first_slot + k] = owner;
    }
  }
  cache_.insert(now_ns, frames_,
                cache_.reads_keys() ? views_.of(*store_, ready_, frames_, owner)
                                    : std::span<const tp_block>(),
                request);
  cache_.evictable(now_ns, true, frames_);
}

template <class Crosses>
void TierPool::crossing(const Piece& piece, Crosses crosses) {
  frames_.clear();
  scratch_.clear();
  store_->frames_of(piece.node, ready_, piece.depth, piece.count, frames_);
  for (const tp_span& span : frames_) {
    uint32_t first = span.first_slot;  // of those in a row that cross
    const uint32_t end = span.first_slot + span.count;
    for (uint32_t slot = first; slot < end; ++slot) {
      if (crosses(pins_[slot])) continue;
      if (slot > first) kvstore::add_span(scratch_, {first, slot - first});
      first = slot + 1;
    }
    if (end > first) kvstore::add_span(scratch_, {first, end - first});
  }
}

void TierPool::pin(int64_t now_ns, const Piece& piece) {
  crossing(piece, [](uint16_t& pins) {
    TIERCAST_CHECK(pins < std::numeric_limits<uint16_t>::max(), "too many transfers of one block");
    return pins++ == 0;
  });
  if (!scratch_.empty()) cache_.evictable(now_ns, false, scratch_);
}

void TierPool::unpin(int64_t now_ns, const Piece& piece) {
  crossing(piece, [](uint16_t& pins) {
    TIERCAST_CHECK(pins > 0, "a transfer ends that none began");
    return --pins == 0;
  });
  if (!scratch_.empty()) cache_.evictable(now_ns, true, scratch_);
}

void TierPool::drop(int64_t now_ns, const Piece& piece) {
  frames_.clear();
  const uint32_t end = piece.depth + piece.count;
  for (uint32_t depth = store_->next_present(piece.node, ready_, piece.depth, end); depth < end;
       depth = store_->next_present(piece.node, ready_, depth, end)) {
    const uint32_t run = store_->run_from(piece.node, ready_, depth, end);
    store_->frames_of(piece.node, ready_, depth, run, frames_);
    depth += run;
  }
  if (frames_.empty()) return;
  cache_.remove(now_ns, TP_REMOVED_DROPPED, frames_);
  forget(now_ns, frames_, nullptr);
}

void TierPool::touch(int64_t now_ns, const Piece& piece, const tp_request* request) {
  frames_.clear();
  store_->frames_of(piece.node, ready_, piece.depth, piece.count, frames_);
  if (owners_ && request != nullptr) renew_owners(*owners_, frames_, *request);
  cache_.touch(now_ns, frames_, request);
  BlockSum sum;
  sum.add(piece.depth, piece.count);
  digest_.add(now_ns, Transition::reused, sum);
}

}  // namespace tiercast::tiering
