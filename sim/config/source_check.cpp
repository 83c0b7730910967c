#include "sim/config/source_check.hpp"

#include <algorithm>

#include "sim/base/text.hpp"

namespace tiercast::config {
namespace {

constexpr std::size_t kBlockBytes = 256;

int characters(std::string_view text) {
  return static_cast<int>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;  // not a continuation byte
  }));
}

/// What is wrong with the character at the start of `rest`, or null.
const char* bad_character(std::string_view rest) {
  const auto first = static_cast<unsigned char>(rest.front());
  const std::size_t length = utf8_length(rest);
  if (length == 0) return "the text is not valid UTF-8";
  if (first == '\r') return rest.starts_with("\r\n") ? nullptr : "carriage return inside a line";
  const bool c1 = length == 2 && first == 0xC2 && static_cast<unsigned char>(rest[1]) < 0xA0;
  const bool allowed = first >= 0x20 || first == '\n' || first == '\t';
  if (!allowed || first == 0x7F || c1) return "control character";
  // Byte order mark (U+FEFF) and the line separators that yaml-cpp does not count as lines.
  if (rest.starts_with("\xEF\xBB\xBF")) return "byte order mark inside the text";
  if (rest.starts_with("\xE2\x80\xA8") || rest.starts_with("\xE2\x80\xA9")) {
    return "Unicode line separator";
  }
  return nullptr;
}

bool check_characters(std::string_view text, const std::string& file, Diagnostics& found) {
  Place place{file, 1, 1};
  bool good = true;
  while (!text.empty()) {
    if (const char* fault = bad_character(text)) {
      found.error(place, fault, "save the file as UTF-8 text");
      good = false;
      // One is enough in a line: a binary file has thousands.
      text.remove_prefix(std::min(text.find('\n'), text.size()));
      continue;
    }
    const bool line_end = text.front() == '\n';
    text.remove_prefix(utf8_length(text));
    place.line += line_end ? 1 : 0;
    place.column = line_end ? 1 : place.column + 1;
  }
  return good;
}

bool check_line_starts(std::string_view text, const std::string& file, Diagnostics& found) {
  bool good = true;
  bool in_head = true;  // before the first line with content
  for (int line = 1; !text.empty(); ++line) {
    const std::string_view row = text.substr(0, text.find('\n'));
    const std::size_t content = row.find_first_not_of(" \t\r");
    const std::size_t tab = row.find('\t');
    if (content != std::string_view::npos && tab < content && row[content] != '#') {
      found.error({file, line, static_cast<int>(tab) + 1}, "a tab indents this line",
                  "indent with spaces");
      good = false;
    }
    if (in_head && row.starts_with('%')) {
      found.error({file, line, 1}, "YAML directives are not supported", "leave the line away");
      good = false;
    } else if (content != std::string_view::npos && row[content] != '#') {
      in_head = false;
    }
    text.remove_prefix(std::min(row.size() + 1, text.size()));
  }
  return good;
}

/// Length of the quoted scalar at the start of `text`, 0 when none begins there, npos when it does
/// not end.
std::size_t end_of_quote(std::string_view text) {
  if (!text.starts_with('"') && !text.starts_with('\'')) return 0;
  const char quote = text.front();
  for (std::size_t i = 1; i < text.size(); ++i) {
    const bool doubled =
        quote == '\'' && text[i] == quote && i + 1 < text.size() && text[i + 1] == quote;
    if (doubled || (quote == '"' && text[i] == '\\')) {
      ++i;
    } else if (text[i] == quote) {
      return i + 1;
    }
  }
  return std::string_view::npos;
}

}  // namespace

SourceLines::SourceLines(std::string_view text) : text_(text), starts_{0}, characters_{0} {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') starts_.push_back(i + 1);
  }
  for (std::size_t i = kBlockBytes; i <= text.size(); i += kBlockBytes) {
    const std::string_view block = text.substr(i - kBlockBytes, kBlockBytes);
    characters_.push_back(characters_.back() + characters(block));
  }
}

std::size_t SourceLines::offset(int line, int column_bytes) const {
  if (line < 0 || column_bytes < 0 || static_cast<std::size_t>(line) >= starts_.size()) {
    return text_.size();
  }
  const std::size_t at =
      starts_[static_cast<std::size_t>(line)] + static_cast<std::size_t>(column_bytes);
  return std::min(at, text_.size());
}

int SourceLines::characters_before(std::size_t offset) const {
  const std::size_t block = offset / kBlockBytes;
  const std::string_view rest = text_.substr(block * kBlockBytes, offset % kBlockBytes);
  return characters_[block] + characters(rest);
}

Place SourceLines::place(const std::string& file, int line, int column_bytes) const {
  if (line < 0 || column_bytes < 0) return {file, 0, 0};
  const int before_line = characters_before(offset(line, 0));
  return {file, line + 1, characters_before(offset(line, column_bytes)) - before_line + 1};
}

std::string_view SourceLines::from(int line, int column_bytes) const {
  return text_.substr(offset(line, column_bytes));
}

bool check_source(std::string_view text, const std::string& file, Diagnostics& found) {
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
    found.error({file, 1, 1}, "the text is UTF-16", "save the file as UTF-8 text");
    return false;
  }
  const bool characters_good = check_characters(text, file, found);
  return check_line_starts(text, file, found) && characters_good;
}

bool quote_is_closed(std::string_view text) { return end_of_quote(text) != std::string_view::npos; }

bool bracket_is_closed(std::string_view text) {
  int open = 0;
  bool value_begins = true;  // where a quote or a comment may begin
  while (!text.empty()) {
    const char c = text.front();
    std::size_t length = 1;
    if (c == '[' || c == '{') ++open;
    if (c == ']' || c == '}') --open;
    if (open <= 0) return true;
    if (value_begins && (c == '"' || c == '\'')) length = end_of_quote(text);
    if (value_begins && c == '#') length = text.find('\n');
    if (length == std::string_view::npos) return false;
    value_begins = std::string_view(" \n[{,:").find(c) != std::string_view::npos;
    text.remove_prefix(length);
  }
  return false;
}

}  // namespace tiercast::config
