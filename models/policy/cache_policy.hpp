#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "models/policy/block_walk.hpp"
#include "models/policy/parameters.hpp"
#include "models/policy/slot_states.hpp"
#include "models/policy/state_archive.hpp"
#include "models/policy/tierpolicy.h"
#include "models/policy/victims.hpp"

namespace tiercast::policy {

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

/// A policy whose choice depends on the time: select(now_ns, need, victims) and
/// commit(now_ns, need, verdicts), both with the time of the select.
template <class P>
concept KnowsTime = requires(const P& same, VictimWriter<P::victim_order>& victims) {
  same.select(int64_t{}, uint32_t{}, victims);
};

template <class P>
concept VictimsByOrder = requires(const P& same, P policy, VictimWriter<P::victim_order>& victims,
                                  Verdicts<P::victim_order>& verdicts) {
  same.select(uint32_t{}, victims);     // names blocks in eviction order; fewer: it refuses
  policy.commit(uint32_t{}, verdicts);  // names the same blocks again and acts on the verdicts
};

/// What every policy class has. Its caller, CacheAdapter, has already checked each argument: spans
/// in range and free of doubles, slots in a state that the call allows, time not running backwards,
/// no more victims asked for than there are evictable blocks.
template <class P>
concept CachePolicyBase = requires(const P& same, const tp_pool& pool,
                                   const ParameterValues& values, StateHash& hash,
                                   StateSizer& sizer) {
  { P::name } -> std::convertible_to<std::string_view>;  // NUL-terminated, static storage
  { P::capabilities } -> std::convertible_to<uint32_t>;
  { P::capacity_blocks_max } -> std::convertible_to<uint32_t>;
  { P::parameters() } -> std::same_as<std::span<const Parameter>>;
  P(pool, values, uint64_t{});
  same.hash(hash);
  P::archive(same, sizer);
}
&&(KnowsTime<P> || VictimsByOrder<P>);

/// A policy that takes spans whole. It declares TP_CAP_SPANS.
template <class P>
concept SpanCachePolicy = CachePolicyBase<P> &&
    requires(P policy, const Notice& at, Spans spans, Blocks blocks) {
  policy.insert(at, spans, blocks);
  policy.touch(at, spans);
  policy.remove(at, uint32_t{}, spans);  // reason: TP_REMOVED_*
  policy.set_evictable(at, bool{}, spans);
};

/// A policy that takes one block at a time: those of a batch in prefix order, or from the tail on
/// where its victims are named downwards. prefetch(slot) and prefetch(slot, block) come some
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

/// A policy whose parameters must fit each other: check(values) says what is wrong, or nothing.
template <class P>
concept ChecksParameters = requires(const ParameterValues& values) {
  { P::check(values) } -> std::same_as<std::string>;
};

/// A per-block policy whose touch reads less than its other notices do: called ahead of a touch in
/// prefetch's stead.
template <class P>
concept PrefetchesTouch = requires(const P& same) {
  same.prefetch_touch(uint32_t{});
};

// What a policy may have besides. Without one of these the table's entry is NULL.

/// Hears of a prompt's blocks before room is made for them: its first `hits` are in the pool.
template <class P>
concept LooksUp = requires(P policy, const Notice& at, Blocks blocks) {
  policy.lookup(at, blocks, std::size_t{} /*count*/, std::size_t{} /*hits*/);
};
/// Hears of requests; at.request is never NULL.
template <class P>
concept HearsRequests = requires(P policy, const Notice& at) {
  policy.request(at, uint32_t{} /*TP_PHASE_*/);
};
template <class P>
concept HearsHints = requires(P policy, const Notice& at, std::span<const tp_hint> hints) {
  policy.hint(at, uint64_t{} /*session*/, hints);
};
template <class P>
concept Admits = requires(P policy, const Notice& at, Blocks blocks, uint8_t* verdicts) {
  policy.admit(at, blocks, std::size_t{}, verdicts);
};
template <class P>
concept Ticks = requires(P policy, const P& same, const Notice& at) {
  policy.tick(at);
  { same.next_wakeup(int64_t{}) } -> std::same_as<int64_t>;
};
/// An offline bound. It keeps the copy it is given and asks it in insert and touch.
template <class P>
concept NeedsFuture = requires(P policy, const tp_future& future) {
  policy.attach(future);
};

}  // namespace tiercast::policy
