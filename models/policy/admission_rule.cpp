#include "models/policy/admission_rule.hpp"

#include <algorithm>

#include "models/policy/key_hash.hpp"

namespace tiercast::policy {

AdmissionRule::AdmissionRule(const ParameterValues& values)
    : rule_(static_cast<Rule>(values.integer("admission"))),
      lower_(values.integer("admission_tiers") != 0),
      uses_(values.integer("admission_uses")),
      engine_price_per_ns_(values.real("engine_price") / 3600e9),
      write_price_per_byte_(values.real("write_price") / 1e12) {
  const uint32_t window = values.integer("admission_window");
  if (rule_ == Rule::tinylfu) sketch_.emplace(window, window);
  if (rule_ == Rule::second_touch || rule_ == Rule::wear_budget) counts_.emplace(window);
}

void AdmissionRule::count(const Blocks& blocks, std::size_t block_count) {
  for (std::size_t i = 0; i < block_count; ++i) {
    if (sketch_) sketch_->add(key_hash(blocks[i]->key));
    if (!counts_) continue;
    const uint32_t uses = counts_->add(blocks[i]->key);
    if (uses <= kUsesTold) ++reached_[uses];
  }
}

// Saving time that costs nothing is worth writing where that costs nothing.
bool AdmissionRule::worth(uint32_t to, const tp_block& block, const TierList& tiers) const {
  if (block.recompute_ns == 0) return true;
  const uint64_t rate = std::max<uint64_t>(1, tiers[to].read_bytes_per_s);
  const double load_ns = static_cast<double>(block.bytes) / static_cast<double>(rate) * 1e9;
  const double saved_ns = static_cast<double>(block.recompute_ns) - load_ns;
  if (saved_ns <= 0) return false;
  const double cost = write_price_per_byte_ * block.bytes;
  if (engine_price_per_ns_ == 0 && cost == 0) return true;
  const std::size_t uses = std::clamp<std::size_t>(counts_->count(block.key), 1, kUsesTold - 1);
  const double again =
      static_cast<double>(reached_[uses + 1] + 1) / static_cast<double>(reached_[uses] + 2);
  return again * saved_ns * engine_price_per_ns_ > cost;
}

void AdmissionRule::admit(uint32_t to, const Blocks& blocks, std::size_t block_count,
                          const TierList& tiers, uint8_t* verdicts) const {
  std::fill_n(verdicts, block_count, uint8_t{1});
  if (rule_ == Rule::all || !guards(tiers[to])) return;
  uint64_t left = tiers.write_budget_bytes(to);
  for (std::size_t i = 0; i < block_count; ++i) {
    const tp_block& block = *blocks[i];
    bool admitted = true;
    if (rule_ == Rule::second_touch) admitted = counts_->count(block.key) >= 2;
    if (rule_ == Rule::tinylfu) admitted = sketch_->estimate(key_hash(block.key)) >= uses_;
    if (rule_ == Rule::wear_budget) admitted = block.bytes <= left && worth(to, block, tiers);
    if (!admitted) {
      std::fill_n(verdicts + i, block_count - i, uint8_t{0});
      return;
    }
    if (left != UINT64_MAX) left -= std::min<uint64_t>(left, block.bytes);
  }
}

void AdmissionRule::hash(StateHash& hash) const {
  if (counts_) counts_->hash(hash);
  if (sketch_) sketch_->hash(hash);
  for (const uint64_t blocks : reached_) hash.add(blocks);
}

}  // namespace tiercast::policy
