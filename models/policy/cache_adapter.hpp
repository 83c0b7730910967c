#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <string>
#include <string_view>
#include <type_traits>

#include "models/policy/cache_policy.hpp"
#include "models/policy/call_guard.hpp"
#include "models/policy/saved_state.hpp"

namespace tiercast::policy {

/// Of this library; part of every policy's tp_info.
inline constexpr const char* library_version = "0.1.0";

/// Turns a policy class into a table of the C contract. What policies share is here, once:
/// parameter text, argument checks, the state of slots, the rule of one outstanding answer, save
/// and restore, taking spans apart for per-block policies. No exception leaves a call.
///
///     const tp_cache_table* table = CacheAdapter<Lru>::table();
template <class P>
class CacheAdapter {
 public:
  static const tp_cache_table* table() {
    static constexpr tp_cache_table entries = {
        .size = sizeof(tp_cache_table),
        .reserved = 0,
        .info = info,
        .create = create,
        .destroy = destroy,
        .save = save,
        .restore = restore,
        .hash_state = hash_state,
        .on_request = entry_if<HearsRequests<P>>(on_request),
        .on_insert = on_insert,
        .on_touch = on_touch,
        .on_remove = on_remove,
        .on_evictable = on_evictable,
        .admit = entry_if<Admits<P>>(admit),
        .select = select,
        .commit = commit,
        .abort = abort,
        .on_tick = entry_if<Ticks<P>>(on_tick),
        .next_wakeup = entry_if<Ticks<P>>(next_wakeup),
        .on_lookup = entry_if<LooksUp<P>>(on_lookup),
        .on_hint = entry_if<HearsHints<P>>(on_hint),
    };
    return &entries;
  }

  /// Of a policy that needs to know the future; NULL for any other.
  static const tp_future_table* future_table() {
    if constexpr (NeedsFuture<P>) {
      static constexpr tp_future_table entries = {
          .size = sizeof(tp_future_table), .reserved = 0, .attach = attach};
      return &entries;
    } else {
      return nullptr;
    }
  }

  template <class Self, class Archive>
  static void archive(Self& self, Archive& archive) {
    CallGuard::archive(self.guard_, archive);
    P::archive(self.policy_, archive);
  }

 private:
  static_assert(SpanCachePolicy<P> || BlockCachePolicy<P>);
  static constexpr bool takes_spans = SpanCachePolicy<P>;
  static_assert(takes_spans == ((P::capabilities & TP_CAP_SPANS) != 0));

  static_assert(NeedsFuture<P> == ((P::capabilities & TP_CAP_NEEDS_FUTURE) != 0));
  // Such a policy evicts tails first, so it is told of a batch's blocks from the tail on.
  static constexpr bool tail_first = P::victim_order == VictimOrder::downwards;

  template <bool wanted, class Entry>
  static constexpr Entry* entry_if(Entry* entry) {
    return wanted ? entry : nullptr;
  }

  CacheAdapter(const tp_pool& pool, const ParameterValues& values, uint64_t seed)
      : guard_(pool.slot_count, pool.capacity_blocks),
        policy_(pool, values, seed),
        identity_(identity_of(pool, values, seed)) {}

  static uint64_t identity_of(const tp_pool& pool, const ParameterValues& values, uint64_t seed) {
    const std::string_view name = P::name;
    StateHash hash;
    hash.add(checksum(name.data(), name.size()));
    hash.add(uint64_t{TP_ABI_MAJOR} << 32 | TP_ABI_MINOR);
    hash.add(uint64_t{pool.capacity_blocks} << 32 | pool.slot_count);
    hash.add(uint64_t{pool.block_tokens} << 32 | pool.block_bytes);
    for (std::size_t i = 0; i < values.parameters().size(); ++i) {
      const double value = values[i];
      hash.add(checksum(&value, sizeof value));
    }
    hash.add(seed);
    return hash.value();
  }

  static CacheAdapter* of(tp_cache* self) { return reinterpret_cast<CacheAdapter*>(self); }
  static const CacheAdapter* of(const tp_cache* self) {
    return reinterpret_cast<const CacheAdapter*>(self);
  }

  static const tp_info* info() noexcept {
    static constexpr tp_info facts = {.size = sizeof(tp_info),
                                      .abi_major = TP_ABI_MAJOR,
                                      .abi_minor = TP_ABI_MINOR,
                                      .capabilities = P::capabilities,
                                      .name = P::name.data(),
                                      .version = library_version};
    return &facts;
  }

