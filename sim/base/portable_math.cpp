#include "sim/base/portable_math.hpp"

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace tiercast {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// ln 2 in two parts; the first has 21 trailing zero bits, so its product with any exponent of a
// double is exact.
constexpr double kLn2High = 0x1.62e42fee00000p-1;
constexpr double kLn2Low = 0x1.a39ef35793c76p-33;
constexpr double kInverseLn2 = 0x1.71547652b82fep+0;
constexpr double kSqrtHalf = 0x1.6a09e667f3bcdp-1;

constexpr std::uint64_t kFractionMask = (std::uint64_t{1} << 52) - 1;
constexpr int kExponentBias = 1023;

// 2^exponent, a normal number.
double power_of_two(int exponent) {
  return std::bit_cast<double>(static_cast<std::uint64_t>(exponent + kExponentBias) << 52);
}

template <std::size_t N>
double horner(const std::array<double, N>& coefficients, double x) {
  double sum = coefficients[N - 1];
  for (std::size_t i = N - 1; i > 0; --i) sum = sum * x + coefficients[i - 1];
  return sum;
}

// x = fraction * 2^exponent with fraction in [sqrt(1/2), sqrt(2)).
struct Split {
  double fraction;
  int exponent;
};

Split split(double x) {
  int exponent = 0;
  if (x < std::numeric_limits<double>::min()) {
    x *= 0x1p54;
    exponent = -54;
  }
  const auto bits = std::bit_cast<std::uint64_t>(x);
  exponent += static_cast<int>(bits >> 52) - (kExponentBias - 1);
  const double fraction = std::bit_cast<double>(
      (bits & kFractionMask) | (static_cast<std::uint64_t>(kExponentBias - 1) << 52));
  if (fraction < kSqrtHalf) return {fraction * 2, exponent - 1};
  return {fraction, exponent};
}

// 2/3, 2/5, ... 2/23: the series of 2 atanh(s) = 2s + (2/3)s^3 + (2/5)s^5 + ... beyond its first
// term. |s| <= 0.1716, so the first term left out is below 3e-18 of the sum.
constexpr std::array<double, 11> kAtanhSeries = {2.0 / 3,  2.0 / 5,  2.0 / 7,  2.0 / 9,
                                                 2.0 / 11, 2.0 / 13, 2.0 / 15, 2.0 / 17,
                                                 2.0 / 19, 2.0 / 21, 2.0 / 23};

// 1/2!, 1/3!, ... 1/14!: e^r = 1 + r + r^2 (1/2! + r/3! + ...). |r| <= 0.3466, so the first term
// left out is below 2e-19.
constexpr std::array<double, 13> kExpSeries = {
    1.0 / 2,         1.0 / 6,          1.0 / 24,         1.0 / 120,     1.0 / 720,
    1.0 / 5040,      1.0 / 40320,      1.0 / 362880,     1.0 / 3628800, 1.0 / 39916800,
    1.0 / 479001600, 1.0 / 6227020800, 1.0 / 87178291200};

// Coefficients of AS 241 as published: numerator and denominator for the centre, the shoulders and
// the tails.
constexpr std::array<double, 8> kCentreTop = {3.3871328727963666080e0,  1.3314166789178437745e+2,
                                              1.9715909503065514427e+3, 1.3731693765509461125e+4,
                                              4.5921953931549871457e+4, 6.7265770927008700853e+4,
                                              3.3430575583588128105e+4, 2.5090809287301226727e+3};
constexpr std::array<double, 8> kCentreBottom = {1.0,
                                                 4.2313330701600911252e+1,
                                                 6.8718700749205790830e+2,
                                                 5.3941960214247511077e+3,
                                                 2.1213794301586595867e+4,
                                                 3.9307895800092710610e+4,
                                                 2.8729085735721942674e+4,
                                                 5.2264952788528545610e+3};
constexpr std::array<double, 8> kShoulderTop = {
    1.42343711074968357734e0,  4.63033784615654529590e0, 5.76949722146069140550e0,
    3.64784832476320460504e0,  1.27045825245236838258e0, 2.41780725177450611770e-1,
    2.27238449892691845833e-2, 7.74545014278341407640e-4};
constexpr std::array<double, 8> kShoulderBottom = {1.0,
                                                   2.05319162663775882187e0,
                                                   1.67638483018380384940e0,
                                                   6.89767334985100004550e-1,
                                                   1.48103976427480074590e-1,
                                                   1.51986665636164571966e-2,
                                                   5.47593808499534494600e-4,
                                                   1.05075007164441684324e-9};
constexpr std::array<double, 8> kTailTop = {6.65790464350110377720e0,  5.46378491116411436990e0,
                                            1.78482653991729133580e0,  2.96560571828504891230e-1,
                                            2.65321895265761230930e-2, 1.24266094738807843860e-3,
                                            2.71155556874348757815e-5, 2.01033439929228813265e-7};
constexpr std::array<double, 8> kTailBottom = {1.0,
                                               5.99832206555887937690e-1,
                                               1.36929880922735805310e-1,
                                               1.48753612908506148525e-2,
                                               7.86869131145613259100e-4,
                                               1.84631831751005468180e-5,
                                               1.42151175831644588870e-7,
                                               2.04426310338993978564e-15};

}  // namespace

double portable_log(double x) {
  if (!(x > 0)) return x == 0 ? -kInfinity : kNan;
  if (x == kInfinity) return x;
  const auto [fraction, exponent] = split(x);
  const double f = fraction - 1;
  const double s = f / (2 + f);
  const double z = s * s;
  // 2 atanh(s) = f - s (f - z series): only the small second term is rounded.
  const double correction = s * (f - z * horner(kAtanhSeries, z));
  if (exponent == 0) return f - correction;
  const double k = exponent;
  return k * kLn2High - ((correction - k * kLn2Low) - f);
}

double portable_exp(double x) {
  if (x != x) return x;
  if (x > 709.79) return kInfinity;
  if (x < -745.2) return 0;
  const double scaled = x * kInverseLn2;
  const int k = static_cast<int>(scaled + (scaled < 0 ? -0.5 : 0.5));
  const double high = x - k * kLn2High;
  const double low = k * kLn2Low;
  const double r = high - low;
  const double tail = (high - r) - low;  // what r lost in rounding
  const double sum = 1 + (r + (r * r * horner(kExpSeries, r) + tail));
  if (k > 1023) return sum * power_of_two(k - 1) * 2;
  if (k < -1021) return sum * power_of_two(k + 64) * 0x1p-64;
  return sum * power_of_two(k);
}

double portable_pow(double x, double y) {
  if (y == 0) return 1;
  if (x == 0) return y > 0 ? 0 : kInfinity;
  return portable_exp(y * portable_log(x));
}

double normal_quantile(double p) {
  if (!(p > 0 && p < 1)) return p == 0 ? -kInfinity : p == 1 ? kInfinity : kNan;
  const double q = p - 0.5;
  if (std::fabs(q) <= 0.425) {
    const double r = 0.180625 - q * q;
    return q * horner(kCentreTop, r) / horner(kCentreBottom, r);
  }
  const double r = std::sqrt(-portable_log(q < 0 ? p : 1 - p));
  const double size = r <= 5 ? horner(kShoulderTop, r - 1.6) / horner(kShoulderBottom, r - 1.6)
                             : horner(kTailTop, r - 5) / horner(kTailBottom, r - 5);
  return q < 0 ? -size : size;
}

}  // namespace tiercast
