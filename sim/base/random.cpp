#include "sim/base/random.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "sim/base/check.hpp"
#include "sim/base/portable_math.hpp"

namespace tiercast {
namespace {

__extension__ typedef unsigned __int128 Uint128;

// Multipliers and key increments of the paper's table 2.
constexpr std::uint64_t kMultiplier0 = 0xD2511F53;
constexpr std::uint64_t kMultiplier1 = 0xCD9E8D57;
constexpr std::uint32_t kWeyl0 = 0x9E3779B9;
constexpr std::uint32_t kWeyl1 = 0xBB67AE85;
constexpr int kRounds = 10;

constexpr std::uint32_t low32(std::uint64_t word) { return static_cast<std::uint32_t>(word); }
constexpr std::uint32_t high32(std::uint64_t word) {
  return static_cast<std::uint32_t>(word >> 32);
}

}  // namespace

PhiloxCounter philox4x32(PhiloxCounter counter, PhiloxKey key) {
  for (int i = 0; i < kRounds; ++i) {
    const std::uint64_t product0 = kMultiplier0 * counter[0];
    const std::uint64_t product1 = kMultiplier1 * counter[2];
    counter = {high32(product1) ^ counter[1] ^ key[0], low32(product1),
               high32(product0) ^ counter[3] ^ key[1], low32(product0)};
    key[0] += kWeyl0;
    key[1] += kWeyl1;
  }
  return counter;
}

Stream::Stream(std::uint64_t seed, Purpose purpose, std::uint64_t entity, std::uint32_t part)
    : counter_{0, part, low32(entity), high32(entity)} {
  const std::uint64_t key = mix(seed, purpose.key());
  key_ = {low32(key), high32(key)};
}

std::uint32_t Stream::bits32() {
  if (used_ == group_.size()) {
    group_ = philox4x32(counter_, key_);
    ++counter_[0];
    TIERCAST_CHECK(counter_[0] != 0, "a random stream was drawn to its end");
    used_ = 0;
  }
  return group_[used_++];
}

std::uint64_t Stream::bits64() {
  const std::uint64_t low = bits32();
  return low | (std::uint64_t{bits32()} << 32);
}

double Stream::uniform() { return static_cast<double>(bits64() >> 11) * 0x1p-53; }

double Stream::uniform_open() { return (static_cast<double>(bits64() >> 12) + 0.5) * 0x1p-52; }

std::uint64_t Stream::below(std::uint64_t count) {
  TIERCAST_CHECK(count > 0, "no integer lies below 0");
  Uint128 product = Uint128{bits64()} * count;
  if (static_cast<std::uint64_t>(product) < count) {
    const std::uint64_t biased = (0 - count) % count;  // 2^64 mod count
    while (static_cast<std::uint64_t>(product) < biased) product = Uint128{bits64()} * count;
  }
  return static_cast<std::uint64_t>(product >> 64);
}

std::int64_t Stream::between(std::int64_t first, std::int64_t last) {
  TIERCAST_CHECK(first <= last, "an integer range is given as first <= last");
  const std::uint64_t span = static_cast<std::uint64_t>(last) - static_cast<std::uint64_t>(first);
  const std::uint64_t offset = span + 1 == 0 ? bits64() : below(span + 1);
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(first) + offset);
}

double Stream::exponential(double mean) { return -mean * portable_log(uniform_open()); }

double Stream::normal() { return normal_quantile(uniform_open()); }

double Stream::lognormal(double median, double sigma) {
  return median * portable_exp(sigma * normal());
}

double Stream::weibull(double shape, double scale) {
  return scale * portable_pow(-portable_log(uniform_open()), 1 / shape);
}

double Stream::pareto(double minimum, double alpha) {
  return minimum * portable_pow(uniform_open(), -1 / alpha);
}

double Stream::gamma(double shape, double scale) {
  TIERCAST_CHECK(shape > 0 && scale > 0, "a gamma variate needs a positive shape and scale");
  // Below shape 1: G(a) = G(a + 1) U^(1/a), as the paper's section 6 has it.
  const double boost = shape < 1 ? portable_pow(uniform_open(), 1 / shape) : 1;
  const double d = (shape < 1 ? shape + 1 : shape) - 1.0 / 3;
  const double c = 1 / std::sqrt(9 * d);
  for (;;) {
    const double x = normal();
    const double root = 1 + c * x;
    if (root <= 0) continue;
    const double v = root * root * root;
    if (portable_log(uniform_open()) < x * x / 2 + d - d * v + d * portable_log(v)) {
      return d * v * boost * scale;
    }
  }
}

ZipfTable::ZipfTable(std::uint32_t count, double exponent) {
  TIERCAST_CHECK(count > 0 && exponent >= 0, "a Zipf law needs ranks and an exponent >= 0");
  cumulative_.reserve(count);
  double sum = 0;
  for (std::uint32_t rank = 0; rank < count; ++rank) {
    sum += portable_pow(static_cast<double>(rank) + 1, -exponent);
    cumulative_.push_back(sum);
  }
}

std::uint32_t ZipfTable::draw(Stream& stream) const {
  const double at = stream.uniform() * cumulative_.back();
  const auto found = std::upper_bound(cumulative_.begin(), cumulative_.end(), at);
  const auto rank = static_cast<std::uint32_t>(found - cumulative_.begin());
  return std::min(rank, static_cast<std::uint32_t>(cumulative_.size() - 1));
}

double ZipfTable::probability(std::uint32_t rank) const {
  TIERCAST_CHECK(rank < cumulative_.size(), "a Zipf rank is out of range");
  const double below = rank == 0 ? 0 : cumulative_[rank - 1];
  return (cumulative_[rank] - below) / cumulative_.back();
}

}  // namespace tiercast
