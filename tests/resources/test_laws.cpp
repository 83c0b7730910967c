// Waits by load, and power meters.
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
constexpr Purpose kDraws{"test.meters"};
}

TEST_CASE("waits grow with load up to their cap") {
  const LatencyLaw law{.load_ns = 300, .load_max_ns = 5000};
  REQUIRE(law.wait_ns(0) == 0);
  REQUIRE(law.wait_ns(500'000) == 300);  // u / (1 - u) = 1
  REQUIRE(law.wait_ns(750'000) == 900);  // 3
  REQUIRE(law.wait_ns(1'000'000) == 5000);
  int64_t before = 0;
  for (uint32_t ppm = 0; ppm <= 1'000'000; ppm += 1000) {
    REQUIRE(law.wait_ns(ppm) >= before);
    before = law.wait_ns(ppm);
  }
  REQUIRE(LatencyLaw{.load_ns = 0, .load_max_ns = 9}.wait_ns(1'000'000) == 0);
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
