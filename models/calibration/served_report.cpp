#include "models/calibration/served_report.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "models/calibration/calibration.hpp"
#include "sim/config/emit_yaml.hpp"

namespace tiercast::calibration {
namespace {

using Json = nlohmann::ordered_json;

/// Errors of some forecasts of one metric.
struct ErrorRow {
  std::string metric;
  std::string of;
  ErrorSummary errors;
  std::optional<ErrorSummary> left_out;
};

using Wanted = std::function<bool(const ServedCase&)>;

void add_rows(const ServedResult& result, const std::string& of, const Wanted& wanted,
              std::vector<ErrorRow>& rows) {
  std::vector<std::string> metrics;
  for (const ServedForecast& forecast : result.forecasts) {
    const std::string& metric = forecast.measured->metric;
    if (std::find(metrics.begin(), metrics.end(), metric) == metrics.end()) {
      metrics.push_back(metric);
    }
  }
  for (const std::string& metric : metrics) {
    std::vector<double> errors;
    std::vector<double> left_out;
    for (const ServedForecast& forecast : result.forecasts) {
      if (forecast.measured->metric != metric || !wanted(*forecast.served)) continue;
      errors.push_back(forecast.error());
      if (forecast.left_out) left_out.push_back(*forecast.left_out / forecast.measured->value - 1);
    }
    if (errors.empty()) continue;
    rows.push_back({metric, of, summarise(std::move(errors)), std::nullopt});
    if (!left_out.empty()) rows.back().left_out = summarise(std::move(left_out));
  }
}

std::vector<std::string> labels(const ServedCases& cases, std::string ServedCase::*label) {
  std::vector<std::string> found;
  for (const ServedCase& one : cases.cases) {
    const std::string& text = one.*label;
    if (!text.empty() && std::find(found.begin(), found.end(), text) == found.end()) {
      found.push_back(text);
    }
  }
  return found;
}

std::vector<ErrorRow> rows_of(const ServedCases& cases, const ServedResult& result) {
  std::vector<ErrorRow> rows;
  add_rows(
      result, "all", [](const ServedCase& one) { return one.apart.empty(); }, rows);
  for (std::string ServedCase::*label : {&ServedCase::kind, &ServedCase::group}) {
    const std::vector<std::string> all = labels(cases, label);
    if (all.size() < 2) continue;
    for (const std::string& text : all) {
      add_rows(
          result, text,
          [&](const ServedCase& one) { return one.apart.empty() && one.*label == text; }, rows);
    }
  }
  for (const std::string& why : labels(cases, &ServedCase::apart)) {
    add_rows(
        result, "apart: " + why, [&](const ServedCase& one) { return one.apart == why; }, rows);
  }
  return rows;
}

std::string signed_percent(double share) { return fmt::format("{:+.1f}%", 100 * share); }

std::string summary_text(const ErrorSummary& errors) {
  return fmt::format("{:>5} {:>7} {:>7} {:>7}", errors.rows, percent_text(errors.median),
                     percent_text(errors.p90), signed_percent(errors.bias));
}

std::string parameter_text(const FittedParameter& parameter) {
  const char* bound = parameter.state == FitState::lowest    ? ", at its lowest"
                      : parameter.state == FitState::highest ? ", at its highest"
                      : parameter.state == FitState::unused  ? ", no case tells it"
                                                             : "";
  const std::string error =
      parameter.relative_error ? " +- " + percent_text(*parameter.relative_error) : "";
  return format_rounded(parameter.value) + error + bound;
}

Json to_json(const ErrorSummary& errors) {
  return {
      {"rows", errors.rows}, {"median", errors.median}, {"p90", errors.p90}, {"bias", errors.bias}};
}

}  // namespace

std::string to_text(const ServedCases& cases, const ServedResult& result) {
  std::string text;
  for (const FittedParameter& parameter : result.parameters) {
    text += fmt::format("{:<40} {}\n", parameter.path, parameter_text(parameter));
  }
  text += fmt::format("{}{:<30} {:<32} {:>5} {:>7} {:>7} {:>7}   {}\n", text.empty() ? "" : "\n",
                      "metric", "of", "rows", "median", "p90", "bias", "each group left out");
  for (const ErrorRow& row : rows_of(cases, result)) {
    text += fmt::format("{:<30} {:<32} {}", row.metric, row.of, summary_text(row.errors));
    if (row.left_out) text += "   " + summary_text(*row.left_out);
    text += "\n";
  }
  return text;
}

std::string to_markdown(const ServedCases& cases, const ServedResult& result) {
  std::string text = "| metric | of | figures | median | p90 | bias |";
  const bool left_out = std::any_of(result.forecasts.begin(), result.forecasts.end(),
                                    [](const ServedForecast& one) { return one.left_out; });
  text += left_out ? " left out: median | p90 | bias |\n|---|---|---|---|---|---|---|---|---|\n"
                   : "\n|---|---|---|---|---|---|\n";
  const auto cells = [](const ErrorSummary& errors) {
    return fmt::format(" {} | {} | {} |", percent_text(errors.median), percent_text(errors.p90),
                       signed_percent(errors.bias));
  };
  for (const ErrorRow& row : rows_of(cases, result)) {
    text +=
        fmt::format("| `{}` | {} | {} |{}", row.metric, row.of, row.errors.rows, cells(row.errors));
    if (left_out) text += row.left_out ? cells(*row.left_out) : " | | |";
    text += "\n";
  }
  text += "\n| case | metric | measured | forecast | error |";
  text += left_out ? " left out |\n|---|---|---|---|---|---|\n" : "\n|---|---|---|---|---|\n";
  for (const ServedForecast& one : result.forecasts) {
    const bool apart = !one.served->apart.empty();
    text += fmt::format("| {}{} | `{}` | {:.4g} | {:.4g} | {} |", one.served->id,
                        apart ? " (apart)" : "", one.measured->metric, one.measured->value,
                        one.forecast, signed_percent(one.error()));
    if (left_out) {
      text += one.left_out ? " " + signed_percent(*one.left_out / one.measured->value - 1) + " |"
                           : " |";
    }
    text += "\n";
  }
  return text;
}

std::string to_json(const ServedCases& cases, const ServedResult& result) {
  Json json{{"kind", "served"}, {"title", cases.title}};
  json["parameters"] = Json::array();
  for (const FittedParameter& parameter : result.parameters) {
    json["parameters"].push_back(
        {{"path", parameter.path},
         {"value", parameter.value.si},
         {"relative_error",
          parameter.relative_error ? Json(*parameter.relative_error) : Json(nullptr)},
         {"free", parameter.state == FitState::free}});
  }
  json["errors"] = Json::array();
  for (const ErrorRow& row : rows_of(cases, result)) {
    json["errors"].push_back(
        {{"metric", row.metric}, {"of", row.of}, {"all", to_json(row.errors)}});
    if (row.left_out) json["errors"].back()["left_out"] = to_json(*row.left_out);
  }
  json["cases"] = Json::array();
  for (const ServedForecast& one : result.forecasts) {
    json["cases"].push_back({{"id", one.served->id},
                             {"metric", one.measured->metric},
                             {"measured", one.measured->value},
                             {"forecast", one.forecast},
                             {"apart", one.served->apart}});
    if (one.left_out) json["cases"].back()["left_out"] = *one.left_out;
  }
  return json.dump(2) + "\n";
}

std::string to_yaml(const ServedCases& cases, const ServedResult& result) {
  Node entry = Node::map({}, Origin::scenario);
  for (const FittedParameter& parameter : result.parameters) {
    set_path(entry, parameter.path, format_rounded(parameter.value));
  }
  std::string text = "# Fitted to served runs: " + cases.title + ". " + cases.source + "\n";
  for (const ErrorRow& row : rows_of(cases, result)) {
    if (row.of != "all") continue;
    text += fmt::format("# {}: {} figures, median error {}, p90 {}, bias {}\n", row.metric,
                        row.errors.rows, percent_text(row.errors.median),
                        percent_text(row.errors.p90), signed_percent(row.errors.bias));
  }
  return text + config::to_yaml(entry);
}

}  // namespace tiercast::calibration
