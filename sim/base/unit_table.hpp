#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "sim/base/quantity.hpp"

/// The units behind parse_quantity and format_quantity; private to those two.
namespace tiercast::detail {

/// Where formatting may choose a unit.
enum class Printing { always, exact, never };

/// A unit without its prefix. Its size in the base of its dimension (ns for time, else SI) is
/// multiplier * 10^exponent / divisor.
struct UnitDef {
  Dimension dimension;
  std::string_view text;
  std::string_view prefixes;  ///< decimal prefixes that may stand before it
  bool binary = false;        ///< Ki Mi Gi Ti Pi Ei as well
  Printing printing = Printing::always;
  std::int64_t multiplier = 1;
  int exponent = 0;
  std::int64_t divisor = 1;
};

/// A unit with its prefix: the size gains 10^prefix_exponent * 2^prefix_bits.
struct ScaledUnit {
  const UnitDef* unit = nullptr;
  std::string prefix;
  int prefix_exponent = 0;
  int prefix_bits = 0;

  std::string text() const { return prefix + std::string(unit->text); }
};

std::span<const UnitDef> unit_defs();

/// The unit of `dimension` that `text` spells exactly.
std::optional<ScaledUnit> find_unit(std::string_view text, Dimension dimension);

/// All spellings of a dimension's units, largest prefix first.
std::span<const ScaledUnit> units_of(Dimension dimension);

/// The size of a unit in its dimension's base.
double size_of(const ScaledUnit& unit);

/// A way out for a unit that does not belong to `dimension`; `guess` allows for slips of the hand.
std::string unit_hint(std::string_view number, std::string_view unit, Dimension dimension,
                      bool guess);

}  // namespace tiercast::detail
