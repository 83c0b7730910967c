// Fits one part: a fixed choice of its rows, two starts, errors by group, groups left out in turn.

#include <algorithm>
#include <numeric>
#include <utility>

#include "models/calibration/part.hpp"
#include "sim/base/check.hpp"
#include "sim/base/hash.hpp"

namespace tiercast::calibration {
namespace {

using Rows = std::vector<std::size_t>;

// At most so many of `rows`, chosen by a hash of their number: whatever regular order a table has,
// the choice follows none.
Rows chosen(Rows rows, std::size_t most) {
  if (rows.size() <= most) return rows;
  std::sort(rows.begin(), rows.end(), [](std::size_t a, std::size_t b) {
    return std::pair(mix(a), a) < std::pair(mix(b), b);
  });
  rows.resize(most);
  std::sort(rows.begin(), rows.end());
  return rows;
}

void set_all(const Part& part, std::span<const double> values) {
  for (std::size_t j = 0; j < values.size(); ++j) set(part.parameters[j].target, values[j]);
}

// Fits `rows` from `starts`; leaves the candidate as the last evaluation had it.
FitResult fit_rows(const Part& part, const Rows& rows, std::span<const double> starts) {
  FitProblem problem;
  for (std::size_t j = 0; j < starts.size(); ++j) {
    const Unknown& range = part.parameters[j].range;
    problem.unknowns.push_back(
        {std::clamp(starts[j], range.lowest, range.highest), range.lowest, range.highest});
  }
  for (const std::size_t row : rows) problem.measured.push_back(part.measured[row]);
  problem.model = [&](std::span<const double> values, std::span<double> modelled) {
    set_all(part, values);
    for (std::size_t i = 0; i < rows.size(); ++i) modelled[i] = part.modelled(rows[i]);
  };
  return fit(problem);
}

std::vector<double> values_of(const FitResult& result) {
  std::vector<double> values;
  for (const FittedValue& value : result.values) values.push_back(value.value);
  return values;
}

std::vector<double> signed_errors(const Part& part, const Rows& rows) {
  std::vector<double> errors;
  errors.reserve(rows.size());
  for (const std::size_t row : rows) {
    errors.push_back(part.modelled(row) / part.measured[row] - 1);
  }
  return errors;
}

// The rows of each group.
std::vector<Rows> by_group(const Grouping& grouping) {
  std::vector<Rows> rows(grouping.labels.size());
  for (std::size_t row = 0; row < grouping.group_of.size(); ++row) {
    rows[grouping.group_of[row]].push_back(row);
  }
  return rows;
}

void add_groups(const Part& part, PartFit& result) {
  for (const Grouping& grouping : part.groupings) {
    if (grouping.labels.size() < 2) continue;
    const std::vector<Rows> groups = by_group(grouping);
    for (std::size_t g = 0; g < groups.size(); ++g) {
      result.groups.push_back(
          {grouping.name, grouping.labels[g], summarise(signed_errors(part, groups[g]))});
    }
  }
}

void leave_out(const Part& part, const FitOptions& options, std::span<const double> starts,
               PartFit& result) {
  const Grouping& grouping = part.groupings.front();
  const std::vector<Rows> groups = by_group(grouping);
  std::vector<double> all;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    Rows others;
    for (std::size_t row = 0; row < part.measured.size(); ++row) {
      if (grouping.group_of[row] != g) others.push_back(row);
    }
    const FitResult without = fit_rows(part, chosen(std::move(others), options.rows_max), starts);
    set_all(part, values_of(without));
    std::vector<double> errors = signed_errors(part, groups[g]);
    all.insert(all.end(), errors.begin(), errors.end());
    result.left_out_groups.push_back(
        {grouping.name, grouping.labels[g], summarise(std::move(errors))});
  }
  result.left_out = summarise(std::move(all));
}

}  // namespace

PartFit fit_part(const Part& part, const FitOptions& options) {
  TIERCAST_CHECK(!part.measured.empty(), "a part without measurements");
  Rows rows(part.measured.size());
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  const Rows fitted = chosen(rows, options.rows_max);

  PartFit result{part.name, part.table};
  std::vector<double> values;
  if (!part.parameters.empty()) {
    result.rows_fitted = fitted.size();
    std::vector<double> known;
    std::vector<double> unknown;
    for (const Parameter& parameter : part.parameters) {
      known.push_back(value_of(parameter.target));
      unknown.push_back(parameter.range.start);
    }
    // The form has local minima where kernels change: two starts, the nearer end wins.
    FitResult best = fit_rows(part, fitted, known);
    FitResult other = fit_rows(part, fitted, unknown);
    if (other.loss < best.loss) best = std::move(other);
    result.loss = best.loss;
    for (std::size_t j = 0; j < part.parameters.size(); ++j) {
      const Parameter& parameter = part.parameters[j];
      const FittedValue& value = best.values[j];
      // What nothing depends on stays what it was.
      values.push_back(value.state == FitState::unused ? known[j]
                                                       : rounded(parameter.target, value.value));
      set(parameter.target, values.back());
      result.parameters.push_back(
          {parameter.path, quantity_of(parameter.target), value.state, value.relative_error});
    }
  }
  result.errors = summarise(signed_errors(part, rows));
  add_groups(part, result);
  const bool several = !part.groupings.empty() && part.groupings.front().labels.size() > 1;
  if (options.leave_out && several && !part.parameters.empty()) {
    leave_out(part, options, values, result);
    set_all(part, values);
  }
  return result;
}

}  // namespace tiercast::calibration
