#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "models/policy/cache_entry.hpp"
#include "models/policy/ghost_keys.hpp"
#include "models/policy/key_hash.hpp"
#include "models/policy/key_walk.hpp"
#include "models/policy/two_queues.hpp"

namespace tiercast::policy {
namespace {

/// ARC, adaptive replacement cache (Megiddo, Modha, "ARC: a self-tuning, low overhead replacement
/// cache", FAST 2003, figure 4). T1 holds blocks used once lately, T2 those used more often, both
/// by recency; B1 and B2 hold the keys of what left them. A use makes a block the newest of T2. A
/// missing key that is a ghost in B1 raises p, the size aimed at for T1, by max(1, |B2| / |B1|) up
/// to the capacity; one in B2 lowers it by max(1, |B1| / |B2|) down to 0; its block enters T2, any
/// other T1. To evict: T1's oldest leaves where T1 holds more than p, or just p and the key that
/// room is made for was in B2; else T2's. Ghosts go, oldest first, so that T1 and B1 together never
/// exceed the capacity, nor all four twice that.
///
/// Here blocks in use keep their place and count, and where a list has no others the other one
/// gives. A lookup adapts p for each missing key, of a prompt the tail first; the last lookup
/// speaks for the victims after it. A key that is found so is no ghost any more but awaited, so
/// that asking again does not count twice; up to capacity / 16 + 64 are. For a host that looks
/// nothing up, insert adapts. A victim becomes a ghost as it leaves the pool; of a batch the tail
/// counts as the older, as block and as ghost. B2 holds no more keys than the pool has blocks,
/// which a full pool never needs.
class Arc {
  using Queues = SlotQueues<2>;
  static constexpr uint32_t t1 = 0;
  static constexpr uint32_t t2 = 1;

 public:
  static constexpr std::string_view name = "arc";
  static constexpr uint32_t capabilities = TP_CAP_READS_KEYS;
  static constexpr VictimOrder victim_order = VictimOrder::downwards;
  static constexpr uint32_t capacity_blocks_max = 1u << 26;
  static std::span<const Parameter> parameters() { return {}; }

  Arc(const tp_pool& pool, const ParameterValues&, uint64_t /*seed*/)
      : capacity_(pool.capacity_blocks),
        queues_(pool.slot_count, pool.capacity_blocks),
        hashes_(pool.slot_count),
        b1_(pool.capacity_blocks),
        b2_(pool.capacity_blocks),
        awaited_(pool.capacity_blocks / 16 + 64) {}

  void prefetch(uint32_t slot) const { queues_.prefetch(slot); }
  void prefetch(uint32_t slot, const tp_block* block) const {
    queues_.prefetch(slot);
    hashes_.prefetch(slot);
    const uint64_t hash = key_hash(block->key);
    b1_.prefetch(hash);
    b2_.prefetch(hash);
    awaited_.prefetch(hash);
  }

  void lookup(const Notice&, Blocks blocks, std::size_t count, std::size_t hits) {
    wanted_in_b2_ = false;
    const auto ahead = [&](uint64_t hash) {
      b1_.prefetch(hash);
      b2_.prefetch(hash);
    };
    for_missing_keys(blocks, count, hits, ahead, [&](uint64_t hash) {
      const Ghost ghost = take_ghost(hash);
      if (ghost == Ghost::none) return;
      awaited_.push(hash);
      if (ghost == Ghost::b2) wanted_in_b2_ = true;
    });
  }
  void insert(const Notice&, uint32_t slot, const tp_block* block) {
    const uint64_t hash = key_hash(block->key);
    hashes_[slot] = hash;
    const bool known = awaited_.take(hash) || take_ghost(hash) != Ghost::none;
    queues_.push(known ? t2 : t1, slot);
    limit_ghosts();
  }
  void touch(const Notice& at, uint32_t slot) {
    queues_.move(t2, slot, at.slots.state(slot) != SlotState::leaving);
  }
  void remove(const Notice& at, uint32_t /*reason*/, uint32_t slot) {
    const bool leaving = at.slots.state(slot) == SlotState::leaving;
    const uint32_t queue = queues_.queue_of(slot);
    queues_.remove(slot, !leaving);
    if (!leaving) return;
    (queue == t1 ? b1_ : b2_).push(hashes_[slot]);
    limit_ghosts();
  }
  void set_evictable(const Notice& at, bool on, uint32_t slot) {
    if (on && at.slots.state(slot) == SlotState::leaving) {
      queues_.come_back(slot);
      return limit_ghosts();
    }
    queues_.set_candidate(slot, on);
  }

