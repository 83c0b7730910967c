// Latency laws and power meters.
#include <cmath>
#include <vector>

#include <catch2/catch.hpp>

#include "sim/base/random.hpp"
#include "sim/resources/latency.hpp"
#include "sim/resources/meter.hpp"

using namespace tiercast;
using resources::LatencyLaw;
using resources::PowerLaw;
using resources::PowerMeter;

namespace {
constexpr Purpose kDraws{"test.latency"};
}

TEST_CASE("latency grows with load up to its cap") {
  const LatencyLaw law{.base_ns = 1000, .load_ns = 300, .load_max_ns = 5000};
  REQUIRE(law.typical_ns(0) == 1000);
  REQUIRE(law.typical_ns(500'000) == 1300);  // u / (1 - u) = 1
  REQUIRE(law.typical_ns(750'000) == 1900);  // 3
  REQUIRE(law.typical_ns(1'000'000) == 6000);
  int64_t before = 0;
  for (uint32_t ppm = 0; ppm <= 1'000'000; ppm += 1000) {
    REQUIRE(law.typical_ns(ppm) >= before);
    before = law.typical_ns(ppm);
  }
  REQUIRE(before == 6000);
  REQUIRE(LatencyLaw{.base_ns = 7, .load_max_ns = 9}.typical_ns(1'000'000) == 7);
}

TEST_CASE("tails come as often as their probability says, and are the same under every load") {
  const LatencyLaw law{.base_ns = 1000,
                       .load_ns = 100,
                       .load_max_ns = 900,
                       .tail_ppm = 20'000,
                       .tail_multiple_milli = 12'500};
  constexpr int draws = 50'000;
  Stream idle(1, kDraws), busy(1, kDraws);
  int tails = 0;
  for (int i = 0; i < draws; ++i) {
    const int64_t at_idle = law.draw_ns(idle, 0), at_load = law.draw_ns(busy, 500'000);
    const bool tail = at_idle > 1000;
    tails += tail ? 1 : 0;
    REQUIRE(at_idle == (tail ? 12'500 : 1000));
    REQUIRE(at_load == (tail ? 13'750 : 1100));
  }
  REQUIRE(std::abs(tails - draws * 0.02) < 4 * std::sqrt(draws * 0.02 * 0.98));
}

TEST_CASE("energy is the sum of power x time and of the items") {
  Stream draw(2, kDraws);
  const PowerLaw law{.idle_mw = 5'300, .active_mw = 7'100, .pj_per_item = 42};
  int64_t now_ns = 1000;
  PowerMeter meter(law, now_ns);
  Int128 expected_pj = 0;
  for (int i = 0; i < 1000; ++i) {
    const int64_t wait_ns = draw.between(0, 10'000'000'000);
    expected_pj += static_cast<Int128>(meter.power_mw()) * wait_ns;
    now_ns += wait_ns;
    if (draw.below(2) == 0) {
      meter.set_busy(now_ns, draw.below(5));
    } else {
      meter.move(now_ns);
    }
    const uint64_t items = draw.below(1'000'000'000);
    meter.add_items(items);
    expected_pj += static_cast<Int128>(items) * 42;
    REQUIRE((meter.energy_pj() == expected_pj));
    REQUIRE((meter.idle_pj() + meter.active_pj() == expected_pj));
  }
  // One box of 1 W, used or not, for one second is one joule.
  PowerMeter unused(PowerLaw{.idle_mw = 1000});
  unused.move(1'000'000'000);
  REQUIRE((unused.energy_pj() == 1'000'000'000'000));
  REQUIRE((unused.active_pj() == 0));
}
