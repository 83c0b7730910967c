#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/scenario/load.hpp"
#include "models/scenario/world.hpp"
#include "models/serving/outcome.hpp"
#include "models/tiering/tapes.hpp"
#include "reports/result.hpp"
#include "reports/thresholds.hpp"
#include "sim/cli/call_watchdog.hpp"

namespace tiercast::cli {

/// A scenario ready to run: everything that could be wrong with it has been checked.
struct Prepared {
  std::unique_ptr<CallWatchdog> watchdog;  ///< where plug-ins run in this process
  scenario::Scenario scenario;
  scenario::World world;
  std::vector<reports::Threshold> thresholds;
};

/// How far `prepare` looks: a run reads its trace anyway.
enum class Checks : uint8_t { scenario, scenario_and_trace };

/// Loads, derives and checks; everything wrong goes to `found`.
std::optional<Prepared> prepare(const std::string& file, const scenario::LoadOptions& options,
                                Checks checks, Diagnostics& found);

struct Forecast {
  reports::Result result;
  serving::RequestLog log;
  int64_t start_ns = 0;  ///< of the timed window
};

/// Simulates and summarises; where the scenario asks for bands, in three runs of which the one as
/// given is told. Nothing after reporting when the workload's input turns out bad.
/// Throws tiering::RunFault.
/// `tapes`: where the pools of that one record theirs; NULL: nowhere.
std::optional<Forecast> forecast(const Prepared& prepared, Diagnostics& found,
                                 tiering::Tapes* tapes = nullptr);

}  // namespace tiercast::cli
