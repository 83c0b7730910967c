#include "models/calibration/labels.hpp"

#include <fmt/format.h>

namespace tiercast::calibration {

std::string size_class(double size) {
  double low = 1;
  double high = 1;
  while (high < size) {
    low = high + 1;
    high *= 4;
  }
  return low >= high ? whole(high) : whole(low) + " to " + whole(high);
}

std::string whole(double number) { return fmt::format("{:.0f}", number); }

std::string base_name(std::string_view file) {
  return std::string(file.substr(file.rfind('/') + 1));
}

}  // namespace tiercast::calibration
