#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sim/base/diagnostics.hpp"

namespace tiercast::importers {

/// A word as a POSIX shell would hand it to a program.
struct ShellWord {
  std::string text;
  Place place;
  bool control = false;  ///< `|`, `;`, `&`, `<` or `>` outside quotes: ends a command
  bool expands = false;  ///< has `$` or a backquote that a shell would have expanded
};

/// Splits text into words: blanks and line ends part them, quotes and backslashes are taken off, a
/// backslash at a line's end continues it, `#` at a word's start comments the line out. Nothing is
/// expanded or run. Quotes that stay open are reported.
std::vector<ShellWord> shell_words(std::string_view text, const std::string& file,
                                   Diagnostics& found);

/// Whether a word is `NAME=value` before a command.
bool is_assignment(std::string_view word);

}  // namespace tiercast::importers
