#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/base/units.hpp"

namespace tiercast {

/// What a number measures, and so which units may follow it.
enum class Dimension {
  dimensionless,     ///< `0.5`, `50%`
  time,              ///< ns us ms s min h d y (365 days); whole nanoseconds
  bytes,             ///< B kB MB GB ... and KiB MiB GiB ...; whole bytes
  tokens,            ///< `4096`, `128k` = 128000, `128Ki` = 131072; whole tokens
  bandwidth,         ///< GB/s GiB/s ...; bits spelled out: Gbit/s
  flops,             ///< FLOP GFLOP TFLOP ...
  flops_rate,        ///< FLOP/s TFLOP/s ...
  power,             ///< mW W kW MW
  energy,            ///< pJ nJ uJ mJ J kJ MJ GJ Wh kWh MWh
  energy_per_byte,   ///< pJ/B nJ/B uJ/B J/B J/GB pJ/bit
  energy_per_flop,   ///< fJ/FLOP pJ/FLOP nJ/FLOP J/FLOP
  rate,              ///< 4/s 120/min 0.5/h 3/d 800k/s 1.5M/s
  frequency,         ///< Hz kHz MHz GHz
  money,             ///< USD kUSD MUSD
  money_rate,        ///< USD/h USD/d USD/y
  money_per_energy,  ///< USD/kWh USD/MWh
  mass,              ///< g kg t (of CO2 equivalent)
  carbon_intensity,  ///< g/kWh kg/kWh
};

std::string_view name_of(Dimension dimension);
/// Units to show in hints and documentation, e.g. "80GB or 80GiB".
std::string_view example_of(Dimension dimension);
/// Every unit that may follow a number, prefixes included; "" where none is needed.
std::vector<std::string> unit_names(Dimension dimension);
/// True for time, bytes and tokens, whose values are exact integers.
bool is_counted(Dimension dimension);

struct Quantity {
  Dimension dimension = Dimension::dimensionless;
  double si = 0;  ///< seconds, bytes, watts, ..., per second, USD, USD/h, USD/kWh, kg, kg/kWh
  std::int64_t count = 0;  ///< counted dimensions only: nanoseconds, bytes, tokens, exact

  friend bool operator==(const Quantity&, const Quantity&) = default;
};

/// A quantity, or what is wrong with the text and a way out.
struct QuantityResult {
  std::optional<Quantity> quantity;
  std::string error;
  std::string hint;

  explicit operator bool() const { return quantity.has_value(); }
};

/// The one parser of numbers with units, for YAML and for flags. `80GB` is 80 * 10^9 bytes and
/// `80GiB` 80 * 2^30, both exact; a space before the unit is allowed. Total: any bytes may come in.
QuantityResult parse_quantity(std::string_view text, Dimension dimension);

/// The shortest text that parses back to exactly `quantity`: `1.5TB`, `80GiB`, `3.35TB/s`, `250us`.
std::string format_quantity(const Quantity& quantity);
/// The same for people, rounded to four significant digits.
std::string format_rounded(const Quantity& quantity);
/// Memory as engines state it: `71.68 GiB`.
std::string gib_text(Bytes amount);

/// Ties a unit type to its dimension and converts both ways.
template <class Unit>
struct UnitTraits;

template <Dimension kDimension>
struct UnitIs {
  static constexpr Dimension dimension = kDimension;
};
// clang-format off
template <> struct UnitTraits<Nanoseconds> : UnitIs<Dimension::time> {};
template <> struct UnitTraits<Seconds> : UnitIs<Dimension::time> {};
template <> struct UnitTraits<Bytes> : UnitIs<Dimension::bytes> {};
template <> struct UnitTraits<Tokens> : UnitIs<Dimension::tokens> {};
template <> struct UnitTraits<BytesPerSecond> : UnitIs<Dimension::bandwidth> {};
template <> struct UnitTraits<Flops> : UnitIs<Dimension::flops> {};
template <> struct UnitTraits<FlopsPerSecond> : UnitIs<Dimension::flops_rate> {};
template <> struct UnitTraits<Watts> : UnitIs<Dimension::power> {};
template <> struct UnitTraits<Joules> : UnitIs<Dimension::energy> {};
template <> struct UnitTraits<JoulesPerByte> : UnitIs<Dimension::energy_per_byte> {};
template <> struct UnitTraits<JoulesPerFlop> : UnitIs<Dimension::energy_per_flop> {};
template <> struct UnitTraits<PerSecond> : UnitIs<Dimension::rate> {};
template <> struct UnitTraits<Hertz> : UnitIs<Dimension::frequency> {};
template <> struct UnitTraits<Usd> : UnitIs<Dimension::money> {};
template <> struct UnitTraits<UsdPerHour> : UnitIs<Dimension::money_rate> {};
template <> struct UnitTraits<UsdPerKwh> : UnitIs<Dimension::money_per_energy> {};
template <> struct UnitTraits<Kilograms> : UnitIs<Dimension::mass> {};
template <> struct UnitTraits<KgPerKwh> : UnitIs<Dimension::carbon_intensity> {};
// clang-format on

template <class T>
concept Unit = requires {
  UnitTraits<T>::dimension;
};

/// The typed value of a quantity whose dimension is the type's own.
template <Unit T>
constexpr T to_unit(const Quantity& quantity) {
  if constexpr (std::integral<typename T::rep>) {
    return T{quantity.count};
  } else {
    return T{quantity.si};
  }
}

template <Unit T>
constexpr Quantity to_quantity(T amount) {
  Quantity result{.dimension = UnitTraits<T>::dimension};
  if constexpr (std::integral<typename T::rep>) {
    result.count = amount.value();
    result.si = static_cast<double>(amount.value()) /
                (UnitTraits<T>::dimension == Dimension::time ? 1e9 : 1.0);
  } else {
    result.si = amount.value();
  }
  return result;
}

}  // namespace tiercast
