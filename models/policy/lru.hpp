#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "models/policy/cache_policy.hpp"
#include "models/policy/run_list.hpp"

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
    backward(spans, [&](tp_span span) {
      at.slots.evictable_runs_backward(span, [&](tp_span run) { unused_.renew(run); });
    });
  }

  void remove(const Notice& at, uint32_t /*reason*/, Spans spans) {
    backward(spans, [&](tp_span span) {
      at.slots.evictable_runs_backward(span, [&](tp_span run) { unused_.detach(run); });
    });
  }

  void set_evictable(const Notice&, bool on, Spans spans) {
    if (on) {
      backward(spans, [&](tp_span span) { unused_.append(span); });
    } else {
      backward(spans, [&](tp_span span) { unused_.detach(span); });
    }
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
    RunList::archive(self.unused_, archive);
  }

 private:
  /// Walks a batch from its tail, fetching ahead the list nodes it will meet.
  template <class Visit>
  void backward(Spans spans, Visit visit) const {
    constexpr std::size_t node_ahead = 24;
    constexpr std::size_t neighbours_ahead = 8;
    const std::size_t size = spans.size();
    const auto slot = [&](std::size_t i) { return spans[size - 1 - i].first_slot; };
    if (size > 1) {
      for (std::size_t i = 0; i < std::min(node_ahead, size); ++i) unused_.prefetch_node(slot(i));
      for (std::size_t i = 0; i < std::min(neighbours_ahead, size); ++i) {
        unused_.prefetch_neighbours(slot(i));
      }
    }
    for (std::size_t i = 0; i < size; ++i) {
      if (i + node_ahead < size) unused_.prefetch_node(slot(i + node_ahead));
      if (i + neighbours_ahead < size) unused_.prefetch_neighbours(slot(i + neighbours_ahead));
      visit(spans[size - 1 - i]);
    }
  }

  template <class Visit>
  void for_victims(uint32_t need, Visit visit) const {
    unused_.for_runs([&](tp_span run) {
      const uint32_t taken = run.count < need ? run.count : need;
      visit(tp_span{run.first_slot + (run.count - taken), taken});
      need -= taken;
      return need != 0;
    });
  }

  RunList unused_;  // evictable blocks
};

}  // namespace tiercast::policy
