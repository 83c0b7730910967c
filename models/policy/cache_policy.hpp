#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "models/policy/parameters.hpp"
#include "models/policy/slot_states.hpp"
#include "models/policy/state_archive.hpp"
#include "models/policy/tierpolicy.h"
#include "models/policy/victims.hpp"

namespace tiercast::policy {

using Spans = std::span<const tp_span>;

/// What a policy may read during a notice.
struct Notice {
  int64_t now_ns;
  const tp_request* request;  ///< NULL where none is behind the call
  const SlotStates& slots;    ///< as before this notice
};

/// The block views of an insert, one a block of the batch; empty where the host gave none.
class Blocks {
 public:
  explicit Blocks(const tp_block* first)
      : first_(reinterpret_cast<const char*>(first)), stride_(first != nullptr ? first->size : 0) {}

  bool empty() const { return first_ == nullptr; }
  /// The view of the index-th block, NULL where the host gave none.
  const tp_block* operator[](std::size_t index) const {
    return reinterpret_cast<const tp_block*>(first_ + index * stride_);
  }

 private:
  const char* first_;
  std::size_t stride_;
};

/// Walks the blocks of a batch in order.
class BlockCursor {
 public:
  explicit BlockCursor(Spans spans) : spans_(spans) {}
  bool done() const { return span_ == spans_.size(); }
  uint32_t slot() const { return spans_[span_].first_slot + offset_; }
  std::size_t index() const { return index_; }
  void step() {
    ++index_;
    if (++offset_ == spans_[span_].count) {
      ++span_;
      offset_ = 0;
    }
  }

 private:
  Spans spans_;
  std::size_t span_ = 0;
  uint32_t offset_ = 0;
  std::size_t index_ = 0;
};

/// What every policy class has. Its caller, CacheAdapter, has already checked each argument: spans
/// in range and free of doubles, slots in a state that the call allows, time not running backwards,
/// no more victims asked for than there are evictable blocks.
template <class P>
concept CachePolicyBase = requires(P policy, const P& same, const tp_pool& pool,
                                   const ParameterValues& values, StateHash& hash,
                                   StateSizer& sizer, VictimWriter<P::victim_order>& victims,
                                   Verdicts<P::victim_order>& verdicts) {
  { P::name } -> std::convertible_to<std::string_view>;  // NUL-terminated, static storage
  { P::capabilities } -> std::convertible_to<uint32_t>;
  { P::capacity_blocks_max } -> std::convertible_to<uint32_t>;
  { P::parameters() } -> std::same_as<std::span<const Parameter>>;
  P(pool, values, uint64_t{});
  same.select(uint32_t{}, victims);     // names blocks in eviction order; fewer: it refuses
  policy.commit(uint32_t{}, verdicts);  // names the same blocks again and acts on the verdicts
  same.hash(hash);
  P::archive(same, sizer);
};

/// A policy that takes spans whole. It declares TP_CAP_SPANS.
template <class P>
concept SpanCachePolicy = CachePolicyBase<P> &&
    requires(P policy, const Notice& at, Spans spans, Blocks blocks) {
  policy.insert(at, spans, blocks);
  policy.touch(at, spans);
  policy.remove(at, uint32_t{}, spans);  // reason: TP_REMOVED_*
  policy.set_evictable(at, bool{}, spans);
};

/// A policy that takes one block at a time. prefetch(slot) and prefetch(slot, block) come some
/// blocks ahead of a notice and of an insert, and may do nothing.
template <class P>
concept BlockCachePolicy = CachePolicyBase<P> &&
    requires(P policy, const P& same, const Notice& at, const tp_block* block) {
  policy.insert(at, uint32_t{}, block);
  policy.touch(at, uint32_t{});
  policy.remove(at, uint32_t{}, uint32_t{});  // reason: TP_REMOVED_*
  policy.set_evictable(at, bool{}, uint32_t{});
  same.prefetch(uint32_t{});
  same.prefetch(uint32_t{}, block);
};

}  // namespace tiercast::policy
