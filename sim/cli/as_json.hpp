#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/workload/reference_hits.hpp"
#include "sim/base/diagnostics.hpp"
#include "sim/base/node.hpp"
#include "sim/cli/forecast.hpp"

/// What the commands say besides results, for scripts: each a JSON document.
namespace tiercast::cli {

struct Validated {
  std::string file;
  bool fine = false;
  Diagnostics found;
};
/// Schema `tiercast.validation/1`: by file `fine` and diagnostics `{severity, file, line, column,
/// message, hints}` in order of place; line 0 is the whole file.
std::string validation_json(const std::vector<Validated>& files);

/// The value at `path` as it reads (scalars as text with their units), then every scalar in it with
/// where it comes from: `{path, value, origin, file, line, column, note?}`. A null value is absent,
/// and the note says what that means. Of `tiers`, also what `tiers_text` says.
std::string value_json(const Prepared& prepared, const std::string& path,
                       const std::string& meaning, const std::string& type);

/// An entry of the catalogue.
std::string entry_json(const std::string& file, const Node& entry);

/// Whether every scalar of the resolved scenario comes too.
enum class Values : uint8_t { with, without };

/// Schema `tiercast.derived/1`: what `derived_text` and `tiers_text` say.
std::string derived_json(const Prepared& prepared, Values values);

/// Schema `tiercast.reference/1`.
std::string reference_json(const Prepared& prepared, const workload::ReferenceHits& hits,
                           const std::vector<reports::ThresholdOutcome>& thresholds);

}  // namespace tiercast::cli
