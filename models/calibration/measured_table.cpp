#include "models/calibration/measured_table.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "models/workload/csv_fields.hpp"
#include "models/workload/line_reader.hpp"
#include "sim/base/hash.hpp"
#include "sim/base/text.hpp"

namespace tiercast::calibration {
namespace {

// Passes a stream through and hashes it.
class HashedBytes : public workload::ByteStream {
 public:
  HashedBytes(std::unique_ptr<workload::ByteStream> below, StreamHash& hash)
      : below_(std::move(below)), hash_(hash) {
    error_ = below_->error();
  }

  std::size_t read(char* out, std::size_t size) override {
    const std::size_t got = below_->read(out, size);
    hash_.add_bytes(out, got);
    error_ = below_->error();
    return got;
  }

 private:
  std::unique_ptr<workload::ByteStream> below_;
  StreamHash& hash_;
};

std::string_view without_blanks(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

}  // namespace

bool MeasuredTable::read_header(std::string_view line, Diagnostics& found) {
  workload::CsvFields fields(line);
  std::string_view field;
  bool good = true;
  while (fields.next(field)) {
    std::string name = workload::normalised_name(field);
    if (std::find(names_.begin(), names_.end(), name) != names_.end()) {
      found.error({file_, 1, 0}, "the header names the column " + quote(field) + " twice");
      good = false;
    }
    names_.push_back(std::move(name));
    columns_.emplace_back(without_blanks(field));
  }
  return good;
}

bool MeasuredTable::read_row(std::string_view line, int number, Diagnostics& found) {
  workload::CsvFields fields(line);
  std::string_view field;
  std::size_t count = 0;
  const std::size_t before = cells_.size();
  for (; fields.next(field); ++count) {
    if (count < columns_.size()) cells_.emplace_back(without_blanks(field));
  }
  if (fields.closed() && count == columns_.size()) {
    lines_.push_back(number);
    return true;
  }
  cells_.resize(before);
  found.error({file_, number, 0}, fields.closed() ? "the line has " + std::to_string(count) +
                                                        " columns, the header " +
                                                        std::to_string(columns_.size())
                                                  : "a quote is not closed");
  return false;
}

std::optional<MeasuredTable> MeasuredTable::read(const std::string& file, Diagnostics& found) {
  return read(workload::open_file(file), file, found);
}

std::optional<MeasuredTable> MeasuredTable::read(std::unique_ptr<workload::ByteStream> bytes,
                                                 const std::string& file, Diagnostics& found) {
  using Status = workload::LineReader::Status;
  MeasuredTable table;
  table.file_ = file;
  StreamHash hash;
  workload::LineReader lines(std::make_unique<HashedBytes>(std::move(bytes), hash),
                             kTableLineBytesMax);
  bool good = true;
  std::string_view line;
  for (Status status = lines.next(line); status != Status::end; status = lines.next(line)) {
    const auto number = static_cast<int>(lines.line_number());
    if (status == Status::failed) {
      found.error({file, number > 1 ? number : 0, 0}, lines.error());
      return std::nullopt;
    }
    if (status == Status::too_long) {
      found.error({file, number, 0}, "the line is longer than 64 KiB",
                  "tables of measurements are CSV with a header line");
      return std::nullopt;
    }
    if (table.rows() == kTableRowsMax) {
      found.error({file, number, 0}, "more than 2,000,000 rows", "give a part of the table");
      return std::nullopt;
    }
    if (table.columns_.empty()) {
      good = table.read_header(line, found);
    } else if (!without_blanks(line).empty()) {
      good = table.read_row(line, number, found) && good;
    }
  }
  if (table.rows() == 0 && good) {
    found.error({file, 0, 0}, table.columns_.empty() ? "the file is empty" : "no row but a header");
    return std::nullopt;
  }
  table.content_hash_ = hash.digest64();
  if (!good) return std::nullopt;
  return table;
}

std::optional<std::size_t> MeasuredTable::column(std::string_view name) const {
  const auto at = std::find(names_.begin(), names_.end(), workload::normalised_name(name));
  if (at == names_.end()) return std::nullopt;
  return static_cast<std::size_t>(at - names_.begin());
}

bool MeasuredTable::has(std::span<const std::string_view> names) const {
  return std::all_of(names.begin(), names.end(),
                     [&](std::string_view name) { return column(name).has_value(); });
}

std::optional<std::size_t> MeasuredTable::any_column(
    std::span<const std::string_view> names) const {
  for (const std::string_view name : names) {
    if (const auto at = column(name)) return at;
  }
  return std::nullopt;
}

void MeasuredTable::keep(std::string_view column_name, std::string_view wanted,
                         Diagnostics& found) {
  const auto at = column(column_name);
  if (!at) {
    found.error({file_, 1, 0}, "no column " + quote(column_name), name_hint(column_name, columns_));
    return;
  }
  std::vector<std::string> cells;
  std::vector<int> lines;
  for (std::size_t row = 0; row < rows(); ++row) {
    if (text(row, *at).find(wanted) == std::string::npos) continue;
    const auto from = cells_.begin() + static_cast<std::ptrdiff_t>(row * columns_.size());
    cells.insert(cells.end(), from, from + static_cast<std::ptrdiff_t>(columns_.size()));
    lines.push_back(lines_[row]);
  }
  cells_ = std::move(cells);
  lines_ = std::move(lines);
  if (lines_.empty()) {
    found.error({file_, 0, 0}, "no row whose " + quote(column_name) + " holds " + quote(wanted));
  }
}

double MeasuredTable::number(std::size_t row, std::size_t column, double lowest, double highest,
                             Diagnostics& found) const {
  const std::string& cell = text(row, column);
  double value = 0;
  const auto [end, code] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  const bool number =
      code == std::errc() && end == cell.data() + cell.size() && std::isfinite(value);
  if (number && value >= lowest && value <= highest) return value;
  std::string fault = "`" + printable(columns_[column]) + "` ";
  if (cell.empty()) {
    fault += "is empty";
  } else if (!number) {
    fault += quote(cell) + " is not a number";
  } else if (value < lowest) {
    fault += fmt::format("{} must be at least {:g}", quote(cell), lowest);
  } else {
    fault += fmt::format("{} must be at most {:g}", quote(cell), highest);
  }
  found.error(place(row), fault);
  return lowest;
}

}  // namespace tiercast::calibration
