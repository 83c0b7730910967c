#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "models/policy/cache_entry.hpp"
#include "models/policy/expert_pair.hpp"
#include "models/policy/flat_array.hpp"
#include "models/policy/ghost_history.hpp"
#include "models/policy/key_hash.hpp"
#include "models/policy/key_walk.hpp"
#include "models/policy/ranked_slots.hpp"
#include "models/policy/slot_queues.hpp"

namespace tiercast::policy {
namespace {

/// CACHEUS (Rodriguez et al.: Learning cache replacement with CACHEUS, FAST 2021). Two experts,
/// each victim that of one of them, drawn by their weights; its key goes to that expert's history,
/// of half the pool's length, unless both name it. A missing key found in a history multiplies that
/// expert's weight by e^-rate, and the two are scaled to sum up to 1.
///
/// SR-LRU, resistant to scans: SR holds blocks used once and what R had no room for, R blocks used
/// again, both by recency. A used block, and one whose key is in a history, becomes the newest of
/// R; what R has no room for is demoted to the newest of SR; SR's oldest leaves. A use of a demoted
/// block takes max(1, new / demoted) off SR's size, a missing key that left SR unused adds max(1,
/// demoted / new) to it; demoted are such blocks in the pool, new such keys in SR-LRU's history.
///
/// CR-LFU, resistant to churn: the block used least often leaves, of equals the one touched or put
/// down last, so that the others stay long enough to be used.
///
/// The rate climbs: after every `capacity` uses it goes on by its size times its last change, the
/// same way where there were more hits than before, else the other way, within 0.001 to 1. While it
/// stands still and hits do not rise, it is drawn anew every tenth time.
///
/// Of this library, where the paper's text was not at hand: at first the rate is drawn too, its
/// change is all of it, and SR has the share `sr`. Counts of uses go on while a key is in a
/// history. Both, and `sr`'s default, came closest to the miss ratios of an independent simulator.
/// No weight falls below `floor`. Blocks in use keep their place in SR and R and are not demoted;
/// where SR has no others, R gives. A lookup learns from each missing key, of a prompt the tail
/// first; a key found so is a ghost no more but awaited, so that asking again does not count twice;
/// up to capacity / 8
/// + 64 are. For a host that looks nothing up, insert learns. A victim becomes a ghost as it leaves
/// the pool. Keys that agree in 64 bits of hash count as one. 80 bytes a block, 34 of them for
/// histories.
class Cacheus {
  using Queues = SlotQueues<2>;
  static constexpr uint32_t sr = 0;
  static constexpr uint32_t r = 1;

 public:
  static constexpr std::string_view name = "cacheus";
  static constexpr uint32_t capabilities = TP_CAP_READS_KEYS;
  static constexpr VictimOrder victim_order = VictimOrder::downwards;
  static constexpr uint32_t capacity_blocks_max = RankedSlots::slot_count_max;

  static std::span<const Parameter> parameters() {
    static constexpr Parameter list[] = {
        {"sr", "share of capacity", ParameterKind::real, 1, 0, 1,
         "Size of SR at first, one block at least; R has the rest."},
        {"floor", "share", ParameterKind::real, 0.01, 0, 0.5,
         "Least weight that learning leaves an expert."}};
    return list;
  }

  Cacheus(const tp_pool& pool, const ParameterValues& values, uint64_t seed)
      : capacity_(pool.capacity_blocks),
        sr_most_(std::max(1.0, values.real("sr") * static_cast<double>(pool.capacity_blocks))),
        blocks_(pool.slot_count),
        queues_(pool.slot_count, pool.capacity_blocks),
        by_uses_(pool.slot_count, pool.capacity_blocks),
        experts_(pool.slot_count, seed, 0.5, values.real("floor")),
        sr_lru_history_(std::max(1u, pool.capacity_blocks / 2)),
        cr_lfu_history_(std::max(1u, pool.capacity_blocks / 2)),
        awaited_(pool.capacity_blocks / 8 + 64) {
    rate_ = drawn_rate();
  }

  void prefetch(uint32_t slot) const {
    blocks_.prefetch(slot);
    queues_.prefetch(slot);
    by_uses_.prefetch(slot);
  }
  void prefetch(uint32_t slot, const tp_block* block) const {
    blocks_.prefetch(slot);
    prefetch_ghosts(key_hash(block->key));
  }

  void lookup(const Notice&, Blocks blocks, std::size_t count, std::size_t hits) {
    const auto ahead = [&](uint64_t hash) { prefetch_ghosts(hash); };
    for_missing_keys(blocks, count, hits, ahead, [&](uint64_t hash) {
      const std::optional<Ghost> ghost = take_ghost(hash);
      if (ghost) awaited_.push(hash, *ghost);
    });
    demote();
  }

