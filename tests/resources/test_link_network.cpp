// Links shared by flows: cases by hand, the certificate of max-min fairness after every solve, a
// naive network that knows no shortcut, and what must change nothing.
#include <algorithm>
#include <array>
#include <map>
#include <numeric>
#include <vector>

#include <catch2/catch.hpp>

#include "sim/base/random.hpp"
#include "sim/resources/link_network.hpp"
#include "tests/resources/naive_network.hpp"
#include "tests/resources/random_network.hpp"

using namespace tiercast;
using namespace tiercast::tests;
using resources::Discipline;
using resources::FairShares;
using resources::kNever;
using resources::LinkId;
using resources::LinkNetwork;
using resources::PathId;

namespace {

constexpr uint64_t kGigabyte = 1'000'000'000;
constexpr uint64_t kEveryday = 500;
constexpr uint64_t kAll = 10'000;

std::vector<uint64_t> advance(LinkNetwork& network) {
  std::vector<uint64_t> ended;
  network.advance(network.next_end_ns(), ended);
  return ended;
}

// Each bundle has its cap, or a link of its own that is full but for the rounding of its flows and
// on which nobody has more per weight. No link carries more than it can, wherever it is inert.
void check_certificate(const LinkNetwork& network) {
  const FairShares& shares = network.shares();
  std::vector<uint64_t> used(shares.link_count(), 0), flows(shares.link_count(), 0);
  std::vector<std::vector<PathId>> on(shares.link_count());
  for (PathId path = 0; path < shares.path_count(); ++path) {
    if (shares.flows(path) == 0) continue;
    for (const LinkId link : shares.links(path)) {
      used[link] += shares.flows(path) * shares.rate(path);
      flows[link] += shares.flows(path);
      on[link].push_back(path);
    }
  }
  for (LinkId link = 0; link < shares.link_count(); ++link) {
    REQUIRE(used[link] <= shares.capacity(link));
    REQUIRE(used[link] == network.used(link));
  }
  for (PathId path = 0; path < shares.path_count(); ++path) {
    if (shares.flows(path) == 0) continue;
    const uint64_t rate = shares.rate(path);
    REQUIRE(rate >= 1);
    REQUIRE((shares.cap(path) == 0 || rate <= shares.cap(path)));
    bool held = shares.cap(path) > 0 && rate == shares.cap(path);
    for (const LinkId link : shares.links(path)) {
      const bool full = shares.capacity(link) - used[link] < flows[link];
      held |= full && std::all_of(on[link].begin(), on[link].end(), [&](PathId other) {
                return static_cast<Int128>(shares.rate(other)) * shares.weight(path) <
                       static_cast<Int128>(rate + 1) * shares.weight(other);
              });
    }
    REQUIRE(held);
  }
}

void check_certificates(uint64_t first, uint64_t last) {
  for (uint64_t number = first; number < last; ++number) {
    INFO("network " << number);
    const TestNetwork test = random_network(number, {.with_fifo = number % 4 == 3});
    LinkNetwork network;
    const auto ends = run_network(test, network, check_certificate);
    REQUIRE(ends.size() == test.flows.size());
    REQUIRE(network.flows_live() == 0);
    // Bytes: what was started over a link has crossed it.
    std::vector<uint64_t> started(test.links.size(), 0);
    for (const TestFlow& flow : test.flows) {
      for (const uint32_t link : test.paths[flow.path].links) started[link] += flow.bytes;
    }
    for (LinkId link = 0; link < test.links.size(); ++link) {
      REQUIRE(network.started_bytes(link) == started[link]);
      REQUIRE(network.carried_bytes(link) == started[link]);
      REQUIRE(network.carried_nanobytes(link) % kGigabyte == 0);
      REQUIRE(network.used(link) == 0);
    }
  }
}

void check_against_naive(uint64_t first, uint64_t last, bool large = false) {
  for (uint64_t number = first; number < last; ++number) {
    INFO("network " << number);
    const TestNetwork test = random_network(number, {.with_fifo = number % 2 == 1, .large = large});
    LinkNetwork network;
    NaiveNetwork naive;
    REQUIRE(run_network(test, network) == run_network(test, naive));
  }
}

template <class T>
void shuffle(Stream& draw, std::vector<T>& items) {
  for (size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[draw.below(i)]);
}

std::vector<uint32_t> permutation(Stream& draw, size_t size) {
  std::vector<uint32_t> order(size);
  std::iota(order.begin(), order.end(), 0u);
  shuffle(draw, order);
  return order;
}

// The same network under other names: links and paths renumbered, links of a path and starts of an
// instant in another order, tags turned round.
TestNetwork relabelled(const TestNetwork& test, uint64_t number) {
  Stream draw(12, Purpose{"test.resources.relabel"}, number);
  TestNetwork other = test;
  const std::vector<uint32_t> link_of = permutation(draw, test.links.size());
  const std::vector<uint32_t> path_of = permutation(draw, test.paths.size());
  for (size_t i = 0; i < test.links.size(); ++i) other.links[link_of[i]] = test.links[i];
  for (size_t i = 0; i < test.paths.size(); ++i) {
    TestPath path = test.paths[i];
    for (uint32_t& link : path.links) link = link_of[link];
    shuffle(draw, path.links);
    other.paths[path_of[i]] = path;
  }
  const std::vector<uint32_t> flow_at = permutation(draw, test.flows.size());
  for (size_t i = 0; i < test.flows.size(); ++i) {
    TestFlow flow = test.flows[i];
    flow.path = path_of[flow.path];
    flow.tag = 1000 - flow.tag;
    if (flow.after >= 0) {
      flow.after = static_cast<int>(flow_at[static_cast<size_t>(flow.after)]);
    }
    other.flows[flow_at[i]] = flow;
  }
  // run_network wants starts in order of time, so sorting moves them and what refers to them.
  const std::vector<TestFlow> moved = other.flows;
  std::vector<uint32_t> order(moved.size());
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(),
                   [&](uint32_t a, uint32_t b) { return moved[a].start_ns < moved[b].start_ns; });
  for (size_t i = 0; i < order.size(); ++i) {
    other.flows[i] = moved[order[i]];
    if (other.flows[i].after < 0) continue;
    const auto target =
        std::find(order.begin(), order.end(), static_cast<uint32_t>(other.flows[i].after));
    other.flows[i].after = static_cast<int>(target - order.begin());
  }
  return other;
}

}  // namespace

