// Integer log-linear histogram, after the layout of HdrHistogram (Tene).
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tiercast {

/// Wide integer for exact sums.
__extension__ typedef __int128 Int128;

/// Counts of non-negative integers (latencies in ns, tokens, bytes). Values below 256 have a bucket
/// each; above, every octave has 128 buckets, so a bucket is narrower than 1/128 of its lowest
/// value and a quantile is off by less than 0.4 %. Every int64 >= 0 has a bucket: nothing is
/// clamped or dropped. A negative value is a bug.
///
/// Count, sum, minimum and maximum are exact. Merging is addition, so its order never shows.
/// Memory: 8 bytes a bucket up to the largest value seen, at most 58 KB.
class Histogram {
 public:
  static constexpr int kOctaveBits = 7;
  static constexpr std::size_t kBuckets = std::size_t{57} << kOctaveBits;

  /// The bucket of value >= 0; buckets are numbered from 0 without gaps, in order of value.
  static std::size_t bucket_of(std::int64_t value) {
    const auto bits = static_cast<std::uint64_t>(value);
    const int width = 64 - std::countl_zero(bits);
    const int shift = width > kOctaveBits + 1 ? width - (kOctaveBits + 1) : 0;
    return (static_cast<std::size_t>(shift) << kOctaveBits) + (bits >> shift);
  }
  /// Smallest and largest value of a bucket. A caller with a monotone series needs one add per
  /// bucket crossed: the values up to bucket_upper(bucket_of(first)) share a bucket.
  static std::int64_t bucket_lower(std::size_t bucket);
  static std::int64_t bucket_upper(std::size_t bucket);

  void add(std::int64_t value, std::uint64_t count = 1);
  /// Adds `count` values of one bucket whose sum and extremes the caller knows.
  void add_bucket(std::size_t bucket, std::uint64_t count, std::int64_t min, std::int64_t max,
                  Int128 sum);
  void merge(const Histogram& other);

  bool empty() const { return count_ == 0; }
  std::uint64_t count() const { return count_; }
  Int128 sum() const { return sum_; }
  /// Of an empty histogram these three are 0.
  std::int64_t min() const { return count_ == 0 ? 0 : min_; }
  std::int64_t max() const { return max_; }
  double mean() const;
  /// The value at rank ceil(q * count), 0 <= q <= 1 (q = 0: the minimum): the middle of its bucket,
  /// never outside [min, max]. q counts in units of 1e-9, so 0.99 of 100 values is the 99th.
  std::int64_t quantile(double q) const;
  /// Values in a bucket.
  std::uint64_t count_in(std::size_t bucket) const {
    return bucket < counts_.size() ? counts_[bucket] : 0;
  }

  friend bool operator==(const Histogram&, const Histogram&) = default;

 private:
  std::vector<std::uint64_t> counts_;  // as long as the largest value needs
  std::uint64_t count_ = 0;
  Int128 sum_ = 0;
  std::int64_t min_ = 0;
  std::int64_t max_ = 0;
};

}  // namespace tiercast