  static int create(const char* config, const tp_pool* pool, uint64_t seed, tp_cache** out,
                    char* error, size_t error_size) noexcept {
    const auto fail = [&](int code, std::string_view message) {
      return refuse(code, message, error, error_size);
    };
    if (config == nullptr || pool == nullptr || out == nullptr ||
        pool->size < offsetof(tp_pool, slot_count)) {
      return fail(TP_EINVAL, "create needs a config, a pool as of this version, and out");
    }
    try {
      if (pool->capacity_blocks == 0 || pool->capacity_blocks > P::capacity_blocks_max) {
        return fail(TP_EINVAL, "capacity must be 1 to " + std::to_string(P::capacity_blocks_max) +
                                   " blocks, not " + std::to_string(pool->capacity_blocks));
      }
      tp_pool known{};  // as of this version, whatever the host was compiled with
      std::memcpy(&known, pool, std::min<std::size_t>(pool->size, sizeof known));
      if (known.slot_count == 0) known.slot_count = known.capacity_blocks;
      if (known.slot_count < known.capacity_blocks || known.slot_count > P::capacity_blocks_max) {
        return fail(TP_EINVAL, "slots must be at least the capacity and at most " +
                                   std::to_string(P::capacity_blocks_max) + ", not " +
                                   std::to_string(known.slot_count));
      }
      ParameterValues values(P::parameters());
      std::string wrong = read_parameters(values, config);
      if constexpr (ChecksParameters<P>) wrong = wrong.empty() ? P::check(values) : wrong;
      if (!wrong.empty()) return fail(TP_EINVAL, wrong);
      *out = reinterpret_cast<tp_cache*>(new CacheAdapter(known, values, seed));
      return TP_OK;
    } catch (const std::exception&) {
      return fail(TP_ENOMEM, "not enough memory");
    }
  }

  static void destroy(tp_cache* self) noexcept { delete of(self); }

  static int save(const tp_cache* self, void* buffer, size_t capacity, size_t* size) noexcept {
    if (self == nullptr || size == nullptr) return TP_EINVAL;
    const CacheAdapter& cache = *of(self);
    if (cache.guard_.answer_outstanding()) return TP_ESTATE;
    return save_state(cache, cache.identity_, buffer, capacity, size);
  }

  static int restore(tp_cache* self, const void* buffer, size_t size) noexcept {
    if (self == nullptr || buffer == nullptr) return TP_EINVAL;
    CacheAdapter& cache = *of(self);
    if (cache.guard_.answer_outstanding()) return TP_ESTATE;
    return restore_state(cache, cache.identity_, buffer, size);
  }

  static uint64_t hash_state(const tp_cache* self) noexcept {
    if (self == nullptr) return 0;
    StateHash hash;
    hash.add(of(self)->identity_);
    of(self)->guard_.slots().hash(hash);
    of(self)->policy_.hash(hash);
    return hash.value();
  }

  template <class Ahead, class Visit>
  static void for_blocks(Spans spans, Ahead ahead, Visit visit) {
    walk_blocks<std::conditional_t<tail_first, TailCursor, BlockCursor>>(spans, ahead, visit);
  }

  /// Checks a notice and, where it is fine, hands it to `act` and moves its slots to `to`.
  template <class Act>
  static int notice(tp_cache* self, int64_t now_ns, const tp_request* request, const tp_span* spans,
                    size_t span_count, SlotSet allowed, SlotState to, Act act) {
    CacheAdapter& cache = *of(self);
    const int code = cache.guard_.check_notice(now_ns, spans, span_count, allowed, false);
    if (code != TP_OK) return code;
    const Spans batch(spans, span_count);
    act(cache.policy_, Notice{now_ns, request, cache.guard_.slots()}, batch);
    SlotStates& slots = cache.guard_.slots();
    for (const tp_span span : batch) {
      const SlotState first = slots.state(span.first_slot);
      if (span.count == 1 || allowed == set_of(first)) {
        slots.move(span, first, to);
      } else {
        slots.assign(span, to);
      }
    }
    return TP_OK;
  }

