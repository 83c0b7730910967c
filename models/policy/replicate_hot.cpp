#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <tuple>
#include <utility>

#include "models/policy/flat_array.hpp"
#include "models/policy/router_adapter.hpp"

namespace tiercast::policy {
namespace {

/// How often keys came lately: counts of the present window and of the one before, of which the
/// part counts that a window reaching back from now still covers. A window remembers kKeys
/// different keys; what else comes in it is not counted.
class KeyRates {
 public:
  explicit KeyRates(int64_t window_ns) : window_ns_(window_ns), young_(kSlots), old_(kSlots) {}

  /// Counts the key and answers how often it came in the window that ends now.
  double add(int64_t now_ns, tp_key key) {
    turn(now_ns / window_ns_);
    StateHash hash;
    hash.add(key.hi);
    hash.add(key.lo);
    const uint64_t tag = std::max(hash.value() & ~kCount, kCount + 1);
    uint64_t& entry = find(young_, tag);
    if (entry == 0 && keys_ < kKeys) {
      ++keys_;
      entry = tag;
    }
    if (entry != 0 && (entry & kCount) < kCount) ++entry;
    const double passed =
        static_cast<double>(now_ns % window_ns_) / static_cast<double>(window_ns_);
    return static_cast<double>(entry & kCount) +
           static_cast<double>(find(old_, tag) & kCount) * (1 - passed);
  }

  void hash(StateHash& hash) const {
    hash.add(static_cast<uint64_t>(turn_));
    for (const auto* table : {&young_, &old_}) {
      uint64_t sum = 0;  // of the entries, in any order
      for (std::size_t i = 0; i < kSlots; ++i) {
        StateHash entry;
        entry.add((*table)[i]);
        sum += entry.value();
      }
      hash.add(sum);
    }
  }
  static void archive(auto& self, auto& archive) {
    archive.value(self.turn_);
    archive.value(self.keys_);
    archive.items(self.young_.data(), kSlots);
    archive.items(self.old_.data(), kSlots);
  }

 private:
  static constexpr uint32_t kSlots = 1 << 15;
  static constexpr uint32_t kKeys = kSlots / 4 * 3;
  static constexpr uint64_t kCount = (1 << 20) - 1;  // the low bits of an entry; above: the key's

  void turn(int64_t turn) {
    if (turn == turn_) return;
    std::swap(young_, old_);
    std::fill_n(young_.data(), kSlots, 0);
    if (turn > turn_ + 1) std::fill_n(old_.data(), kSlots, 0);
    keys_ = 0;
    turn_ = turn;
  }

  static uint64_t& find(FlatArray<uint64_t>& table, uint64_t tag) {
    std::size_t at = tag >> (64 - std::countr_zero(kSlots));
    while (table[at] != 0 && (table[at] & ~kCount) != tag) at = (at + 1) % kSlots;
    return table[at];
  }

  int64_t window_ns_;
  int64_t turn_ = 0;
  uint32_t keys_ = 0;
  FlatArray<uint64_t> young_;
  FlatArray<uint64_t> old_;
};

/// As `prefix`, but a prompt whose head comes at hot_rate or more goes to one of k workers alone,
/// k = min(copies, 1 + rate / hot_rate): those that have most of the head, and of equals the first
/// in an order of the head's own. Among them costs are as if each had the head. So a hot prefix
/// gets copies on k workers and no more, and none of them serves it alone.
///
/// After Mooncake's replication of hot blocks, which happens there as requests go where load is
/// low and take the blocks along; that copies follow from a rate is this library's.
class ReplicateHot {
 public:
  static constexpr std::string_view name = "replicate-hot";
  static constexpr uint32_t capabilities = uint32_t{TP_CAP_READS_MATCHES} | TP_CAP_READS_KEYS;

