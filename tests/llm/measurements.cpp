#include "tests/llm/measurements.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <sstream>

#include <zlib.h>

#include "tests/support/paths.hpp"

namespace tiercast::tests {
namespace {

std::string read_all(const std::filesystem::path& path) {
  std::string text;
  const gzFile file = gzopen(path.c_str(), "rb");
  if (file == nullptr) return text;
  std::array<char, 65536> buffer{};
  for (int got = 0; (got = gzread(file, buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), static_cast<size_t>(got));
  }
  gzclose(file);
  return text;
}

// Fields of one line; a field in double quotes may hold commas.
std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (const char c : line) {
    if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  return fields;
}

double at_share(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[static_cast<size_t>(share * static_cast<double>(values.size() - 1))];
}

}  // namespace

std::vector<Row> measurements(const std::string& name) {
  std::istringstream lines(read_all(shared_dir() / "calibration" / name));
  std::string line;
  std::vector<Row> rows;
  if (!std::getline(lines, line)) return rows;
  const std::vector<std::string> columns = split(line);
  while (std::getline(lines, line)) {
    const std::vector<std::string> fields = split(line);
    Row row;
    for (size_t i = 0; i < std::min(columns.size(), fields.size()); ++i) {
      row[columns[i]] = fields[i];
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

double number(const Row& row, const std::string& column) { return std::stod(row.at(column)); }

void Errors::add(double modelled, double measured) { signed_.push_back(modelled / measured - 1); }

double Errors::quantile(double share) const {
  std::vector<double> absolute;
  for (const double error : signed_) absolute.push_back(std::abs(error));
  return at_share(absolute, share);
}

double Errors::bias() const { return at_share(signed_, 0.5); }

}  // namespace tiercast::tests
