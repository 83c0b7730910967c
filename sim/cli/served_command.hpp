// `tiercast calibrate served`: forecasts of served runs beside what was measured of them.
#pragma once

#include "sim/base/diagnostics.hpp"
#include "sim/cli/arguments.hpp"

namespace tiercast::cli {

/// Forecasts the cases of the file named and fits what it asks for; prints, and writes the fitted
/// values to `--output`. Returns the exit code.
int calibrate_served(const Arguments& arguments, Diagnostics& found);

}  // namespace tiercast::cli
