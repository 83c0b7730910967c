// Loading the tail while the head is computed: by hand, and against every place to meet.
#include <algorithm>
#include <limits>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/policy/placement_calls.hpp"
#include "tests/policy/random_host.hpp"

using namespace tiercast;
using namespace tiercast::tests;

TEST_CASE("fetch rules have names, and the numbers they had before", "[placement]") {
  const Runs runs{{2, 3, 0b00010, 0, 100}, {5, 2, 0b01000, 0, 100}};
  for (const char* same : {"fetch=load-all", "fetch=0", ""}) {
    CHECK(text(Policy("through", same).plan(runs, five_tiers())) == "2+3:L1 5+2:L3>1");
  }
  for (const char* same : {"fetch=recompute-all", "fetch=1"}) {
    CHECK(Policy("through", same).plan(runs, five_tiers()).empty());
  }
  for (const char* same : {"fetch=load-or-recompute", "fetch=2", "fetch=bidirectional"}) {
    CHECK(Policy("through", same).plan(runs, five_tiers()).empty());  // 5 us against 0.2 us
  }
}

TEST_CASE("the head is computed and the tail loads until they meet", "[placement]") {
  // A block of 1000 bytes loads in 1 us and is computed in 3 us: of 40, 10 are.
  const Runs runs{{5, 40, 0b01000, 0, 120'000}};
  Policy policy("through", "fetch=bidirectional\npromote=0");
  CHECK(text(policy.plan(runs, five_tiers())) == "5+40:L3");  // the engine cannot
  policy.flags = TP_FETCH_SPLITS;
  CHECK(text(policy.plan(runs, five_tiers())) == "5+10:C0 15+30:L3");
  SECTION("what waits in a tier, and its latency, leave more to compute") {
    Tiers tiers = five_tiers();
    tiers[3].queued_read_bytes = 12'000;
    tiers[3].read_latency_ns = 8'000;
    CHECK(text(policy.plan(runs, tiers)) == "5+15:C0 20+25:L3");
    tiers[3].read_latency_ns = 800'000;
    CHECK(policy.plan(runs, tiers).empty());
  }
  SECTION("where later blocks take longer, more are computed") {
    // c(n) = n^2 x 75 ns: 30 us for half, and 20 blocks of it meet 20 us of loading: 75 n^2 = 40 -
    // n.
    policy.half_compute_ns = 30'000;
    CHECK(text(policy.plan(runs, five_tiers())) == "5+17:C0 22+23:L3");
  }
  SECTION("a short tail is not worth a load") {
    Policy least("through", "fetch=bidirectional\nmin_load=31");
    least.flags = TP_FETCH_SPLITS;
    CHECK(least.plan(runs, five_tiers()).empty());
  }
  SECTION("nobody waits for what others load behind a head") {
    const Runs waits{{5, 10, 0b01000, 0, 30'000}, {15, 30, 0b01001, 0, 90'000}};
    CHECK(text(policy.plan(waits, five_tiers())) == "5+10:L3 15+30:W0");
  }
  SECTION("the meeting may lie in any run") {
    const Runs two{{5, 4, 0b00010, 0, 12'000}, {9, 36, 0b01000, 0, 108'000}};
    // All of the first and 6 more, 18 + 12 us, against 30 of the drives.
    CHECK(text(policy.plan(two, five_tiers())) == "5+10:C0 15+30:L3");
    const Runs fast{{5, 30, 0b00010, 0, 300'000}, {35, 10, 0b01000, 0, 100'000}};
    // Both tiers load at the same time: 30 - s us against 10 s us, 28 with 2 and 30 with 3.
    CHECK(text(policy.plan(fast, five_tiers())) == "5+2:C0 7+28:L1 35+10:L3");
  }
  SECTION("what is fetched ahead is what is loaded later") {
    Policy ahead("through", "fetch=bidirectional\nprefetch=1");
    ahead.flags = TP_FETCH_SPLITS;
    CHECK(text(ahead.prefetch(runs, five_tiers())) == "15+30:S3>1");
  }
}

namespace {

int64_t done(const Runs& runs, const Tiers& tiers, uint32_t blocks, int64_t half_ns, uint32_t s) {
  int64_t all_ns = 0;
  for (const tp_run& run : runs) all_ns += run.compute_ns;
  // The parabola through (0, 0), (half, half_ns), (blocks, all_ns).
  const double h = blocks / 2;
  const double n = blocks;
  const double compute = h == 0 ? static_cast<double>(all_ns) * s / n
                                : static_cast<double>(half_ns) * s * (s - n) / (h * (h - n)) +
                                      static_cast<double>(all_ns) * s * (s - h) / (n * (n - h));
  int64_t load = 0;
  for (uint32_t t = 1; t < tiers.size(); ++t) {
    uint64_t bytes = 0;
    for (const tp_run& run : runs) {
      uint32_t nearest = 1;
      while ((run.tier_mask >> nearest & 1u) == 0) ++nearest;
      for (uint32_t b = run.first; b < run.first + run.count && nearest == t; ++b) {
        if (b - runs[0].first >= s) bytes += 1000;
      }
    }
    if (bytes == 0) continue;
    bytes += tiers[t].queued_read_bytes;
    load =
        std::max(load, tiers[t].read_latency_ns +
                           static_cast<int64_t>(bytes * 1'000'000'000 / tiers[t].read_bytes_per_s));
  }
  return std::max(static_cast<int64_t>(compute), load);
}

}  // namespace

TEST_CASE("bidirectional meets where the later of both is least", "[placement]") {
  Policy policy("through", "fetch=bidirectional\npromote=0");
  policy.flags = TP_FETCH_SPLITS;
  Draw draw(6);
  std::array<int, 3> seen{};  // nothing, part, all loaded
  for (int round = 0; round < 1500; ++round) {
    Tiers tiers = five_tiers();
    for (tp_tier& view : tiers) {
      view.read_bytes_per_s = uint64_t{1} << (28 + draw.below(6));
      view.read_latency_ns = draw.below(draw.chance(30) ? 900'000 : 60'000);
      view.queued_read_bytes = draw.chance(50) ? 0 : draw.below(100'000);
    }
    Runs runs;
    uint32_t first = draw.below(3);
    uint32_t blocks = 0;
    int64_t all_ns = 0;
    for (uint32_t n = 1 + draw.below(4); n > 0; --n) {
      runs.push_back({first, 1 + draw.below(40), 2u << draw.below(4), 0,
                      1000 + int64_t{draw.below(draw.chance(30) ? 600'000 : 60'000)}});
      first += runs.back().count;
      blocks += runs.back().count;
      all_ns += runs.back().compute_ns;
    }
    // Between a square's share of the first half, and an even one.
    const int64_t h = blocks / 2;
    const int64_t n = blocks;
    const int64_t least_ns = (all_ns * h * h + n * n - 1) / (n * n);
    const int64_t most_ns = all_ns * h / n;
    policy.half_compute_ns =
        h == 0 ? 0
               : least_ns +
                     draw.below(static_cast<uint32_t>(std::max<int64_t>(1, most_ns - least_ns)));
    int64_t best = std::numeric_limits<int64_t>::max();
    for (uint32_t s = 0; s <= blocks; ++s) {
      best = std::min(best, done(runs, tiers, blocks, policy.half_compute_ns, s));
    }
    const std::vector<tp_segment> plan = policy.plan(runs, tiers);
    uint32_t computed = blocks;
    for (const tp_segment& segment : plan) {
      if (segment.mode == TP_SEGMENT_LOAD) computed -= segment.count;
    }
    REQUIRE(std::abs(done(runs, tiers, blocks, policy.half_compute_ns, computed) - best) <= 8);
    ++seen[plan.empty() ? 0 : computed == 0 ? 2 : 1];
  }
  for (const int count : seen) CHECK(count > 5);
}
