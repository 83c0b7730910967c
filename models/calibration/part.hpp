// A part of a calibration: some parameters, the measurements that tell them, and the model's time
// of each measurement. What is fitted is said here once; how, in fit_part.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "models/calibration/fit.hpp"
#include "sim/base/quantity.hpp"
#include "sim/base/units.hpp"

namespace tiercast::calibration {

/// A field of a spec that a fit may set. Points into a candidate that outlives the part.
using Target = std::variant<double*, Seconds*, BytesPerSecond*, Bytes*>;

double value_of(const Target& target);  ///< in the base unit
void set(const Target& target, double value);
Quantity quantity_of(const Target& target);
/// The number rounded to four significant digits.
double four_digits(double value);
/// The value as a document states it: four significant digits, times in whole nanoseconds, sizes in
/// whole bytes.
double rounded(const Target& target, double value);

/// One parameter: the dotted path it has in documents, where it is, and the bounds of its search in
/// the base unit, both above 0. `start` is where a search begins that knows nothing; another begins
/// at the candidate's value.
struct Parameter {
  std::string path;
  Target target;
  Unknown range;
};

/// A way to sort measurements into groups, such as by head size.
struct Grouping {
  std::string name;
  std::vector<std::string> labels;      ///< of the groups, in order of first appearance
  std::vector<std::uint32_t> group_of;  ///< of each measurement

  explicit Grouping(std::string title) : name(std::move(title)) {}
  void add(const std::string& label);
};

struct Part {
  std::string name;                     ///< as a calibration's `errors` call it
  std::string table;                    ///< measurements, in words
  std::vector<Parameter> parameters{};  ///< none: its errors are told, nothing is fitted
  std::vector<double> measured{};       ///< each above 0, in any one unit
  /// What the model says for measurement `row`, in that unit, with the candidate as it stands.
  std::function<double(std::size_t row)> modelled{};
  /// The first is the one whose groups are left out in turn.
  std::vector<Grouping> groupings{};
};

/// Signed errors are modelled / measured - 1.
struct ErrorSummary {
  std::size_t rows = 0;
  double median = 0;  ///< of absolute errors
  double p90 = 0;     ///< of absolute errors
  double bias = 0;    ///< median of signed errors
};
ErrorSummary summarise(std::vector<double> signed_errors);

struct GroupErrors {
  std::string grouping;
  std::string label;
  ErrorSummary errors;
};

struct FittedParameter {
  std::string path;
  Quantity value;  ///< rounded
  FitState state = FitState::free;
  std::optional<double> relative_error;
};

struct PartFit {
  std::string name;
  std::string table;
  std::size_t rows_fitted = 0;
  double loss = 0;  ///< see fit(); to choose between forms of one part
  std::vector<FittedParameter> parameters{};
  ErrorSummary errors{};  ///< of all rows with the rounded parameters
  std::vector<GroupErrors> groups{};
  /// Each group of the first grouping forecast by a fit that saw none of it. Absent with one group
  /// or without parameters.
  std::optional<ErrorSummary> left_out{};
  std::vector<GroupErrors> left_out_groups{};
};

struct FitOptions {
  std::size_t rows_max = 4000;  ///< fitted; a fixed choice of so many where a part has more
  bool leave_out = true;
};

/// Fits a part and leaves the rounded parameters in its candidate.
PartFit fit_part(const Part& part, const FitOptions& options);

}  // namespace tiercast::calibration
