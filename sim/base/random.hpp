// Counter-based random streams and distributions, the same on every compiler.
//
// A stream is named by (seed, purpose, entity, part): its numbers depend on nothing else, so a new
// component, another policy or another order of events never moves anybody else's draws.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "sim/base/hash.hpp"

namespace tiercast {

/// Philox4x32-10: ten rounds of two multiplications over a 128-bit counter under a 64-bit key
/// (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
using PhiloxCounter = std::array<std::uint32_t, 4>;
using PhiloxKey = std::array<std::uint32_t, 2>;
PhiloxCounter philox4x32(PhiloxCounter counter, PhiloxKey key);

/// What a stream is for, by name: `constexpr Purpose kThink{"workload.think"};`
class Purpose {
 public:
  explicit constexpr Purpose(std::string_view name) : key_(hash_text(name)) {}
  constexpr std::uint64_t key() const { return key_; }

 private:
  std::uint64_t key_;
};

/// One stream. Cheap to make (no state is warmed up), so make one per entity and forget it.
/// Entity and part are used as they are: streams of one seed and purpose never overlap. A stream
/// holds 2^32 groups of 128 bits; drawing more is a bug.
class Stream {
 public:
  Stream(std::uint64_t seed, Purpose purpose, std::uint64_t entity = 0, std::uint32_t part = 0);

  std::uint32_t bits32();
  std::uint64_t bits64();

  /// [0, 1), multiples of 2^-53.
  double uniform();
  /// (0, 1): midpoints of 2^52 equal cells, so a logarithm of it is finite.
  double uniform_open();
  /// An integer of [0, count), count > 0, without bias: multiply and reject (Lemire, "Fast random
  /// integer generation in an interval", ACM TOMACS 2019).
  std::uint64_t below(std::uint64_t count);
  /// An integer of [first, last], both included.
  std::int64_t between(std::int64_t first, std::int64_t last);

  /// Each of these but gamma takes one uniform_open() and inverts the distribution function, so
  /// two systems that differ in a parameter still draw variates that move together.
  double exponential(double mean);
  double normal();                                ///< mean 0, standard deviation 1
  double lognormal(double median, double sigma);  ///< sigma: standard deviation of the logarithm
  double weibull(double shape, double scale);
  double pareto(double minimum, double alpha);  ///< P(X > x) = (minimum / x)^alpha
  /// Mean shape * scale, coefficient of variation 1 / sqrt(shape). Rejection (Marsaglia and Tsang,
  /// ACM TOMS 26, 2000): the number of draws varies.
  double gamma(double shape, double scale);

 private:
  PhiloxKey key_;
  PhiloxCounter counter_;
  PhiloxCounter group_{};
  std::uint32_t used_ = 4;  // words of group_ handed out
};

/// Ranks 0 .. count-1 with probability proportional to (rank + 1)^-exponent, by a table of
/// cumulative weights: 8 bytes a rank. exponent 0 is uniform.
class ZipfTable {
 public:
  ZipfTable(std::uint32_t count, double exponent);
  std::uint32_t draw(Stream& stream) const;
  double probability(std::uint32_t rank) const;

 private:
  std::vector<double> cumulative_;
};

}  // namespace tiercast