  static int on_insert(tp_cache* self, int64_t now_ns, const tp_request* request,
                       const tp_span* spans, size_t span_count, const tp_block* first) noexcept {
    constexpr bool reads_keys =
        (P::capabilities & (TP_CAP_READS_KEYS | TP_CAP_READS_BLOCKS | TP_CAP_NEEDS_FUTURE)) != 0;
    if (self == nullptr) return TP_EINVAL;
    if ((reads_keys && first == nullptr && span_count != 0) || !good_views(first)) return TP_EINVAL;
    const Blocks blocks(first);
    return notice(self, now_ns, request, spans, span_count, SlotSet::absent, SlotState::pinned,
                  [&](P& policy, const Notice& at, Spans batch) {
                    if constexpr (takes_spans) {
                      policy.insert(at, batch, blocks);
                    } else {
                      for_blocks(
                          batch, [&](uint32_t slot, size_t i) { policy.prefetch(slot, blocks[i]); },
                          [&](uint32_t slot, size_t i) { policy.insert(at, slot, blocks[i]); });
                    }
                  });
  }

  static int on_touch(tp_cache* self, int64_t now_ns, const tp_request* request,
                      const tp_span* spans, size_t span_count) noexcept {
    if (self == nullptr) return TP_EINVAL;
    CacheAdapter& cache = *of(self);
    const int code = cache.guard_.check_notice(now_ns, spans, span_count, SlotSet::present, true);
    if (code != TP_OK) return code;
    const Notice at{now_ns, request, cache.guard_.slots()};
    if constexpr (takes_spans) {
      cache.policy_.touch(at, Spans(spans, span_count));
    } else {
      const auto ahead = [&](uint32_t slot, size_t) {
        if constexpr (PrefetchesTouch<P>) return cache.policy_.prefetch_touch(slot);
        cache.policy_.prefetch(slot);
      };
      for_blocks(Spans(spans, span_count), ahead,
                 [&](uint32_t slot, size_t) { cache.policy_.touch(at, slot); });
    }
    return TP_OK;
  }

  static int on_remove(tp_cache* self, int64_t now_ns, uint32_t reason, const tp_span* spans,
                       size_t span_count) noexcept {
    if (self == nullptr) return TP_EINVAL;
    if (reason < TP_REMOVED_EVICTED || reason > TP_REMOVED_FAILED) return TP_EINVAL;
    return notice(self, now_ns, nullptr, spans, span_count, SlotSet::present, SlotState::absent,
                  [&](P& policy, const Notice& at, Spans batch) {
                    if constexpr (takes_spans) {
                      policy.remove(at, reason, batch);
                    } else {
                      for_blocks(
                          batch, [&](uint32_t slot, size_t) { policy.prefetch(slot); },
                          [&](uint32_t slot, size_t) { policy.remove(at, reason, slot); });
                    }
                  });
  }

  static int on_evictable(tp_cache* self, int64_t now_ns, uint32_t on, const tp_span* spans,
                          size_t span_count) noexcept {
    if (self == nullptr) return TP_EINVAL;
    const bool may_leave = on != 0;
    return notice(
        self, now_ns, nullptr, spans, span_count, may_leave ? SlotSet::held : SlotSet::evictable,
        may_leave ? SlotState::evictable : SlotState::pinned,
        [&](P& policy, const Notice& at, Spans batch) {
          if constexpr (takes_spans) {
            policy.set_evictable(at, may_leave, batch);
          } else {
            for_blocks(
                batch, [&](uint32_t slot, size_t) { policy.prefetch(slot); },
                [&](uint32_t slot, size_t) { policy.set_evictable(at, may_leave, slot); });
          }
        });
  }

  static int select(const tp_cache* self, int64_t now_ns, uint32_t need_blocks, tp_span* out,
                    size_t out_capacity, tp_victims* victims) noexcept {
    if (self == nullptr || victims == nullptr || (out == nullptr && out_capacity != 0)) {
      return TP_EINVAL;
    }
    const CacheAdapter& cache = *of(self);
    const int code = cache.guard_.check_select(now_ns, need_blocks);
    if (code != TP_OK) return code;
    VictimWriter<P::victim_order> writer(out, out_capacity);
    if constexpr (KnowsTime<P>) {
      cache.policy_.select(now_ns, need_blocks, writer);
    } else {
      cache.policy_.select(need_blocks, writer);
    }
    if (writer.blocks() != need_blocks) return TP_EREFUSED;
    victims->span_count = static_cast<uint32_t>(writer.spans());
    victims->block_count = need_blocks;
    if (writer.spans() > out_capacity) return TP_ESPACE;
    victims->token = cache.guard_.open_answer(now_ns, need_blocks);
    return TP_OK;
  }

