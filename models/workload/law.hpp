// Probability laws of counts: tokens, turns, nanoseconds. A law is drawn as a real number, rounded
// to the nearest integer, then clipped to [min, max].
#pragma once

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "sim/base/quantity.hpp"
#include "sim/base/units.hpp"

namespace tiercast {
template <class S>
class FieldTable;
class Stream;
}  // namespace tiercast

namespace tiercast::workload {

// T: Tokens, Nanoseconds or std::int64_t (a plain number of things).

template <class T>
struct FixedLaw {
  T value{};
  static const FieldTable<FixedLaw>& fields();
};

/// Every integer of [low, high] alike.
template <class T>
struct UniformLaw {
  T low{};
  T high{};
  static const FieldTable<UniformLaw>& fields();
};

template <class T>
struct ExponentialLaw {
  T mean{};
  std::optional<T> min;
  std::optional<T> max;
  static const FieldTable<ExponentialLaw>& fields();
};

template <class T>
struct LognormalLaw {
  T median{};
  double sigma = 0;  ///< standard deviation of the natural logarithm
  std::optional<T> min;
  std::optional<T> max;
  static const FieldTable<LognormalLaw>& fields();
};

/// P(X > x) = (minimum / x)^alpha.
template <class T>
struct ParetoLaw {
  T minimum{};
  double alpha = 0;
  std::optional<T> max;
  static const FieldTable<ParetoLaw>& fields();
};

/// Each value with a chance proportional to its weight (alike where no weights are given).
template <class T>
struct EmpiricalLaw {
  std::vector<T> values;
  std::optional<std::vector<double>> weights;
  static const FieldTable<EmpiricalLaw>& fields();
};

template <class T>
using Law = std::variant<FixedLaw<T>, UniformLaw<T>, ExponentialLaw<T>, LognormalLaw<T>,
                         ParetoLaw<T>, EmpiricalLaw<T>>;

/// One value, never below `lowest` or above `highest`.
template <class T>
std::int64_t draw(const Law<T>& law, Stream& stream, std::int64_t lowest, std::int64_t highest);

}  // namespace tiercast::workload
