// What a calibration found, whatever was calibrated: fits, figures, and the catalogue entry they
// make.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "models/calibration/measured_table.hpp"
#include "models/calibration/part.hpp"
#include "sim/base/field_info.hpp"
#include "sim/base/node.hpp"

namespace tiercast::calibration {

/// A file of measurements as an entry's source names it.
struct MeasuredFile {
  std::string name;                ///< without its folder
  std::size_t count = 0;           ///< of rows, or of what `what` says
  std::uint64_t content_hash = 0;  ///< XXH64 of the content, decompressed
  const char* what = "row";
};
MeasuredFile described(const MeasuredTable& table);
/// `gemm.csv.gz (107188 rows, XXH64 0123456789abcdef)`, joined by commas.
std::string source_text(const std::vector<MeasuredFile>& files);

struct Calibration {
  std::string kind;  ///< as the command line names it
  std::vector<MeasuredFile> files;
  std::vector<PartFit> parts;
  Node entry;                        ///< a document of the catalogue
  std::vector<std::string> notes{};  ///< what the measurements do not tell; comments of the entry
};

/// Sets the scalar at a dotted path of a map, making maps on the way.
void set_path(Node& root, const std::string& path, const std::string& text);
/// Sets a catalogue figure at the top of a map.
void set_figure(Node& root, const std::string& name, const Quantity& value, FigureKind kind,
                const std::string& source,
                const std::optional<std::pair<Quantity, Quantity>>& range = {});
/// `6.4%`.
std::string percent_text(double share);

std::string to_text(const Calibration& calibration);
std::string to_json(const Calibration& calibration);
/// The entry as YAML, under comments that say how it came about.
std::string to_yaml(const Calibration& calibration);

}  // namespace tiercast::calibration
