// What ways and visits of transfers are made of.
#include <cstdint>
#include <vector>

#include <catch2/catch.hpp>

#include "models/tiering/routes.hpp"
#include "tests/tiering/small_tiers.hpp"

using namespace tiercast;
using namespace tiercast::tests;
using tiering::kNone;
using tiering::RouteEnds;

namespace {

const RouteEnds kLoad{0, kStorage, 0, kNone, kNone};
const RouteEnds kStage{0, kStorage, 0, kHost, 0};
const RouteEnds kStore{0, kNone, kNone, kHost, 0};
const RouteEnds kCascade{0, kHost, 0, kStorage, 0};

std::vector<uint32_t> stations(const tiering::TierSetSpec& spec, const RouteEnds& ends) {
  std::vector<tiering::StationVisit> visits;
  find_visits(spec, ends, 5, visits);
  std::vector<uint32_t> found;
  for (const tiering::StationVisit& visit : visits) found.push_back(visit.station);
  return found;
}

using Stations = std::vector<uint32_t>;

}  // namespace

TEST_CASE("whatever comes into a tier waits for its index to be told", "[tiering]") {
  auto spec = small_tiers({});
  const auto before_ns = [&](const RouteEnds& ends) {
    tiering::RouteFinder finder(spec, 1);
    return finder.find(ends, 0).cost.before_ns;
  };
  const std::vector<int64_t> without{before_ns(kLoad), before_ns(kStage), before_ns(kStore),
                                     before_ns(kCascade)};
  spec.tiers[kHost].index.told_trip_ns = 30;
  spec.tiers[kStorage].index.told_trip_ns = 500;
  CHECK(before_ns(kLoad) == without[0]);
  CHECK(before_ns(kStage) == without[1] + 30);
  CHECK(before_ns(kStore) == without[2] + 30);
  CHECK(before_ns(kCascade) == without[3] + 500);

  spec.tiers[kHost].index.told = {{7}, {8}};
  spec.tiers[kStorage].index.told = {{5, 6}};
  CHECK(stations(spec, kLoad).empty());
  CHECK(stations(spec, kStage) == Stations{7});
  CHECK(stations(spec, kStore) == Stations{7});
  CHECK(stations(spec, kCascade) == Stations{5, 6});
}

TEST_CASE("objects are opened to be read, unless the question opened them", "[tiering]") {
  auto spec = small_tiers({});
  spec.tiers[kStorage].index.opened = 3;
  CHECK(stations(spec, kLoad) == Stations{3});
  CHECK(stations(spec, kStage) == Stations{3});
  CHECK(stations(spec, kStore).empty());
  spec.tiers[kStorage].index.opens_as_asked = true;
  CHECK(stations(spec, kLoad).empty());
  CHECK(stations(spec, kStage) == Stations{3});  // ahead of any question

  std::vector<tiering::StationVisit> visits;
  spec.tiers[kStorage].index.blocks_per_object = 2;
  find_visits(spec, kStage, 5, visits);
  CHECK(visits.front().operations == 3);
}