  template <class Victims>
  void select(uint32_t need, Victims& victims) const {
    for_victims(need, [&](uint32_t slot) { victims.take(slot); });
  }
  template <class Verdicts>
  void commit(uint32_t need, Verdicts& verdicts) {
    for_victims(need, [&](uint32_t slot) {
      if (verdicts.accepts(slot)) queues_.leave(slot);
    });
  }

  void hash(StateHash& hash) const {
    queues_.hash_apart(
        hash, [](uint32_t queue) { return queue; },
        [&](StateHash& chain, uint32_t slot) { chain.add(hashes_[slot]); });
    b1_.hash(hash);
    b2_.hash(hash);
    awaited_.hash(hash);
    hash.add(std::bit_cast<uint64_t>(p_));
    hash.add(wanted_in_b2_ ? 1 : 0);
  }

  template <class Self, class Archive>
  static void archive(Self& self, Archive& archive) {
    Queues::archive(self.queues_, archive);
    archive.items(self.hashes_.data(), self.hashes_.size());
    GhostKeys::archive(self.b1_, archive);
    GhostKeys::archive(self.b2_, archive);
    GhostKeys::archive(self.awaited_, archive);
    archive.value(self.p_);
    archive.value(self.wanted_in_b2_);
  }

 private:
  enum class Ghost : uint8_t { none, b1, b2 };

  /// Where the key was a ghost, which it is no longer; p has been adapted.
  Ghost take_ghost(uint64_t hash) {
    if (b1_.take(hash)) {
      p_ = std::min(p_ + step(b2_.size(), b1_.size() + 1), static_cast<double>(capacity_));
      return Ghost::b1;
    }
    if (b2_.take(hash)) {
      p_ = std::max(p_ - step(b1_.size(), b2_.size() + 1), 0.0);
      return Ghost::b2;
    }
    return Ghost::none;
  }
  static double step(uint32_t other_ghosts, uint32_t ghosts) {
    return std::max(1.0, static_cast<double>(other_ghosts) / static_cast<double>(ghosts));
  }

  void limit_ghosts() {
    while (b1_.size() != 0 && queues_.size(t1) + b1_.size() > capacity_) b1_.drop_oldest();
    const uint64_t blocks = uint64_t{queues_.size(t1)} + queues_.size(t2);
    while (b2_.size() != 0 && blocks + b1_.size() + b2_.size() > 2 * uint64_t{capacity_}) {
      b2_.drop_oldest();
    }
  }

  template <class Visit>
  void for_victims(uint32_t need, Visit visit) const {
    const auto t1_gives = [&](uint32_t staying) {
      return staying > p_ || (wanted_in_b2_ && staying == p_);
    };
    for_victims_of_two(queues_, need, queues_.size(t1), t1_gives, visit);
  }

  uint32_t capacity_;
  Queues queues_;
  FlatArray<uint64_t> hashes_;  // by slot, of its key
  GhostKeys b1_;
  GhostKeys b2_;
  GhostKeys awaited_;  // were in B1 or B2 when looked up
  double p_ = 0;       // blocks
  bool wanted_in_b2_ = false;
};

}  // namespace

CacheEntry arc_entry() {
  return cache_entry<Arc>(
      "Adaptive replacement: one list of blocks used once and one of blocks used more often share "
      "the pool, and ghosts of what left each say which of the two should grow. Tunes itself "
      "between recency and frequency.",
      "Megiddo, Modha: ARC: a self-tuning, low overhead replacement cache, FAST 2003");
}

}  // namespace tiercast::policy
