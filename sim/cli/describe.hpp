#pragma once

#include <string>
#include <utility>
#include <vector>

#include "models/scenario/tier_times.hpp"
#include "models/workload/reference_hits.hpp"
#include "reports/text.hpp"
#include "sim/cli/forecast.hpp"

/// A prepared scenario in words and numbers: what `explain` and the head of a report say.
namespace tiercast::cli {

reports::RunSetting setting_of(const Prepared& prepared);

/// Sample steps within the engine's limits: label and milliseconds.
std::vector<std::pair<std::string, double>> sample_steps(const scenario::World& world);

/// What the memory of one GPU holds, line by line.
std::vector<std::pair<std::string, Bytes>> memory_lines(const llm::HbmBudget& memory);

/// The tiers below GPU memory: pools, both ways, prefixes of some lengths; empty without any.
std::string tiers_text(const std::vector<scenario::TierTimes>& tiers);

/// Numbers that follow from the scenario: memory of a GPU line by line, KV blocks, sample steps,
/// tiers.
std::string derived_text(const Prepared& prepared);

std::string reference_text(const Prepared& prepared, const workload::ReferenceHits& hits,
                           const std::vector<reports::ThresholdOutcome>& thresholds);

}  // namespace tiercast::cli
