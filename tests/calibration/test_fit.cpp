// Searches against data whose parameters are known.

#include <cmath>
#include <vector>

#include <catch2/catch.hpp>

#include "models/calibration/fit.hpp"
#include "sim/base/random.hpp"

using namespace tiercast;
using namespace tiercast::calibration;

namespace {

constexpr double kLaunch = 4;
constexpr double kSlope = 0.25;

// launch + slope x over x = 1, 2, 4, ..., each measured `times` times with a lognormal error.
FitProblem line(int sizes, int times, double sigma) {
  FitProblem problem;
  std::vector<double> x;
  Stream noise(1, Purpose("test.fit"));
  for (int i = 0; i < sizes; ++i) {
    for (int j = 0; j < times; ++j) {
      x.push_back(std::ldexp(1.0, i));
      const double factor = sigma > 0 ? noise.lognormal(1, sigma) : 1;
      problem.measured.push_back((kLaunch + kSlope * x.back()) * factor);
    }
  }
  problem.model = [x](std::span<const double> values, std::span<double> modelled) {
    for (std::size_t i = 0; i < x.size(); ++i) modelled[i] = values[0] + values[1] * x[i];
  };
  problem.unknowns = {{1, 0.01, 1000}, {1, 0.0001, 100}};
  return problem;
}

}  // namespace

TEST_CASE("a search finds the parameters that made the data") {
  const FitResult result = fit(line(12, 1, 0));
  REQUIRE(result.values.size() == 2);
  CHECK(result.values[0].value == Approx(kLaunch).epsilon(1e-4));
  CHECK(result.values[1].value == Approx(kSlope).epsilon(1e-4));
  CHECK(result.values[0].state == FitState::free);
  CHECK(result.loss < 1e-8);
}

TEST_CASE("standard errors are those of repeated experiments") {
  // With one unknown, a factor on all times, the error of its logarithm is sigma / sqrt(rows), a
  // little more for a loss that is not square.
  constexpr double kSigma = 0.05;
  FitProblem problem = line(10, 40, kSigma);
  problem.unknowns = {{1, 0.01, 1000}};
  problem.model = [](std::span<const double> values, std::span<double> modelled) {
    for (std::size_t i = 0; i < modelled.size(); ++i) {
      modelled[i] = values[0] * (kLaunch + kSlope * std::ldexp(1.0, static_cast<int>(i / 40)));
    }
  };
  const FitResult result = fit(problem);
  REQUIRE(result.values[0].relative_error);
  CHECK(*result.values[0].relative_error == Approx(kSigma / 20).epsilon(0.15));
  CHECK(std::abs(std::log(result.values[0].value)) < 4 * kSigma / 20);
}

TEST_CASE("rows that are far off pull little") {
  FitProblem problem = line(12, 10, 0.01);
  for (std::size_t i = 0; i < problem.measured.size(); i += 10) problem.measured[i] *= 5;
  const FitResult result = fit(problem);
  CHECK(result.values[0].value == Approx(kLaunch).epsilon(0.04));
  CHECK(result.values[1].value == Approx(kSlope).epsilon(0.04));
}

TEST_CASE("a search stops at bounds and says so") {
  FitProblem problem = line(12, 1, 0);
  problem.unknowns[1].highest = 0.2;
  problem.unknowns[1].start = 0.1;
  const FitResult high = fit(problem);
  CHECK(high.values[1].value == 0.2);
  CHECK(high.values[1].state == FitState::highest);
  CHECK_FALSE(high.values[1].relative_error);
  CHECK(high.values[0].relative_error);
  problem.unknowns[1] = {1, 0.5, 2};
  CHECK(fit(problem).values[1].state == FitState::lowest);
}

TEST_CASE("what no measurement depends on is told from what is found") {
  FitProblem problem = line(12, 1, 0);
  problem.unknowns.push_back({3, 1, 10});
  const FitResult result = fit(problem);
  CHECK(result.values[2].state == FitState::unused);
  CHECK(result.values[2].value == Approx(3));
  CHECK(result.values[0].value == Approx(kLaunch).epsilon(1e-4));
}

TEST_CASE("two unknowns that show only as a product have no errors") {
  FitProblem problem = line(12, 1, 0);
  const auto sum = problem.model;
  problem.unknowns.push_back({1, 0.01, 100});
  problem.model = [sum](std::span<const double> values, std::span<double> modelled) {
    const std::vector<double> two{values[0], values[1] * values[2]};
    sum(two, modelled);
  };
  const FitResult result = fit(problem);
  CHECK(result.values[1].value * result.values[2].value == Approx(kSlope).epsilon(1e-4));
  CHECK_FALSE(result.values[1].relative_error);
}

TEST_CASE("a problem without unknowns has a loss") {
  FitProblem problem;
  problem.measured = {1, 1};
  problem.model = [](std::span<const double>, std::span<double> modelled) {
    modelled[0] = 1;
    modelled[1] = std::exp(kKnee);
  };
  // 2 c^2 (sqrt(2) - 1) for the one residual at the knee.
  CHECK(fit(problem).loss == Approx(2 * kKnee * kKnee * (std::sqrt(2.0) - 1)));
}
