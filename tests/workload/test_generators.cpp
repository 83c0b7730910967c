#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "models/workload/closed_source.hpp"
#include "models/workload/open_source.hpp"

using namespace tiercast;
using namespace tiercast::workload;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

OpenSpec open_spec(ArrivalProcess process, double rate, std::uint64_t requests) {
  OpenSpec spec;
  spec.arrivals.process = process;
  spec.arrivals.rate = per_second(rate);
  spec.input_tokens = LognormalLaw<Tokens>{tokens(1000), 1, {}, {}};
  spec.output_tokens = FixedLaw<Tokens>{tokens(200)};
  spec.requests = requests;
  return spec;
}

std::vector<Request> drain(DemandSource& source) {
  std::vector<Request> out;
  Request request;
  std::int64_t peeked_ns = 0;
  while (source.peek(peeked_ns)) {
    REQUIRE(source.next(request));
    REQUIRE(request.arrival_ns == peeked_ns);
    if (!out.empty()) REQUIRE(request.arrival_ns >= out.back().arrival_ns);
    REQUIRE(request.id == out.size());
    out.push_back(request);
  }
  CHECK_FALSE(source.next(request));
  return out;
}

std::vector<Request> drain(const OpenSpec& spec, std::uint64_t seed = 1) {
  OpenSource source(spec, {seed, 16});
  std::vector<Request> out = drain(source);
  CHECK(source.ended());
  return out;
}

struct Gaps {
  double mean_s = 0;
  double cv = 0;
};

Gaps gaps_of(const std::vector<Request>& requests) {
  std::vector<double> gaps;
  for (std::size_t i = 1; i < requests.size(); ++i) {
    gaps.push_back(static_cast<double>(requests[i].arrival_ns - requests[i - 1].arrival_ns) / 1e9);
  }
  double mean = 0;
  double square = 0;
  for (const double gap : gaps) mean += gap / static_cast<double>(gaps.size());
  for (const double gap : gaps) {
    square += (gap - mean) * (gap - mean) / static_cast<double>(gaps.size());
  }
  return {mean, std::sqrt(square) / mean};
}

ClosedSpec closed_spec() {
  ClosedSpec spec;
  spec.sessions = 8;
  spec.turns = UniformLaw<std::int64_t>{1, 6};
  spec.think = ExponentialLaw<Nanoseconds>{whole_seconds(10), {}, {}};
  spec.input_tokens = LognormalLaw<Tokens>{tokens(100), 1, {}, {}};
  spec.first_input_tokens = UniformLaw<Tokens>{tokens(200), tokens(400)};
  spec.output_tokens = ExponentialLaw<Tokens>{tokens(50), {}, {}};
  spec.ramp = whole_seconds(8);
  spec.id_tokens = 16;
  spec.requests = 500;
  return spec;
}

// Serves requests one by one, each for a time that depends on it, and completes in time order.
std::vector<Request> serve(const ClosedSpec& spec, std::int64_t (*service_ns)(const Request&),
                           std::uint64_t seed = 1) {
  ClosedSource source(spec, {seed, 16});
  std::multimap<std::int64_t, std::uint64_t> completions;
  std::vector<Request> out;
  Request request;
  while (!source.ended()) {
    std::int64_t arrival_ns = 0;
    const bool known = source.peek(arrival_ns);
    if (!completions.empty() && (!known || completions.begin()->first < arrival_ns)) {
      const auto [now_ns, id] = *completions.begin();
      completions.erase(completions.begin());
      source.completed(id, now_ns);
      continue;
    }
    REQUIRE(known);
    REQUIRE(source.next(request));
    REQUIRE(request.id == out.size());
    if (!out.empty()) REQUIRE(request.arrival_ns >= out.back().arrival_ns);
    completions.emplace(request.arrival_ns + service_ns(request), request.id);
    out.push_back(request);
  }
  return out;
}

std::int64_t fast(const Request& request) { return 1'000'000 * request.output_tokens; }
std::int64_t slow(const Request& request) {
  return 3 * kSecond + 50'000'000 * ((request.session * 7 + request.turn) % 13);
}

