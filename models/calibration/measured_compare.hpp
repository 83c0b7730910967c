// A forecast beside what a load generator measured of the server it forecasts.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "models/calibration/json_file.hpp"
#include "models/calibration/measured_result.hpp"

namespace tiercast::calibration {

struct ComparedFigure {
  std::string name;  ///< as the result's JSON has it: `ttft_ms.p99`
  double measured = 0;
  double forecast = 0;

  /// Absent where nothing was measured to divide by.
  std::optional<double> error() const {
    return measured > 0 ? std::optional(forecast / measured - 1) : std::nullopt;
  }
};

struct Comparison {
  std::vector<ComparedFigure> figures;  ///< what both have, in the result's order
  std::vector<ComparedFigure> demand;   ///< tokens a request, concurrency aside: the same, or else
  std::vector<std::string> caveats;     ///< why the figures may not be comparable
};

/// `forecast`: the JSON that `tiercast run --format json` writes (schema tiercast.result/1).
/// Nothing after reporting: another document, or figures of a wrong type.
std::optional<Comparison> compare(const JsonFile& forecast, const MeasuredResult& measured,
                                  Diagnostics& found);

std::string to_text(const Comparison& comparison, const MeasuredResult& measured);
std::string to_json(const Comparison& comparison, const MeasuredResult& measured);

}  // namespace tiercast::calibration