  void insert(const Notice&, uint32_t slot, const tp_block* block) {
    const uint64_t hash = key_hash(block->key);
    std::optional<Ghost> ghost = awaited_.take(hash);
    if (!ghost) ghost = take_ghost(hash);

    blocks_[slot] = {hash, ghost ? one_more(ghost->uses) : 1, Evictor::nobody, false};
    queues_.push(ghost ? r : sr, slot);
    demote();
    count_use(false);
  }

  void touch(const Notice& at, uint32_t slot) {
    Block& block = blocks_[slot];
    block.uses = one_more(block.uses);
    if (block.demoted != 0) {
      sr_most_ = std::max(sr_most_ - step(new_ghosts_, demoted_), 1.0);
      set_demoted(block, false);
    }
    queues_.move(r, slot, at.slots.state(slot) != SlotState::leaving);
    if (by_uses_.holds(slot)) rank(slot);
    demote();
    count_use(true);
  }

  void remove(const Notice& at, uint32_t /*reason*/, uint32_t slot) {
    Block& block = blocks_[slot];
    const bool is_new = queues_.queue_of(slot) == sr && block.demoted == 0;
    const Ghost ghost{block.uses, is_new ? 1u : 0u};
    if (block.evictor == Evictor::sr_lru) {
      new_ghosts_ += ghost.is_new;
      const std::optional<Ghost> gone = sr_lru_history_.push(block.hash, ghost);
      if (gone) new_ghosts_ -= gone->is_new;
    } else if (block.evictor == Evictor::cr_lfu) {
      cr_lfu_history_.push(block.hash, ghost);
    }
    set_demoted(block, false);
    by_uses_.drop(slot);
    queues_.remove(slot, at.slots.state(slot) != SlotState::leaving);
    block = {};
  }

  void set_evictable(const Notice& at, bool on, uint32_t slot) {
    if (on && at.slots.state(slot) == SlotState::leaving) {
      queues_.come_back(slot);
      blocks_[slot].evictor = Evictor::nobody;
    } else {
      queues_.set_candidate(slot, on);
    }
    if (!on) return by_uses_.drop(slot);
    rank(slot);
    demote();
  }

  void select(uint32_t need, auto& victims) const {
    name_victims(need, [&](uint32_t slot, Expert, bool) { victims.take(slot); });
    experts_.for_named([](uint32_t) {});
  }

  void commit(uint32_t need, auto& verdicts) {
    name_victims(need, [&](uint32_t slot, Expert expert, bool agreed) {
      if (!verdicts.accepts(slot)) return;
      blocks_[slot].evictor = agreed                    ? Evictor::both
                              : expert == Expert::first ? Evictor::sr_lru
                                                        : Evictor::cr_lfu;
    });
    experts_.for_named([&](uint32_t slot) {
      if (blocks_[slot].evictor == Evictor::nobody) return;
      by_uses_.drop(slot);
      queues_.leave(slot);
    });
    experts_.commit(need);
  }

  void hash(StateHash& hash) const {
    experts_.hash(hash);
    queues_.hash_apart(
        hash, [](uint32_t queue) { return queue; },
        [&](StateHash& chain, uint32_t slot) {
          const Block& block = blocks_[slot];
          chain.add(block.hash);
          chain.add(uint64_t{block.uses} << 32 | uint32_t{block.demoted} << 8 |
                    static_cast<uint32_t>(block.evictor));
        });
    for (RankedSlots::Walk walk(by_uses_); !walk.done(); walk.next()) hash.add(walk.slot());
    for (const History* history : {&sr_lru_history_, &cr_lfu_history_, &awaited_}) {
      history->hash(hash, [](StateHash& chain, const Ghost& ghost) {
        chain.add(uint64_t{ghost.uses} << 32 | ghost.is_new);
      });
    }
    for (const double number : {sr_most_, rate_, rate_before_}) {
      hash.add(std::bit_cast<uint64_t>(number));
    }
    for (const uint32_t number : {uses_, hits_, hits_before_, worse_, restarts_}) hash.add(number);
  }

  static void archive(auto& self, auto& archive) {
    archive.items(self.blocks_.data(), self.blocks_.size());
    Queues::archive(self.queues_, archive);
    RankedSlots::archive(self.by_uses_, archive);
    ExpertPair::archive(self.experts_, archive);
    for (auto* history : {&self.sr_lru_history_, &self.cr_lfu_history_, &self.awaited_}) {
      History::archive(*history, archive);
    }
    for (auto* number : {&self.sr_most_, &self.rate_, &self.rate_before_}) archive.value(*number);
    for (auto* number : {&self.demoted_, &self.new_ghosts_, &self.uses_, &self.hits_,
                         &self.hits_before_, &self.worse_, &self.restarts_}) {
      archive.value(*number);
    }
    archive.value(self.stamp_);
  }

