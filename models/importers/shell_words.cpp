#include "models/importers/shell_words.hpp"

#include <utility>

namespace tiercast::importers {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_control(char c) { return std::string_view("|;&<>").find(c) != std::string_view::npos; }

class Splitter {
 public:
  Splitter(std::string_view text, const std::string& file, Diagnostics& found)
      : text_(text), file_(file), found_(found) {}

  std::vector<ShellWord> split() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (line_end_follows()) {
        skip_line_end();
      } else if (is_blank(c)) {
        finish();
        advance();
      } else if (c == '#' && !open_) {
        while (at_ < text_.size() && text_[at_] != '\n') advance();
      } else if (is_control(c)) {
        finish();
        words_.push_back({std::string(1, c), place(), true, false});
        advance();
      } else {
        take(c);
      }
    }
    finish();
    return std::move(words_);
  }

 private:
  Place place() const { return {file_, line_, column_}; }

  void advance() {
    if (text_[at_] == '\n') {
      ++line_;
      column_ = 1;
    } else if ((static_cast<unsigned char>(text_[at_]) & 0xC0U) != 0x80U) {
      ++column_;
    }
    ++at_;
  }

  /// A backslash before the end of a line, which joins it to the next.
  bool line_end_follows() const {
    if (text_[at_] != '\\') return false;
    const std::string_view rest = text_.substr(at_ + 1);
    return rest.empty() || rest.starts_with("\n") || rest.starts_with("\r\n");
  }
  void skip_line_end() {
    while (at_ < text_.size() && text_[at_] != '\n') advance();
    if (at_ < text_.size()) advance();
  }

  void begin() {
    if (!open_) word_.place = place();
    open_ = true;
  }

  void append() {
    word_.text += text_[at_];
    advance();
  }

  void take(char c) {
    begin();
    if (c == '\'') {
      single_quoted();
    } else if (c == '"') {
      double_quoted();
    } else {
      if (c == '\\') advance();
      if (c == '$' || c == '`') word_.expands = true;
      append();
    }
  }

  void single_quoted() {
    const Place start = place();
    advance();
    while (at_ < text_.size() && text_[at_] != '\'') append();
    end_quote(start, '\'');
  }

  void double_quoted() {
    const Place start = place();
    advance();
    while (at_ < text_.size() && text_[at_] != '"') {
      const char c = text_[at_];
      if (line_end_follows()) {
        skip_line_end();
        continue;
      }
      if (c == '$' || c == '`') word_.expands = true;
      const bool escapes =
          c == '\\' && at_ + 1 < text_.size() &&
          std::string_view("$`\"\\").find(text_[at_ + 1]) != std::string_view::npos;
      if (escapes) advance();
      append();
    }
    end_quote(start, '"');
  }

  void end_quote(const Place& start, char quote) {
    if (at_ < text_.size()) return advance();
    found_.error(start, std::string("a ") + quote + " is never closed");
  }

  void finish() {
    if (open_) words_.push_back(std::move(word_));
    word_ = {};
    open_ = false;
  }

  std::string_view text_;
  const std::string& file_;
  Diagnostics& found_;
  std::size_t at_ = 0;
  int line_ = 1;
  int column_ = 1;
  bool open_ = false;
  ShellWord word_;
  std::vector<ShellWord> words_;
};

}  // namespace

std::vector<ShellWord> shell_words(std::string_view text, const std::string& file,
                                   Diagnostics& found) {
  return Splitter(text, file, found).split();
}

bool is_assignment(std::string_view word) {
  const std::size_t equals = word.find('=');
  if (equals == std::string_view::npos || equals == 0) return false;
  for (std::size_t i = 0; i < equals; ++i) {
    const char c = word[i];
    const bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
    if (!letter && (i == 0 || c < '0' || c > '9')) return false;
  }
  return true;
}

}  // namespace tiercast::importers