  static int commit(tp_cache* self, int64_t now_ns, uint64_t token,
                    const uint8_t* accepted) noexcept {
    if (self == nullptr) return TP_EINVAL;
    CacheAdapter& cache = *of(self);
    const int code = cache.guard_.check_commit(now_ns, token);
    if (code != TP_OK) return code;
    Verdicts<P::victim_order> verdicts(accepted, cache.guard_.slots());
    const uint32_t need_blocks = cache.guard_.close_answer();
    if constexpr (KnowsTime<P>) {
      cache.policy_.commit(cache.guard_.answered_ns(), need_blocks, verdicts);
    } else {
      cache.policy_.commit(need_blocks, verdicts);
    }
    return TP_OK;
  }

  static int abort(tp_cache* self, uint64_t token) noexcept {
    if (self == nullptr) return TP_EINVAL;
    CacheAdapter& cache = *of(self);
    const int code = cache.guard_.check_token(token);
    if (code == TP_OK) cache.guard_.close_answer();
    return code;
  }

  /// A call about no slots; act where the time is fine.
  template <class Act>
  static int call(tp_cache* self, int64_t now_ns, const tp_request* request, Act act) {
    if (self == nullptr) return TP_EINVAL;
    CacheAdapter& cache = *of(self);
    const int code = cache.guard_.check_notice(now_ns, nullptr, 0, SlotSet::present, true);
    if (code == TP_OK) act(cache.policy_, Notice{now_ns, request, cache.guard_.slots()});
    return code;
  }

  static bool good_views(const tp_block* first) {
    return first == nullptr ||
           (first->size >= sizeof(tp_block) && first->size % alignof(tp_block) == 0);
  }

  static int on_request(tp_cache* self, int64_t now_ns, const tp_request* request,
                        uint32_t phase) noexcept {
    if (request == nullptr || phase < TP_PHASE_ARRIVE || phase > TP_PHASE_RESUME) return TP_EINVAL;
    return call(self, now_ns, request, [&](P& policy, const Notice& at) {
      if constexpr (HearsRequests<P>) policy.request(at, phase);
    });
  }

  static int on_lookup(tp_cache* self, int64_t now_ns, const tp_request* request,
                       const tp_block* blocks, size_t block_count, size_t hit_count) noexcept {
    if (hit_count > block_count || !good_views(blocks)) return TP_EINVAL;
    if (blocks == nullptr && block_count != 0) return TP_EINVAL;
    return call(self, now_ns, request, [&](P& policy, const Notice& at) {
      if constexpr (LooksUp<P>) policy.lookup(at, Blocks(blocks), block_count, hit_count);
    });
  }

  static int on_hint(tp_cache* self, int64_t now_ns, uint64_t session, const tp_hint* hints,
                     size_t hint_count) noexcept {
    if (hints == nullptr && hint_count != 0) return TP_EINVAL;
    return call(self, now_ns, nullptr, [&](P& policy, const Notice& at) {
      if constexpr (HearsHints<P>) policy.hint(at, session, std::span(hints, hint_count));
    });
  }

  static int admit(tp_cache* self, int64_t now_ns, const tp_request* request,
                   const tp_block* blocks, size_t block_count, uint8_t* verdicts) noexcept {
    if (!good_views(blocks)) return TP_EINVAL;
    if ((blocks == nullptr || verdicts == nullptr) && block_count != 0) return TP_EINVAL;
    return call(self, now_ns, request, [&](P& policy, const Notice& at) {
      if constexpr (Admits<P>) policy.admit(at, Blocks(blocks), block_count, verdicts);
    });
  }

  static int on_tick(tp_cache* self, int64_t now_ns) noexcept {
    return call(self, now_ns, nullptr, [&](P& policy, const Notice& at) {
      if constexpr (Ticks<P>) policy.tick(at);
    });
  }

  static int64_t next_wakeup(const tp_cache* self, int64_t now_ns) noexcept {
    if constexpr (Ticks<P>)
      return self == nullptr ? INT64_MAX : of(self)->policy_.next_wakeup(now_ns);
    return INT64_MAX;
  }

  static int attach(tp_cache* self, const tp_future* future) noexcept {
    if (self == nullptr || future == nullptr || future->size < sizeof(tp_future) ||
        future->next_use_ns == nullptr) {
      return TP_EINVAL;
    }
    if constexpr (NeedsFuture<P>) of(self)->policy_.attach(*future);
    return TP_OK;
  }

  CallGuard guard_;
  P policy_;
  uint64_t identity_;
};

}  // namespace tiercast::policy
