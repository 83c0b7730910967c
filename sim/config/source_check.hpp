#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "sim/base/diagnostics.hpp"

/// What is checked of a YAML text before yaml-cpp sees it, and places in it.
namespace tiercast::config {

/// The lines of a text, to turn byte columns into character columns.
class SourceLines {
 public:
  explicit SourceLines(std::string_view text);

  /// Line and column count from 0, the column in bytes, as yaml-cpp gives them.
  Place place(const std::string& file, int line, int column_bytes) const;
  /// The text from a position on.
  std::string_view from(int line, int column_bytes) const;

 private:
  std::size_t offset(int line, int column_bytes) const;
  int characters_before(std::size_t offset) const;

  std::string_view text_;
  std::vector<std::size_t> starts_;  // of each line
  std::vector<int> characters_;      // before each block: a line may be as long as the file
};

/// Reports what yaml-cpp would misread or pass: NUL and other control characters, broken UTF-8,
/// lone carriage returns, tabs that indent, directives. False when there was anything.
bool check_source(std::string_view text, const std::string& file, Diagnostics& found);

/// True when the quoted scalar at the start of `text` is closed; yaml-cpp takes the end of the
/// input for a closing quote.
bool quote_is_closed(std::string_view text);
/// The same for a list or mapping that begins with a bracket; true for any other text.
bool bracket_is_closed(std::string_view text);

}  // namespace tiercast::config
