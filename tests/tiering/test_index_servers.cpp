// Servers of indices, and transfers that wait for them.
#include <algorithm>
#include <array>
#include <map>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "models/tiering/transfers.hpp"
#include "sim/base/random.hpp"
#include "tests/tiering/run_transfers.hpp"

using namespace tiercast;
using tiering::TierLinkSpec;
using tiering::TransferId;
using tiering::TransferPlan;
using tiering::Transfers;

namespace {

constexpr Purpose kDraws{"test.index_servers"};
using Links = std::vector<uint32_t>;
using tests::Ends;
using tests::run;

const std::vector<TierLinkSpec> kLinks{{"slow", 1'000'000'000, false},
                                       {"fast", 3'000'000'000, false}};

}  // namespace

TEST_CASE("an index serves questions in order on as many servers as it has", "[tiering]") {
  for (uint64_t round = 0; round < 30; ++round) {
    Stream draw(3, kDraws, round);
    const auto servers = static_cast<uint32_t>(draw.between(1, 5));
    const int64_t operation_ns = draw.between(1, 300);
    const int64_t trip_ns = draw.between(0, 2000);
    Transfers transfers({}, {{"other", 1000, 1}, {"index", operation_ns, servers}}, 1);
    transfers.look_up(0, {0, 50}, 0);  // another station's queue is no matter
    std::map<TransferId, int64_t> expected;
    std::map<TransferId, int64_t> seen;
    const auto advance_to = [&](int64_t now_ns) {
      std::vector<TransferId> ended;
      while (transfers.next_end_ns() <= now_ns) {
        ended.clear();
        const int64_t at = transfers.next_end_ns();
        transfers.advance(at, ended);
        for (const TransferId id : ended) seen[id] = at;
      }
    };
    // A job starts behind the one before it, once as many servers are free as it can use.
    int64_t now_ns = 0;
    int64_t last_start = 0;
    std::vector<int64_t> free_at(servers, 0);
    for (int n = 0; n < 60; ++n) {
      const auto operations = static_cast<uint32_t>(draw.between(1, 9));
      const TransferId id = transfers.look_up(now_ns, {1, operations}, trip_ns);
      std::sort(free_at.begin(), free_at.end());
      const uint32_t width = std::min(operations, servers);
      last_start = std::max({now_ns, last_start, free_at[width - 1]});
      const int64_t end = last_start + (operations * operation_ns + width - 1) / width;
      std::fill_n(free_at.begin(), width, end);
      expected[id] = end + trip_ns;
      now_ns += draw.between(0, 700);
      advance_to(now_ns);
    }
    advance_to(INT64_MAX - 1);
    seen.erase(0);
    REQUIRE(seen == expected);
  }
}

TEST_CASE("servers that take turns share their time among all jobs", "[tiering]") {
  // 30 operations and 10 on two servers of 100 ns: half of the time each until the short one is
  // done at 1,000 ns, and the long one has 20 left for both servers. One operation uses one server.
  Transfers transfers({}, {{"index", 100, 2, true}}, 1);
  const TransferId lengthy = transfers.look_up(0, {0, 30}, 0);
  const TransferId brief = transfers.look_up(0, {0, 10}, 7);
  CHECK(run(transfers) == Ends{{1007, brief}, {2000, lengthy}});
  Transfers single({}, {{"index", 100, 2, true}}, 1);
  const TransferId one = single.look_up(5, {0, 1}, 0);
  CHECK(run(single) == Ends{{105, one}});
}

TEST_CASE("bytes move once all visits are over", "[tiering]") {
  const std::vector<tiering::StationSpec> stations{{"one", 40, 1}, {"other", 25, 2}};
  Transfers transfers(kLinks, stations, 1);
  const Links slow{0};
  const std::array<tiering::StationVisit, 2> visits{{{0, 2}, {1, 3}}};  // 80 ns, ceil(75 / 2) ns
  TransferPlan plan{slow, 1000, {10, 5, 0}};
  plan.visits = visits;
  CHECK(transfers.unloaded_ns(plan) == 80 + 10 + 1000 + 5);
  const TransferId first = transfers.start(0, plan);
  plan.bytes = 0;
  const TransferId second = transfers.start(0, plan);  // waits for the first at both
  CHECK(run(transfers) == Ends{{160 + 10 + 5, second}, {80 + 10 + 1000 + 5, first}});
  CHECK(transfers.servers().counts(0).operations == 4);
  CHECK(transfers.servers().counts(1).ended == 2);
}

TEST_CASE("bytes flow for as long as they flow, however long a visit is", "[tiering]") {
  Transfers transfers(kLinks, {{"index", 700, 1}}, 1);
  const Links slow{0}, fast{1};
  const std::array<tiering::StationVisit, 1> visit{{{0, 1}}};
  TransferPlan plan{slow, 1000, {10, 5, 0}};
  plan.visits = visit;
  const TransferId first = transfers.start(0, plan);
  plan.links = fast;
  const TransferId queued = transfers.start(0, plan);
  const TransferId empty = transfers.start(0, {{}, 0, {30, 5, 0}});
  std::vector<TransferId> ended;
  while (transfers.next_end_ns() != resources::kNever) {
    transfers.advance(transfers.next_end_ns(), ended);
  }
  REQUIRE(ended.size() == 3);
  CHECK(transfers.flowed_ns(first) == 1000);
  CHECK(transfers.flowed_ns(queued) == 334);  // at 3 GB/s
  CHECK(transfers.flowed_ns(empty) == 0);
}

TEST_CASE("an index that is asked for more than time holds ends the run", "[tiering]") {
  // A century of one server's work fits, a nanosecond more does not.
  constexpr int64_t kCentury = int64_t{100} * 365 * 24 * 3600 * 1'000'000'000;
  for (const bool turns : {false, true}) {
    tiering::IndexServers servers({{"index", kCentury / 4, 2, turns}});
    servers.arrive(0, {0, 8}, 1);
    CHECK(servers.next_end_ns() == kCentury);
    CHECK_THROWS_AS(servers.arrive(0, {0, 1}, 2), tiering::IndexTooSlow);
  }
}
