#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "models/policy/cache_entry.hpp"
#include "models/policy/class_queues.hpp"
#include "models/policy/departed_blocks.hpp"
#include "models/policy/reuse_intervals.hpp"

namespace tiercast::policy {
namespace {

/// A time to live for each group of blocks, adapted online: the block whose time is over first, or
/// will be, goes first. After Zheng et al., "Adaptive Multi-Objective Tiered Storage Configuration
/// for KV Cache in LLM Service" (Kareto), arXiv 2603.08739: group-specific times from access
/// patterns, resources given where they return most. The paper's tuner runs on a simulator and
/// traces; what is below is this library's own way to do the same online.
///
/// A group is a tenant, or, `turns` not being 0, a tenant and a turn. A block's time is that of its
/// group, from its last use on. Every `period` observations the times are set anew, from how long
/// blocks of each group were unused before their next use, in steps of a factor 2 from 1 ms to 26
/// days: all groups start at the shortest, and then whichever gains most uses for each block and
/// second of holding its blocks longer gets longer (over several steps at once where that gains
/// more), until the pool is full on average or nothing is gained. A group with fewer than 32
/// observations keeps its time. Then all counts are halved. Blocks that left are remembered by
/// keys, 65,536 at most, so that a group evicted too early is found out.
///
/// Nothing leaves because its time is over, only when room is needed. Between blocks of one group
/// the least recently used goes first, a batch from its tail on; between equals of two groups the
/// deeper one. A host that tells neither tenants nor turns has one group, and `lru`.
class GroupTtl {
 public:
  static constexpr std::string_view name = "group-ttl";
  static constexpr uint32_t capabilities = TP_CAP_READS_KEYS | TP_CAP_READS_BLOCKS;
  static constexpr VictimOrder victim_order = VictimOrder::downwards;
  static constexpr uint32_t capacity_blocks_max = UINT32_MAX - 1;

  static std::span<const Parameter> parameters() {
    static constexpr Parameter list[] = {
        {"turns", "turns", ParameterKind::integer, 0, 0, 1000,
         "Turns of a session that are groups of their own; later ones count as this one."},
        {"ttl", "s", ParameterKind::real, 300, 0, 1e6,
         "A group's time to live before enough was observed of it."},
        {"period", "observations", ParameterKind::integer, 4096, 64, 1e9,
         "After how many uses and departures of blocks the times are set anew."}};
    return list;
  }

  GroupTtl(const tp_pool& pool, const ParameterValues& values, uint64_t /*seed*/)
      : capacity_blocks_(pool.capacity_blocks),
        period_(values.integer("period")),
        queues_(pool.slot_count, values.integer("turns")),
        departed_(pool.capacity_blocks) {
    ttl_ns_.fill(static_cast<int64_t>(values.real("ttl") * 1e9));
  }

  void prefetch(uint32_t slot) const { queues_.prefetch(slot); }
  void prefetch(uint32_t slot, const tp_block* block) const {
    queues_.prefetch(slot);
    departed_.prefetch(DepartedBlocks::digest_of(block->key));
  }

  void insert(const Notice& at, uint32_t slot, const tp_block* block) {
    if (!started_) {
      started_ = 1;
      since_ns_ = at.now_ns;
    }
    const uint64_t digest = DepartedBlocks::digest_of(block->key);
    const DepartedBlocks::Block before = departed_.take(digest);
    if (before.digest != 0) {
      ReuseIntervals& of = intervals_[before.kind];
      of.lost -= of.lost != 0 ? 1 : 0;
      use(of, at.now_ns - before.since_ns);
      observe(at.now_ns);
    }
    queues_.insert(at, slot, block, digest);
  }

  void touch(const Notice& at, uint32_t slot) {
    use(intervals_[queues_.class_of(slot)], at.now_ns - queues_.used_ns(slot));
    observe(at.now_ns);
    queues_.touch(at, slot, at.slots.state(slot) == SlotState::evictable);
  }

  void remove(const Notice& at, uint32_t /*reason*/, uint32_t slot) {
    const uint32_t kind = queues_.class_of(slot);
    ++intervals_[kind].lost;
    departed_.put({queues_.digest(slot), queues_.used_ns(slot), kind, 0});
    observe(at.now_ns);
    queues_.remove(slot, at.slots.state(slot) == SlotState::evictable);
  }

  void set_evictable(const Notice& at, bool on, uint32_t slot) {
    if (on) return queues_.put_down(at, slot);
    queues_.take_up(slot);
  }

