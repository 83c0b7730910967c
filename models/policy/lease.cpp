#include <cstdint>
#include <span>
#include <string_view>

#include "models/policy/cache_entry.hpp"
#include "models/policy/flat_array.hpp"
#include "models/policy/slot_queues.hpp"

namespace tiercast::policy {
namespace {

/// By the time leases end, as Mooncake's store master evicts
/// (mooncake-store/src/master_service.cpp, BatchEvict; GrantLease in
/// mooncake-store/include/master_service.h; defaults in types.h). A write grants a lease that ends
/// at once (PutEnd), a read one of `lease`, 10 s, 5 s in earlier releases (GetReplicaList,
/// ExistKey); a later grant never shortens one. Victims are those whose leases have ended, longest
/// ago first, in two passes: those not softly pinned, then, unless `evict_soft` is 0, those that
/// are. Blocks of at least the priority `soft_pin` are softly pinned (a put's with_soft_pin) for
/// `soft_pin_ms` from each write or read. Hard pins are the host's.
///
/// Where leases keep it from naming as many blocks as asked for, Mooncake fails the put
/// (NO_AVAILABLE_HANDLE), and with `refuse` 1 this policy refuses. That suits a pool whose host may
/// go without a store, as Mooncake's memory is; one that must have the room, a GPU's say, takes it
/// for a fault. So by default it goes on: to blocks under lease, then to softly pinned ones under
/// lease or not for eviction, each by the end of leases.
///
/// Which blocks go is exact here; Mooncake takes quantiles of 1,024 shards, more than asked for (to
/// `eviction_ratio` below a watermark, which is for the host to ask), and evicts groups of objects
/// whole or not at all: views tell no groups, so there are none here. Leases that end together,
/// in no order there, go here in order of the grants, of one batch the tail first, writes first.
class Lease {
 public:
  static constexpr std::string_view name = "lease";
  static constexpr uint32_t capabilities = TP_CAP_READS_BLOCKS;
  static constexpr VictimOrder victim_order = VictimOrder::downwards;

  static std::span<const Parameter> parameters() {
    constexpr double month_ms = 31.0 * 24 * 60 * 60 * 1000;
    static constexpr Parameter list[] = {
        {"lease", "ms", ParameterKind::real, 10'000, 0, month_ms,
         "How long a read keeps a block from leaving."},
        {"soft_pin", "priority", ParameterKind::integer, 100, 1, 101,
         "From which on a block is softly pinned; 101: none is."},
        {"soft_pin_ms", "ms", ParameterKind::real, 30.0 * 60 * 1000, 0, month_ms,
         "How long a soft pin holds after the last write or read."},
        {"evict_soft", "", ParameterKind::integer, 1, 0, 1,
         "1: softly pinned blocks leave once no others are left whose leases have ended."},
        {"refuse", "", ParameterKind::integer, 0, 0, 1,
         "1 refuses where leases leave too few blocks; 0 goes on to those under lease."}};
    return list;
  }

 private:
  // Each in order of the last grant, hence of the ends of leases and soft pins.
  enum Queue : uint32_t { written, read, soft_written, soft_read, queue_count };
  using Queues = SlotQueues<queue_count>;

 public:
  static constexpr uint32_t capacity_blocks_max = Queues::capacity_max;

  Lease(const tp_pool& pool, const ParameterValues& values, uint64_t /*seed*/)
      : lease_ns_(nanoseconds(values.real("lease"))),
        soft_pin_ns_(nanoseconds(values.real("soft_pin_ms"))),
        soft_pin_(values.integer("soft_pin")),
        evict_soft_(values.integer("evict_soft") != 0),
        refuse_(values.integer("refuse") != 0),
        queues_(pool.slot_count, pool.capacity_blocks),
        granted_ns_(pool.slot_count) {}

  void prefetch(uint32_t slot) const {
    queues_.prefetch(slot);
    granted_ns_.prefetch(slot);
  }
  void prefetch(uint32_t slot, const tp_block*) const { prefetch(slot); }

