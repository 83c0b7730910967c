#include "sim/cli/threshold_checks.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "models/scenario/pace.hpp"
#include "sim/base/field_table.hpp"
#include "sim/base/text.hpp"

namespace tiercast::cli {

namespace {

// What reference mode finds of a result.
const std::vector<std::string> kReferencePaths = {"requests.offered", "tokens.input",
                                                  "tokens.input_cached", "cache.token_hit_ratio",
                                                  "cache.block_hit_ratio"};

/// `bands.ttft_ms.p99.high` to `ttft_ms.p99`.
std::string without_band(const std::string& path) {
  const size_t first = path.find('.') + 1;
  return path.substr(first, path.rfind('.') - first);
}

bool has_tier(const scenario::ScenarioSpec& spec, std::string_view name) {
  return std::any_of(spec.tiers.begin(), spec.tiers.end(), [&](const scenario::TierSection& tier) {
    return name_of_choice(tier.kind) == name;
  });
}

}  // namespace

std::vector<reports::Threshold> thresholds_of(const Node& document, Diagnostics& found) {
  std::vector<reports::Threshold> thresholds;
  const Node* written = document.find("thresholds");
  if (written == nullptr) return thresholds;
  for (const Node& item : written->items) {
    if (!item.is_scalar()) continue;
    auto threshold = reports::parse_threshold(item.text, item.place, found);
    if (threshold) thresholds.push_back(std::move(*threshold));
  }
  return thresholds;
}

void check_thresholds(const scenario::Scenario& scenario,
                      const std::vector<reports::Threshold>& thresholds, Diagnostics& found) {
  const scenario::ScenarioSpec& spec = scenario.spec;
  const bool reference = spec.engine.rules == serving::EngineRules::oracle;
  const bool has_tasks = std::holds_alternative<workload::ClosedSpec>(spec.workload);
  for (size_t i = 0; i < thresholds.size(); ++i) {
    const std::string& path = thresholds[i].path;
    const Node* node = at_path(scenario.resolved, "thresholds." + std::to_string(i));
    const Place place = node == nullptr ? Place{scenario.file, 0, 0} : node->place;
    if (reference &&
        std::find(kReferencePaths.begin(), kReferencePaths.end(), path) == kReferencePaths.end()) {
      found.error(place, "threshold: reference mode (engine: oracle) has no " + quote(path),
                  "it knows " + join(kReferencePaths));
    } else if (path.starts_with("bands.") && spec.run.band == scenario::BandRuns::never) {
      found.error(place, "threshold: with run.band: never a result has no " + quote(path),
                  "say run.band: always");
    } else if (path.starts_with("bands.") && scenario::paced_parts(scenario).empty()) {
      found.error(place,
                  "threshold: no figure that this scenario's times rest on has a range, so there "
                  "is no " +
                      quote(path),
                  "write it without `bands` and its end: " + quote(without_band(path)));
    } else if (const auto tier = reports::tier_of(path); tier && !has_tier(spec, *tier)) {
      found.error(
          place,
          "threshold: the scenario has no tier " + quote(*tier) + ", so there is no " + quote(path),
          "list it in `tiers`");
    } else if (!has_tasks && path.find("task") != std::string::npos) {
      found.error(place, "threshold: this workload has no tasks, so there is no " + quote(path),
                  "tasks are the sessions of a closed loop (workload.closed)");
    }
  }
}

}  // namespace tiercast::cli
