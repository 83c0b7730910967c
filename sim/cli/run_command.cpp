#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>

#include "models/tiering/run_fault.hpp"
#include "models/workload/reference_hits.hpp"
#include "reports/csv.hpp"
#include "reports/json.hpp"
#include "reports/text.hpp"
#include "reports/thresholds.hpp"
#include "reports/warnings.hpp"
#include "sim/cli/as_json.hpp"
#include "sim/cli/commands.hpp"
#include "sim/cli/context.hpp"
#include "sim/cli/describe.hpp"
#include "sim/cli/forecast.hpp"
#include "sim/cli/tape_files.hpp"

namespace tiercast::cli {

namespace {

namespace fs = std::filesystem;

fs::path result_folder(const std::string& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    throw std::runtime_error("cannot make the folder `" + folder + "`: " + error.message());
  }
  return folder;
}

void write_results(const std::string& out, const Forecast& forecast, reports::Parts parts) {
  const fs::path folder = result_folder(out);
  write_file(folder / "result.json", reports::to_json(forecast.result, parts));
  write_file(folder / "requests.csv", reports::requests_csv(forecast.log, forecast.start_ns));
  write_file(folder / "timeseries.csv", reports::timeseries_csv(forecast.log, forecast.start_ns));
}

bool limits_met(const std::vector<reports::ThresholdOutcome>& thresholds) {
  return std::all_of(thresholds.begin(), thresholds.end(),
                     [](const reports::ThresholdOutcome& threshold) { return threshold.pass; });
}

/// What of a result reference mode finds, for thresholds.
reports::Result result_of(const workload::ReferenceHits& hits) {
  reports::Result result;
  result.requests.offered = hits.requests;
  result.tokens.input = hits.input_tokens;
  result.tokens.input_cached = hits.hit_tokens;
  result.cache.token_hit_ratio = hits.token_hit_ratio();
  result.cache.block_hit_ratio = hits.block_hit_ratio();
  return result;
}

/// Reference mode: the reuse that the demand holds, without an engine.
int run_reference(const Prepared& prepared, const Arguments& arguments, Diagnostics& found) {
  const scenario::ScenarioSpec& spec = prepared.scenario.spec;
  const auto source =
      workload::make_source(spec.workload, {spec.run.seed, spec.engine.block_tokens}, found);
  if (source == nullptr) return exit_bad_input;
  const int64_t end_ns = spec.run.duration ? spec.run.duration->value() : INT64_MAX;
  const bool isolated = spec.engine.isolation == serving::Isolation::tenant;
  const workload::ReferenceHits hits =
      workload::reference_hits(*source, UINT64_MAX, end_ns, isolated);
  workload::explain(source->report(), found);
  if (source->report().failed) return exit_bad_input;
  const auto thresholds = reports::evaluate(prepared.thresholds, result_of(hits));
  const std::string json = reference_json(prepared, hits, thresholds);
  if (arguments.out) write_file(result_folder(*arguments.out) / "result.json", json);
  write_stdout(arguments.format == Format::json ? json
                                                : reference_text(prepared, hits, thresholds));
  return limits_met(thresholds) ? exit_ok : exit_threshold;
}

int simulate(const Prepared& prepared, const Arguments& arguments, Diagnostics& found) {
  std::optional<TapeFiles> tapes;
  if (arguments.tapes) tapes.emplace(*arguments.tapes, prepared.world.plugins);
  const std::optional<Forecast> done = forecast(prepared, found, tapes ? &*tapes : nullptr);
  if (tapes) tapes->close();
  if (!done) return exit_bad_input;
  const auto parts = arguments.without_effort ? reports::Parts::simulated : reports::Parts::all;
  if (arguments.out) write_results(*arguments.out, *done, parts);
  if (arguments.format == Format::json) {
    write_stdout(reports::to_json(done->result, parts));
  } else {
    write_stdout(reports::to_text(done->result,
                                  {use_color(arguments, STDOUT_FILENO), setting_of(prepared)}));
  }
  if (const std::string nothing = reports::nothing_served_text(done->result); !nothing.empty()) {
    fmt::print(stderr, "tiercast: {}\n", nothing);
    return exit_error;
  }
  return limits_met(done->result.thresholds) ? exit_ok : exit_threshold;
}

}  // namespace

int run_command(const Arguments& arguments) {
  Diagnostics found;
  const std::optional<Prepared> prepared =
      prepare(arguments.inputs.front(), load_options(arguments), Checks::scenario, found);
  int code = exit_bad_input;
  try {
    if (prepared && arguments.dry_run) {
      write_stdout(arguments.format == Format::json
                       ? derived_json(*prepared, Values::with)
                       : derived_text(*prepared) + "\n" + tiers_text(*prepared));
      code = exit_ok;
    } else if (prepared) {
      const bool reference = prepared->scenario.spec.engine.rules == serving::EngineRules::oracle;
      code = reference ? run_reference(*prepared, arguments, found)
                       : simulate(*prepared, arguments, found);
    }
  } catch (const tiering::RunFault& fault) {
    print(found, arguments);
    fmt::print(stderr, "tiercast: {}\n", fault.what());
    return exit_error;
  }
  print(found, arguments);
  return code;
}

}  // namespace tiercast::cli
