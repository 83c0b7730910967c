// Nonlinear least squares on the logarithms of times: what a model's parameters must be for its
// times to lie near measured ones.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace tiercast::calibration {

/// A positive number to be found between bounds.
struct Unknown {
  double start = 1;
  double lowest = 0;
  double highest = 1;
};

struct FitProblem {
  std::vector<Unknown> unknowns;
  std::vector<double> measured;  ///< all above 0
  /// Fills what the model says for each measurement, above 0.
  std::function<void(std::span<const double> values, std::span<double> modelled)> model;
  double step = 1e-3;  ///< of a difference quotient, in the logarithm: longer where the model jumps
  double enough = 1e-7;  ///< share by which a round must better the loss
};

enum class FitState {
  free,     ///< within its bounds
  lowest,   ///< at a bound: the measurements pull further
  highest,  ///< the same
  unused,   ///< no measurement depends on it: as it started
};

struct FittedValue {
  double value = 0;
  FitState state = FitState::free;
  /// Standard error of the value's logarithm, which is its relative error; where the state is free
  /// and there are more measurements than unknowns. From the Jacobian at the end and the scatter of
  /// residuals, taking measurements as independent: tables with smooth deviations make it too
  /// small.
  std::optional<double> relative_error;
};

struct FitResult {
  std::vector<FittedValue> values;
  double loss = 0;
  int rounds = 0;
};

/// Residual from which on the loss grows linearly: rows that are far off (another kernel, a bad
/// measurement) pull little.
inline constexpr double kKnee = 0.15;

/// Levenberg-Marquardt over the logarithms of the unknowns, of the loss
///   sum of 2 c^2 (sqrt(1 + (r / c)^2) - 1),  r = log(modelled / measured),  c = kKnee
/// by iteratively reweighted normal equations (Huber, Robust Statistics, 1981, ch. 7; Moré, 1978).
/// Deterministic; the same to the bit on machines with the same instruction set.
FitResult fit(const FitProblem& problem);

}  // namespace tiercast::calibration
