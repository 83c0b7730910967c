#include <algorithm>
#include <bit>
#include <cstdint>
#include <span>
#include <string_view>

#include "models/policy/cache_entry.hpp"
#include "models/policy/candidate_row.hpp"
#include "models/policy/flat_array.hpp"
#include "models/policy/hit_densities.hpp"

namespace tiercast::policy {
namespace {

/// LHD, least hit density (Beckmann, Chen, Cidon: LHD: improving cache hit rate by maximizing hit
/// density, NSDI 2018): of `sample` random blocks the one leaves that may expect the fewest hits
/// for the time it would stay. That is learned for each class from what its blocks came to at which
/// age (hit_densities.hpp), and worked out anew after every `period` uses for each block of
/// capacity. A class is a tenant and, by powers of two, the age at which the block was used last;
/// blocks not used since they entered are a class of their own. Of equals the one unused longest
/// goes, then the lowest slot.
///
/// Of this library: no block is spared to explore with, which missed more on the conversation
/// trace, so what always leaves early is not seen to be used late. Time counts entries and touches
/// of any block; the classes of ages reach from a 32nd of the capacity up to all of it. Before the
/// first update no density is known, so the block of the sample that is unused longest goes. All
/// blocks of a pool weigh the same. CandidateRow says how samples are drawn. 24 bytes a block, and
/// 24 for each class and age.
class Lhd {
 public:
  static constexpr std::string_view name = "lhd";
  static constexpr uint32_t capabilities = TP_CAP_READS_BLOCKS;
  static constexpr VictimOrder victim_order = VictimOrder::downwards;
  static constexpr uint32_t capacity_blocks_max = 1u << 28;

  static std::span<const Parameter> parameters() {
    static constexpr Parameter list[] = {
        {"sample", "blocks", ParameterKind::integer, 64, 1, CandidateRow::sample_most,
         "Of how many random ones the victim is."},
        {"period", "uses for each block of capacity", ParameterKind::real, 1, 0.001, 1000,
         "How often hit densities are worked out anew."},
        {"memory", "share", ParameterKind::real, 0.9, 0, 1,
         "What observations still count after a period."},
        {"tenants", "", ParameterKind::integer, 4, 1, 64,
         "Tenants that are told apart, by their numbers modulo this."}};
    return list;
  }

  Lhd(const tp_pool& pool, const ParameterValues& values, uint64_t seed)
      : capacity_(pool.capacity_blocks),
        tenant_count_(values.integer("tenants")),
        period_(std::max(uint64_t{64}, share(pool, values.real("period")))),
        blocks_(pool.slot_count),
        candidates_(pool, values.integer("sample"), seed),
        densities_(tenant_count_ * age_classes, age_count(pool), first_step_bits(pool),
                   values.real("memory")) {}

  void prefetch(uint32_t slot) const {
    blocks_.prefetch(slot);
    candidates_.prefetch(slot);
  }
  void prefetch(uint32_t slot, const tp_block*) const { blocks_.prefetch(slot); }

  void insert(const Notice&, uint32_t slot, const tp_block* view) {
    blocks_[slot] = {clock_, view->tenant % tenant_count_, 0};
    pass_time();
  }

  void touch(const Notice&, uint32_t slot) {
    Block& block = blocks_[slot];
    const uint64_t unused = clock_ - block.used;
    densities_.hit(kind(block), densities_.age_of(unused));
    block.age_class = age_class(unused);
    block.used = clock_;
    pass_time();
  }

  void remove(const Notice& at, uint32_t /*reason*/, uint32_t slot) {
    Block& block = blocks_[slot];
    if (at.slots.state(slot) == SlotState::leaving) densities_.eviction(kind(block), age(block));
    candidates_.leave(slot);
    block = {};
  }

  void set_evictable(const Notice&, bool on, uint32_t slot) {
    on ? candidates_.enter(slot) : candidates_.leave(slot);
  }

