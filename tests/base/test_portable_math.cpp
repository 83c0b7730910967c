#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include <catch2/catch.hpp>

#include "sim/base/portable_math.hpp"
#include "sim/base/random.hpp"

using tiercast::normal_quantile;
using tiercast::portable_exp;
using tiercast::portable_log;
using tiercast::portable_pow;
using tiercast::Purpose;
using tiercast::Stream;

namespace {

constexpr Purpose kArguments{"test.portable_math"};
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

double relative_error(double value, long double exact) {
  return static_cast<double>(std::fabs((value - exact) / exact));
}

double any_magnitude(Stream& stream) {
  return std::ldexp(1 + stream.uniform(), static_cast<int>(stream.between(-1022, 1022)));
}

}  // namespace

TEST_CASE("The logarithm keeps its stated error", "[random][oracle]") {
  Stream stream(1, kArguments);
  double worst = 0;
  for (int i = 0; i < 100'000; ++i) {
    const double x = any_magnitude(stream);
    worst = std::max(worst, relative_error(portable_log(x), std::log(static_cast<long double>(x))));
    const double near_one = 1 + (stream.uniform() - 0.5) * std::ldexp(1.0, -(i % 40));
    if (near_one == 1) continue;
    worst = std::max(worst, relative_error(portable_log(near_one),
                                           std::log(static_cast<long double>(near_one))));
  }
  CHECK(worst <= 4e-16);
  CHECK(worst > 1e-17);  // the comparison sees rounding at all
  const double tiny = std::numeric_limits<double>::denorm_min();
  CHECK(relative_error(portable_log(tiny), std::log(static_cast<long double>(tiny))) <= 4e-16);
}

TEST_CASE("The exponential keeps its stated error", "[random][oracle]") {
  Stream stream(2, kArguments);
  double worst = 0;
  for (int i = 0; i < 100'000; ++i) {
    for (const double x : {stream.uniform() * 1417 - 708, stream.uniform() - 0.5}) {
      worst =
          std::max(worst, relative_error(portable_exp(x), std::exp(static_cast<long double>(x))));
    }
  }
  CHECK(worst <= 4e-16);
  CHECK(portable_exp(-745.1) == std::numeric_limits<double>::denorm_min());
}

TEST_CASE("Powers keep their stated error", "[random][oracle]") {
  Stream stream(3, kArguments);
  for (int i = 0; i < 100'000; ++i) {
    const double x = portable_exp(stream.uniform() * 40 - 20);
    const double y = stream.uniform() * 20 - 10;
    const long double exact = std::pow(static_cast<long double>(x), static_cast<long double>(y));
    const double bound = 4e-16 * (1 + std::fabs(y * std::log(x)));
    REQUIRE(relative_error(portable_pow(x, y), exact) <= bound);
  }
}

TEST_CASE("Edge arguments give what the headers say", "[random]") {
  CHECK(portable_log(1) == 0);
  CHECK(portable_log(0) == -kInfinity);
  CHECK(std::isnan(portable_log(-1)));
  CHECK(std::isnan(portable_log(kNan)));
  CHECK(portable_log(kInfinity) == kInfinity);
  CHECK(portable_exp(0) == 1);
  CHECK(portable_exp(-0.0) == 1);
  CHECK(portable_exp(710) == kInfinity);
  CHECK(portable_exp(-800) == 0);
  CHECK(portable_exp(kInfinity) == kInfinity);
  CHECK(portable_exp(-kInfinity) == 0);
  CHECK(std::isnan(portable_exp(kNan)));
  CHECK(portable_pow(0, 2) == 0);
  CHECK(portable_pow(0, 0) == 1);
  CHECK(portable_pow(0, -1) == kInfinity);
  CHECK(portable_pow(5, 0) == 1);
  CHECK(std::isnan(portable_pow(-1, 0.5)));
}

TEST_CASE("The normal quantile inverts the normal distribution", "[random][oracle]") {
  Stream stream(4, kArguments);
  for (int i = 0; i < 20'000; ++i) {
    // All magnitudes of the lower tail, down to 2^-200.
    const double p = std::ldexp(0.5 + 0.5 * stream.uniform(), -(i % 200) - 1);
    const double x = normal_quantile(p);
    const long double back = std::erfc(-static_cast<long double>(x) / std::sqrt(2.0L)) / 2;
    // dp/p = x dx at most about x^2 times the relative error of x.
    REQUIRE(relative_error(p, back) <= 3e-15 * (1 + x * x));
  }
  for (const double p : {0.5, 0.25, 0.0625, 0x1p-40}) {
    CHECK(normal_quantile(p) == -normal_quantile(1 - p));
  }
  CHECK(normal_quantile(0.975) == Approx(1.959963984540054).epsilon(1e-14));
}
