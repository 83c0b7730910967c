#include <fmt/format.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

#include "models/tiering/checked_cache.hpp"
#include "models/workload/reference_hits.hpp"
#include "reports/csv.hpp"
#include "reports/json.hpp"
#include "reports/text.hpp"
#include "sim/cli/as_json.hpp"
#include "sim/cli/commands.hpp"
#include "sim/cli/context.hpp"
#include "sim/cli/describe.hpp"
#include "sim/cli/forecast.hpp"

namespace tiercast::cli {

namespace {

namespace fs = std::filesystem;

void write_file(const fs::path& path, std::string_view text) {
  std::ofstream stream(path, std::ios::binary);
  stream.write(text.data(), static_cast<std::streamsize>(text.size()));
  stream.close();
  if (!stream) throw std::runtime_error("cannot write " + path.string());
}

void write_results(const std::string& folder, const Forecast& forecast, reports::Parts parts) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw std::runtime_error("cannot make the folder " + folder + ": " + error.message());
  write_file(fs::path(folder) / "result.json", reports::to_json(forecast.result, parts));
  write_file(fs::path(folder) / "requests.csv", reports::requests_csv(forecast.log));
  write_file(fs::path(folder) / "timeseries.csv", reports::timeseries_csv(forecast.log));
}

bool limits_met(const reports::Result& result) {
  for (const reports::ThresholdOutcome& threshold : result.thresholds) {
    if (!threshold.pass) return false;
  }
  return true;
}

/// Reference mode: the reuse that the demand holds, without an engine.
int run_reference(const Prepared& prepared, const Arguments& arguments, Diagnostics& found) {
  const scenario::ScenarioSpec& spec = prepared.scenario.spec;
  const auto source =
      workload::make_source(spec.workload, {spec.run.seed, spec.engine.block_tokens}, found);
  if (source == nullptr) return exit_bad_input;
  const int64_t end_ns = spec.run.duration ? spec.run.duration->value() : INT64_MAX;
  const workload::ReferenceHits hits = workload::reference_hits(*source, UINT64_MAX, end_ns);
  workload::explain(source->report(), found);
  if (source->report().failed) return exit_bad_input;
  if (arguments.format == Format::json) {
    write_stdout(reference_json(prepared, hits));
  } else {
    write_stdout(reference_text(prepared, hits));
  }
  return exit_ok;
}

int simulate(const Prepared& prepared, const Arguments& arguments, Diagnostics& found) {
  const std::optional<Forecast> done = forecast(prepared, found);
  if (!done) return exit_bad_input;
  const auto parts = arguments.without_effort ? reports::Parts::simulated : reports::Parts::all;
  if (arguments.out) write_results(*arguments.out, *done, parts);
  if (arguments.format == Format::json) {
    write_stdout(reports::to_json(done->result, parts));
  } else {
    write_stdout(reports::to_text(done->result, {use_color(arguments, STDOUT_FILENO),
                                                 setting_of(prepared)}));
  }
  return limits_met(done->result) ? exit_ok : exit_threshold;
}

}  // namespace

int run_command(const Arguments& arguments) {
  Diagnostics found;
  const std::optional<Prepared> prepared =
      prepare(arguments.inputs.front(), load_options(arguments), found);
  int code = exit_bad_input;
  try {
    if (prepared && arguments.dry_run) {
      write_stdout(arguments.format == Format::json ? derived_json(*prepared)
                                                    : derived_text(*prepared));
      code = exit_ok;
    } else if (prepared) {
      const bool reference =
          prepared->scenario.spec.engine.preset == serving::EnginePreset::oracle;
      code = reference ? run_reference(*prepared, arguments, found)
                       : simulate(*prepared, arguments, found);
    }
  } catch (const tiering::PolicyFault& fault) {
    print(found, arguments);
    fmt::print(stderr, "tiercast: {}\n", fault.what());
    return exit_error;
  }
  print(found, arguments);
  return code;
}

}  // namespace tiercast::cli
