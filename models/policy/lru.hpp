#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "models/policy/cache_policy.hpp"
#include "models/policy/run_lists.hpp"

namespace tiercast::policy {

/// Least recently used, tail first, as vLLM v1's GPU block pool: blocks whose last user leaves are
/// put down in reverse order of the prefix, so that of one request the tail goes first and the head
/// stays longest. Source: vLLM v1, vllm/v1/core/block_pool.py and kv_cache_utils.py
/// (FreeKVCacheBlockQueue); a touch of unused blocks walks in reverse as in
/// vllm/v1/kv_offload/cpu/policies/lru.py.
class Lru {
 public:
  static constexpr std::string_view name = "lru";
  static constexpr uint32_t capabilities = TP_CAP_SPANS | TP_CAP_PREFIX_CLOSED;
  static constexpr VictimOrder victim_order = VictimOrder::downwards;
  static constexpr uint32_t capacity_blocks_max = UINT32_MAX - 1;
  static std::span<const Parameter> parameters() { return {}; }

  Lru(const tp_pool& pool, const ParameterValues&, uint64_t /*seed*/) : unused_(pool.slot_count) {}

  void insert(const Notice&, Spans, Blocks) {}

  void touch(const Notice& at, Spans spans) {
    for_unused_runs(at, spans, [&](tp_span run) { unused_.renew(run); });
  }

  void remove(const Notice& at, uint32_t /*reason*/, Spans spans) {
    for_unused_runs(at, spans, [&](tp_span run) { unused_.detach(run); });
  }

  void set_evictable(const Notice&, bool on, Spans spans) {
    unused_.for_spans_backward(spans, [&](tp_span span) {
      if (on) return unused_.append(span);
      unused_.detach(span);
    });
  }

  template <class Victims>
  void select(uint32_t need, Victims& victims) const {
    for_victims(need, [&](tp_span run) { victims.take(run); });
  }

  template <class Verdicts>
  void commit(uint32_t need, Verdicts& verdicts) {
    for_victims(need, [&](tp_span run) {
      if (verdicts.accepts(run)) unused_.detach(run);
    });
  }

  void hash(StateHash& hash) const { unused_.hash(hash); }

  template <class Self, class Archive>
  static void archive(Self& self, Archive& archive) {
    RunLists<1>::archive(self.unused_, archive);
  }

 private:
  template <class Visit>
  void for_unused_runs(const Notice& at, Spans spans, Visit visit) const {
    unused_.for_spans_backward(spans, [&](tp_span span) {
      at.slots.for_runs_backward(span, [&](tp_span run, SlotState state) {
        if (state == SlotState::evictable) visit(run);
      });
    });
  }

  template <class Visit>
  void for_victims(uint32_t need, Visit visit) const {
    for (RunLists<1>::Walk walk(unused_); need != 0 && !walk.done();) {
      const tp_span run = walk.next(need);
      need -= run.count;
      visit(run);
    }
  }

  RunLists<1> unused_;  // evictable blocks
};

}  // namespace tiercast::policy
