// Workflows, whose agents take turns, and what is said of when each runs again.
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "models/workload/closed_source.hpp"

using namespace tiercast;
using namespace tiercast::workload;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

ClosedSpec workflows(std::uint32_t sessions, std::uint32_t agents) {
  ClosedSpec spec;
  spec.sessions = sessions;
  spec.workflow_agents = agents;
  spec.turns = FixedLaw<std::int64_t>{2};
  spec.think = FixedLaw<Nanoseconds>{nanoseconds(5 * kSecond)};
  spec.input_tokens = FixedLaw<Tokens>{tokens(100)};
  spec.output_tokens = FixedLaw<Tokens>{tokens(20)};
  return spec;
}

using Steps = std::vector<std::pair<std::uint64_t, std::uint32_t>>;  // session, steps

// A turn, and what its completion says.
struct Served {
  std::int64_t arrival_s;
  std::uint64_t session;
  std::uint32_t turn;
  Steps then;

  bool operator==(const Served&) const = default;
};

// One request at a time, each served in a second.
std::vector<Served> serve(ClosedSource& source) {
  std::vector<Served> out;
  std::int64_t arrival_ns = 0;
  Request request;
  while (source.peek(arrival_ns)) {
    REQUIRE(source.next(request));
    Served served{arrival_ns / kSecond, request.session, request.turn, {}};
    source.completed(request.id, arrival_ns + kSecond);
    for (const StepsToRun& next : source.steps_to_run()) {
      served.then.emplace_back(next.session, next.steps);
    }
    out.push_back(served);
  }
  CHECK(source.ended());
  return out;
}

}  // namespace

TEST_CASE("Agents of a workflow take turns round and round", "[closed]") {
  ClosedSpec spec = workflows(3, 3);
  spec.requests = 8;
  ClosedSource source(spec, {1, 16});
  CHECK(serve(source) == std::vector<Served>{
                             {0, 0, 0, {{1, 1}, {2, 2}, {0, 3}}},
                             {6, 1, 0, {{2, 1}, {0, 2}, {1, 3}}},
                             {12, 2, 0, {{0, 1}, {1, 2}, {2, 3}}},
                             // Session 0 ends; another one is its agent's from now on.
                             {18, 0, 1, {{1, 1}, {2, 2}, {3, 3}}},
                             {24, 1, 1, {{2, 1}, {3, 2}, {4, 3}}},
                             {30, 2, 1, {{3, 1}, {4, 2}, {5, 3}}},
                             {36, 3, 0, {{4, 1}, {5, 2}, {3, 3}}},
                             {42, 4, 0, {{5, 1}, {3, 2}, {4, 3}}},
                         });
}

TEST_CASE("Without repeat, agents that are done are left out", "[closed]") {
  ClosedSpec spec = workflows(2, 2);
  spec.repeat = false;
  ClosedSource source(spec, {1, 16});
  CHECK(serve(source) == std::vector<Served>{
                             {0, 0, 0, {{1, 1}, {0, 2}}},
                             {6, 1, 0, {{0, 1}, {1, 2}}},
                             {12, 0, 1, {{1, 1}}},
                             {18, 1, 1, {}},
                         });
}

TEST_CASE("Each workflow has one request at a time, and first ones share the ramp", "[closed]") {
  ClosedSpec spec = workflows(12, 3);
  spec.ramp = nanoseconds(8 * kSecond);
  ClosedSource source(spec, {1, 16});
  std::int64_t arrival_ns = 0;
  Request request;
  std::vector<std::int64_t> arrivals_s;
  std::set<std::uint64_t> sessions;
  while (source.peek(arrival_ns)) {
    source.next(request);
    arrivals_s.push_back(arrival_ns / kSecond);
    sessions.insert(request.session);
  }
  CHECK(arrivals_s == std::vector<std::int64_t>{1, 3, 5, 7});
  CHECK(sessions == std::set<std::uint64_t>{0, 3, 6, 9});
  CHECK_FALSE(source.ended());
}

// How long the others take is not its client's to know.
TEST_CASE("An agent of a workflow has no expected time of return", "[closed]") {
  Request request;
  ClosedSource alone(workflows(2, 1), {1, 16});
  REQUIRE(alone.next(request));
  CHECK(request.outlook.return_ns == 5 * kSecond);
  alone.completed(request.id, request.arrival_ns);
  CHECK(alone.steps_to_run().empty());
  ClosedSource together(workflows(2, 2), {1, 16});
  REQUIRE(together.next(request));
  CHECK(request.outlook.has_session);
  CHECK(request.outlook.return_ns == -1);
  CHECK(request.outlook.return_p90_ns == -1);
}
