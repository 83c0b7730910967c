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

/// Absolute relative errors of a model over a table, collected and ranked.
class Errors {
 public:
  void add(double modelled, double measured);
  size_t count() const { return errors_.size(); }
  double median() const { return quantile(0.5); }
  double quantile(double share) const;

 private:
  std::vector<double> errors_;
};

}  // namespace tiercast::tests
