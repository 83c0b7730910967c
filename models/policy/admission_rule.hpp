#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "models/policy/cache_policy.hpp"
#include "models/policy/frequency_sketch.hpp"
#include "models/policy/key_counts.hpp"
#include "models/policy/parameters.hpp"
#include "models/policy/tier_list.hpp"
#include "models/policy/tierpolicy.h"

namespace tiercast::policy {

inline constexpr std::array<std::string_view, 4> kAdmissionRules{"all", "second-touch", "tinylfu",
                                                                 "wear-budget"};
inline constexpr std::array<std::string_view, 2> kAdmissionTiers{"flash", "lower"};

/// Which blocks may be written into a tier, whatever wants to write them. A use of a block is a
/// prompt that had it, or the generation that made it.
///
/// second-touch: a block that two uses have had.
/// tinylfu: one that a sketch has seen `admission_uses` times lately.
/// wear-budget: as many as the tier's write budget lasts for, of blocks worth it:
///
///     P(used again) x (time to compute it - time to load it) x engine_price
///         > its bytes x write_price
///
/// P is estimated from how many of the blocks with as many uses were used again. A block whose time
/// to compute is not known is taken to be worth it.
///
/// Blocks of one call are a prefix's: behind the first refused one all are, for without it they are
/// of no use.
class AdmissionRule {
 public:
  static constexpr Parameter kRule =
      choice_of("admission", kAdmissionRules,
                "which blocks may be written: all, those used twice, those a sketch finds used "
                "often, or those worth what the rated endurance leaves");
  static constexpr Parameter kTiers = choice_of(
      "admission_tiers", kAdmissionTiers,
      "which tiers it guards: flash (drives, context, services), or all below GPU memory");
  static constexpr Parameter kUses{"admission_uses",
                                   "uses",
                                   ParameterKind::integer,
                                   2,
                                   1,
                                   FrequencySketch::most,
                                   "of admission=tinylfu: that a block must have had"};
  static constexpr Parameter kWindow{
      "admission_window",
      "blocks",
      ParameterKind::integer,
      1'048'576,
      1,
      268'435'456,
      "different blocks, or uses for tinylfu, after which uses may be forgotten"};
  static constexpr Parameter kEnginePrice{
      "engine_price",
      "per hour",
      ParameterKind::real,
      0,
      0,
      1e6,
      "of admission=wear-budget: what an hour of one engine costs; 0: any time saved is worth it"};
  static constexpr Parameter kWritePrice{
      "write_price",
      "per TB",
      ParameterKind::real,
      0,
      0,
      1e6,
      "of admission=wear-budget: what writing 10^12 bytes wears off, in the same money"};

  explicit AdmissionRule(const ParameterValues& values);

  /// Whether it may refuse anything.
  bool asks() const { return rule_ != Rule::all; }
  /// One use of each.
  void count(const Blocks& blocks, std::size_t block_count);
  void admit(uint32_t to, const Blocks& blocks, std::size_t block_count, const TierList& tiers,
             uint8_t* verdicts) const;

  void hash(StateHash& hash) const;
  template <class Self, class Archive>
  static void archive(Self& self, Archive& archive) {
    if (self.counts_) KeyCounts::archive(*self.counts_, archive);
    if (self.sketch_) FrequencySketch::archive(*self.sketch_, archive);
    archive.items(self.reached_.data(), self.reached_.size());
  }

 private:
  enum class Rule : uint32_t { all, second_touch, tinylfu, wear_budget };
  static constexpr std::size_t kUsesTold = 16;

  bool guards(const tp_tier& tier) const {
    return lower_ || tier.kind == TP_TIER_NVME || tier.kind == TP_TIER_CONTEXT ||
           tier.kind == TP_TIER_EXTERNAL;
  }
  bool worth(uint32_t to, const tp_block& block, const TierList& tiers) const;

  Rule rule_;
  bool lower_;
  uint32_t uses_;
  double engine_price_per_ns_;
  double write_price_per_byte_;
  std::optional<KeyCounts> counts_;        // second-touch, wear-budget
  std::optional<FrequencySketch> sketch_;  // tinylfu
  // Blocks that ever had so many uses, the last entry also those with more.
  std::array<uint64_t, kUsesTold + 1> reached_{};
};

}  // namespace tiercast::policy
