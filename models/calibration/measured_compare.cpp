#include "models/calibration/measured_compare.hpp"

#include <cmath>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "models/calibration/calibration.hpp"

namespace tiercast::calibration {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kMilliseconds = 1e3;
constexpr double kSameDemand = 0.05;  // share by which tokens a request may differ unremarked

void add(std::vector<ComparedFigure>& figures, std::string name, std::optional<double> measured,
         std::optional<double> forecast) {
  if (measured && forecast) figures.push_back({std::move(name), *measured, *forecast});
}

void add_times(std::vector<ComparedFigure>& figures, const JsonObject& metrics,
               const std::string& name, const MeasuredTimes& times) {
  const std::optional<JsonObject> forecast = metrics.object(name);
  if (!forecast) return;
  const auto add_one = [&](const char* statistic, const std::optional<Seconds>& measured) {
    if (!measured) return;
    add(figures, name + "." + statistic, measured->value() * kMilliseconds,
        forecast->number(statistic));
  };
  add_one("mean", times.mean);
  add_one("p50", times.p50);
  add_one("p90", times.p90);
  add_one("p99", times.p99);
}

std::optional<double> share(std::optional<double> whole, std::optional<double> parts) {
  if (!whole || !parts || *parts <= 0) return std::nullopt;
  return *whole / *parts;
}

std::optional<double> as_number(const std::optional<std::int64_t>& count) {
  if (!count) return std::nullopt;
  return static_cast<double>(*count);
}

void add_demand(const JsonObject& root, const MeasuredResult& measured, Comparison& comparison) {
  const std::optional<JsonObject> requests = root.object("requests");
  const std::optional<JsonObject> tokens = root.object("tokens");
  if (!requests || !tokens) return;
  const std::optional<double> completed = requests->number("completed");
  const std::optional<double> theirs = as_number(measured.completed);
  add(comparison.demand, "input tokens a request", share(as_number(measured.input_tokens), theirs),
      share(tokens->number("input"), completed));
  add(comparison.demand, "output tokens a request",
      share(as_number(measured.output_tokens), theirs), share(tokens->number("output"), completed));
  for (const ComparedFigure& figure : comparison.demand) {
    const std::optional<double> error = figure.error();
    if (error && std::abs(*error) > kSameDemand) {
      comparison.caveats.push_back(
          fmt::format("not the same demand: {} {:.0f} measured, {:.0f} in the forecast",
                      figure.name, figure.measured, figure.forecast));
    }
  }
}

std::string figure_line(const ComparedFigure& figure) {
  const std::optional<double> error = figure.error();
  return fmt::format("{:<28} {:>12.4g} {:>12.4g} {:>9}\n", figure.name, figure.measured,
                     figure.forecast, error ? fmt::format("{:+.1f}%", 100 * *error) : "-");
}

Json to_json(const std::vector<ComparedFigure>& figures) {
  Json list = Json::array();
  for (const ComparedFigure& figure : figures) {
    const std::optional<double> error = figure.error();
    list.push_back({{"name", figure.name},
                    {"measured", figure.measured},
                    {"forecast", figure.forecast},
                    {"error", error ? Json(*error) : Json(nullptr)}});
  }
  return list;
}

}  // namespace

std::optional<Comparison> compare(const JsonFile& forecast, const MeasuredResult& measured,
                                  Diagnostics& found) {
  const JsonObject root(forecast, found);
  const std::optional<std::string> schema = root.text("schema");
  const std::optional<JsonObject> metrics = root.object("metrics");
  if (!schema || !schema->starts_with("tiercast.result/") || !metrics) {
    root.error("", "this is no result of a run",
               "`tiercast run SCENARIO --format json` writes one");
    return std::nullopt;
  }
  Comparison comparison;
  add_times(comparison.figures, *metrics, "ttft_ms", measured.ttft);
  add_times(comparison.figures, *metrics, "tpot_ms", measured.tpot);
  add_times(comparison.figures, *metrics, "itl_ms", measured.itl);
  add_times(comparison.figures, *metrics, "e2e_ms", measured.e2e);
  add(comparison.figures, "output_tokens_per_s", measured.output_tokens_per_s,
      metrics->number("output_tokens_per_s"));
  add(comparison.figures, "requests_per_s", measured.requests_per_s,
      metrics->number("requests_per_s"));
  add_demand(root, measured, comparison);
  if (measured.failed.value_or(0) > 0) {
    comparison.caveats.push_back(fmt::format("{} measured requests failed", *measured.failed));
  }
  if (measured.offered_rate) {
    comparison.caveats.push_back(
        "throughput below saturation is the rate offered: it shows nothing of the forecast");
  }
  if (found.has_errors()) return std::nullopt;
  if (comparison.figures.empty()) {
    root.error("", "no figure of it was measured");
    return std::nullopt;
  }
  return comparison;
}

std::string to_text(const Comparison& comparison, const MeasuredResult& measured) {
  std::string text = fmt::format("measured by {}: {}\n\n{:<28} {:>12} {:>12} {:>9}\n",
                                 measured.tool, measured.file, "", "measured", "forecast", "error");
  for (const ComparedFigure& figure : comparison.figures) text += figure_line(figure);
  for (const ComparedFigure& figure : comparison.demand) text += figure_line(figure);
  for (const std::string& caveat : comparison.caveats) text += "\n  ! " + caveat;
  return comparison.caveats.empty() ? text : text + "\n";
}

std::string to_json(const Comparison& comparison, const MeasuredResult& measured) {
  const Json json{{"schema", "tiercast.measured/1"},
                  {"tool", measured.tool},
                  {"file", measured.file},
                  {"figures", to_json(comparison.figures)},
                  {"demand", to_json(comparison.demand)},
                  {"caveats", comparison.caveats}};
  return json.dump(2) + "\n";
}

}  // namespace tiercast::calibration