using Turns = std::map<std::pair<std::uint64_t, std::uint32_t>, Request>;
Turns by_turn(const std::vector<Request>& requests) {
  Turns out;
  for (const Request& request : requests) out[{request.session, request.turn}] = request;
  REQUIRE(out.size() == requests.size());
  return out;
}

}  // namespace

TEST_CASE("Open arrivals have the rate and the variation asked for", "[open][oracle]") {
  constexpr std::uint64_t kRequests = 20'000;
  const Gaps constant = gaps_of(drain(open_spec(ArrivalProcess::constant, 3, kRequests)));
  CHECK(constant.mean_s == Approx(1.0 / 3).epsilon(1e-9));
  CHECK(constant.cv < 1e-8);

  const Gaps poisson = gaps_of(drain(open_spec(ArrivalProcess::poisson, 4, kRequests)));
  CHECK(poisson.mean_s == Approx(0.25).epsilon(5 / std::sqrt(kRequests)));
  CHECK(poisson.cv == Approx(1).margin(0.04));

  for (const double cv : {0.5, 2.0}) {
    OpenSpec spec = open_spec(ArrivalProcess::gamma, 4, kRequests);
    spec.arrivals.cv = cv;
    const Gaps gamma = gaps_of(drain(spec));
    CHECK(gamma.mean_s == Approx(0.25).epsilon(5 * cv / std::sqrt(kRequests)));
    CHECK(gamma.cv == Approx(cv).epsilon(0.06));
  }
}

TEST_CASE("Constant arrivals are k / rate to the nanosecond", "[open]") {
  const auto requests = drain(open_spec(ArrivalProcess::constant, 3, 4));
  CHECK(requests[1].arrival_ns == 333'333'333);
  CHECK(requests[2].arrival_ns == 666'666'667);
  CHECK(requests[3].arrival_ns == kSecond);
}

TEST_CASE("An open loop ends by duration or by count", "[open]") {
  OpenSpec spec = open_spec(ArrivalProcess::constant, 2, 1'000'000);
  spec.duration = whole_seconds(3);
  CHECK(drain(spec).size() == 6);  // 0, 0.5, ... 2.5
  spec.requests = 4;
  CHECK(drain(spec).size() == 4);
  // 146 years at one request in 30 years: the clock ends it.
  spec = open_spec(ArrivalProcess::constant, 1e-9, 1'000'000);
  CHECK(drain(spec).size() == 5);
}

TEST_CASE("Request k depends on seed and k alone", "[open]") {
  const auto requests = drain(open_spec(ArrivalProcess::poisson, 4, 50));
  const auto longer = drain(open_spec(ArrivalProcess::poisson, 4, 100));
  const auto faster = drain(open_spec(ArrivalProcess::poisson, 8, 50));
  const auto other = drain(open_spec(ArrivalProcess::poisson, 4, 50), 2);
  for (std::size_t k = 0; k < 50; ++k) {
    CHECK(longer[k].arrival_ns == requests[k].arrival_ns);
    CHECK(longer[k].input_tokens == requests[k].input_tokens);
    CHECK(faster[k].input_tokens == requests[k].input_tokens);
    CHECK(std::abs(faster[k].arrival_ns * 2 - requests[k].arrival_ns) <= 2);
  }
  CHECK(other[7].arrival_ns != requests[7].arrival_ns);
}

