#pragma once

#include <string>

#include "models/workload/reference_hits.hpp"
#include "reports/text.hpp"
#include "sim/cli/forecast.hpp"

/// A prepared scenario in words and numbers: what `explain` and the head of a report say.
namespace tiercast::cli {

reports::RunSetting setting_of(const Prepared& prepared);

/// Numbers that follow from the scenario: memory of a GPU line by line, KV blocks, sample steps.
std::string derived_text(const Prepared& prepared);
std::string derived_json(const Prepared& prepared);

std::string reference_text(const Prepared& prepared, const workload::ReferenceHits& hits);
/// Schema `tiercast.reference/1`.
std::string reference_json(const Prepared& prepared, const workload::ReferenceHits& hits);

}  // namespace tiercast::cli
