#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "models/scenario/load.hpp"

namespace tiercast::scenario {

/// How sure the figures are that a result of the scenario rests on: those of the scenario and of
/// the calibration that its GPU names, less what does not bear on any number of the result.
struct FigureCensus {
  std::map<std::string, uint64_t> counts_by_kind;
  std::vector<std::string> estimates;  ///< dotted paths
  std::string weakest;                 ///< kind; empty without figures
};
FigureCensus count_figures(const Scenario& scenario);

}  // namespace tiercast::scenario
