// Means and quantiles of laws against draws from them.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "models/workload/closed_source.hpp"
#include "models/workload/law_moments.hpp"
#include "sim/base/random.hpp"

using namespace tiercast;
using namespace tiercast::workload;

namespace {

using TimeLaw = Law<Nanoseconds>;

constexpr Purpose kDraws{"test.law_moments"};
constexpr std::int64_t kHighest = 1'000'000'000'000;
constexpr int kSamples = 40'000;

Nanoseconds ns(std::int64_t count) { return Nanoseconds{count}; }

// The mean lies within five standard errors, and the share at or below the quantile within five of
// its own; values are taken as they come, so a quantile may be a heap of equal draws.
void check(const char* name, const TimeLaw& law, std::int64_t lowest = 0,
           std::int64_t highest = kHighest) {
  INFO(name);
  Stream stream(11, kDraws);
  std::vector<double> values;
  double sum = 0;
  for (int i = 0; i < kSamples; ++i) {
    values.push_back(static_cast<double>(draw(law, stream, lowest, highest)));
    sum += values.back();
  }
  const double mean = sum / kSamples;
  double square = 0;
  for (const double value : values) square += (value - mean) * (value - mean) / kSamples;
  const double error = 5 * std::sqrt(square / kSamples) + 1;
  CHECK(static_cast<double>(mean_of(law, lowest, highest)) == Approx(mean).margin(error));
  for (const double p : {0.5, 0.9}) {
    const auto at = static_cast<double>(quantile_of(law, p, lowest, highest));
    const auto share = [&](auto holds) {
      return static_cast<double>(std::count_if(values.begin(), values.end(), holds)) / kSamples;
    };
    const double margin = 5 * std::sqrt(p * (1 - p) / kSamples);
    CHECK(share([&](double value) { return value <= at; }) >= p - margin);
    CHECK(share([&](double value) { return value < at; }) <= p + margin);
  }
}

}  // namespace

TEST_CASE("means and quantiles of laws are those of their draws", "[laws][oracle]") {
  check("fixed", FixedLaw<Nanoseconds>{ns(700)});
  check("uniform", UniformLaw<Nanoseconds>{ns(100), ns(999)});
  check("exponential", ExponentialLaw<Nanoseconds>{ns(5000), {}, {}});
  check("exponential, clipped", ExponentialLaw<Nanoseconds>{ns(5000), ns(2000), ns(6000)});
  check("lognormal", LognormalLaw<Nanoseconds>{ns(30'000), 1.2, {}, {}});
  check("lognormal, clipped", LognormalLaw<Nanoseconds>{ns(30'000), 2, ns(9000), ns(200'000)});
  check("pareto", ParetoLaw<Nanoseconds>{ns(1000), 2.5, {}});
  check("pareto without a mean, clipped", ParetoLaw<Nanoseconds>{ns(1000), 0.7, ns(500'000)});
  check("pareto of exponent 1, clipped", ParetoLaw<Nanoseconds>{ns(1000), 1, ns(500'000)});
  check("pareto, clipped by the caller", ParetoLaw<Nanoseconds>{ns(1000), 0.5, {}}, 3000, 90'000);
  check("empirical", EmpiricalLaw<Nanoseconds>{{ns(5), ns(900), ns(70)}, {}});
  check("empirical, weighted",
        EmpiricalLaw<Nanoseconds>{{ns(900), ns(5), ns(70)}, std::vector<double>{1, 0, 12}});
}

TEST_CASE("means in closed form", "[laws]") {
  CHECK(mean_of(TimeLaw{ExponentialLaw<Nanoseconds>{ns(5000), {}, {}}}, 0, kHighest) == 5000);
  CHECK(quantile_of(TimeLaw{ExponentialLaw<Nanoseconds>{ns(5000), {}, {}}}, 0.9, 0, kHighest) ==
        11513);  // 5000 ln 10
  CHECK(mean_of(TimeLaw{ParetoLaw<Nanoseconds>{ns(1000), 3, {}}}, 0, kHighest) == 1500);
  CHECK(mean_of(TimeLaw{LognormalLaw<Nanoseconds>{ns(1'000'000), 1, {}, {}}}, 0, kHighest) ==
        1'648'721);  // e^(1/2)
}

TEST_CASE("a closed loop says when turns come in the mean, and not when this one does",
          "[workload][closed]") {
  ClosedSpec spec;
  spec.sessions = 2;
  spec.turns = FixedLaw<std::int64_t>{3};
  spec.think = ExponentialLaw<Nanoseconds>{ns(5000), {}, {}};
  spec.input_tokens = FixedLaw<Tokens>{tokens(10)};
  spec.output_tokens = FixedLaw<Tokens>{tokens(10)};
  spec.requests = 12;
  ClosedSource source(spec, {1, 16});
  Request request;
  std::int64_t arrival_ns = 0;
  std::uint64_t last_turns = 0;
  while (source.peek(arrival_ns)) {
    REQUIRE(source.next(request));
    CHECK(request.outlook.has_session);
    CHECK(request.outlook.return_ns == 5000);
    CHECK(request.outlook.return_p90_ns == 11513);
    CHECK(request.ends_session == (request.turn == 2));
    last_turns += request.ends_session ? 1 : 0;
    source.completed(request.id, arrival_ns);
  }
  CHECK(last_turns >= 2);
}