TEST_CASE("utilisation is that up to an instant, whatever happens or is asked in it") {
  for (const bool asks : {false, true}) {
    LinkNetwork network;
    const std::array links{network.add_link(kGigabyte)};
    const LinkId idle = network.add_link(kGigabyte);
    const PathId quarter = network.add_path(links, 1, kGigabyte / 4);
    std::vector<uint64_t> ended;
    const auto start = [&](int64_t now_ns, uint64_t bytes, uint64_t tag) {
      network.start(now_ns, quarter, bytes, tag);
      if (asks) network.next_end_ns();
    };
    CHECK(network.utilisation_ppm(0, links[0]) == 0);
    start(0, 500, 1);
    CHECK(network.utilisation_ppm(0, links[0]) == 0);
    CHECK(network.utilisation_ppm(1, links[0]) == 250'000);
    start(400, 100, 2);
    start(400, 100, 3);
    CHECK(network.utilisation_ppm(400, links[0]) == 250'000);
    CHECK(network.utilisation_ppm(401, links[0]) == 750'000);
    REQUIRE(network.next_end_ns() == 800);
    network.advance(800, ended);
    if (asks) network.next_end_ns();
    CHECK(network.utilisation_ppm(800, links[0]) == 750'000);
    CHECK(network.utilisation_ppm(801, links[0]) == 250'000);
    CHECK(network.utilisation_ppm(801, idle) == 0);
  }
}

TEST_CASE("a flow alone takes bytes / rate, rounded up to a nanosecond") {
  LinkNetwork network;
  const std::array links{network.add_link(3 * kGigabyte)};
  const PathId path = network.add_path(links);
  REQUIRE(network.next_end_ns() == kNever);
  network.start(100, path, 301, 7);  // 100 + 1/3 ns
  REQUIRE(network.next_end_ns() == 201);
  REQUIRE(advance(network) == std::vector<uint64_t>{7});
  REQUIRE(network.carried_bytes(links[0]) == 301);
  network.start(201, path, 1, 8);  // a third of a nanosecond is one
  REQUIRE(network.next_end_ns() == 202);
}

TEST_CASE("three links by hand: the least share is settled first, the rest shares what is left") {
  // A 9 B/ns: flows 1 and 2. B 2 B/ns: 2 alone. So 2 has 2, and 1 has 7, until its own cap.
  LinkNetwork network;
  const LinkId a = network.add_link(9 * kGigabyte);
  const LinkId b = network.add_link(2 * kGigabyte);
  const PathId only_a = network.add_path(std::array{a});
  const PathId both = network.add_path(std::array{b, a});
  REQUIRE(network.add_path(std::array{a, b}) == both);
  network.start(0, only_a, 700, 1);
  network.start(0, both, 400, 2);
  REQUIRE(network.next_end_ns() == 100);
  REQUIRE(network.shares().rate(only_a) == 7 * kGigabyte);
  REQUIRE(network.shares().rate(both) == 2 * kGigabyte);
  advance(network);
  // Weight 3 against 1 on A, whose 9 are shared 6 and 2 because the other is held at 2 by B; with a
  // cap of 4 it is held itself.
  const PathId heavy = network.add_path(std::array{a}, 3, 4 * kGigabyte);
  network.start(100, heavy, 400, 3);
  REQUIRE(network.next_end_ns() == 200);
  REQUIRE(network.shares().rate(heavy) == 4 * kGigabyte);
  REQUIRE(advance(network) == std::vector<uint64_t>{2, 3});
  REQUIRE(network.next_end_ns() == kNever);
  REQUIRE(network.carried_bytes(a) == 1500);
  REQUIRE(network.carried_bytes(b) == 400);
}

TEST_CASE("equal sharing of a link is processor sharing") {
  LinkNetwork network;
  const PathId path = network.add_path(std::array{network.add_link(6 * kGigabyte)});
  network.start(0, path, 1800, 1);
  network.start(0, path, 600, 2);
  network.start(100, path, 300, 3);
  // Two share until 100 ns (300 B each), three until the short ones are through at 250.
  REQUIRE(network.next_end_ns() == 250);
  REQUIRE(network.queued_bytes(0) == 2100);
  REQUIRE(advance(network) == std::vector<uint64_t>{2, 3});
  REQUIRE(network.queued_bytes(0) == 1200);
  REQUIRE(network.next_end_ns() == 450);
  REQUIRE(network.flows_live() == 1);
}

TEST_CASE("a fifo link carries whole transfers in order of start and tag") {
  LinkNetwork network;
  const LinkId fifo = network.add_link(kGigabyte, Discipline::fifo);
  const LinkId fair = network.add_link(kGigabyte);
  const PathId path = network.add_path(std::array{fifo});
  const PathId both = network.add_path(std::array{fifo, fair});
  network.start(0, path, 100, 9);
  network.start(0, path, 10, 8);
  network.start(1, both, 10, 7);
  std::vector<std::pair<int64_t, uint64_t>> ends;
  for (int64_t at = network.next_end_ns(); at != kNever; at = network.next_end_ns()) {
    for (const uint64_t tag : advance(network)) ends.emplace_back(at, tag);
  }
  REQUIRE(ends == std::vector<std::pair<int64_t, uint64_t>>{{10, 8}, {110, 9}, {120, 7}});
}

TEST_CASE("links that cannot fill up couple nobody") {
  // 20 pairs of NICs of 1 B/ns over a spine of 40: a change on one pair solves that pair alone.
  LinkNetwork network;
  const LinkId spine = network.add_link(40 * kGigabyte);
  std::vector<PathId> paths;
  for (int i = 0; i < 20; ++i) {
    const LinkId nic = network.add_link(kGigabyte);
    paths.push_back(network.add_path(std::array{nic, spine}));
    network.start(0, paths.back(), 1000, static_cast<uint64_t>(i));
  }
  REQUIRE(network.next_end_ns() == 1000);
  const auto before = network.counters();
  network.start(10, paths[3], 5, 100);
  REQUIRE(network.next_end_ns() == 20);
  REQUIRE(network.counters().bundles_solved - before.bundles_solved == 1);
  REQUIRE(network.counters().solves - before.solves == 1);
}

TEST_CASE("a link that rates fit through only because they were rounded down is full") {
  // Weights 4, 1, 45 and 50 share 137 B/s: level 1.37, and on the narrow link 5 + 1 of 12 B/s.
  // Without the 50 the level is 2.74, where 4 x and 1 x would be 10.96 and 2.74: rounded down they
  // are 12, but the narrow link is full at 12 / 5 = 2.4.
  FairShares shares;
  const LinkId wide = shares.add_link(137), narrow = shares.add_link(12);
  const PathId four = shares.add_path(std::array{wide, narrow}, 4, 0);
  const PathId one = shares.add_path(std::array{wide, narrow}, 1, 0);
  const PathId filler = shares.add_path(std::array{wide}, 45, 0);
  const PathId leaver = shares.add_path(std::array{wide}, 50, 0);
  for (const PathId path : {four, one, filler, leaver}) shares.add_flow(path);
  shares.settle();
  REQUIRE(shares.rate(four) == 5);
  REQUIRE(shares.rate(one) == 1);
  shares.remove_flow(leaver);
  shares.settle();
  REQUIRE(shares.rate(four) == 9);
  REQUIRE(shares.rate(one) == 2);
  REQUIRE(shares.rate(filler) == (137 - 9 - 2));
}

TEST_CASE("one flow taking another's place solves nothing") {
  LinkNetwork network;
  const PathId path = network.add_path(std::array{network.add_link(kGigabyte)});
  network.start(0, path, 10, 0);
  REQUIRE(network.next_end_ns() == 10);
  const uint64_t solves = network.counters().solves;
  for (uint64_t i = 1; i < 100; ++i) {
    const int64_t now_ns = network.next_end_ns();
    REQUIRE(now_ns == static_cast<int64_t>(10 * i));
    REQUIRE(advance(network) == std::vector<uint64_t>{i - 1});
    network.start(now_ns, path, 10, i);
  }
  REQUIRE(network.next_end_ns() == 1000);
  REQUIRE(network.counters().solves == solves);
}

TEST_CASE("after every solve each bundle is at its cap or on a full link where nobody has more") {
  check_certificates(0, kEveryday);
}
TEST_CASE("the certificate holds on ten thousand networks", "[slow]") {
  check_certificates(kEveryday, kAll);
}

TEST_CASE("flows end when a naive network says") {
  check_against_naive(0, kEveryday / 2);
  check_against_naive(0, 4, true);
}
TEST_CASE("flows end when a naive network says, ten thousand times", "[slow]") {
  check_against_naive(kEveryday / 2, kAll);
  check_against_naive(4, 150, true);
}

TEST_CASE("a bundle is its flows, one by one") {
  for (uint64_t number = 0; number < kEveryday; ++number) {
    INFO("network " << number);
    const TestNetwork test = random_network(number, {.with_fifo = number % 4 == 3});
    LinkNetwork bundled, single(false);
    REQUIRE(run_network(test, bundled) == run_network(test, single));
    for (LinkId link = 0; link < test.links.size(); ++link) {
      REQUIRE(bundled.carried_bytes(link) == single.carried_bytes(link));
    }
  }
}

TEST_CASE("names and order change no end") {
  for (uint64_t number = 0; number < kEveryday; ++number) {
    INFO("network " << number);
    const TestNetwork test = random_network(number);
    LinkNetwork first, second;
    std::map<uint64_t, int64_t> ends;
    for (const auto& [tag, end_ns] : run_network(relabelled(test, number), second)) {
      ends[1000 - tag] = end_ns;
    }
    REQUIRE(run_network(test, first) == ends);
  }
}
