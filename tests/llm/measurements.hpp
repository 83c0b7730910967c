#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace tiercast::tests {

/// One line of a measurement table by column name.
using Row = std::map<std::string, std::string>;

/// A CSV file of the calibration data, plain or gzipped; empty when it is not there.
std::vector<Row> measurements(const std::string& name);

double number(const Row& row, const std::string& column);

/// Relative errors of a model over a table, collected and ranked.
class Errors {
 public:
  void add(double modelled, double measured);
  size_t count() const { return signed_.size(); }
  /// Of absolute errors.
  double median() const { return quantile(0.5); }
  double quantile(double share) const;
  /// Median of signed errors.
  double bias() const;

 private:
  std::vector<double> signed_;
};

}  // namespace tiercast::tests
