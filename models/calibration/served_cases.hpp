// Served runs that were measured: each a scenario, the flags that make it that run, and figures.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/base/field_type.hpp"

namespace tiercast::calibration {

struct MeasuredFigure {
  std::string metric;  ///< path of a number of the result: `ttft_ms.mean`
  double value = 0;    ///< in the unit of that path

  static const FieldTable<MeasuredFigure>& fields();
};

struct ServedCase {
  std::string id;
  std::string scenario;          ///< file; relative to the cases' file
  std::vector<std::string> set;  ///< as `--set` takes them
  std::string kind;              ///< which parameters bear on it
  std::string group;             ///< what is left out together: a model
  std::vector<MeasuredFigure> measured;
  uint32_t weight = 1;
  std::string apart;  ///< why it is told apart and not fitted; empty: fitted

  static const FieldTable<ServedCase>& fields();
};

/// A number of the scenario that is fitted, by its dotted path. All three in one unit.
struct ServedParameter {
  std::string path;
  std::string kind;  ///< cases of this kind have it; empty: all
  std::string start;
  std::string lowest;
  std::string highest;

  static const FieldTable<ServedParameter>& fields();
};

struct ServedCases {
  std::string title;
  std::string source;
  std::vector<ServedCase> cases;
  std::vector<ServedParameter> parameters;  ///< none: forecasts are told, nothing is fitted

  static const FieldTable<ServedCases>& fields();
};

}  // namespace tiercast::calibration
