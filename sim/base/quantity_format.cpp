#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <limits>
#include <string>

#include "sim/base/quantity.hpp"
#include "sim/base/unit_table.hpp"

namespace tiercast {
namespace {

std::string shortest(double value) {
  std::array<char, 32> buffer{};
  const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return {buffer.data(), result.ptr};
}

std::string four_digits(double value) {
  std::array<char, 32> buffer{};
  const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                    std::chars_format::general, 4);
  return {buffer.data(), result.ptr};
}

bool same(const Quantity& a, const QuantityResult& b) { return b && *b.quantity == a; }

double base_value(const Quantity& quantity) {
  return is_counted(quantity.dimension) ? static_cast<double>(quantity.count) : quantity.si;
}

/// Without prefix and conversion the shortest digits are exact.
std::string in_base_unit(const Quantity& quantity) {
  if (quantity.dimension == Dimension::time) return std::to_string(quantity.count) + "ns";
  for (const detail::ScaledUnit& unit : detail::units_of(quantity.dimension)) {
    const detail::UnitDef& def = *unit.unit;
    if (!unit.prefix.empty() || def.exponent != 0 || def.multiplier != 1 || def.divisor != 1) {
      continue;
    }
    const std::string digits =
        is_counted(quantity.dimension) ? std::to_string(quantity.count) : shortest(quantity.si);
    return digits + unit.text();
  }
  return {};
}

/// Powers of two read badly on token counts.
bool is_candidate(const detail::ScaledUnit& unit) {
  return unit.unit->printing != detail::Printing::never &&
         !(unit.unit->dimension == Dimension::tokens && unit.prefix_bits > 0);
}

double smallest_size(Dimension dimension) {
  double smallest = std::numeric_limits<double>::infinity();
  for (const detail::ScaledUnit& unit : detail::units_of(dimension)) {
    if (is_candidate(unit)) smallest = std::min(smallest, detail::size_of(unit));
  }
  return smallest;
}

}  // namespace

std::string format_quantity(const Quantity& quantity) {
  std::string best = in_base_unit(quantity);
  const double value = base_value(quantity);
  if (value == 0) return best;
  const double smallest = smallest_size(quantity.dimension);
  for (const detail::ScaledUnit& unit : detail::units_of(quantity.dimension)) {
    const double size = detail::size_of(unit);
    const double scaled = value / size;
    // 30min rather than 0.5h; but 0.5/h, below which there is nothing.
    if (!is_candidate(unit) || (std::abs(scaled) < 0.999 && size > smallest)) continue;
    std::string text = shortest(scaled) + unit.text();
    if (text.size() < best.size() && same(quantity, parse_quantity(text, quantity.dimension))) {
      best = std::move(text);
    }
  }
  return best;
}

std::string format_rounded(const Quantity& quantity) {
  constexpr std::size_t kShort = 7;
  std::string exact = format_quantity(quantity);
  if (exact.size() <= kShort) return exact;
  const double value = std::abs(base_value(quantity));
  const detail::ScaledUnit* chosen =
      nullptr;  // the largest that the value reaches, or the smallest
  double chosen_size = 0;
  for (const detail::ScaledUnit& unit : detail::units_of(quantity.dimension)) {
    if (unit.unit->printing != detail::Printing::always || unit.prefix_bits > 0) continue;
    const double size = detail::size_of(unit);
    const bool better =
        chosen_size > value ? size < chosen_size : size <= value && size > chosen_size;
    if (chosen == nullptr || better) {
      chosen = &unit;
      chosen_size = size;
    }
  }
  return four_digits(base_value(quantity) / chosen_size) + chosen->text();
}

std::string gib_text(Bytes amount) {
  constexpr double kGib = 1024.0 * 1024 * 1024;
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.2f GiB", static_cast<double>(amount.value()) / kGib);
  return text.data();
}

}  // namespace tiercast
