// What forecasts of served runs came to: errors by metric and group, and case by case.
#pragma once

#include <string>

#include "models/calibration/served_fit.hpp"

namespace tiercast::calibration {

/// Parameters, then median, p90 and bias of each metric: of all cases, by kind, by group; cases
/// told apart by themselves.
std::string to_text(const ServedCases& cases, const ServedResult& result);
/// The same as tables, with every case below.
std::string to_markdown(const ServedCases& cases, const ServedResult& result);
std::string to_json(const ServedCases& cases, const ServedResult& result);
/// The parameters as a scenario states them, under comments that say what they rest on.
std::string to_yaml(const ServedCases& cases, const ServedResult& result);

}  // namespace tiercast::calibration
