#pragma once

#include <string>
#include <string_view>

namespace tiercast::importers {

/// A piece of a scenario as text: YAML in which each value says behind it where it comes from.
class Fragment {
 public:
  /// Comment lines, wrapped; bytes that do not belong there are made printable.
  void comment(std::string_view text);
  void blank() { text_ += '\n'; }

  /// `key:` and what is written until the matching `close`.
  void open(const std::string& key, std::string_view comment = {});
  void close() { --depth_; }

  /// `key: value  # comment`; the value is quoted where it must be.
  void value(const std::string& key, const std::string& value, std::string_view comment = {});
  /// `- value`, or with `{...}` as it is written.
  void item(const std::string& value, std::string_view comment = {});
  /// The first key of a map that is an item of a list; more follow by `value` until `close`.
  void open_item(const std::string& key, const std::string& value, std::string_view comment = {});

  const std::string& text() const { return text_; }

 private:
  void line(const std::string& content, std::string_view comment, int depth);

  std::string text_;
  int depth_ = 0;
};

/// A number as documents carry it: without a decimal point where it is whole.
std::string number_text(double value);

}  // namespace tiercast::importers
