#include "sim/base/diagnostics.hpp"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "sim/base/text.hpp"

namespace tiercast {
namespace {

constexpr std::size_t kExcerptWidth = 100;  // characters of a source line that are shown

const char* word_of(Severity severity) { return severity == Severity::error ? "error" : "warning"; }

std::string_view line_of(std::string_view text, int line) {
  for (int i = 1; i < line; ++i) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  text = text.substr(0, text.find('\n'));
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

}  // namespace

void Diagnostics::add_source(std::string file, std::string text) {
  sources_.insert_or_assign(std::move(file), std::move(text));
}

void Diagnostics::add(Diagnostic diagnostic) {
  ++(diagnostic.severity == Severity::error ? errors_ : warnings_);
  if (found_.size() < kKept) found_.push_back(std::move(diagnostic));
}

void Diagnostics::error(Place place, std::string message, std::string hint) {
  Diagnostic diagnostic{Severity::error, std::move(place), std::move(message), {}};
  if (!hint.empty()) diagnostic.hints.push_back(std::move(hint));
  add(std::move(diagnostic));
}

void Diagnostics::warning(Place place, std::string message, std::string hint) {
  Diagnostic diagnostic{Severity::warning, std::move(place), std::move(message), {}};
  if (!hint.empty()) diagnostic.hints.push_back(std::move(hint));
  add(std::move(diagnostic));
}

std::vector<Diagnostic> Diagnostics::sorted() const {
  std::vector<Diagnostic> result = found_;
  std::stable_sort(result.begin(), result.end(),
                   [](const auto& a, const auto& b) { return a.place < b.place; });
  const auto repeats = [](const Diagnostic& a, const Diagnostic& b) {
    return std::tie(a.place, a.severity, a.message) == std::tie(b.place, b.severity, b.message);
  };
  result.erase(std::unique(result.begin(), result.end(), repeats), result.end());
  return result;
}

std::string Diagnostics::excerpt(const Place& place) const {
  const auto source = sources_.find(place.file);
  if (source == sources_.end() || place.line <= 0) return {};
  std::string_view line = line_of(source->second, place.line);
  if (line.empty()) return {};
  // A caret far to the right scrolls the excerpt rather than the terminal.
  const std::size_t column = place.column > 0 ? static_cast<std::size_t>(place.column) : 1;
  const std::size_t skipped = column > kExcerptWidth ? column - kExcerptWidth / 2 : 0;
  const std::string shown = printable(utf8_slice(line, skipped, kExcerptWidth));
  const std::string number = std::to_string(place.line);
  const std::string margin(number.size() + 2, ' ');
  std::string text = ' ' + number + " | " + shown + '\n';
  if (place.column > 0) text += margin + "| " + std::string(column - 1 - skipped, ' ') + "^\n";
  return text;
}

std::string Diagnostics::render(const RenderOptions& options) const {
  const std::vector<Diagnostic> all = sorted();
  const std::size_t shown = std::min(options.limit, all.size());
  const char* bold_red = options.color ? "\x1b[1;31m" : "";
  const char* bold_yellow = options.color ? "\x1b[1;33m" : "";
  const char* cyan = options.color ? "\x1b[36m" : "";
  const char* plain = options.color ? "\x1b[0m" : "";
  std::string text;
  for (std::size_t i = 0; i < shown; ++i) {
    const Diagnostic& one = all[i];
    const std::string place = to_text(one.place);
    if (!place.empty()) text += printable(place) + ": ";
    text += one.severity == Severity::error ? bold_red : bold_yellow;
    text += std::string(word_of(one.severity)) + ':' + plain + ' ' + printable(one.message) + '\n';
    text += excerpt(one.place);
    for (const std::string& hint : one.hints) {
      text += std::string("  ") + cyan + "hint:" + plain + ' ' + printable(hint) + '\n';
    }
  }
  const std::size_t uncounted = errors_ + warnings_ - found_.size();
  const std::size_t more = all.size() - shown + uncounted;
  if (more > 0) text += "... and " + std::to_string(more) + " more\n";
  return text;
}

std::string to_text(const Place& place) {
  std::string text = place.file;
  if (place.line > 0) {
    text += ':' + std::to_string(place.line);
    if (place.column > 0) text += ':' + std::to_string(place.column);
  }
  return text;
}

}  // namespace tiercast
