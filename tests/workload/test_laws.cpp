#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include <catch2/catch.hpp>

#include "models/workload/law.hpp"
#include "sim/base/random.hpp"

using namespace tiercast;
using namespace tiercast::workload;

namespace {

constexpr Purpose kDraws{"test.laws"};
constexpr std::int64_t kHighest = 1'000'000'000;
constexpr int kSamples = 20'000;

std::vector<double> sample(const Law<Tokens>& law, std::int64_t lowest = 0,
                           std::int64_t highest = kHighest) {
  Stream stream(5, kDraws);
  std::vector<double> out;
  for (int i = 0; i < kSamples; ++i) {
    out.push_back(static_cast<double>(draw(law, stream, lowest, highest)));
  }
  std::sort(out.begin(), out.end());
  return out;
}

double mean_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

double share_below(const std::vector<double>& sorted, double limit) {
  return static_cast<double>(std::lower_bound(sorted.begin(), sorted.end(), limit) -
                             sorted.begin()) /
         static_cast<double>(sorted.size());
}

// Five standard errors of a share.
double margin(double p) { return 5 * std::sqrt(p * (1 - p) / kSamples); }

}  // namespace

TEST_CASE("Laws have the moments and tails they are named for", "[laws][oracle]") {
  const auto fixed = sample(FixedLaw<Tokens>{tokens(7)});
  CHECK(fixed.front() == 7);
  CHECK(fixed.back() == 7);

  const auto uniform = sample(UniformLaw<Tokens>{tokens(10), tokens(19)});
  CHECK(uniform.front() == 10);
  CHECK(uniform.back() == 19);
  for (int value = 11; value < 20; ++value) {
    const double p = (value - 10) / 10.0;
    CHECK(share_below(uniform, value) == Approx(p).margin(margin(p)));
  }

  const auto exponential = sample(ExponentialLaw<Tokens>{tokens(1000), {}, {}});
  CHECK(mean_of(exponential) == Approx(1000).margin(5 * 1000 / std::sqrt(kSamples)));
  CHECK(share_below(exponential, 2000) ==
        Approx(1 - std::exp(-2)).margin(margin(std::exp(-2)) + 0.001));

  const auto lognormal = sample(LognormalLaw<Tokens>{tokens(1000), 1, {}, {}});
  CHECK(share_below(lognormal, 1000) == Approx(0.5).margin(margin(0.5) + 0.001));
  // One standard deviation of the logarithm above the median.
  CHECK(share_below(lognormal, 1000 * std::exp(1)) == Approx(0.8413).margin(margin(0.8413)));

  const auto pareto = sample(ParetoLaw<Tokens>{tokens(100), 1.2, {}});
  CHECK(pareto.front() == 100);
  CHECK(1 - share_below(pareto, 1000) ==
        Approx(std::pow(10, -1.2)).margin(margin(std::pow(10, -1.2))));
}

TEST_CASE("Empirical values come by their weights", "[laws][oracle]") {
  EmpiricalLaw<Tokens> law{{tokens(1), tokens(5), tokens(9)}, {}};
  const auto alike = sample(law);
  CHECK(share_below(alike, 5) == Approx(1.0 / 3).margin(margin(1.0 / 3)));
  CHECK(share_below(alike, 9) == Approx(2.0 / 3).margin(margin(2.0 / 3)));
  law.weights = {3, 0, 1};
  const auto weighted = sample(law);
  CHECK(share_below(weighted, 5) == Approx(0.75).margin(margin(0.75)));
  CHECK(share_below(weighted, 9) == share_below(weighted, 5));
}

TEST_CASE("Draws are clipped by the law and by the caller", "[laws]") {
  const auto by_law = sample(LognormalLaw<Tokens>{tokens(1000), 2, tokens(500), tokens(1500)});
  CHECK(by_law.front() == 500);
  CHECK(by_law.back() == 1500);
  const auto by_caller = sample(ExponentialLaw<Tokens>{tokens(1), {}, {}}, 1, 4);
  CHECK(by_caller.front() == 1);
  CHECK(by_caller.back() == 4);
  const auto tail = sample(ParetoLaw<Tokens>{tokens(100), 0.1, {}});
  CHECK(tail.back() == kHighest);
}

TEST_CASE("Rounding keeps the mean", "[laws]") {
  // An exponential of mean 2 rounded to the nearest integer: sum over n of P(X > n - 1/2).
  double expected = 0;
  for (int n = 1; n < 100; ++n) expected += std::exp(-(n - 0.5) / 2);
  const auto values = sample(ExponentialLaw<Tokens>{tokens(2), {}, {}});
  CHECK(mean_of(values) == Approx(expected).margin(5 * 2 / std::sqrt(kSamples)));
}
