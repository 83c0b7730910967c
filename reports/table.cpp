#include "reports/table.hpp"

#include <algorithm>
#include <cstddef>

#include <fmt/format.h>

namespace tiercast::reports {

std::vector<std::string> table_lines(const std::vector<std::vector<std::string>>& rows,
                                     std::string_view indent) {
  std::vector<size_t> widths;
  for (const std::vector<std::string>& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::vector<std::string> lines;
  for (const std::vector<std::string>& row : rows) {
    std::string& line = lines.emplace_back(indent);
    for (size_t i = 0; i < row.size(); ++i) {
      line += i == 0 ? fmt::format("{:<{}}", row[i], widths[i])
                     : fmt::format("  {:>{}}", row[i], widths[i]);
    }
  }
  return lines;
}

}  // namespace tiercast::reports
