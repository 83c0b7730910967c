#pragma once

#include <bit>
#include <cstdint>

namespace tiercast::policy {

/// e^-x for x >= 0, the same to the last bit on every compiler that keeps to IEEE 754 (built with
/// -ffp-contract=off): basic operations alone. Relative error below 1e-15; 0 from x = 700 on.
inline double decay(double x) {
  if (!(x < 700)) return 0;
  // x = k ln 2 - r with |r| <= ln 2 / 2, nearly; ln 2 in two parts, so that k times the first is
  // exact.
  constexpr double inverse_ln2 = 1.4426950408889634;
  constexpr double ln2_high = 0.6931471803691238;
  constexpr double ln2_low = 1.9082149292705877e-10;
  const auto k = static_cast<int64_t>(x * inverse_ln2 + 0.5);
  const auto halvings = static_cast<double>(k);
  const double r = (halvings * ln2_high - x) + halvings * ln2_low;
  double sum = 1;  // e^r by its series
  for (int term = 14; term > 0; --term) sum = 1 + sum * r * (1.0 / term);
  const auto power = std::bit_cast<double>(static_cast<uint64_t>(1023 - k) << 52);
  return power * sum;
}

}  // namespace tiercast::policy
