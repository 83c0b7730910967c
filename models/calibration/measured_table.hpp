// A CSV table of measurements: columns by name, every cell with its place in messages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/workload/byte_stream.hpp"
#include "sim/base/diagnostics.hpp"

namespace tiercast::calibration {

/// More rows than any operator table has: beyond, memory is the limit.
inline constexpr std::size_t kTableRowsMax = 2'000'000;
/// Most that a count (rows, columns, tokens, heads) may be: it fits 32 bits.
inline constexpr double kCountMax = 1e9;
/// Longest line of a table.
inline constexpr std::size_t kTableLineBytesMax = std::size_t{64} << 10;

class MeasuredTable {
 public:
  /// Reads a plain, gzip or zstd file. Nothing after reporting what is wrong with it: unreadable,
  /// empty, a column named twice, rows that differ from the header.
  static std::optional<MeasuredTable> read(const std::string& file, Diagnostics& found);
  /// The same from bytes; `file` names them in messages.
  static std::optional<MeasuredTable> read(std::unique_ptr<workload::ByteStream> bytes,
                                           const std::string& file, Diagnostics& found);

  const std::string& file() const { return file_; }
  std::size_t rows() const { return lines_.size(); }
  /// XXH64 of the content, decompressed: what `zcat FILE | xxhsum` prints.
  std::uint64_t content_hash() const { return content_hash_; }
  const std::vector<std::string>& columns() const { return columns_; }

  /// Index of the column of that name, ignoring case and punctuation.
  std::optional<std::size_t> column(std::string_view name) const;
  bool has(std::span<const std::string_view> names) const;
  /// The first column with one of these names.
  std::optional<std::size_t> any_column(std::span<const std::string_view> names) const;

  /// Drops rows whose column does not hold the text; reports an unknown column, and where none is
  /// left.
  void keep(std::string_view column, std::string_view text, Diagnostics& found);

  const std::string& text(std::size_t row, std::size_t column) const {
    return cells_[row * columns_.size() + column];
  }
  /// The cell as a number between bounds, both included; the lower one after reporting.
  double number(std::size_t row, std::size_t column, double lowest, double highest,
                Diagnostics& found) const;
  Place place(std::size_t row) const { return {file_, lines_[row], 0}; }

 private:
  bool read_header(std::string_view line, Diagnostics& found);
  bool read_row(std::string_view line, int number, Diagnostics& found);

  std::string file_;
  std::vector<std::string> columns_;
  std::vector<std::string> names_;  // of columns_, normalised
  std::vector<std::string> cells_;  // row by row
  std::vector<int> lines_;          // of each row
  std::uint64_t content_hash_ = 0;
};

}  // namespace tiercast::calibration
