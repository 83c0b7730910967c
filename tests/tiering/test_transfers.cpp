// Transfers: closed forms for one alone, a queue's recursion for metadata, order and ids of ends.
#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "models/tiering/transfers.hpp"
#include "sim/base/random.hpp"
#include "tests/tiering/run_transfers.hpp"

using namespace tiercast;
using tiering::StationSpec;
using tiering::TierLinkSpec;
using tiering::TransferCost;
using tiering::TransferId;
using tiering::TransferPart;
using tiering::TransferPlan;
using tiering::Transfers;

namespace {

constexpr Purpose kDraws{"test.transfers"};
using Links = std::vector<uint32_t>;
using tests::Ends;
using tests::run;

const std::vector<TierLinkSpec> kLinks{
    {"slow", 1'000'000'000, false}, {"fast", 3'000'000'000, false}, {"queue", 1'000'000'000, true}};

TransferPlan in_parts(const Links& links, uint64_t bytes, const TransferCost& cost,
                      std::span<const TransferPart> parts) {
  TransferPlan plan{links, bytes, cost};
  plan.parts = parts;
  return plan;
}

int64_t alone(const TransferPlan& plan, int64_t start_ns) {
  Transfers transfers(kLinks, {}, 1, !plan.parts.empty());
  transfers.start(start_ns, plan);
  const Ends ends = run(transfers);
  REQUIRE(ends.size() == 1);
  CHECK(transfers.live() == 0);
  CHECK(ends[0].first - start_ns == transfers.unloaded_ns(plan));
  return ends[0].first - start_ns;
}

}  // namespace

TEST_CASE("a transfer alone takes set-up, bytes over the narrowest link, acknowledgement",
          "[tiering]") {
  const Links both{1, 0};
  CHECK(alone({both, 5000, {}}, 0) == 5000);
  CHECK(alone({both, 5000, {100, 30, 0}}, 40) == 5130);
  CHECK(alone({both, 5000, {100, 30, 500'000'000}}, 40) == 10130);  // the stack's own bound
  CHECK(alone({both, 5000, {0, 0, 7'000'000'000}}, 0) == 5000);
  const Links fast{1};
  CHECK(alone({fast, 10, {}}, 0) == 4);  // 3.33 ns, and an end is a whole nanosecond
  const Links queue{2};
  CHECK(alone({queue, 77, {1, 2, 0}}, 9) == 80);
  CHECK(alone({{}, 1000, {10, 0, 2'000'000'000}}, 0) == 510);  // no links: the stack's bound alone
}

TEST_CASE("a transfer without bytes or without anything that bounds them is its fixed times",
          "[tiering]") {
  const Links slow{0};
  CHECK(alone({slow, 0, {100, 30, 0}}, 5) == 130);
  CHECK(alone({{}, 1000, {100, 30, 0}}, 5) == 130);
  CHECK(alone({slow, 0, {}}, 5) == 1);  // an end lies behind its start
  CHECK(alone({{}, 1000, {0, 30, 0}}, 5) == 31);
}

TEST_CASE("a transfer is late as often as one of its operations is", "[tiering]") {
  constexpr uint32_t kTrials = 4000;
  const auto late = [](uint32_t ppm, uint64_t operations, uint64_t seed) {
    Transfers transfers(kLinks, {}, seed);
    const Links slow{0};
    TransferPlan plan{slow, operations * 10 - 3, {}};  // the last one is not full
    plan.cost.operation_bytes = 10;
    plan.cost.tail_ppm = ppm;
    plan.cost.tail_ns = 5000;
    uint32_t count = 0;
    int64_t now_ns = 0;
    for (uint32_t n = 0; n < kTrials; ++n) {
      transfers.start(now_ns, plan);
      const int64_t end_ns = run(transfers)[0].first;
      const int64_t over = end_ns - now_ns - transfers.unloaded_ns(plan);
      REQUIRE((over == 0 || over == 5000));
      count += over != 0 ? 1 : 0;
      now_ns = end_ns;
    }
    return count;
  };
  CHECK(late(0, 1, 1) == 0);
  CHECK(late(1'000'000, 1, 1) == kTrials);
  CHECK(late(1'000'000, 64, 1) == kTrials);
  for (const uint32_t ppm : {100u, 10'000u, 300'000u}) {
    for (const uint64_t operations : {1u, 7u, 1000u}) {
      const double p = 1 - std::pow(1 - ppm / 1e6, static_cast<double>(operations));
      const double deviation = std::sqrt(kTrials * p * (1 - p));
      INFO(ppm << " ppm, " << operations << " operations");
      CHECK(std::abs(late(ppm, operations, 1) - kTrials * p) <= 4 * deviation + 1);
    }
  }
  CHECK(late(300'000, 1, 1) != late(300'000, 1, 2));
}

TEST_CASE("a first operation waits behind those that use its device", "[tiering]") {
  // 9000 ns at full rate; at a share u of it 1000 u / (1 - u), as far as that is less.
  const Links slow{0};
  const Links fast{1};
  const auto wait = [&](uint64_t busy_rate, int64_t start_ns) {
    Transfers transfers(kLinks, {}, 1);
    transfers.start(0, {slow, 1'000'000, {0, 0, busy_rate}});
    CHECK(transfers.next_end_ns() > start_ns);
    TransferPlan plan{fast, 3, {}, slow};
    plan.cost.device_wait_ns = 9000;
    const TransferId waiting = transfers.start(start_ns, plan);
    std::swap(plan.devices, plan.cables);
    std::swap(plan.cost.device_wait_ns, plan.cost.switch_wait_ns);
    const TransferId same = transfers.start(start_ns, plan);  // switches delay by the same law
    const Ends ends = run(transfers);
    REQUIRE(ends.size() == 3);
    CHECK(ends[0].second == waiting);
    CHECK(ends[1] == std::pair{ends[0].first, same});
    return ends[0].first - start_ns - 2;  // 6 bytes at 3 a nanosecond
  };
  CHECK(wait(1'000'000'000, 0) == 0);  // nothing had used it yet
  CHECK(wait(500'000'000, 1) == 1000);
  CHECK(wait(750'000'000, 300) == 3000);
  CHECK(wait(900'000'000, 300) == 9000);
  CHECK(wait(990'000'000, 300) == 9000);
  CHECK(wait(1'000'000'000, 300) == 9000);
}

TEST_CASE("transfers over one link share it while both flow", "[tiering]") {
  Transfers transfers(kLinks, {}, 1);
  const Links slow{0};
  const TransferId first = transfers.start(0, {slow, 1000, {}});
  const TransferId second = transfers.start(0, {slow, 1000, {400, 50, 0}});
  // 400 ns alone, then halves: the first's 600 bytes take 1200 ns, the second has 400 left.
  CHECK(run(transfers) == Ends{{1600, first}, {2050, second}});
}

TEST_CASE("whole transfers go one after another over a fifo link", "[tiering]") {
  Transfers transfers(kLinks, {}, 1);
  const Links queue{2};
  const TransferId first = transfers.start(0, {queue, 1000, {}});
  const TransferId second = transfers.start(1, {queue, 500, {}});
  CHECK(run(transfers) == Ends{{1000, first}, {1500, second}});
}

TEST_CASE("ends of one instant come by id, and an id is free only once released", "[tiering]") {
  Transfers transfers(kLinks, {{"index", 40, 1}}, 1);
  const Links slow{0};
  const TransferId flow = transfers.start(0, {slow, 100, {}});
  const TransferId fixed = transfers.start(0, {slow, 0, {100, 0, 0}});
  const TransferId lookup = transfers.look_up(0, {0, 2}, 20);
  const TransferId late = transfers.start(0, {{}, 0, {60, 40, 0}});
  CHECK(transfers.next_end_ns() <= 100);
  std::vector<TransferId> ended;
  while (ended.empty()) transfers.advance(transfers.next_end_ns(), ended);
  CHECK(ended == std::vector<TransferId>{flow, fixed, lookup, late});
  CHECK(transfers.next_end_ns() == resources::kNever);
  CHECK(transfers.live() == 4);
  CHECK(transfers.start(100, {slow, 1, {}}) == 4);  // the others are still taken
  transfers.release(fixed);
  CHECK(transfers.start(100, {slow, 1, {}}) == fixed);
  CHECK(transfers.live() == 5);
  CHECK(transfers.started() == 5);
  CHECK(transfers.servers().counts(0).operations == 2);
}

TEST_CASE("what was started has crossed its links in the end", "[tiering]") {
  Stream draw(4, kDraws);
  Transfers transfers(kLinks, {}, 1);
  std::vector<uint64_t> bytes(kLinks.size(), 0);
  const std::vector<Links> routes{{0}, {1}, {2}, {0, 1}, {1, 2}, {0, 1, 2}};
  int64_t now_ns = 0;
  uint64_t ended_count = 0;
  std::vector<TransferId> ended;
  const auto advance_to = [&](int64_t until_ns) {
    while (transfers.next_end_ns() <= until_ns) {
      ended.clear();
      transfers.advance(transfers.next_end_ns(), ended);
      ended_count += ended.size();
      REQUIRE(std::is_sorted(ended.begin(), ended.end()));
      for (const TransferId id : ended) transfers.release(id);
    }
  };
  for (int n = 0; n < 300; ++n) {
    const Links& links = routes[draw.below(routes.size())];
    const uint64_t size = draw.below(5000);
    const TransferCost cost{draw.between(0, 300), draw.between(0, 300),
                            draw.below(2) * 400'000'000};
    transfers.start(now_ns, {links, size, cost});
    for (const uint32_t link : links) bytes[link] += size;
    now_ns += draw.between(0, 4000);
    advance_to(now_ns);
  }
  advance_to(resources::kNever - 1);
  CHECK(ended_count == 300);
  CHECK(transfers.live() == 0);
  for (uint32_t link = 0; link < kLinks.size(); ++link) {
    CHECK(transfers.network().carried_bytes(link) == bytes[link]);
    CHECK(transfers.network().queued_bytes(link) == 0);
  }
}

// Two devices of 1 GB/s behind a link of 3 GB/s. A part weighs bytes / bytes of all, here without
// rounding, so what carries most for its rate is busy from first to last.
TEST_CASE("a transfer in parts takes as long as what is fullest of its links", "[tiering]") {
  const Links a{0}, b{2}, both{1};
  const auto parts = [&](uint64_t first, uint64_t second) {
    return std::vector<TransferPart>{{a, {}, first}, {{}, b, second}};
  };
  const auto even = parts(3000, 3000), uneven = parts(1024, 3072), one = parts(4000, 0);
  CHECK(alone(in_parts(both, 6000, {}, even), 7) == 3000);
  CHECK(alone(in_parts(both, 4096, {100, 30}, uneven), 7) == 3072 + 130);
  CHECK(alone(in_parts(both, 4000, {}, std::span(one).first(1)), 0) == 4000);
  // The bound of a stack is that of all parts together.
  CHECK(alone(in_parts(both, 6000, {0, 0, 1'500'000'000}, even), 0) == 4000);
  CHECK(alone(in_parts(both, 4096, {0, 0, 512'000'000}, uneven), 0) == 8000);
  CHECK(alone(in_parts(both, 4096, {0, 0, 1'333'333'336}, uneven), 0) == 3072);
  // Both on one device: it moves them all.
  const std::vector<TransferPart> same{{a, {}, 1024}, {a, {}, 3072}};
  CHECK(alone(in_parts(both, 4096, {}, same), 0) == 4096);
  const Transfers transfers(kLinks, {}, 1, true);
  CHECK(transfers.rate(in_parts(both, 6000, {}, even)) == 2'000'000'000);
  CHECK(transfers.rate(in_parts(both, 4096, {}, uneven)) == 1'333'333'333);
  CHECK(transfers.narrowest(in_parts(both, 4096, {}, uneven)).link == 2);
}

TEST_CASE("a transfer in parts gets no more of a crowded link than another", "[tiering]") {
  const Links shared{0}, a{1}, b{2};
  const std::vector<TransferPart> parts{{a, {}, 500}, {b, {}, 500}};
  Transfers transfers(kLinks, {}, 1, true);
  const TransferId whole = transfers.start(0, {shared, 1000, {}});
  const TransferId split = transfers.start(0, in_parts(shared, 1000, {}, parts));
  CHECK(run(transfers) == Ends{{2000, whole}, {2000, split}});
  CHECK(transfers.network().carried_bytes(0) == 2000);
  CHECK(transfers.network().carried_bytes(1) == 500);
  CHECK(transfers.network().carried_bytes(2) == 500);
}

// Rounded weights let a part end early or late by its share of 1 / kWeight.
TEST_CASE("parts of all sizes end when the fullest link is done", "[tiering]") {
  for (uint64_t round = 0; round < 50; ++round) {
    Stream draw(6, kDraws, round);
    std::vector<TierLinkSpec> specs{
        {"shared", static_cast<uint64_t>(draw.between(1, 40)) * 250'000'000, false}};
    const auto devices = static_cast<uint32_t>(draw.between(2, 8));
    std::vector<Links> links;
    for (uint32_t d = 0; d < devices; ++d) {
      specs.push_back({"device", static_cast<uint64_t>(draw.between(2, 9)) * 500'000'000, false});
      links.push_back({d + 1});
    }
    std::vector<TransferPart> parts;
    TransferPlan plan;
    const Links shared{0};
    plan.links = shared;
    for (const Links& own : links) {
      parts.push_back({own, {}, 100'000 * (1 + draw.below(40))});
      plan.bytes += parts.back().bytes;
    }
    plan.parts = parts;
    double least_ns =
        static_cast<double>(plan.bytes) * 1e9 / static_cast<double>(specs[0].bytes_per_s);
    for (uint32_t d = 0; d < devices; ++d) {
      least_ns = std::max(least_ns, static_cast<double>(parts[d].bytes) * 1e9 /
                                        static_cast<double>(specs[d + 1].bytes_per_s));
    }
    Transfers transfers(specs, {}, 1, true);
    transfers.start(0, plan);
    const auto took_ns = static_cast<double>(run(transfers).at(0).first);
    INFO("round " << round << ", " << devices << " devices");
    CHECK(static_cast<double>(transfers.unloaded_ns(plan)) == Approx(least_ns).margin(1));
    CHECK(took_ns >= least_ns);
    const auto slack = static_cast<double>(devices) / Transfers::kWeight;
    CHECK(took_ns <= least_ns * (1 + slack) + 2);
    for (uint32_t d = 0; d < devices; ++d) {
      CHECK(transfers.network().carried_bytes(d + 1) == parts[d].bytes);
    }
    CHECK(transfers.network().carried_bytes(0) == plan.bytes);
  }
}
