#include "models/calibration/served_fit.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "models/calibration/fit.hpp"
#include "sim/base/quantity.hpp"

namespace tiercast::calibration {
namespace {

// Runs jump where a request slips into another step: differences over less would measure that.
constexpr double kStep = 0.03;
constexpr double kEnough = 1e-4;

struct Bounds {
  Dimension dimension = Dimension::dimensionless;
  Unknown range;
};

std::optional<Quantity> number_of(const std::string& text) {
  for (const Dimension dimension : {Dimension::dimensionless, Dimension::time}) {
    const QuantityResult read = parse_quantity(text, dimension);
    if (read && read.quantity->si > 0) return read.quantity;
  }
  return std::nullopt;
}

std::optional<Bounds> bounds_of(const ServedParameter& parameter, Diagnostics& found) {
  std::vector<Quantity> numbers;
  for (const std::string& text : {parameter.start, parameter.lowest, parameter.highest}) {
    const std::optional<Quantity> number = number_of(text);
    if (!number || (!numbers.empty() && number->dimension != numbers.front().dimension)) {
      found.error({parameter.path, 0, 0}, "`" + text + "` is no bound of a parameter",
                  "numbers above 0, all three plain or all three times, such as 990us");
      return std::nullopt;
    }
    numbers.push_back(*number);
  }
  const Unknown range{numbers[0].si, numbers[1].si, numbers[2].si};
  if (range.lowest > range.start || range.start > range.highest) {
    found.error({parameter.path, 0, 0}, "start lies outside of the bounds");
    return std::nullopt;
  }
  return Bounds{numbers.front().dimension, range};
}

Quantity rounded(Dimension dimension, double value) {
  if (dimension == Dimension::time)
    return to_quantity(Nanoseconds{std::llround(four_digits(value) * 1e9)});
  return {.dimension = dimension, .si = four_digits(value)};
}

// The cases with their parameters, and forecasts made before.
class Served {
 public:
  Served(const ServedCases& cases, std::vector<Bounds> bounds, const ForecastRuns& forecast)
      : cases_(cases), bounds_(std::move(bounds)), forecast_(forecast) {}

  /// Figures of each case in `wanted` with the parameters at `values`; empty where one failed.
  std::vector<const std::vector<double>*> figures(const std::vector<const ServedCase*>& wanted,
                                                  std::span<const double> values) {
    std::vector<std::string> keys;
    std::vector<ServedRun> missing;
    std::vector<std::string> missing_keys;
    for (const ServedCase* served : wanted) {
      ServedRun run{served, flags(*served, values)};
      keys.push_back(fmt::format("{}\n{}", static_cast<const void*>(served), join(run.set)));
      if (known_.contains(keys.back())) continue;
      missing.push_back(std::move(run));
      missing_keys.push_back(keys.back());
    }
    std::vector<std::vector<double>> made = forecast_(missing);
    for (std::size_t i = 0; i < made.size(); ++i) known_[missing_keys[i]] = std::move(made[i]);
    std::vector<const std::vector<double>*> all;
    for (const std::string& key : keys) {
      if (known_[key].empty()) failed_ = true;
      all.push_back(&known_[key]);
    }
    return all;
  }

  bool failed() const { return failed_; }

  /// From `start` on; rounded as documents state values.
  FitResult fit_to(const std::vector<const ServedCase*>& wanted, std::vector<double> start) {
    FitProblem problem;
    problem.step = kStep;
    problem.enough = kEnough;
    for (std::size_t j = 0; j < bounds_.size(); ++j) {
      Unknown unknown = bounds_[j].range;
      unknown.start = start[j];
      problem.unknowns.push_back(unknown);
    }
    for (const ServedCase* served : wanted) {
      for (uint32_t i = 0; i < served->weight; ++i) {
        for (const MeasuredFigure& figure : served->measured) {
          problem.measured.push_back(figure.value);
        }
      }
    }
    problem.model = [&](std::span<const double> values, std::span<double> modelled) {
      std::size_t row = 0;
      const auto all = figures(wanted, values);
      for (std::size_t c = 0; c < wanted.size(); ++c) {
        for (uint32_t i = 0; i < wanted[c]->weight; ++i) {
          for (std::size_t f = 0; f < wanted[c]->measured.size(); ++f) {
            modelled[row++] = all[c]->empty() ? wanted[c]->measured[f].value : (*all[c])[f];
          }
        }
      }
    };
    return fit(problem);
  }

