#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/policy/tierpolicy.h"
#include "models/policy/tierpolicy_tape.h"

namespace tiercast::tiering {

/// Owns one placement policy behind its table and checks every answer; a wrong one throws
/// PolicyFault. Entries the policy lacks get the contract's defaults.
class CheckedPlacement {
 public:
  /// On failure answers nothing and puts one sentence in `error`. tape: receives every call from
  /// now on; NULL: none does.
  static std::optional<CheckedPlacement> create(const tp_placement_table& table,
                                                std::string_view config, uint64_t seed,
                                                std::string& error, const tp_tape* tape = nullptr);

  /// Whether place() is to be told of keys.
  bool reads_keys() const { return (capabilities_ & TP_CAP_READS_KEYS) != 0; }
  /// Whether admit() is to be asked before each write.
  bool admits() const { return (capabilities_ & TP_CAP_ADMITS) != 0 && table_.admit != nullptr; }
  bool hears_requests() const { return table_.on_request != nullptr; }
  bool hears_transfers() const { return table_.on_transfer != nullptr; }

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

  /// One verdict a block, 1 or 0, in order; the answer is valid until the next call.
  std::span<const uint8_t> admit(int64_t now_ns, const tp_request* request, uint32_t from,
                                 uint32_t to, std::span<const tp_block> blocks,
                                 std::span<const tp_tier> tiers);
  void on_request(int64_t now_ns, const tp_request& request, uint32_t phase);
  void on_transfer(int64_t now_ns, const tp_transfer& transfer);
  /// Every tick that the policy has asked for until `now_ns`, each with its own time. Ticks change
  /// nothing but the policy, so they may be told as late as its next call.
  void tick_until(int64_t now_ns);

  uint64_t policy_calls() const { return policy_calls_; }
  uint64_t hash_state() const;

 private:
  struct Destroy {
    void (*destroy)(tp_placement*);
    void operator()(tp_placement* policy) const { destroy(policy); }
  };

  CheckedPlacement(const tp_placement_table& table, tp_placement* policy);
  /// From now on every call goes to the tape too. Answers what is wrong, or nothing.
  std::string record(const std::string& config, uint64_t seed, const tp_tape& tape);
  int64_t next_wakeup() const;
  [[noreturn]] void fail(const char* call, int64_t now_ns, const std::string& what) const;
  // Calls `ask(capacity, count)` again with more room where the answer does not fit.
  template <class Item, class Ask>
  std::span<const Item> answer(const char* call, int64_t now_ns, std::vector<Item>& room, Ask ask);

  void check(const char* call, int64_t now_ns, int code) const;

  tp_placement_table table_;  // NULL where the given one ends before
  std::unique_ptr<tp_placement, Destroy> policy_;
  uint32_t capabilities_;
  uint64_t policy_calls_ = 0;
  std::vector<tp_placed> placed_;
  std::vector<tp_segment> segments_;
  std::vector<uint8_t> verdicts_;
  int64_t ticked_ns_ = -1;  // ticks until then are told
};

}  // namespace tiercast::tiering
