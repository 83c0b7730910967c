#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "models/policy/cache_entry.hpp"
#include "models/policy/class_queues.hpp"
#include "models/policy/decay.hpp"
#include "models/policy/departed_blocks.hpp"

namespace tiercast::policy {
namespace {

/// Workload-aware: the block least likely to be used again within a block's usual life goes first.
/// Source: Wang et al., "KVCache Cache in the Wild: Characterizing and Optimizing KVCache Cache at
/// a Large Cloud Provider" (Alibaba Cloud Bailian), arXiv 2506.02634, its eviction policy: requests
/// of one kind and turn have exponential reuse times, so P(t, life) = F(t + life) - F(t), t since
/// the last use; the least goes first, of equals the block further from the prefix's head; a queue
/// for each class, of which only the heads need be compared.
///
/// A class is a tenant and a turn, turns from `turns` on being one (the source has the request's
/// type where this has the tenant: the contract tells no types). F(t) = 1 - e^(-rate t), the rate
/// fitted online: uses over the time that blocks of the class waited for one, in vain or not, which
/// is the maximum-likelihood rate with blocks that left unused taken as censored; both halved every
/// 4096 observations, with one use in `reuse` seconds to start from. Blocks that left are
/// remembered by keys, 65,536 at most, and their time goes on. Life is a running mean, over 16 or
/// so, of the time that victims had been unused, from `life` on. Between blocks of one class the
/// least recently used goes first, a batch from its tail on.
///
/// A host that tells neither tenants nor turns has one class, and `lru`.
class Classes {
 public:
  static constexpr std::string_view name = "classes";
  static constexpr uint32_t capabilities = TP_CAP_READS_KEYS | TP_CAP_READS_BLOCKS;
  static constexpr VictimOrder victim_order = VictimOrder::downwards;
  static constexpr uint32_t capacity_blocks_max = UINT32_MAX - 1;

  static std::span<const Parameter> parameters() {
    static constexpr Parameter list[] = {
        {"turns", "turns", ParameterKind::integer, 4, 0, 1000,
         "Turns of a session that are told apart; later ones count as this one."},
        {"reuse", "s", ParameterKind::real, 60, 1e-6, 1e6,
         "Mean time to a block's next use, before any was observed."},
        {"life", "s", ParameterKind::real, 60, 1e-6, 1e6,
         "How long victims have been unused as they leave, before any was observed."}};
    return list;
  }

  Classes(const tp_pool& pool, const ParameterValues& values, uint64_t /*seed*/)
      : reuse_ns_(values.real("reuse") * 1e9),
        life_ns_(static_cast<int64_t>(values.real("life") * 1e9)),
        queues_(pool.slot_count, values.integer("turns")),
        departed_(pool.capacity_blocks) {}

  void prefetch(uint32_t slot) const { queues_.prefetch(slot); }
  void prefetch(uint32_t slot, const tp_block* block) const {
    queues_.prefetch(slot);
    departed_.prefetch(DepartedBlocks::digest_of(block->key));
  }

  void insert(const Notice& at, uint32_t slot, const tp_block* block) {
    const uint64_t digest = DepartedBlocks::digest_of(block->key);
    const DepartedBlocks::Block before = departed_.take(digest);
    if (before.digest != 0) observe(before.kind, at.now_ns - before.since_ns, 1);
    queues_.insert(at, slot, block, digest);
  }

  void touch(const Notice& at, uint32_t slot) {
    observe(queues_.class_of(slot), at.now_ns - queues_.used_ns(slot), 1);
    queues_.touch(at, slot, at.slots.state(slot) == SlotState::evictable);
  }

  void remove(const Notice& at, uint32_t reason, uint32_t slot) {
    const uint32_t kind = queues_.class_of(slot);
    const int64_t unused_ns = at.now_ns - queues_.used_ns(slot);
    observe(kind, unused_ns, 0);
    if (reason == TP_REMOVED_EVICTED || reason == TP_REMOVED_MOVED) {
      life_ns_ += (unused_ns - life_ns_) / 16;
    }
    departed_.put({queues_.digest(slot), at.now_ns, kind, 0});
    queues_.remove(slot, at.slots.state(slot) == SlotState::evictable);
  }

  void set_evictable(const Notice& at, bool on, uint32_t slot) {
    if (on) return queues_.put_down(at, slot);
    queues_.take_up(slot);
  }

