#include "sim/cli/served_command.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "models/calibration/served_report.hpp"
#include "sim/base/field_table.hpp"
#include "sim/base/reader.hpp"
#include "sim/cli/context.hpp"
#include "sim/cli/forecast.hpp"
#include "sim/cli/parallel.hpp"
#include "sim/config/document.hpp"

namespace tiercast::cli {

namespace {

using calibration::MeasuredFigure;
using calibration::ServedCase;
using calibration::ServedCases;
using calibration::ServedRun;

std::optional<ServedCases> read_cases(const std::string& file, Diagnostics& found) {
  const std::optional<Node> document = config::read_document(file, Origin::scenario, found);
  if (!document) return std::nullopt;
  ServedCases cases;
  Node resolved;
  if (!Reader(found).read(*document, cases, resolved)) return std::nullopt;
  const std::filesystem::path folder = std::filesystem::path(file).parent_path();
  for (std::size_t i = 0; i < cases.cases.size(); ++i) {
    ServedCase& one = cases.cases[i];
    one.scenario = (folder / one.scenario).lexically_normal().string();
    for (std::size_t f = 0; f < one.measured.size(); ++f) {
      const std::string path =
          "cases." + std::to_string(i) + ".measured." + std::to_string(f) + ".metric";
      const Node* named = at_path(resolved, path);
      reports::parse_threshold(one.measured[f].metric + " > 0",
                               named == nullptr ? Place{file, 0, 0} : named->place, found);
    }
  }
  if (found.has_errors()) return std::nullopt;
  return cases;
}

// Figures of one run in the order of the case's; empty after reporting why there are none.
std::vector<double> figures_of(const ServedRun& run, const Arguments& arguments,
                               Diagnostics& found) {
  scenario::LoadOptions options = load_options(arguments);
  options.sets.insert(options.sets.end(), run.served->set.begin(), run.served->set.end());
  options.sets.insert(options.sets.end(), run.set.begin(), run.set.end());
  const std::optional<Prepared> prepared =
      prepare(run.served->scenario, options, Checks::scenario, found);
  if (!prepared) return {};
  const std::optional<Forecast> done = forecast(*prepared, found);
  if (!done) return {};
  std::vector<reports::Threshold> wanted;
  for (const MeasuredFigure& figure : run.served->measured) {
    auto threshold = reports::parse_threshold(figure.metric + " > 0", {}, found);
    if (threshold) wanted.push_back(std::move(*threshold));
  }
  std::vector<double> figures;
  for (const reports::ThresholdOutcome& outcome : reports::evaluate(wanted, done->result)) {
    if (!outcome.value) {
      found.error({run.served->id, 0, 0}, "its result has no " + outcome.expr);
      return {};
    }
    figures.push_back(*outcome.value);
  }
  return figures;
}

}  // namespace

int calibrate_served(const Arguments& arguments, Diagnostics& found) {
  if (arguments.inputs.size() != 1) {
    found.error({"calibrate served", 0, 0}, "takes one file of cases");
    return exit_bad_input;
  }
  const std::optional<ServedCases> cases = read_cases(arguments.inputs.front(), found);
  if (!cases) return exit_bad_input;
  const auto forecast_runs = [&](const std::vector<ServedRun>& runs) {
    std::vector<std::vector<double>> figures(runs.size());
    std::vector<Diagnostics> said(runs.size());
    for_each_index(runs.size(), 0,
                   [&](std::size_t i) { figures[i] = figures_of(runs[i], arguments, said[i]); });
    for (std::size_t i = 0; i < runs.size(); ++i) {
      for (const Diagnostic& one : said[i].sorted()) {
        if (one.severity != Severity::error) continue;
        found.error(one.place, "case " + runs[i].served->id + ": " + one.message,
                    one.hints.empty() ? "" : one.hints.front());
      }
    }
    return figures;
  };
  const auto result = calibration::fit_served(*cases, forecast_runs, arguments.leave_out, found);
  if (!result) return exit_bad_input;
  if (arguments.output) write_file(*arguments.output, calibration::to_yaml(*cases, *result));
  if (arguments.report) write_file(*arguments.report, calibration::to_markdown(*cases, *result));
  write_stdout(arguments.format == Format::json ? calibration::to_json(*cases, *result)
                                                : calibration::to_text(*cases, *result));
  return exit_ok;
}

}  // namespace tiercast::cli