  static std::span<const Parameter> parameters() {
    using enum ParameterKind;
    static constexpr std::array declared{
        Parameter{"hot_rate", "requests/s", real, 1, 1e-6, 1e9,
                  "from which on a head is hot, and by which copies grow"},
        Parameter{"window", "s", real, 10, 0.001, 1e6, "over which its rate is taken"},
        Parameter{"copies", "workers", integer, 4, 1, 4096, "that one head is spread over at most"},
        Parameter{"head", "tokens", integer, 1024, 1, 1e9,
                  "by which prompts are told apart; shorter ones by all they have"}};
    return declared;
  }

  ReplicateHot(const ParameterValues& values, uint64_t)
      : hot_count_(values.real("hot_rate") * values.real("window")),
        copies_(values.integer("copies")),
        head_(values.integer("head")),
        rates_(static_cast<int64_t>(values.real("window") * 1e9)) {}

  uint32_t route(int64_t now_ns, const tp_prompt& prompt, const Workers& workers, double* costs) {
    const auto cost = [&](const tp_worker& worker) { return prefill_and_load(prompt, worker); };
    for (uint32_t i = 0; i < workers.size() && costs != nullptr; ++i) {
      costs[i] = static_cast<double>(cost(workers[i]));
    }
    if (prompt.key_count == 0) return cheapest(workers, cost);
    const uint32_t wanted = (head_ - 1) / prompt.key_tokens;
    const uint32_t number = std::min(wanted, prompt.key_count - 1);
    const tp_key key = prompt.keys[number];
    const double recent = rates_.add(now_ns, key);
    if (recent < hot_count_) return cheapest(workers, cost);
    const double many = std::min<double>(copies_, 1 + recent / hot_count_);
    const uint32_t copies = std::min(workers.size(), static_cast<uint32_t>(many));
    if (costs != nullptr) {
      std::fill_n(costs, workers.size(), std::numeric_limits<double>::infinity());
    }
    const uint64_t head =
        std::min<uint64_t>(prompt.tokens, (number + uint64_t{1}) * prompt.key_tokens);
    return cheapest_holder(key, static_cast<uint32_t>(head), copies, prompt, workers, costs);
  }

  void hash(StateHash& hash) const { rates_.hash(hash); }
  static void archive(auto& self, auto& archive) { KeyRates::archive(self.rates_, archive); }

 private:
  static uint32_t cheapest_holder(tp_key key, uint32_t head, uint32_t copies,
                                  const tp_prompt& prompt, const Workers& workers, double* costs) {
    using Rank =
        std::tuple<uint32_t, uint64_t, uint32_t>;  // tokens of the head it lacks, draw, index
    const auto rank_of = [&](uint32_t i) {
      StateHash draw;
      draw.add(key.hi ^ key.lo);
      draw.add(i);
      return Rank(head - std::min(head, workers[i].device_tokens), draw.value(), i);
    };
    uint32_t chosen = 0;
    uint64_t least = UINT64_MAX;
    Rank last{};
    for (uint32_t n = 0; n < copies; ++n) {
      Rank next(UINT32_MAX, UINT64_MAX, UINT32_MAX);
      for (uint32_t i = 0; i < workers.size(); ++i) {
        const Rank rank = rank_of(i);
        if ((n == 0 || rank > last) && rank < next) next = rank;
      }
      last = next;
      const uint32_t i = std::get<2>(next);
      const uint64_t has = std::clamp(workers[i].device_tokens, head, prompt.tokens);
      const uint64_t cost =
          prompt.tokens - has + workers[i].queued_tokens + workers[i].outstanding_tokens;
      if (costs != nullptr) costs[i] = static_cast<double>(cost);
      if (cost >= least) continue;
      least = cost;
      chosen = i;
    }
    return chosen;
  }

  double hot_count_;
  uint32_t copies_;
  uint32_t head_;
  KeyRates rates_;
};

}  // namespace

RouterEntry replicate_hot_entry() {
  return router_entry<ReplicateHot>(
      "As `prefix`, but prompts whose head comes often are spread over several workers, which then "
      "have copies of it.",
      "Mooncake (hot-block replication); rates, copies and defaults: assumption");
}

}  // namespace tiercast::policy
