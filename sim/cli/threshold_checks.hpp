#pragma once

#include <vector>

#include "models/scenario/load.hpp"
#include "reports/thresholds.hpp"
#include "sim/base/diagnostics.hpp"
#include "sim/base/node.hpp"

namespace tiercast::cli {

/// Thresholds of a document that may have other faults: what is no text is the reader's to report.
std::vector<reports::Threshold> thresholds_of(const Node& document, Diagnostics& found);

/// Reports thresholds on numbers that this scenario's result will not have.
void check_thresholds(const scenario::Scenario& scenario,
                      const std::vector<reports::Threshold>& thresholds, Diagnostics& found);

}  // namespace tiercast::cli
