#include "sim/base/histogram.hpp"

#include <algorithm>
#include <cmath>

#include "sim/base/check.hpp"

namespace tiercast {
namespace {

constexpr std::uint64_t kQuantileUnits = 1'000'000'000;

int shift_of(std::size_t bucket) {
  const auto octave = static_cast<int>(bucket >> Histogram::kOctaveBits);
  return octave > 1 ? octave - 1 : 0;
}

}  // namespace

std::int64_t Histogram::bucket_lower(std::size_t bucket) {
  TIERCAST_CHECK(bucket < kBuckets, "a histogram bucket is out of range");
  const int shift = shift_of(bucket);
  const std::size_t mantissa = bucket - (static_cast<std::size_t>(shift) << kOctaveBits);
  return static_cast<std::int64_t>(mantissa << shift);
}

std::int64_t Histogram::bucket_upper(std::size_t bucket) {
  return bucket_lower(bucket) + ((std::int64_t{1} << shift_of(bucket)) - 1);
}

void Histogram::add(std::int64_t value, std::uint64_t count) {
  TIERCAST_CHECK(value >= 0, "a histogram holds values >= 0");
  add_bucket(bucket_of(value), count, value, value, static_cast<Int128>(value) * count);
}

void Histogram::add_bucket(std::size_t bucket, std::uint64_t count, std::int64_t min,
                           std::int64_t max, Int128 sum) {
  if (count == 0) return;
  TIERCAST_CHECK(min >= 0 && min <= max && bucket_of(min) == bucket && bucket_of(max) == bucket,
                 "values added to a histogram bucket lie outside it");
  if (bucket >= counts_.size()) counts_.resize(bucket + 1);
  counts_[bucket] += count;
  min_ = count_ == 0 ? min : std::min(min_, min);
  max_ = std::max(max_, max);
  count_ += count;
  sum_ += sum;
}

void Histogram::merge(const Histogram& other) {
  if (other.count_ == 0) return;
  if (other.counts_.size() > counts_.size()) counts_.resize(other.counts_.size());
  for (std::size_t i = 0; i < other.counts_.size(); ++i) counts_[i] += other.counts_[i];
  min_ = count_ == 0 ? other.min_ : std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
  count_ += other.count_;
  sum_ += other.sum_;
}

double Histogram::mean() const {
  return count_ == 0 ? 0 : static_cast<double>(sum_) / static_cast<double>(count_);
}

std::int64_t Histogram::quantile(double q) const {
  TIERCAST_CHECK(q >= 0 && q <= 1, "a quantile lies between 0 and 1");
  if (count_ == 0) return 0;
  // In whole units, because ceil(0.07 * 100) is 8 in doubles.
  const auto units = static_cast<std::uint64_t>(std::llround(q * double{kQuantileUnits}));
  const Int128 scaled = static_cast<Int128>(count_) * units;
  const auto rank = static_cast<std::uint64_t>((scaled + (kQuantileUnits - 1)) / kQuantileUnits);
  if (rank <= 1) return min_;
  if (rank >= count_) return max_;
  std::size_t bucket = 0;
  for (std::uint64_t seen = counts_[0]; seen < rank; seen += counts_[bucket]) ++bucket;
  const std::int64_t lower = bucket_lower(bucket);
  const std::int64_t middle = lower + (bucket_upper(bucket) - lower) / 2;
  return std::clamp(middle, min_, max_);
}

}  // namespace tiercast
