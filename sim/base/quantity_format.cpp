#include <array>
#include <charconv>
#include <cmath>
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
  return unit.unit->printed && !(unit.unit->dimension == Dimension::tokens && unit.prefix_bits > 0);
}

}  // namespace

std::string format_quantity(const Quantity& quantity) {
  std::string best = in_base_unit(quantity);
  const double value = base_value(quantity);
  if (value == 0) return best;
  for (const detail::ScaledUnit& unit : detail::units_of(quantity.dimension)) {
    const double scaled = value / detail::size_of(unit);
    if (!is_candidate(unit) || std::abs(scaled) < 0.999) continue;
    std::string text = shortest(scaled) + unit.text();
    if (text.size() < best.size() && same(quantity, parse_quantity(text, quantity.dimension))) {
      best = std::move(text);
    }
  }
  return best;
}

std::string format_rounded(const Quantity& quantity) {
  constexpr std::size_t kShort = 9;  // five digits, a point and a unit
  std::string exact = format_quantity(quantity);
  if (exact.size() <= kShort) return exact;
  const double value = base_value(quantity);
  const detail::ScaledUnit* chosen = nullptr;
  double chosen_size = 0;
  for (const detail::ScaledUnit& unit : detail::units_of(quantity.dimension)) {
    const double size = detail::size_of(unit);
    const bool decimal = is_candidate(unit) && unit.prefix_bits == 0;
    if (!decimal ||
        (chosen != nullptr && unit.unit != chosen->unit && quantity.dimension != Dimension::time)) {
      continue;
    }
    const bool fits = std::abs(value) >= size;
    const bool better = chosen == nullptr || (fits && size > chosen_size) ||
                        (std::abs(value) < chosen_size && size < chosen_size);
    if (better) {
      chosen = &unit;
      chosen_size = size;
    }
  }
  return chosen != nullptr ? four_digits(value / chosen_size) + chosen->text() : exact;
}

}  // namespace tiercast