  template <class Victims>
  void select(uint32_t need, Victims& victims) const {
    queues_.for_victims(
        need, [&](uint32_t slot) { return end_of(slot); },
        [&](uint32_t slot) { victims.take(slot); });
  }
  template <class Verdicts>
  void commit(uint32_t need, Verdicts& verdicts) {
    queues_.for_victims(
        need, [&](uint32_t slot) { return end_of(slot); },
        [&](uint32_t slot) {
          if (verdicts.accepts(slot)) queues_.take_up(slot);
        });
  }

  void hash(StateHash& hash) const {
    queues_.hash(hash);
    departed_.hash(hash);
    for (uint32_t kind = 0; kind < queues_.class_count(); ++kind) {
      hash.add(static_cast<uint64_t>(ttl_ns_[kind]));
      hash.add(intervals_[kind].lost);
      for (const uint64_t uses : intervals_[kind].uses) hash.add(uses);
    }
    hash.add(observed_);
    hash.add(started_);
    hash.add(static_cast<uint64_t>(since_ns_));
    hash.add(static_cast<uint64_t>(span_ns_));
  }

  template <class Self, class Archive>
  static void archive(Self& self, Archive& archive) {
    ClassQueues::archive(self.queues_, archive);
    DepartedBlocks::archive(self.departed_, archive);
    archive.items(self.ttl_ns_.data(), self.ttl_ns_.size());
    archive.items(self.intervals_.data(), self.intervals_.size());
    archive.value(self.observed_);
    archive.value(self.started_);
    archive.value(self.since_ns_);
    archive.value(self.span_ns_);
  }

 private:
  /// When a block's time is over, and what decides between equals.
  struct End {
    int64_t at_ns;
    uint32_t depth;
    int64_t used_ns;

    bool operator<(const End& other) const {
      if (at_ns != other.at_ns) return at_ns < other.at_ns;
      if (depth != other.depth) return depth > other.depth;
      return used_ns < other.used_ns;
    }
  };
  End end_of(uint32_t slot) const {
    const int64_t used_ns = queues_.used_ns(slot);
    const int64_t ttl_ns = ttl_ns_[queues_.class_of(slot)];
    const bool fits = used_ns <= INT64_MAX - ttl_ns;
    return {fits ? used_ns + ttl_ns : INT64_MAX, queues_.depth(slot), used_ns};
  }

  static void use(ReuseIntervals& of, int64_t unused_ns) {
    ++of.uses[ReuseIntervals::step_of(unused_ns)];
  }
  void observe(int64_t now_ns) {
    if (++observed_ < period_) return;
    span_ns_ += now_ns - since_ns_;
    since_ns_ = now_ns;
    set_times();
    for (ReuseIntervals& of : intervals_) of.halve();
    span_ns_ /= 2;
    observed_ = 0;
  }

  void set_times() {
    std::array<uint32_t, ClassQueues::count_max> steps{};
    std::array<ReuseIntervals::Extension, ClassQueues::count_max> next{};
    double room = static_cast<double>(capacity_blocks_) * static_cast<double>(span_ns_);
    for (uint32_t kind = 0; kind < queues_.class_count(); ++kind) {
      const ReuseIntervals& of = intervals_[kind];
      if (!of.is_known()) continue;
      room -= of.cost(of.total(), 0);
      next[kind] = of.best_extension(0);
    }
    for (;;) {
      const auto best = std::max_element(
          next.begin(), next.end(), [](const auto& a, const auto& b) { return a.gain < b.gain; });
      if (best->gain == 0 || best->cost > room) break;
      room -= best->cost;
      const auto kind = static_cast<uint32_t>(best - next.begin());
      steps[kind] = best->step;
      *best = intervals_[kind].best_extension(steps[kind]);
    }
    for (uint32_t kind = 0; kind < queues_.class_count(); ++kind) {
      if (intervals_[kind].is_known()) ttl_ns_[kind] = ReuseIntervals::end_ns(steps[kind]);
    }
  }

  uint32_t capacity_blocks_;
  uint32_t period_;
  ClassQueues queues_;
  DepartedBlocks departed_;
  std::array<int64_t, ClassQueues::count_max> ttl_ns_;  // by group
  std::array<ReuseIntervals, ClassQueues::count_max> intervals_{};
  uint32_t observed_ = 0;  // since the times were set
  uint32_t started_ = 0;
  int64_t since_ns_ = 0;  // when observation began, or the times were set last
  int64_t span_ns_ = 0;   // that the counts are about, until then
};

}  // namespace

CacheEntry group_ttl_entry() {
  return cache_entry<GroupTtl>(
      "The block whose group's time to live is over first goes first; a group is a tenant. Times "
      "are set online, longer where holding blocks longer returns most. With one group it is lru.",
      "after Zheng et al.: Kareto, arXiv 2603.08739");
}

}  // namespace tiercast::policy
