// Fits numbers of scenarios to served runs: the simulator is the model, a run of it a function
// call.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "models/calibration/part.hpp"
#include "models/calibration/served_cases.hpp"
#include "sim/base/diagnostics.hpp"

namespace tiercast::calibration {

/// One forecast that is asked for: a case with more flags than its own.
struct ServedRun {
  const ServedCase* served = nullptr;
  std::vector<std::string> set;
};

/// The forecast of each figure measured of each run, in order. An empty list for a run that cannot
/// be forecast, after reporting why.
using ForecastRuns =
    std::function<std::vector<std::vector<double>>(const std::vector<ServedRun>& runs)>;

struct ServedForecast {
  const ServedCase* served = nullptr;
  const MeasuredFigure* measured = nullptr;
  double forecast = 0;
  std::optional<double> left_out;  ///< by a fit that saw no case of its group

  double error() const { return forecast / measured->value - 1; }
};

struct ServedResult {
  std::vector<FittedParameter> parameters;
  std::vector<ServedForecast> forecasts;  ///< of every case, those told apart too
};

/// Forecasts all cases, after fitting the parameters to those that are not apart, log residuals of
/// all their figures alike. With `leave_out` each group is forecast by a fit without it as well.
/// Nothing after reporting: a bound that is no number, a run that cannot be forecast.
std::optional<ServedResult> fit_served(const ServedCases& cases, const ForecastRuns& forecast,
                                       bool leave_out, Diagnostics& found);

}  // namespace tiercast::calibration
