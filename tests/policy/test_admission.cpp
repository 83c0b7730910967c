// Which blocks may be written: each rule by hand, and the counts behind them against plain ones.
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "models/policy/frequency_sketch.hpp"
#include "models/policy/key_hash.hpp"
#include "tests/policy/placement_calls.hpp"
#include "tests/policy/random_host.hpp"

using namespace tiercast;
using namespace tiercast::tests;

namespace {

// In five_tiers().
constexpr uint32_t kHost = 1;
constexpr uint32_t kDrives = 3;

uint32_t capabilities(Policy& policy) { return policy.table().capabilities(policy.self()); }

std::vector<uint64_t> numbers(uint64_t first, size_t count) {
  std::vector<uint64_t> keys(count);
  std::iota(keys.begin(), keys.end(), first);
  return keys;
}

}  // namespace

TEST_CASE("without a rule for admission nobody is asked, and all are admitted", "[placement]") {
  Policy policy("through");
  CHECK(capabilities(policy) == 0);
  CHECK(policy.admit({1, 2}, kDrives, five_tiers()) == "++");
  Policy selective("selective");
  CHECK(capabilities(selective) == TP_CAP_READS_KEYS);
}

TEST_CASE("second touch writes a block to flash once two uses have had it", "[placement]") {
  for (const char* writes : {"through", "back"}) {
    Policy policy(writes, "admission=second-touch");
    CHECK(capabilities(policy) == (uint32_t{TP_CAP_READS_KEYS} | TP_CAP_ADMITS));
    policy.place({1, 2, 3}, five_tiers());
    CHECK(policy.admit({1, 2, 3}, kDrives, five_tiers()) == "---");
    CHECK(policy.admit({1, 2, 3}, kHost, five_tiers()) == "+++");  // wears nothing
    policy.place({1, 2, 4}, five_tiers());
    CHECK(policy.admit({1, 2, 4}, kDrives, five_tiers()) == "++-");
    CHECK(policy.admit({3, 1, 2}, kDrives, five_tiers()) == "---");  // no holes
  }
  Policy lower("through", "admission=second-touch\nadmission_tiers=lower");
  lower.place({1}, five_tiers());
  CHECK(lower.admit({1}, kHost, five_tiers()) == "-");
  // Writes as before: what admission refuses is the host's to leave out.
  CHECK(text(lower.place({1, 2, 3}, five_tiers(), 7)) == "7+3:26");
  CHECK(lower.admit({1}, kHost, five_tiers()) == "+");
}

TEST_CASE("tinylfu admits from so many uses on, and forgets", "[placement]") {
  Policy policy("through", "admission=tinylfu\nadmission_uses=3\nadmission_window=64");
  for (const char* expected : {"-", "-", "+"}) {
    policy.place({1}, five_tiers());
    CHECK(policy.admit({1}, kDrives, five_tiers()) == expected);
  }
  // 61 others make 64 uses, at which all counts are halved: 1 is left.
  policy.place(numbers(100, 61), five_tiers());
  policy.place({1}, five_tiers());
  CHECK(policy.admit({1}, kDrives, five_tiers()) == "-");
  policy.place({1}, five_tiers());
  CHECK(policy.admit({1}, kDrives, five_tiers()) == "+");
}

TEST_CASE("a wear budget admits the head of what it does not last for", "[placement]") {
  Policy policy("through", "admission=wear-budget");
  Tiers tiers = five_tiers();
  CHECK(policy.admit(numbers(1, 5), kDrives, tiers) == "+++++");  // no bound is known
  tiers[kDrives].write_budget_bytes = 3999;
  CHECK(policy.admit(numbers(1, 5), kDrives, tiers) == "+++--");
  tiers[kDrives].write_budget_bytes = 0;
  CHECK(policy.admit(numbers(1, 2), kDrives, tiers) == "--");
  CHECK(policy.admit(numbers(1, 2), kHost, tiers) == "++");
  // A host of the version before tells of no budget.
  Tiers old = five_tiers();
  std::vector<char> bytes;
  constexpr uint32_t kOldSize = offsetof(tp_tier, write_budget_bytes);
  for (tp_tier& view : old) {
    view.size = kOldSize;
    bytes.insert(bytes.end(), reinterpret_cast<char*>(&view),
                 reinterpret_cast<char*>(&view) + kOldSize);
  }
  alignas(8) std::array<char, 5 * kOldSize> aligned{};
  std::copy(bytes.begin(), bytes.end(), aligned.begin());
  tp_block block{};
  block.size = sizeof block;
  block.bytes = 1000;
  uint8_t verdict = 0;
  REQUIRE(policy.table().admit(policy.self(), 1, nullptr, 0, kDrives, &block, 1,
                               reinterpret_cast<const tp_tier*>(aligned.data()), 5,
                               &verdict) == TP_OK);
  CHECK(verdict == 1);
}

TEST_CASE("a wear budget goes to blocks worth more than what they wear off", "[placement]") {
  // A block loads in 1 us. An hour of an engine costs 3,600,000 and writing 10^12 bytes 10^9: a
  // saved us is worth 0.001, a block's write 0.000001 x 1000.
  const std::string prices = "admission=wear-budget\nengine_price=1e6\nwrite_price=1e6\n";
  Policy policy("through", prices.c_str());
  const Tiers tiers = five_tiers();
  // Nothing is known of reuse: (0 + 1) / (0 + 2). Value: t ns x 1/2 x 10^6 / 3600e9; cost: 0.001.
  const uint64_t even = 1000 + 7200;
  CHECK(policy.admit({1}, kDrives, tiers, even) == "-");
  CHECK(policy.admit({1}, kDrives, tiers, even + 1) == "+");
  CHECK(policy.admit({1}, kDrives, tiers, 1000) == "-");  // loads no sooner than it is computed
  CHECK(policy.admit({1}, kDrives, tiers, 0) == "+");     // not known
  // Of 98 blocks 49 are used again: (49 + 1) / (98 + 2); of those none: 1 / (49 + 2).
  policy.place(numbers(1000, 98), tiers);
  policy.place(numbers(1000, 49), tiers);
  CHECK(policy.admit({1049}, kDrives, tiers, even) == "-");
  CHECK(policy.admit({1049}, kDrives, tiers, even + 1) == "+");
  CHECK(policy.admit({1000}, kDrives, tiers, even + 1) == "-");
  CHECK(policy.admit({1000}, kDrives, tiers, 1000 + 3600 * 51 + 1) == "+");
}