 private:
  enum class Evictor : uint16_t { nobody, sr_lru, cr_lfu, both };
  struct Block {
    uint64_t hash;     // of the key
    uint32_t uses;     // 0: absent
    Evictor evictor;   // who named it, of a victim that is leaving
    uint16_t demoted;  // 1: it is in SR, from R
  };
  struct Ghost {
    uint32_t uses;
    uint32_t is_new;  // 1: it left SR, where it had not been demoted to
  };
  using History = GhostHistory<Ghost>;

  static constexpr double rate_min = 0.001;
  static constexpr double rate_max = 1;
  static constexpr uint32_t worse_max = 10;

  static uint32_t one_more(uint32_t uses) { return uses != UINT32_MAX ? uses + 1 : uses; }
  static double step(uint32_t of, uint32_t by) {
    return std::max(1.0, static_cast<double>(of) / static_cast<double>(by));
  }

  void prefetch_ghosts(uint64_t hash) const {
    sr_lru_history_.prefetch(hash);
    cr_lfu_history_.prefetch(hash);
    awaited_.prefetch(hash);
  }

  void set_demoted(Block& block, bool on) {
    demoted_ = demoted_ - block.demoted + (on ? 1 : 0);
    block.demoted = on ? 1 : 0;
  }
  /// Puts a candidate where CR-LFU has it: the latest first of those with as many uses.
  void rank(uint32_t slot) {
    const uint64_t latest_first = ~stamp_++;
    by_uses_.put(slot, uint64_t{blocks_[slot].uses} << 32 | latest_first >> RankedSlots::tie_bits,
                 latest_first & RankedSlots::tie_max);
  }
  void demote() {
    while (queues_.size(r) > static_cast<double>(capacity_) - sr_most_ &&
           queues_.oldest(r) != queues_.none) {
      const uint32_t slot = queues_.slot_at(queues_.oldest(r));
      queues_.move(sr, slot);
      set_demoted(blocks_[slot], true);
    }
  }

  /// What was remembered of a key, which is a ghost no longer; the experts have been weighed.
  std::optional<Ghost> take_ghost(uint64_t hash) {
    if (const auto ghost = sr_lru_history_.take(hash)) {
      if (ghost->is_new != 0) {
        const double most = std::max(1.0, static_cast<double>(capacity_) - 1);
        sr_most_ = std::min(sr_most_ + step(demoted_, new_ghosts_--), most);
      }
      experts_.blame(Expert::first, rate_);
      return ghost;
    }
    const auto ghost = cr_lfu_history_.take(hash);
    if (ghost) experts_.blame(Expert::second, rate_);
    return ghost;
  }

  void count_use(bool hit) {
    if (hit) ++hits_;
    if (++uses_ < capacity_) return;
    adapt_rate();
    hits_before_ = hits_;
    uses_ = hits_ = 0;
  }
  void adapt_rate() {
    const double change = rate_ - rate_before_;
    rate_before_ = rate_;
    if (change != 0) {
      const bool on = change > 0 ? hits_ > hits_before_ : hits_ < hits_before_;
      const double by = std::abs(rate_ * change);
      rate_ = std::clamp(on ? rate_ + by : rate_ - by, rate_min, rate_max);
      worse_ = 0;
      return;
    }
    if (hits_ != 0 && hits_ > hits_before_) return;
    if (++worse_ < worse_max) return;
    worse_ = 0;
    ++restarts_;
    rate_ = drawn_rate();
  }
  double drawn_rate() const {
    return rate_min + (rate_max - rate_min) * experts_.chance(~uint64_t{restarts_});
  }

  template <class Give>
  void name_victims(uint32_t need, Give give) const {
    experts_.name_victims(need, QueueWalk(queues_), RankedSlots::Walk(by_uses_), give);
  }

  uint32_t capacity_;
  double sr_most_;           // blocks aimed at for SR
  uint32_t demoted_ = 0;     // blocks in SR
  uint32_t new_ghosts_ = 0;  // in SR-LRU's history
  double rate_ = 0;          // of learning
  double rate_before_ = 0;   // its last change
  uint32_t uses_ = 0;        // entries and touches since that
  uint32_t hits_ = 0;        // touches since that
  uint32_t hits_before_ = 0;
  uint32_t worse_ = 0;     // times that the rate stood still without more hits
  uint32_t restarts_ = 0;  // of the rate
  uint64_t stamp_ = 0;     // of CR-LFU's order
  FlatArray<Block> blocks_;
  Queues queues_;
  RankedSlots by_uses_;  // candidates
  ExpertPair experts_;   // SR-LRU and CR-LFU
  History sr_lru_history_;
  History cr_lfu_history_;
  History awaited_;  // were in one of them when looked up
};

}  // namespace

CacheEntry cacheus_entry() {
  return cache_entry<Cacheus>(
      "Two experts, LRU that resists scans and LFU that resists churn, drawn by weights that shift "
      "as each one's victims are missed, at a rate that adapts.",
      "Rodriguez et al.: Learning cache replacement with CACHEUS, FAST 2021");
}

}  // namespace tiercast::policy
