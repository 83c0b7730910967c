// Fields of one line of comma-separated values, and names of columns as people spell them.
#pragma once

#include <string>
#include <string_view>

namespace tiercast::workload {

/// The fields of a line one after the other; views into it. Quotes around a field are dropped, two
/// in a row within it stay two.
class CsvFields {
 public:
  explicit CsvFields(std::string_view line) : rest_(line) {}

  /// False when there is no further field. A line without a comma is one field.
  bool next(std::string_view& field);
  /// False once a quote had no partner.
  bool closed() const { return closed_; }

 private:
  std::string_view rest_;
  bool more_ = true;
  bool closed_ = true;
};

/// Letters and digits in lower case: `Request tokens`, `request_tokens`, `RequestTokens` are one.
std::string normalised_name(std::string_view name);

}  // namespace tiercast::workload