  void insert(const Notice& at, uint32_t slot, const tp_block* block) {
    queues_.push(block->priority >= soft_pin_ ? soft_written : written, slot);
    granted_ns_[slot] = at.now_ns;
  }
  void touch(const Notice& at, uint32_t slot) {
    if (at.slots.state(slot) == SlotState::leaving) return;
    queues_.move(queues_.queue_of(slot) >= soft_written ? soft_read : read, slot);
    granted_ns_[slot] = at.now_ns;
  }
  void remove(const Notice& at, uint32_t /*reason*/, uint32_t slot) {
    queues_.remove(slot, at.slots.state(slot) != SlotState::leaving);
    granted_ns_[slot] = 0;
  }
  void set_evictable(const Notice& at, bool on, uint32_t slot) {
    if (at.slots.state(slot) == SlotState::leaving && on) return queues_.come_back(slot);
    queues_.set_candidate(slot, on);
  }

  void select(int64_t now_ns, uint32_t need, auto& victims) const {
    for_victims(now_ns, need, [&](uint32_t slot) { victims.take(slot); });
  }
  void commit(int64_t now_ns, uint32_t need, auto& verdicts) {
    for_victims(now_ns, need, [&](uint32_t slot) {
      if (verdicts.accepts(slot)) queues_.leave(slot);
    });
  }

  void hash(StateHash& hash) const {
    queues_.hash(hash);
    for (uint32_t slot = 0; slot < granted_ns_.size(); ++slot) {
      if (granted_ns_[slot] != 0) {
        hash.add(slot);
        hash.add(static_cast<uint64_t>(granted_ns_[slot]));
      }
    }
  }
  static void archive(auto& self, auto& archive) {
    Queues::archive(self.queues_, archive);
    archive.items(self.granted_ns_.data(), self.granted_ns_.size());
  }

 private:
  /// The passes in order; a queue's blocks never go back from one to an earlier.
  enum class Pass : uint8_t { free, soft, leased, last, none };

  static int64_t nanoseconds(double ms) { return static_cast<int64_t>(ms * 1e6 + 0.5); }

  int64_t lease_end(uint32_t queue, uint32_t slot) const {
    return granted_ns_[slot] + (queue == read || queue == soft_read ? lease_ns_ : 0);
  }
  Pass pass(int64_t now_ns, uint32_t queue, uint32_t slot) const {
    const bool leased = now_ns < lease_end(queue, slot);
    const bool pinned = queue >= soft_written && now_ns < granted_ns_[slot] + soft_pin_ns_;
    if (!leased && !pinned) return Pass::free;
    if (!leased && evict_soft_) return Pass::soft;
    return pinned ? Pass::last : Pass::leased;
  }

  /// Calls visit(slot) for so many blocks in order of pass and end of lease, fewer where it has to
  /// refuse.
  template <class Visit>
  void for_victims(int64_t now_ns, uint32_t need, Visit visit) const {
    struct Head {
      uint32_t place;
      uint32_t slot;
      Pass pass;
      int64_t lease_end;
    };
    Head heads[queue_count];
    const auto look = [&](uint32_t queue, uint32_t from) {
      Head& head = heads[queue];
      head.place = queues_.oldest(queue, from);
      head.pass = Pass::none;
      if (head.place == Queues::none) return;
      head.slot = queues_.slot_at(head.place);
      head.pass = pass(now_ns, queue, head.slot);
      head.lease_end = lease_end(queue, head.slot);
    };
    for (uint32_t queue = 0; queue < queue_count; ++queue) look(queue, 0);
    const Pass end = refuse_ ? Pass::leased : Pass::none;
    for (; need != 0; --need) {
      uint32_t first = 0;
      for (uint32_t queue = 1; queue < queue_count; ++queue) {
        const Head& head = heads[queue];
        const Head& best = heads[first];
        if (head.pass < best.pass || (head.pass == best.pass && head.pass != Pass::none &&
                                      head.lease_end < best.lease_end)) {
          first = queue;
        }
      }
      if (heads[first].pass >= end) return;
      visit(heads[first].slot);
      look(first, heads[first].place + 1);
    }
  }

  int64_t lease_ns_;
  int64_t soft_pin_ns_;
  uint32_t soft_pin_;
  bool evict_soft_;
  bool refuse_;
  Queues queues_;                  // all blocks in the pool
  FlatArray<int64_t> granted_ns_;  // by slot: its last write or read
};

}  // namespace

CacheEntry lease_entry() {
  return cache_entry<Lease>(
      "By the end of leases: a read keeps a block for a while; soft pins, told by a high priority, "
      "give way last.",
      "Mooncake: mooncake-store/src/master_service.cpp (BatchEvict)");
}

}  // namespace tiercast::policy
