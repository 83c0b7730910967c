#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <set>
#include <vector>

#include <catch2/catch.hpp>

#include "sim/base/portable_math.hpp"
#include "sim/base/random.hpp"

using tiercast::philox4x32;
using tiercast::PhiloxCounter;
using tiercast::PhiloxKey;
using tiercast::Purpose;
using tiercast::Stream;
using tiercast::ZipfTable;

namespace {

constexpr Purpose kDraws{"test.random"};
constexpr Purpose kOther{"test.random.other"};
constexpr int kSamples = 20'000;

// Largest distance between the empirical distribution of draws and `cdf`. With 20,000 draws it
// exceeds 0.0138 with probability 0.001 (Kolmogorov).
double kolmogorov(const std::function<double(Stream&)>& draw,
                  const std::function<double(double)>& cdf) {
  Stream stream(7, kDraws);
  std::vector<double> sample(kSamples);
  for (double& value : sample) value = draw(stream);
  std::sort(sample.begin(), sample.end());
  double worst = 0;
  for (int i = 0; i < kSamples; ++i) {
    const double at = cdf(sample[static_cast<std::size_t>(i)]);
    worst = std::max({worst, at - double{1} * i / kSamples, double(i + 1) / kSamples - at});
  }
  return worst;
}
constexpr double kKolmogorovLimit = 0.0138;

// Regularised lower incomplete gamma function by its power series.
double gamma_cdf(double shape, double x) {
  if (x <= 0) return 0;
  double term = 1 / shape;
  double sum = term;
  for (int n = 1; n < 1000 && term > 1e-17 * sum; ++n) {
    term *= x / (shape + n);
    sum += term;
  }
  return std::exp(-x + shape * std::log(x) - std::lgamma(shape)) * sum;
}

}  // namespace

