#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "models/policy/tierpolicy.h"

namespace tiercast::tests {

using Tiers = std::vector<tp_tier>;
using Runs = std::vector<tp_run>;

/// One built-in placement policy, called through its table.
class Policy {
 public:
  explicit Policy(const char* name, const char* config = "")
      : table_(tp_find_builtin_placement(name)) {
    REQUIRE(table_ != nullptr);
    std::array<char, 200> error{};
    const int code = table_->create(config, 1, &self_, error.data(), error.size());
    INFO(error.data());
    REQUIRE(code == TP_OK);
  }
  ~Policy() { table_->destroy(self_); }
  Policy(const Policy&) = delete;
  Policy& operator=(const Policy&) = delete;

  /// `keys`: the blocks' content; depth of the first is `first`.
  std::vector<tp_placed> place(const std::vector<uint64_t>& keys, const Tiers& tiers,
                               uint32_t first = 0, uint32_t phase = TP_STORE_PROMPT) {
    std::vector<tp_block> blocks(keys.size());
    for (size_t i = 0; i < keys.size(); ++i) {
      blocks[i].size = sizeof(tp_block);
      blocks[i].key = {keys[i], 0};
    }
    std::vector<tp_placed> out(keys.size());
    size_t count = 0;
    REQUIRE(table_->place(self_, 1, nullptr, phase, first, static_cast<uint32_t>(keys.size()),
                          blocks.data(), tiers.data(), tiers.size(), out.data(), out.size(),
                          &count) == TP_OK);
    out.resize(count);
    return out;
  }
  /// One character a block: + admitted, - not. Blocks of 1000 bytes, each `recompute_ns` to
  /// compute.
  std::string admit(const std::vector<uint64_t>& keys, uint32_t to, const Tiers& tiers,
                    uint64_t recompute_ns = 0) {
    std::vector<tp_block> blocks(keys.size());
    for (size_t i = 0; i < keys.size(); ++i) {
      blocks[i].size = sizeof(tp_block);
      blocks[i].key = {keys[i], 0};
      blocks[i].bytes = 1000;
      blocks[i].recompute_ns = recompute_ns;
    }
    std::vector<uint8_t> verdicts(keys.size(), 7);
    REQUIRE(table_->admit(self_, 1, nullptr, 0, to, blocks.data(), blocks.size(), tiers.data(),
                          tiers.size(), verdicts.data()) == TP_OK);
    std::string all;
    for (const uint8_t verdict : verdicts) all += verdict == 1 ? '+' : verdict == 0 ? '-' : '?';
    return all;
  }
  uint32_t demote(uint32_t from, const Tiers& tiers) {
    uint32_t to = 77;
    REQUIRE(table_->demote(self_, 1, from, 5, tiers.data(), tiers.size(), &to) == TP_OK);
    return to;
  }
  std::vector<tp_segment> plan(const Runs& runs, const Tiers& tiers) {
    return segments(table_->plan_fetch, runs, tiers);
  }
  std::vector<tp_segment> prefetch(const Runs& runs, const Tiers& tiers) {
    return segments(table_->prefetch, runs, tiers);
  }
  const tp_placement_table& table() const { return *table_; }
  uint32_t flags = 0;           ///< of the fetches to come
  int64_t half_compute_ns = 0;  ///< the same
  tp_placement* self() { return self_; }

 private:
  template <class Call>
  std::vector<tp_segment> segments(Call call, const Runs& runs, const Tiers& tiers) {
    const tp_fetch fetch{sizeof(tp_fetch),
                         1000,
                         16,
                         runs.empty() ? 0 : runs[0].first,
                         1000,
                         static_cast<uint32_t>(runs.size()),
                         runs.data(),
                         flags,
                         0,
                         half_compute_ns};
    std::vector<tp_segment> out(runs.size() + 1);
    size_t count = 0;
    REQUIRE(call(self_, 1, nullptr, &fetch, tiers.data(), tiers.size(), out.data(), out.size(),
                 &count) == TP_OK);
    out.resize(count);
    return out;
  }

  const tp_placement_table* table_;
  tp_placement* self_ = nullptr;
};

inline tp_tier tier(uint32_t kind, uint32_t flags = 0) {
  tp_tier view{};
  view.size = sizeof(tp_tier);
  view.kind = kind;
  view.flags = flags;
  view.read_bytes_per_s = 1'000'000'000;  // a block of 1000 bytes takes 1 us
  view.write_budget_bytes = UINT64_MAX;
  return view;
}

/// GPU, host, another node's host, drives, storage.
inline Tiers five_tiers() {
  return {tier(TP_TIER_HBM), tier(TP_TIER_DRAM),
          tier(TP_TIER_PEER, TP_TIER_SHARED | TP_TIER_READ_ONLY), tier(TP_TIER_NVME),
          tier(TP_TIER_EXTERNAL, TP_TIER_SHARED)};
}

/// "first+count:mode tier>to" of each.
inline std::string text(const std::vector<tp_segment>& segments) {
  std::string all;
  for (const tp_segment& s : segments) {
    all += (all.empty() ? "" : " ") + std::to_string(s.first) + "+" + std::to_string(s.count) +
           ":" + "?LWCS"[s.mode] + std::to_string(s.tier);
    if (s.to != TP_NO_TIER) all += ">" + std::to_string(s.to);
  }
  return all;
}

inline std::string text(const std::vector<tp_placed>& placed) {
  std::string all;
  for (const tp_placed& p : placed) {
    all += (all.empty() ? "" : " ") + std::to_string(p.first) + "+" + std::to_string(p.count) +
           ":" + std::to_string(p.tier_mask);
  }
  return all;
}

}  // namespace tiercast::tests
