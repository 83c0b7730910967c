#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include <catch2/catch.hpp>

#include "sim/base/histogram.hpp"
#include "sim/base/random.hpp"

using tiercast::Histogram;
using tiercast::Int128;
using tiercast::Purpose;
using tiercast::Stream;

namespace {

constexpr Purpose kValues{"test.histogram"};
constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();

// Values spread over all magnitudes up to 2^62.
std::vector<std::int64_t> spread_values(std::uint64_t seed, std::size_t count) {
  Stream stream(seed, kValues);
  std::vector<std::int64_t> values;
  for (std::size_t i = 0; i < count; ++i) {
    values.push_back(static_cast<std::int64_t>((stream.bits64() >> 2) >> stream.below(62)));
  }
  return values;
}

}  // namespace

TEST_CASE("Buckets tile all values from 0 to the largest without gap or overlap", "[histogram]") {
  CHECK(Histogram::bucket_lower(0) == 0);
  for (std::size_t bucket = 0; bucket < Histogram::kBuckets; ++bucket) {
    const std::int64_t lower = Histogram::bucket_lower(bucket);
    const std::int64_t upper = Histogram::bucket_upper(bucket);
    REQUIRE(lower <= upper);
    REQUIRE(Histogram::bucket_of(lower) == bucket);
    REQUIRE(Histogram::bucket_of(upper) == bucket);
    REQUIRE((upper - lower) * 128 <= lower);
    if (bucket + 1 < Histogram::kBuckets) {
      REQUIRE(Histogram::bucket_lower(bucket + 1) == upper + 1);
    } else {
      REQUIRE(upper == kMax);
    }
  }
}

TEST_CASE("Quantiles stay within 0.4 % of the sorted sample", "[histogram][oracle]") {
  std::vector<std::int64_t> values = spread_values(1, 5000);
  Histogram histogram;
  Int128 sum = 0;
  for (const std::int64_t value : values) {
    histogram.add(value);
    sum += value;
  }
  std::sort(values.begin(), values.end());
  for (std::size_t permille = 0; permille <= 1000; ++permille) {
    const std::size_t rank = std::max<std::size_t>(1, (values.size() * permille + 999) / 1000);
    const auto exact = static_cast<double>(values[rank - 1]);
    const auto found =
        static_cast<double>(histogram.quantile(static_cast<double>(permille) / 1000));
    REQUIRE(std::fabs(found - exact) <= 0.004 * exact);
  }
  CHECK(histogram.quantile(0) == values.front());
  CHECK(histogram.quantile(1) == values.back());
  CHECK(histogram.min() == values.front());
  CHECK(histogram.max() == values.back());
  CHECK(histogram.count() == values.size());
  CHECK(histogram.sum() == sum);
}

TEST_CASE("A rank is counted in whole units, not in rounded doubles", "[histogram]") {
  Histogram histogram;
  for (std::int64_t value = 1; value <= 100; ++value) histogram.add(value);
  for (int percent = 1; percent <= 100; ++percent) {
    REQUIRE(histogram.quantile(percent / 100.0) == percent);
  }
}

TEST_CASE("Merging is the same in any order and equal to adding in one place", "[histogram]") {
  Histogram whole;
  std::vector<Histogram> parts(7);
  const std::vector<std::int64_t> values = spread_values(2, 2000);
  for (std::size_t i = 0; i < values.size(); ++i) {
    whole.add(values[i]);
    parts[i % 6].add(values[i]);  // the seventh stays empty
  }
  Histogram forward;
  Histogram backward;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    forward.merge(parts[i]);
    backward.merge(parts[parts.size() - 1 - i]);
  }
  CHECK(forward == whole);
  CHECK(backward == whole);
}

TEST_CASE("A monotone series counted by buckets equals one add per value", "[histogram]") {
  const std::int64_t first = 900;
  const std::int64_t step = 3;
  const std::int64_t count = 4000;
  Histogram one_by_one;
  for (std::int64_t i = 0; i < count; ++i) one_by_one.add(first + i * step);
  Histogram by_bucket;
  std::size_t adds = 0;
  for (std::int64_t i = 0; i < count; ++adds) {
    const std::int64_t value = first + i * step;
    const std::size_t bucket = Histogram::bucket_of(value);
    const std::int64_t n =
        std::min(count - i, (Histogram::bucket_upper(bucket) - value) / step + 1);
    const std::int64_t last = value + (n - 1) * step;
    by_bucket.add_bucket(bucket, static_cast<std::uint64_t>(n), value, last,
                         static_cast<Int128>(value + last) * n / 2);
    i += n;
  }
  CHECK(by_bucket == one_by_one);
  CHECK(adds < 600);
}

TEST_CASE("Counts weigh values, and extremes and sums are exact", "[histogram]") {
  Histogram histogram;
  CHECK(histogram.empty());
  CHECK(histogram.quantile(0.5) == 0);
  CHECK(histogram.mean() == 0);
  histogram.add(7, 0);
  CHECK(histogram.empty());
  histogram.add(10, 3);
  histogram.add(kMax);
  CHECK(histogram.count() == 4);
  CHECK(histogram.sum() == static_cast<Int128>(kMax) + 30);
  CHECK(histogram.quantile(0.75) == 10);
  CHECK(histogram.quantile(0.76) == kMax);
  histogram.add(kMax, 1000);  // beyond int64 in the sum
  CHECK(histogram.sum() == static_cast<Int128>(kMax) * 1001 + 30);
  CHECK(histogram.count_in(10) == 3);
}
