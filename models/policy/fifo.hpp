#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "models/policy/arrival_order.hpp"
#include "models/policy/bit_index.hpp"
#include "models/policy/cache_policy.hpp"

namespace tiercast::policy {

/// First in, first out: the block that entered the pool first leaves first, however often it was
/// used. Blocks in use are passed over and keep their place.
class Fifo {
 public:
  static constexpr std::string_view name = "fifo";
  static constexpr uint32_t capabilities = 0;
  static constexpr VictimOrder victim_order = VictimOrder::upwards;
  static constexpr uint32_t capacity_blocks_max = ArrivalOrder::capacity_max;
  static std::span<const Parameter> parameters() { return {}; }

  Fifo(const tp_pool& pool, const ParameterValues&, uint64_t /*seed*/)
      : order_(pool.slot_count, pool.capacity_blocks),
        candidates_(ArrivalOrder::positions_for(pool.capacity_blocks)) {}

  void prefetch(uint32_t slot) const { order_.prefetch(slot); }
  void prefetch(uint32_t slot, const tp_block*) const { order_.prefetch(slot); }

  void insert(const Notice&, uint32_t slot, const tp_block*) {
    if (order_.full()) {
      order_.compact([&](uint32_t from, uint32_t to) { candidates_.move(from, to); });
    }
    order_.append(slot, 0);
  }

  void touch(const Notice&, uint32_t) {}

  void remove(const Notice&, uint32_t /*reason*/, uint32_t slot) {
    candidates_.clear(order_.position(slot));
    order_.release(slot);
  }

  void set_evictable(const Notice&, bool on, uint32_t slot) {
    if (on) {
      candidates_.set(order_.position(slot));
    } else {
      candidates_.clear(order_.position(slot));
    }
  }

  template <class Victims>
  void select(uint32_t need, Victims& victims) const {
    uint32_t position = candidates_.find_at_or_after(0);
    for (; need != 0; --need, position = candidates_.find_at_or_after(position + 1)) {
      victims.take(order_.slot_at(position));
    }
  }

  template <class Verdicts>
  void commit(uint32_t need, Verdicts& verdicts) {
    uint32_t position = candidates_.find_at_or_after(0);
    for (; need != 0; --need, position = candidates_.find_at_or_after(position + 1)) {
      if (verdicts.accepts(order_.slot_at(position))) candidates_.clear(position);
    }
  }

  void hash(StateHash& hash) const {
    order_.for_slots([&](uint32_t slot) { hash.add(slot); });
  }

  template <class Self, class Archive>
  static void archive(Self& self, Archive& archive) {
    ArrivalOrder::archive(self.order_, archive);
    BitIndex::archive(self.candidates_, archive);
  }

 private:
  ArrivalOrder order_;
  BitIndex candidates_;  // positions of evictable blocks
};

}  // namespace tiercast::policy
