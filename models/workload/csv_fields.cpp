#include "models/workload/csv_fields.hpp"

#include <cctype>
#include <cstddef>

namespace tiercast::workload {

bool CsvFields::next(std::string_view& field) {
  if (!more_) return false;
  std::size_t from = 0;
  if (rest_.starts_with('"')) {
    from = rest_.find('"', 1);
    while (from != std::string_view::npos && rest_.substr(from + 1, 1) == "\"") {
      from = rest_.find('"', from + 2);
    }
    if (from == std::string_view::npos) {
      closed_ = false;
      from = rest_.size();
    }
  }
  const std::size_t comma = rest_.find(',', from);
  more_ = comma != std::string_view::npos;
  field = rest_.substr(0, comma);
  rest_.remove_prefix(more_ ? comma + 1 : rest_.size());
  if (field.size() >= 2 && field.front() == '"' && field.back() == '"') {
    field = field.substr(1, field.size() - 2);
  }
  return true;
}

std::string normalised_name(std::string_view name) {
  std::string out;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80 && std::isalnum(byte) != 0) out += static_cast<char>(std::tolower(byte));
  }
  return out;
}

}  // namespace tiercast::workload