TEST_CASE("Shared prefixes share the blocks that lie wholly inside them", "[open]") {
  OpenSpec spec = open_spec(ArrivalProcess::constant, 1, 4'000);
  spec.input_tokens = FixedLaw<Tokens>{tokens(10)};
  SharedPrefixSpec prefix;
  prefix.groups = 4;
  prefix.tokens = EmpiricalLaw<Tokens>{{tokens(100), tokens(15), tokens(48)}, {}};
  prefix.zipf = 1;
  prefix.share = 0.8;
  spec.shared_prefix = prefix;
  spec.id_tokens = 16;
  std::map<std::vector<std::uint64_t>, int> seen;
  std::map<std::uint32_t, int> by_input;
  int without = 0;
  for (const Request& request : drain(spec)) {
    const std::uint32_t shared = request.input_tokens - 10;
    REQUIRE(request.ids.size() == shared / 16);
    REQUIRE(request.id_tokens == (shared < 16 ? 0 : 16));
    REQUIRE(request.last_id_tokens == request.id_tokens);
    REQUIRE(request.session == request.id);
    without += shared == 0 ? 1 : 0;
    ++by_input[shared];
    if (!request.ids.empty()) ++seen[request.ids];
  }
  CHECK(without / 4000.0 == Approx(0.2).margin(0.032));  // five standard errors
  CHECK(seen.size() <= 4);
  CHECK(by_input.size() <= 4);
  // No two groups have an id in common.
  std::set<std::uint64_t> ids;
  std::size_t total = 0;
  for (const auto& [list, count] : seen) {
    total += list.size();
    ids.insert(list.begin(), list.end());
  }
  CHECK(ids.size() == total);
}

TEST_CASE("Groups are as popular as Zipf's law says", "[open][oracle]") {
  OpenSpec spec = open_spec(ArrivalProcess::constant, 1, 20'000);
  SharedPrefixSpec prefix;
  prefix.groups = 5;
  prefix.tokens = FixedLaw<Tokens>{tokens(16)};
  prefix.zipf = 0.6;
  spec.shared_prefix = prefix;
  std::map<std::uint64_t, int> seen;
  for (const Request& request : drain(spec)) ++seen[request.ids.at(0)];
  std::vector<int> counts;
  for (const auto& [id, count] : seen) counts.push_back(count);
  std::sort(counts.rbegin(), counts.rend());
  REQUIRE(counts.size() == 5);
  double norm = 0;
  for (int k = 1; k <= 5; ++k) norm += std::pow(k, -0.6);
  for (int k = 1; k <= 5; ++k) {
    const double p = std::pow(k, -0.6) / norm;
    CHECK(counts[static_cast<std::size_t>(k - 1)] / 20'000.0 ==
          Approx(p).margin(5 * std::sqrt(p * (1 - p) / 20'000)));
  }
}

TEST_CASE("A turn's input is all of the turn before and its new tokens", "[closed]") {
  const Turns turns = by_turn(serve(closed_spec(), slow));
  int later_turns = 0;
  for (const auto& [key, request] : turns) {
    const auto [session, turn] = key;
    CHECK(request.ids.size() == (request.input_tokens + request.output_tokens) / 16);
    if (turn == 0) {
      CHECK(request.input_tokens >= 200);
      CHECK(request.input_tokens <= 400);
      continue;
    }
    const Request& before = turns.at({session, turn - 1});
    CHECK(request.input_tokens > before.input_tokens + before.output_tokens);
    // What the turn before made can be reused: its ids are a prefix of this turn's.
    REQUIRE(request.ids.size() >= before.ids.size());
    CHECK(std::equal(before.ids.begin(), before.ids.end(), request.ids.begin()));
    ++later_turns;
  }
  CHECK(later_turns > 200);
}

TEST_CASE("Two systems face the same demand, whichever is faster", "[closed][property]") {
  ClosedSpec spec = closed_spec();
  SharedPrefixSpec prefix;
  prefix.groups = 3;
  prefix.tokens = FixedLaw<Tokens>{tokens(1000)};
  spec.shared_prefix = prefix;
  const Turns quick = by_turn(serve(spec, fast));
  const Turns late = by_turn(serve(spec, slow));
  std::size_t common = 0;
  for (const auto& [key, request] : quick) {
    const auto found = late.find(key);
    if (found == late.end()) continue;
    ++common;
    CHECK(found->second.input_tokens == request.input_tokens);
    CHECK(found->second.output_tokens == request.output_tokens);
    CHECK(found->second.ids == request.ids);
  }
  CHECK(common > 300);
  CHECK(by_turn(serve(spec, fast, 2)).begin()->second.output_tokens !=
        quick.begin()->second.output_tokens);
}

TEST_CASE("A turn comes its think time after the answer, and sessions follow each other",
          "[closed]") {
  ClosedSpec spec = closed_spec();
  spec.sessions = 2;
  spec.turns = FixedLaw<std::int64_t>{2};
  spec.think = FixedLaw<Nanoseconds>{whole_seconds(5)};
  spec.ramp = whole_seconds(4);
  spec.requests = 8;
  const auto requests = serve(
      spec, [](const Request& request) { return request.session == 0 ? kSecond : 2 * kSecond; });
  // User 0 starts at 1 s and takes 6 s a turn; user 1 starts at 3 s and takes 7 s.
  struct Expected {
    std::int64_t arrival_s;
    std::uint64_t session;
    std::uint32_t turn;
  };
  const std::vector<Expected> expected{{1, 0, 0},  {3, 1, 0},  {7, 0, 1},  {10, 1, 1},
                                       {13, 2, 0}, {17, 3, 0}, {20, 2, 1}, {24, 3, 1}};
  REQUIRE(requests.size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CHECK(requests[i].arrival_ns == expected[i].arrival_s * kSecond);
    CHECK(requests[i].session == expected[i].session);
    CHECK(requests[i].turn == expected[i].turn);
  }
}

TEST_CASE("Never more requests at once than sessions", "[closed][property]") {
  ClosedSpec spec = closed_spec();
  spec.think = FixedLaw<Nanoseconds>{Nanoseconds{0}};
  ClosedSource source(spec, {1, 16});
  std::int64_t at_ns = 0;
  Request request;
  std::vector<std::uint64_t> running;
  while (source.next(request)) running.push_back(request.id);
  CHECK(running.size() == 8);
  CHECK_FALSE(source.peek(at_ns));
  CHECK_FALSE(source.ended());
  source.completed(running[3], 100 * kSecond);
  REQUIRE(source.peek(at_ns));
  CHECK(at_ns == 100 * kSecond);
}

TEST_CASE("A context limit ends sessions, and cuts a first turn to fit", "[closed]") {
  ClosedSpec spec = closed_spec();
  spec.turns = FixedLaw<std::int64_t>{1000};
  spec.context_limit = tokens(1500);
  SharedPrefixSpec prefix;
  prefix.tokens = UniformLaw<Tokens>{tokens(1), tokens(5000)};
  prefix.groups = 20;
  spec.shared_prefix = prefix;
  std::set<std::uint64_t> sessions;
  for (const Request& request : serve(spec, slow)) {
    REQUIRE(request.input_tokens + request.output_tokens <= 1500);
    REQUIRE(request.input_tokens >= 1);
    sessions.insert(request.session);
  }
  CHECK(sessions.size() > 16);
  spec.context_limit = tokens(2);
  for (const Request& request : serve(spec, slow)) {
    REQUIRE(request.input_tokens == 1);
    REQUIRE(request.output_tokens == 1);
  }
}

TEST_CASE("Without repeat every user has one session; a duration stops all", "[closed]") {
  ClosedSpec spec = closed_spec();
  spec.repeat = false;
  spec.requests.reset();
  std::map<std::uint64_t, std::uint32_t> last_turn;
  for (const Request& request : serve(spec, slow)) {
    last_turn[request.session] = std::max(last_turn[request.session], request.turn);
  }
  CHECK(last_turn.size() == 8);
  CHECK(std::all_of(last_turn.begin(), last_turn.end(),
                    [](const auto& entry) { return entry.first < 8 && entry.second < 6; }));

  spec.repeat = true;
  spec.duration = whole_seconds(100);
  const auto requests = serve(spec, slow);
  CHECK(requests.size() > 20);
  CHECK(requests.back().arrival_ns < 100 * kSecond);
}

TEST_CASE("Session and group ids never meet", "[closed]") {
  ClosedSpec spec = closed_spec();
  SharedPrefixSpec prefix;
  prefix.groups = 3;
  prefix.tokens = FixedLaw<Tokens>{tokens(40)};
  spec.shared_prefix = prefix;
  std::map<std::uint64_t, std::set<std::uint64_t>> owners;
  std::map<std::uint64_t, std::size_t> position;
  for (const Request& request : serve(spec, fast)) {
    for (std::size_t k = 0; k < request.ids.size(); ++k) {
      owners[request.ids[k]].insert(request.session);
      const auto [found, fresh] = position.emplace(request.ids[k], k);
      REQUIRE(found->second == k);
    }
  }
  std::size_t shared = 0;
  for (const auto& [id, sessions] : owners) shared += sessions.size() > 1 ? 1 : 0;
  CHECK(shared == 3 * (40 / 16));
}
