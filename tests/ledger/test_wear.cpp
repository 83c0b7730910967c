#include <catch2/catch.hpp>

#include "models/ledger/wear.hpp"
#include "tests/ledger/round_figures.hpp"

namespace tiercast::ledger {
namespace {

using tests::round_drive;
using tests::round_provision;

// A round drive lasts five years of 10 TB a day: 18.25 PB of host writes, since its traffic is
// amplified as much as its rating assumes.
constexpr double kLifeTb = 18'250;

Meters wrote(double duration_s) {
  Meters meters;
  meters.duration = seconds(duration_s);
  return meters;
}

TEST_CASE("drives of a tier share what is written to it, and last as the run's pace lets them") {
  const Provision boxes = round_provision();
  const double day_s = 24 * 3600;
  Meters meters = wrote(day_s);
  meters.drives = {{gigabytes(9'000'000), gigabytes(240'000)}};
  meters.context.written = gigabytes(160'000);
  meters.external.written = gigabytes(20'000);
  const WearByTier result = wear(boxes, meters);
  // 12 drives take 20 TB each: two days of their life in one.
  REQUIRE(result.node_drives);
  CHECK(result.node_drives->share == Approx(20 / kLifeTb));
  CHECK(result.node_drives->wear_years == Approx(2.5));
  // 16 drives take 10 TB each: as rated.
  REQUIRE(result.context);
  CHECK(result.context->wear_years == Approx(5));
  // Ten drives take three copies: 6 TB each.
  REQUIRE(result.external);
  CHECK(result.external->share == Approx(6 / kLifeTb));
  CHECK(result.external->wear_years == Approx(5 / 0.6));
}

TEST_CASE("of two kinds of drives in a node the one that ends first counts") {
  Provision boxes = round_provision();
  boxes.node.drives = {round_drive(4), round_drive(2), round_drive(8)};
  Meters meters = wrote(3600);
  for (int i = 0; i < 3; ++i) meters.drives.push_back({{}, gigabytes(1200)});
  REQUIRE(wear(boxes, meters).node_drives);
  CHECK(wear(boxes, meters).node_drives->share == Approx(1.2 / 6 / kLifeTb));
}

TEST_CASE("nothing wears where nothing is written, nobody says what on, or no time passes") {
  Provision boxes = round_provision();
  Meters meters = wrote(3600);
  meters.drives = {{gigabytes(1000), {}}};
  meters.context.read = gigabytes(1000);
  WearByTier result = wear(boxes, meters);
  CHECK_FALSE(result.node_drives);
  CHECK_FALSE(result.context);

  meters.context.written = meters.external.written = gigabytes(1000);
  boxes.external->service->drives.reset();
  result = wear(boxes, meters);
  CHECK(result.context);
  CHECK_FALSE(result.external);
  boxes.context.reset();
  CHECK_FALSE(wear(boxes, meters).context);
  CHECK_FALSE(wear(round_provision(), Meters{}).external);
}

}  // namespace
}  // namespace tiercast::ledger
