#pragma once

#include <string>
#include <utility>
#include <vector>

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

/// Instances by role: `3 prefill + 1 decode`, or their number where all do both.
std::string instances_text(const scenario::World& world);

/// As scenarios call it.
std::string load_mode(tiering::LoadMode mode);

/// The tiers below GPU memory: pools, both ways, prefixes of some lengths.
std::string tiers_text(const Prepared& prepared);

/// The hand-off of prompts to decode instances; empty without one.
std::string handoff_text(const Prepared& prepared);

/// The switches of `cluster.fabric`, and what crosses them; empty without it.
std::string fabric_text(const scenario::ScenarioSpec& spec);

/// Numbers that follow from the scenario, tiers apart: memory of a GPU line by line, KV blocks,
/// sample steps, switches, hand-off.
std::string derived_text(const Prepared& prepared);

std::string reference_text(const Prepared& prepared, const workload::ReferenceHits& hits,
                           const std::vector<reports::ThresholdOutcome>& thresholds);

}  // namespace tiercast::cli