  void select(uint32_t need, auto& victims) const {
    candidates_.name_victims(
        need, [&](uint32_t slot) { blocks_.prefetch(slot); },
        [&](uint32_t slot, uint32_t other) { return goes_before(slot, other); },
        [&](uint32_t slot) { victims.take(slot); });
  }

  void commit(uint32_t need, auto& verdicts) {
    candidates_.take_victims(
        need, [&](uint32_t slot) { blocks_.prefetch(slot); },
        [&](uint32_t slot, uint32_t other) { return goes_before(slot, other); },
        [&](uint32_t slot) { return verdicts.accepts(slot); });
  }

  void hash(StateHash& hash) const {
    candidates_.hash(hash);
    densities_.hash(hash);
    hash.add(until_update_);
    for (uint32_t slot = 0; slot < blocks_.size(); ++slot) {
      const Block& block = blocks_[slot];
      if (block.used == 0) continue;
      hash.add(clock_ - block.used);
      hash.add(uint64_t{slot} << 32 | kind(block));
    }
  }

  static void archive(auto& self, auto& archive) {
    archive.items(self.blocks_.data(), self.blocks_.size());
    CandidateRow::archive(self.candidates_, archive);
    HitDensities::archive(self.densities_, archive);
    archive.value(self.clock_);
    archive.value(self.until_update_);
  }

 private:
  static constexpr uint32_t age_classes = 8;

  struct Block {
    uint64_t used;       // when last; 0: absent
    uint32_t tenant;     // modulo those told apart
    uint32_t age_class;  // of its last use; 0: none since it entered
  };

  static uint64_t share(const tp_pool& pool, double part) {
    return static_cast<uint64_t>(static_cast<double>(pool.capacity_blocks) * part);
  }
  /// Few for a small pool, so that its state is small too.
  static uint32_t age_count(const tp_pool& pool) {
    return std::clamp(std::bit_ceil(pool.capacity_blocks), 16u, 128u);
  }
  /// So that the ages reach as far as four times the capacity at least.
  static uint32_t first_step_bits(const tp_pool& pool) {
    const uint64_t reach = 4 * uint64_t{pool.capacity_blocks} / age_count(pool);
    return static_cast<uint32_t>(std::bit_width(reach));
  }

  uint32_t age_class(uint64_t unused) const {
    return 1 + static_cast<uint32_t>(
                   std::min<uint64_t>(std::bit_width(unused * 32 / capacity_), age_classes - 2));
  }
  static uint32_t kind(const Block& block) { return block.tenant * age_classes + block.age_class; }
  uint32_t age(const Block& block) const { return densities_.age_of(clock_ - block.used); }

  void pass_time() {
    ++clock_;
    if (++until_update_ < period_) return;
    until_update_ = 0;
    densities_.update();
  }

  bool goes_before(uint32_t slot, uint32_t other) const {
    const Block& first = blocks_[slot];
    const Block& second = blocks_[other];
    const double first_density = densities_.density(kind(first), age(first));
    const double second_density = densities_.density(kind(second), age(second));
    if (first_density != second_density) return first_density < second_density;
    return first.used != second.used ? first.used < second.used : slot < other;
  }

  uint32_t capacity_;
  uint32_t tenant_count_;
  uint64_t period_;            // uses
  uint64_t clock_ = 1;         // entries and touches so far, and one
  uint64_t until_update_ = 0;  // of the period, uses so far
  FlatArray<Block> blocks_;    // by slot
  CandidateRow candidates_;
  HitDensities densities_;
};

}  // namespace

CacheEntry lhd_entry() {
  return cache_entry<Lhd>(
      "Least hit density: of some random blocks the one leaves that may expect the fewest hits for "
      "the time it would stay, as learned from others of its tenant last used at its age.",
      "Beckmann, Chen, Cidon: LHD: improving cache hit rate by maximizing hit density, NSDI 2018");
}

}  // namespace tiercast::policy
