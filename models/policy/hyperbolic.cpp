#include <cstdint>
#include <span>
#include <string_view>

#include "models/policy/cache_entry.hpp"
#include "models/policy/candidate_row.hpp"
#include "models/policy/flat_array.hpp"

namespace tiercast::policy {
namespace {

/// Hyperbolic caching (Blankstein, Sen, Freedman: Hyperbolic caching: flexible caching for web
/// applications, USENIX ATC 2017): a block is worth its uses over the time since it entered; the
/// victim is the least worthy of `sample` random ones. Time counts entries and touches of any
/// block; of equals the lowest slot leaves. CandidateRow says how samples are drawn.
class Hyperbolic {
 public:
  static constexpr std::string_view name = "hyperbolic";
  static constexpr uint32_t capabilities = 0;
  static constexpr VictimOrder victim_order = VictimOrder::downwards;
  static constexpr uint32_t capacity_blocks_max = 1u << 28;

  static std::span<const Parameter> parameters() {
    static constexpr Parameter list[] = {{"sample", "blocks", ParameterKind::integer, 64, 1,
                                          CandidateRow::sample_most,
                                          "Of how many random ones the victim is."}};
    return list;
  }

  Hyperbolic(const tp_pool& pool, const ParameterValues& values, uint64_t seed)
      : blocks_(pool.slot_count), candidates_(pool, values.integer("sample"), seed) {}

  void prefetch(uint32_t slot) const {
    blocks_.prefetch(slot);
    candidates_.prefetch(slot);
  }
  void prefetch(uint32_t slot, const tp_block*) const { blocks_.prefetch(slot); }

  void insert(const Notice&, uint32_t slot, const tp_block*) { blocks_[slot] = {clock_++, 1}; }

  void touch(const Notice&, uint32_t slot) {
    ++clock_;
    ++blocks_[slot].uses;
  }

  void remove(const Notice&, uint32_t /*reason*/, uint32_t slot) {
    candidates_.leave(slot);
    blocks_[slot] = {};
  }

  void set_evictable(const Notice&, bool on, uint32_t slot) {
    on ? candidates_.enter(slot) : candidates_.leave(slot);
  }

  void select(uint32_t need, auto& victims) const {
    candidates_.name_victims(
        need, [&](uint32_t slot) { blocks_.prefetch(slot); },
        [&](uint32_t slot, uint32_t other) { return worth_less(slot, other); },
        [&](uint32_t slot) { victims.take(slot); });
  }

  void commit(uint32_t need, auto& verdicts) {
    candidates_.take_victims(
        need, [&](uint32_t slot) { blocks_.prefetch(slot); },
        [&](uint32_t slot, uint32_t other) { return worth_less(slot, other); },
        [&](uint32_t slot) { return verdicts.accepts(slot); });
  }

  void hash(StateHash& hash) const {
    candidates_.hash(hash);
    for (uint32_t slot = 0; slot < blocks_.size(); ++slot) {
      const Block& block = blocks_[slot];
      if (block.uses == 0) continue;
      hash.add(slot);
      hash.add(block.uses);
      hash.add(clock_ - block.entered);
    }
  }

  static void archive(auto& self, auto& archive) {
    archive.items(self.blocks_.data(), self.blocks_.size());
    CandidateRow::archive(self.candidates_, archive);
    archive.value(self.clock_);
  }

 private:
  struct Block {
    uint64_t entered;
    uint64_t uses;  // 0: absent
  };

  double worth(uint32_t slot) const {
    const Block& block = blocks_[slot];
    return static_cast<double>(block.uses) / static_cast<double>(clock_ - block.entered);
  }
  bool worth_less(uint32_t slot, uint32_t other) const {
    const double first = worth(slot);
    const double second = worth(other);
    return first != second ? first < second : slot < other;
  }

  uint64_t clock_ = 0;       // entries and touches so far
  FlatArray<Block> blocks_;  // by slot
  CandidateRow candidates_;
};

}  // namespace

CacheEntry hyperbolic_entry() {
  return cache_entry<Hyperbolic>(
      "Hyperbolic caching: of some random blocks the one used least for the time it has been in "
      "the "
      "pool leaves. Keeps what is used at a steady rate; newcomers start high and fall.",
      "Blankstein, Sen, Freedman: Hyperbolic caching: flexible caching for web applications, "
      "USENIX "
      "ATC 2017");
}

}  // namespace tiercast::policy
