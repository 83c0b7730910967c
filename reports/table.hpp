// Tables of the terminal reports.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tiercast::reports {

/// A line a row behind `indent`: the first column to the left, others to the right, each as wide as
/// its widest cell, two blanks between. Rows have equally many cells, all of one byte a character.
std::vector<std::string> table_lines(const std::vector<std::vector<std::string>>& rows,
                                     std::string_view indent);

}  // namespace tiercast::reports
