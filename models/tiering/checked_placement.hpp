#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/policy/tierpolicy.h"

namespace tiercast::tiering {

/// Owns one placement policy behind its table and checks every answer; a wrong one throws
/// PolicyFault. Entries the policy lacks get the contract's defaults.
class CheckedPlacement {
 public:
  /// On failure answers nothing and puts one sentence in `error`.
  static std::optional<CheckedPlacement> create(const tp_placement_table& table,
                                                std::string_view config, uint64_t seed,
                                                std::string& error);

  bool reads_keys() const { return reads_keys_; }

  /// Blocks [first, first + count) and the tiers that shall get a copy. `blocks`: views, or empty
  /// unless reads_keys(). The answer is valid until the next call.
  std::span<const tp_placed> place(int64_t now_ns, const tp_request& request, uint32_t phase,
                                   uint32_t first, uint32_t count, std::span<const tp_block> blocks,
                                   std::span<const tp_tier> tiers);
  /// The tier that takes blocks which leave `from`, or TP_NO_TIER.
  uint32_t demote(int64_t now_ns, uint32_t from, uint32_t blocks, std::span<const tp_tier> tiers);
  std::span<const tp_segment> plan_fetch(int64_t now_ns, const tp_request& request,
                                         const tp_fetch& fetch, std::span<const tp_tier> tiers);
  std::span<const tp_segment> prefetch(int64_t now_ns, const tp_request& request,
                                       const tp_fetch& fetch, std::span<const tp_tier> tiers);

  uint64_t policy_calls() const { return policy_calls_; }
  uint64_t hash_state() const;

 private:
  struct Destroy {
    const tp_placement_table* table;
    void operator()(tp_placement* policy) const { table->destroy(policy); }
  };

  CheckedPlacement(const tp_placement_table& table, tp_placement* policy);
  [[noreturn]] void fail(const char* call, int64_t now_ns, const std::string& what) const;
  // Calls `ask(capacity, count)` again with more room where the answer does not fit.
  template <class Item, class Ask>
  std::span<const Item> answer(const char* call, int64_t now_ns, std::vector<Item>& room, Ask ask);

  const tp_placement_table* table_;
  std::unique_ptr<tp_placement, Destroy> policy_;
  bool reads_keys_;
  uint64_t policy_calls_ = 0;
  std::vector<tp_placed> placed_;
  std::vector<tp_segment> segments_;
};

}  // namespace tiercast::tiering