  std::vector<double> starts() const {
    std::vector<double> values;
    for (const Bounds& bounds : bounds_) values.push_back(bounds.range.start);
    return values;
  }

  Quantity value(std::size_t j, double value) const { return rounded(bounds_[j].dimension, value); }

 private:
  static std::string join(const std::vector<std::string>& lines) {
    std::string all;
    for (const std::string& line : lines) all += line + "\n";
    return all;
  }

  std::vector<std::string> flags(const ServedCase& served, std::span<const double> values) const {
    std::vector<std::string> set;
    for (std::size_t j = 0; j < bounds_.size(); ++j) {
      const ServedParameter& parameter = cases_.parameters[j];
      if (!parameter.kind.empty() && parameter.kind != served.kind) continue;
      set.push_back(parameter.path + "=" + to_text(value(j, values[j])));
    }
    return set;
  }

  static std::string to_text(const Quantity& quantity) {
    if (quantity.dimension == Dimension::time) return fmt::format("{}ns", quantity.count);
    return fmt::format("{:.4g}", quantity.si);
  }

  const ServedCases& cases_;
  std::vector<Bounds> bounds_;
  const ForecastRuns& forecast_;
  std::map<std::string, std::vector<double>> known_;
  bool failed_ = false;
};

std::vector<double> values_of(const FitResult& fitted) {
  std::vector<double> values;
  for (const FittedValue& value : fitted.values) values.push_back(value.value);
  return values;
}

std::vector<std::string> groups_of(const ServedCases& cases) {
  std::vector<std::string> groups;
  for (const ServedCase& served : cases.cases) {
    if (std::find(groups.begin(), groups.end(), served.group) == groups.end()) {
      groups.push_back(served.group);
    }
  }
  return groups;
}

std::vector<const ServedCase*> cases_where(const ServedCases& cases, const auto& holds) {
  std::vector<const ServedCase*> found;
  for (const ServedCase& served : cases.cases) {
    if (holds(served)) found.push_back(&served);
  }
  return found;
}

void leave_groups_out(const ServedCases& cases, Served& served, const std::vector<double>& start,
                      std::vector<ServedForecast>& forecasts) {
  for (const std::string& group : groups_of(cases)) {
    const auto others = cases_where(
        cases, [&](const ServedCase& one) { return one.apart.empty() && one.group != group; });
    if (others.empty()) continue;
    const auto theirs =
        cases_where(cases, [&](const ServedCase& one) { return one.group == group; });
    const auto figures = served.figures(theirs, values_of(served.fit_to(others, start)));
    for (ServedForecast& forecast : forecasts) {
      const auto at = std::find(theirs.begin(), theirs.end(), forecast.served);
      if (at == theirs.end() || figures[at - theirs.begin()]->empty()) continue;
      const auto figure = forecast.measured - forecast.served->measured.data();
      forecast.left_out = (*figures[at - theirs.begin()])[figure];
    }
  }
}

}  // namespace

std::optional<ServedResult> fit_served(const ServedCases& cases, const ForecastRuns& forecast,
                                       bool leave_out, Diagnostics& found) {
  std::vector<Bounds> bounds;
  for (const ServedParameter& parameter : cases.parameters) {
    const std::optional<Bounds> one = bounds_of(parameter, found);
    if (!one) return std::nullopt;
    bounds.push_back(*one);
  }
  Served served(cases, std::move(bounds), forecast);
  const auto all = cases_where(cases, [](const ServedCase&) { return true; });
  const auto fitted_cases =
      cases_where(cases, [](const ServedCase& one) { return one.apart.empty(); });
  ServedResult result;
  std::vector<double> values = served.starts();
  if (!values.empty() && !fitted_cases.empty()) {
    const FitResult fitted = served.fit_to(fitted_cases, values);
    values = values_of(fitted);
    for (std::size_t j = 0; j < values.size(); ++j) {
      result.parameters.push_back({cases.parameters[j].path, served.value(j, values[j]),
                                   fitted.values[j].state, fitted.values[j].relative_error});
    }
  }
  const auto figures = served.figures(all, values);
  if (served.failed()) return std::nullopt;
  for (std::size_t c = 0; c < all.size(); ++c) {
    for (std::size_t f = 0; f < all[c]->measured.size(); ++f) {
      result.forecasts.push_back({all[c], &all[c]->measured[f], (*figures[c])[f], std::nullopt});
    }
  }
  if (leave_out && !values.empty()) leave_groups_out(cases, served, values, result.forecasts);
  if (served.failed()) return std::nullopt;
  return result;
}

}  // namespace tiercast::calibration