TEST_CASE("admit refuses what breaks the contract", "[placement]") {
  Policy policy("through", "admission=second-touch");
  const Tiers tiers = five_tiers();
  tp_block block{};
  block.size = sizeof block;
  uint8_t verdict = 0;
  const auto admit = [&](uint32_t to, const tp_block* blocks, uint8_t* verdicts) {
    return policy.table().admit(policy.self(), 1, nullptr, 0, to, blocks, 1, tiers.data(),
                                tiers.size(), verdicts);
  };
  CHECK(admit(1, &block, &verdict) == TP_OK);
  CHECK(admit(0, &block, &verdict) == TP_EINVAL);
  CHECK(admit(5, &block, &verdict) == TP_EINVAL);
  CHECK(admit(1, nullptr, &verdict) == TP_EINVAL);
  CHECK(admit(1, &block, nullptr) == TP_EINVAL);
  size_t count = 0;
  tp_placed out{};
  CHECK(policy.table().place(policy.self(), 1, nullptr, TP_STORE_PROMPT, 0, 1, nullptr,
                             tiers.data(), tiers.size(), &out, 1, &count) == TP_EINVAL);
}

TEST_CASE("uses are counted once, however often a caller is short of room", "[placement]") {
  Policy policy("through", "admission=second-touch");
  const Tiers tiers = five_tiers();
  tp_block block{};
  block.size = sizeof block;
  size_t count = 0;
  const uint64_t before = policy.table().hash_state(policy.self());
  CHECK(policy.table().place(policy.self(), 1, nullptr, TP_STORE_PROMPT, 0, 1, &block, tiers.data(),
                             tiers.size(), nullptr, 0, &count) == TP_ESPACE);
  CHECK(count == 1);
  CHECK(policy.table().hash_state(policy.self()) == before);
}

TEST_CASE("placement saved and restored in the middle answers on as if nothing had been",
          "[placement]") {
  const auto [name, config] = GENERATE(table<const char*, const char*>(
      {{"through", ""},
       {"selective", "threshold=3\nwindow=100"},
       {"back", "admission=second-touch\nadmission_window=60"},
       {"through", "admission=tinylfu\nadmission_window=50"},
       {"selective", "admission=wear-budget\nengine_price=2\nwrite_price=1\nwindow=70"}}));
  CAPTURE(name, config);
  Draw draw(3);
  Policy first(name, config);
  const Tiers tiers = five_tiers();
  const auto keys = [&] {
    std::vector<uint64_t> some(1 + draw.below(5));
    for (uint64_t& key : some) key = draw.below(40);
    return some;
  };
  for (int i = 0; i < 200; ++i) first.place(keys(), tiers);
  size_t size = 0;
  REQUIRE(first.table().save(first.self(), nullptr, 0, &size) == TP_OK);
  std::vector<char> saved(size);
  CHECK(first.table().save(first.self(), saved.data(), size - 1, &size) == TP_ESPACE);
  REQUIRE(first.table().save(first.self(), saved.data(), saved.size(), &size) == TP_OK);
  Policy second(name, config);
  REQUIRE(second.table().restore(second.self(), saved.data(), saved.size()) == TP_OK);
  for (int i = 0; i < 200; ++i) {
    REQUIRE(first.table().hash_state(first.self()) == second.table().hash_state(second.self()));
    const std::vector<uint64_t> some = keys();
    REQUIRE(text(first.place(some, tiers)) == text(second.place(some, tiers)));
    REQUIRE(first.admit(some, kDrives, tiers, 5000) == second.admit(some, kDrives, tiers, 5000));
  }
  Policy other(name, "output=0");
  CHECK(other.table().restore(other.self(), saved.data(), saved.size()) == TP_EINVAL);
  saved.back() ^= 1;
  CHECK(second.table().restore(second.self(), saved.data(), saved.size()) == TP_EINVAL);
}

TEST_CASE("a sketch of uses is never too low, and of few keys seldom too high", "[placement]") {
  constexpr uint32_t kSample = 4000;
  policy::FrequencySketch sketch(kSample, kSample);
  std::map<uint64_t, uint32_t> exact;
  Draw draw(8);
  uint32_t added = 0;
  uint64_t too_high = 0;
  uint64_t seen = 0;
  for (int i = 0; i < 40'000; ++i) {
    const uint64_t key = draw.chance(30) ? draw.below(20) : draw.below(100'000);
    exact[key] = std::min<uint32_t>(exact[key] + 1, policy::FrequencySketch::most);
    const uint64_t hash = policy::key_hash({key, key * 7});
    sketch.add(hash);
    const uint32_t estimate = sketch.estimate(hash);
    if (++added == kSample) {
      added = 0;
      for (auto& [known, count] : exact) count /= 2;
    }
    REQUIRE(estimate >= exact[key]);
    too_high += estimate > exact[key] ? 1 : 0;
    ++seen;
  }
  CHECK(too_high * 20 < seen);
}