TEST_CASE("Philox4x32-10 gives its published known answers", "[random][oracle]") {
  constexpr std::uint32_t kOnes = 0xFFFFFFFF;
  CHECK(philox4x32({0, 0, 0, 0}, {0, 0}) ==
        PhiloxCounter{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox4x32({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}) ==
        PhiloxCounter{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        PhiloxCounter{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("A stream depends on its name alone, and each part of the name matters", "[random]") {
  std::set<std::uint64_t> firsts;
  std::size_t streams = 0;
  for (const std::uint64_t seed : {0ULL, 1ULL, 1ULL << 40}) {
    for (const Purpose purpose : {kDraws, kOther}) {
      for (const std::uint64_t entity : {0ULL, 1ULL, 1ULL << 32}) {
        for (const std::uint32_t part : {0U, 1U}) {
          Stream stream(seed, purpose, entity, part);
          Stream again(seed, purpose, entity, part);
          const std::uint64_t first = stream.bits64();
          REQUIRE(again.bits64() == first);
          firsts.insert(first);
          ++streams;
        }
      }
    }
  }
  CHECK(firsts.size() == streams);
}

TEST_CASE("A stream's values are pinned, so that results stay comparable", "[random][golden]") {
  Stream stream(1, kDraws, 2, 3);
  const std::vector<std::uint64_t> drawn{stream.bits64(), stream.bits64(), stream.bits64()};
  // Second way: the paper's function on the counters the header describes.
  const std::uint64_t key = tiercast::mix(std::uint64_t{1}, tiercast::hash_text("test.random"));
  const PhiloxKey words{static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(key >> 32)};
  const PhiloxCounter group0 = philox4x32({0, 3, 2, 0}, words);
  const PhiloxCounter group1 = philox4x32({1, 3, 2, 0}, words);
  CHECK(drawn == std::vector<std::uint64_t>{group0[0] | std::uint64_t{group0[1]} << 32,
                                            group0[2] | std::uint64_t{group0[3]} << 32,
                                            group1[0] | std::uint64_t{group1[1]} << 32});
}

TEST_CASE("Uniform numbers fill their interval evenly", "[random]") {
  CHECK(kolmogorov([](Stream& s) { return s.uniform(); }, [](double x) { return x; }) <
        kKolmogorovLimit);
  CHECK(kolmogorov([](Stream& s) { return s.uniform_open(); }, [](double x) { return x; }) <
        kKolmogorovLimit);
  // The ends of uniform_open by its definition.
  CHECK(0.5 * 0x1p-52 > 0);
  CHECK((static_cast<double>((std::uint64_t{1} << 52) - 1) + 0.5) * 0x1p-52 < 1);
}

TEST_CASE("Integer ranges are unbiased and include their ends", "[random]") {
  Stream stream(3, kDraws);
  std::vector<int> seen(7);
  for (int i = 0; i < 70'000; ++i) ++seen[stream.below(7)];
  double chi_square = 0;
  for (const int count : seen) chi_square += (count - 1e4) * (count - 1e4) / 1e4;
  CHECK(chi_square < 22.5);  // six degrees of freedom, probability 0.001

  constexpr std::int64_t kLow = std::numeric_limits<std::int64_t>::min();
  constexpr std::int64_t kHigh = std::numeric_limits<std::int64_t>::max();
  bool low = false;
  bool high = false;
  for (int i = 0; i < 200; ++i) {
    const std::int64_t value = stream.between(-1, 1);
    REQUIRE(value >= -1);
    REQUIRE(value <= 1);
    low = low || value == -1;
    high = high || value == 1;
  }
  CHECK(low);
  CHECK(high);
  CHECK(stream.between(5, 5) == 5);
  CHECK(stream.between(kLow, kHigh) != stream.between(kLow, kHigh));
  // 3 * 2^62 values: a plain multiply or modulo would make a quarter of them twice as likely.
  constexpr std::uint64_t kCount = 3ULL << 62;
  int low_third = 0;
  for (int i = 0; i < 30'000; ++i) low_third += stream.below(kCount) < (1ULL << 62) ? 1 : 0;
  CHECK(low_third == Approx(10'000).margin(3.3 * std::sqrt(30'000 * 2.0 / 9)));
}

TEST_CASE("Variates follow their distribution functions", "[random][oracle]") {
  CHECK(kolmogorov([](Stream& s) { return s.exponential(3); },
                   [](double x) { return 1 - std::exp(-x / 3); }) < kKolmogorovLimit);
  CHECK(kolmogorov([](Stream& s) { return s.normal(); },
                   [](double x) { return std::erfc(-x / std::sqrt(2.0)) / 2; }) < kKolmogorovLimit);
  CHECK(kolmogorov([](Stream& s) { return s.lognormal(217, 1.19); },
                   [](double x) {
                     return std::erfc(-std::log(x / 217) / 1.19 / std::sqrt(2.0)) / 2;
                   }) < kKolmogorovLimit);
  CHECK(kolmogorov([](Stream& s) { return s.weibull(0.7, 5); },
                   [](double x) { return 1 - std::exp(-std::pow(x / 5, 0.7)); }) <
        kKolmogorovLimit);
  CHECK(kolmogorov([](Stream& s) { return s.pareto(60, 1.2); },
                   [](double x) { return 1 - std::pow(60 / x, 1.2); }) < kKolmogorovLimit);
  for (const double shape : {0.0625, 0.25, 1.0, 2.5, 40.0}) {
    CHECK(kolmogorov([&](Stream& s) { return s.gamma(shape, 2); },
                     [&](double x) { return gamma_cdf(shape, x / 2); }) < kKolmogorovLimit);
  }
}

TEST_CASE("A larger parameter moves a variate of the same stream one way", "[random][property]") {
  for (std::uint64_t entity = 0; entity < 100; ++entity) {
    CHECK(Stream(1, kDraws, entity).exponential(2) ==
          Approx(2 * Stream(1, kDraws, entity).exponential(1)));
    CHECK(Stream(1, kDraws, entity).lognormal(10, 1) < Stream(1, kDraws, entity).lognormal(11, 1));
  }
}

TEST_CASE("Zipf ranks follow their weights", "[random][oracle]") {
  for (const double exponent : {0.0, 0.6, 1.0, 2.0}) {
    const ZipfTable table(50, exponent);
    double norm = 0;
    for (int rank = 1; rank <= 50; ++rank) norm += std::pow(rank, -exponent);
    Stream stream(11, kDraws);
    std::vector<double> seen(50);
    for (int i = 0; i < kSamples; ++i) ++seen[table.draw(stream)];
    double chi_square = 0;
    for (std::uint32_t rank = 0; rank < 50; ++rank) {
      const double p = std::pow(rank + 1, -exponent) / norm;
      REQUIRE(table.probability(rank) == Approx(p).epsilon(1e-12));
      chi_square += (seen[rank] - p * kSamples) * (seen[rank] - p * kSamples) / (p * kSamples);
    }
    CHECK(chi_square < 86);  // 49 degrees of freedom, probability 0.001
  }
}