  template <class Victims>
  void select(int64_t now_ns, uint32_t need, Victims& victims) const {
    queues_.for_victims(need, Judge(*this, now_ns), [&](uint32_t slot) { victims.take(slot); });
  }
  template <class Verdicts>
  void commit(int64_t now_ns, uint32_t need, Verdicts& verdicts) {
    queues_.for_victims(need, Judge(*this, now_ns), [&](uint32_t slot) {
      if (verdicts.accepts(slot)) queues_.take_up(slot);
    });
  }

  void hash(StateHash& hash) const {
    queues_.hash(hash);
    hash.add(static_cast<uint64_t>(life_ns_));
    for (const Law& law : laws_) {
      hash.add(law.uses);
      hash.add(law.unused_ns);
      hash.add(law.observed);
    }
    departed_.hash(hash);
  }

  template <class Self, class Archive>
  static void archive(Self& self, Archive& archive) {
    archive.value(self.life_ns_);
    ClassQueues::archive(self.queues_, archive);
    archive.items(self.laws_.data(), self.laws_.size());
    DepartedBlocks::archive(self.departed_, archive);
  }

 private:
  /// What was observed of a class' blocks.
  struct Law {
    uint64_t uses;
    uint64_t unused_ns;  // how long they were not used, in all
    uint64_t observed;
  };
  static constexpr uint64_t observed_max = 4096;

  /// What decides between blocks of two classes.
  struct Chance {
    double reuse;  // within the next life
    double age;    // since the last use, in mean times between uses
    uint32_t depth;
    int64_t used_ns;

    bool operator<(const Chance& other) const {
      if (reuse != other.reuse) return reuse < other.reuse;
      if (age != other.age) return age > other.age;  // both have come to nothing
      if (depth != other.depth) return depth > other.depth;
      return used_ns < other.used_ns;
    }
  };

  class Judge {
   public:
    Judge(const Classes& of, int64_t now_ns) : of_(of), now_ns_(now_ns) {}

    Chance operator()(uint32_t slot) {
      const int64_t used_ns = of_.queues_.used_ns(slot);
      const uint32_t kind = of_.queues_.class_of(slot);
      const bool is_new = (known_ >> kind & 1) == 0;
      if (is_new) {
        known_ |= uint64_t{1} << kind;
        rates_[kind] = of_.rate(kind);
        in_life_[kind] = 1 - decay(rates_[kind] * static_cast<double>(of_.life_ns_));
      }
      Chance& last = last_[kind];  // mostly put down together with the one asked about now
      if (is_new || last.used_ns != used_ns) {
        const double age = rates_[kind] * static_cast<double>(now_ns_ - used_ns);
        last = {decay(age) * in_life_[kind], age, 0, used_ns};
      }
      last.depth = of_.queues_.depth(slot);
      return last;
    }

   private:
    static_assert(ClassQueues::count_max <= 64);

    const Classes& of_;
    int64_t now_ns_;
    uint64_t known_ = 0;  // classes asked about, a bit each; of these:
    std::array<double, ClassQueues::count_max> rates_;  // uses a ns
    std::array<double, ClassQueues::count_max> in_life_;
    std::array<Chance, ClassQueues::count_max> last_;
  };

  double rate(uint32_t kind) const {
    const Law& law = laws_[kind];
    return (static_cast<double>(law.uses) + 1) / (static_cast<double>(law.unused_ns) + reuse_ns_);
  }

  void observe(uint32_t kind, int64_t unused_ns, uint64_t uses) {
    Law& law = laws_[kind];
    law.uses += uses;
    law.unused_ns += static_cast<uint64_t>(unused_ns);
    if (++law.observed < observed_max) return;
    law = {law.uses / 2, law.unused_ns / 2, law.observed / 2};
  }

  double reuse_ns_;
  int64_t life_ns_;
  ClassQueues queues_;
  std::array<Law, ClassQueues::count_max> laws_{};  // by class
  DepartedBlocks departed_;                         // since they left
};

}  // namespace

CacheEntry classes_entry() {
  return cache_entry<Classes>(
      "The block least likely to be used again within a usual life goes first, by a law of reuse "
      "fitted online for each class: a tenant and a turn. Without tenants and turns it is lru.",
      "Wang et al.: KVCache Cache in the Wild, arXiv 2506.02634");
}

}  // namespace tiercast::policy
