#include "reports/figures.hpp"

#include <array>
#include <cmath>
#include <span>

#include <fmt/format.h>

namespace tiercast::reports {

namespace {

// Commas between the thousands of the whole part of a decimal number.
std::string with_commas(const std::string& digits) {
  const size_t start = digits.starts_with('-') ? 1 : 0;
  const size_t point = std::min(digits.find('.'), digits.size());
  std::string out;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > start && i < point && (point - i) % 3 == 0) out.push_back(',');
    out.push_back(digits[i]);
  }
  return out;
}

struct Scale {
  double from;  // shown in this unit from here on
  double size;
  const char* unit;
};

// The last scale that the rounded value reaches; the first where none is.
std::string scaled(double value, std::span<const Scale> scales) {
  const Scale* chosen = &scales.front();
  for (const Scale& scale : scales) {
    if (std::abs(value) >= scale.from * 0.9995) chosen = &scale;
  }
  return show_number(value / chosen->size) + " " + chosen->unit;
}

}  // namespace

std::string show_number(double value) {
  const double size = std::abs(value);
  if (value == 0) return "0";
  if (!std::isfinite(value) || size >= 1e15 || size < 1e-6) return fmt::format("{:.3g}", value);
  if (size >= 99.95) return with_commas(fmt::format("{:.0f}", value));
  int decimals = 1;
  for (double limit = 9.995; size < limit; limit /= 10) ++decimals;
  return fmt::format("{:.{}f}", value, decimals);
}

std::string show_count(uint64_t value) { return with_commas(std::to_string(value)); }

std::string show_ms(double value_ms) {
  static constexpr std::array<Scale, 5> kScales = {
      {{0, 1e-3, "us"}, {1, 1, "ms"}, {1e3, 1e3, "s"}, {600e3, 60e3, "min"}, {36e6, 3.6e6, "h"}}};
  if (value_ms == 0) return "0";
  return scaled(value_ms, kScales);
}

std::string show_bytes(double bytes) {
  static constexpr std::array<Scale, 6> kScales = {{{0, 1, "B"},
                                                    {1e3, 1e3, "kB"},
                                                    {1e6, 1e6, "MB"},
                                                    {1e9, 1e9, "GB"},
                                                    {1e12, 1e12, "TB"},
                                                    {1e15, 1e15, "PB"}}};
  return scaled(bytes, kScales);
}

std::string show_joules(double joules) {
  static constexpr std::array<Scale, 6> kScales = {{{0, 1e-6, "uJ"},
                                                    {1e-3, 1e-3, "mJ"},
                                                    {1, 1, "J"},
                                                    {1e4, 1e3, "kJ"},
                                                    {1e6, 1e6, "MJ"},
                                                    {1e9, 1e9, "GJ"}}};
  return scaled(joules, kScales);
}

std::string show_watts(double watts) {
  static constexpr std::array<Scale, 3> kScales = {
      {{0, 1, "W"}, {1e4, 1e3, "kW"}, {1e6, 1e6, "MW"}}};
  return scaled(watts, kScales);
}

std::string show_percent(double ratio) { return show_number(100 * ratio) + " %"; }

}  // namespace tiercast::reports
