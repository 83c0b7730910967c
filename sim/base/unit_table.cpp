#include "sim/base/unit_table.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>
#include <vector>

#include "sim/base/text.hpp"

namespace tiercast {
namespace {

struct DimensionText {
  Dimension dimension;
  std::string_view name;
  std::string_view example;
};

constexpr std::array kDimensions = {
    DimensionText{Dimension::dimensionless, "plain number", "0.5 or 50%"},
    DimensionText{Dimension::time, "time", "250us, 1.5s or 30min"},
    DimensionText{Dimension::bytes, "size in bytes", "80GB or 80GiB"},
    DimensionText{Dimension::tokens, "number of tokens", "8192 or 128k"},
    DimensionText{Dimension::bandwidth, "bandwidth", "3.35TB/s or 400Gbit/s"},
    DimensionText{Dimension::flops, "number of operations", "2.5TFLOP"},
    DimensionText{Dimension::flops_rate, "rate of operations", "989TFLOP/s"},
    DimensionText{Dimension::power, "power", "700W or 1.2kW"},
    DimensionText{Dimension::energy, "energy", "40kJ or 2kWh"},
    DimensionText{Dimension::energy_per_byte, "energy per byte", "60pJ/B"},
    DimensionText{Dimension::energy_per_flop, "energy per operation", "0.5pJ/FLOP"},
    DimensionText{Dimension::rate, "rate", "4/s, 120/min or 0.5/h"},
    DimensionText{Dimension::frequency, "frequency", "1.98GHz"},
    DimensionText{Dimension::money, "sum of money", "25000USD or 25kUSD"},
    DimensionText{Dimension::money_rate, "price per time", "2.5USD/h"},
    DimensionText{Dimension::money_per_energy, "price of energy", "0.08USD/kWh"},
    DimensionText{Dimension::mass, "mass", "1500kg"},
    DimensionText{Dimension::carbon_intensity, "carbon intensity", "380g/kWh"},
};

const DimensionText& text_of(Dimension dimension) {
  return *std::find_if(kDimensions.begin(), kDimensions.end(),
                       [&](const DimensionText& entry) { return entry.dimension == dimension; });
}

}  // namespace

std::string_view name_of(Dimension dimension) { return text_of(dimension).name; }
std::string_view example_of(Dimension dimension) { return text_of(dimension).example; }

bool is_counted(Dimension dimension) {
  return dimension == Dimension::time || dimension == Dimension::bytes ||
         dimension == Dimension::tokens;
}

namespace detail {
namespace {

using enum Dimension;

// Time is counted in nanoseconds, all else in the SI unit (or USD, USD/h, USD/kWh, kg/kWh).
// clang-format off
constexpr std::array kUnits = {
    UnitDef{dimensionless, "", ""},
    UnitDef{.dimension = dimensionless, .text = "%", .prefixes = "", .printing = Printing::never, .exponent = -2},
    UnitDef{.dimension = time, .text = "y", .prefixes = "", .multiplier = 365 * 86'400, .exponent = 9},
    UnitDef{.dimension = time, .text = "d", .prefixes = "", .multiplier = 86'400, .exponent = 9},
    UnitDef{.dimension = time, .text = "h", .prefixes = "", .multiplier = 3'600, .exponent = 9},
    UnitDef{.dimension = time, .text = "min", .prefixes = "", .multiplier = 60, .exponent = 9},
    UnitDef{.dimension = time, .text = "s", .prefixes = "mun", .exponent = 9},
    UnitDef{.dimension = bytes, .text = "B", .prefixes = "EPTGMk", .binary = true},
    UnitDef{.dimension = tokens, .text = "", .prefixes = "GMk", .binary = true},
    UnitDef{.dimension = bandwidth, .text = "B/s", .prefixes = "EPTGMk", .binary = true},
    UnitDef{.dimension = bandwidth, .text = "bit/s", .prefixes = "TGMk", .printing = Printing::exact, .divisor = 8},
    UnitDef{.dimension = flops, .text = "FLOP", .prefixes = "ZEPTGMk"},
    UnitDef{.dimension = flops_rate, .text = "FLOP/s", .prefixes = "ZEPTGMk"},
    UnitDef{.dimension = power, .text = "W", .prefixes = "GMkmu"},
    UnitDef{.dimension = energy, .text = "J", .prefixes = "TGMkmunp"},
    UnitDef{.dimension = energy, .text = "Wh", .prefixes = "GMk", .printing = Printing::exact, .multiplier = 3'600},
    UnitDef{.dimension = energy_per_byte, .text = "J/B", .prefixes = "munpf"},
    UnitDef{.dimension = energy_per_byte, .text = "J/GB", .prefixes = "", .printing = Printing::exact, .exponent = -9},
    UnitDef{.dimension = energy_per_byte, .text = "J/bit", .prefixes = "munpf", .printing = Printing::exact, .multiplier = 8},
    UnitDef{.dimension = energy_per_flop, .text = "J/FLOP", .prefixes = "munpf"},
    UnitDef{.dimension = rate, .text = "/s", .prefixes = "GMk"},
    UnitDef{.dimension = rate, .text = "/min", .prefixes = "", .divisor = 60},
    UnitDef{.dimension = rate, .text = "/h", .prefixes = "", .divisor = 3'600},
    UnitDef{.dimension = rate, .text = "/d", .prefixes = "", .printing = Printing::never, .divisor = 86'400},
    UnitDef{.dimension = frequency, .text = "Hz", .prefixes = "GMk"},
    UnitDef{.dimension = money, .text = "USD", .prefixes = "Mk"},
    UnitDef{.dimension = money_rate, .text = "USD/h", .prefixes = "k"},
    UnitDef{.dimension = money_rate, .text = "USD/d", .prefixes = "k", .printing = Printing::exact, .divisor = 24},
    UnitDef{.dimension = money_rate, .text = "USD/y", .prefixes = "Mk", .printing = Printing::exact, .divisor = 8'760},
    UnitDef{.dimension = money_per_energy, .text = "USD/kWh", .prefixes = ""},
    UnitDef{.dimension = money_per_energy, .text = "USD/MWh", .prefixes = "", .printing = Printing::exact, .divisor = 1'000},
    UnitDef{.dimension = mass, .text = "t", .prefixes = "k", .exponent = 3},
    UnitDef{.dimension = mass, .text = "kg", .prefixes = ""},
    UnitDef{.dimension = mass, .text = "g", .prefixes = "", .exponent = -3},
    UnitDef{.dimension = carbon_intensity, .text = "kg/kWh", .prefixes = ""},
    UnitDef{.dimension = carbon_intensity, .text = "g/kWh", .prefixes = "", .exponent = -3},
};

constexpr std::array<std::pair<char, int>, 13> kPrefixes = {{
    {'f', -15}, {'p', -12}, {'n', -9}, {'u', -6}, {'m', -3}, {'k', 3}, {'K', 3},
    {'M', 6}, {'G', 9}, {'T', 12}, {'P', 15}, {'E', 18}, {'Z', 21},
}};
// clang-format on

int exponent_of(char prefix) {
  return std::find_if(kPrefixes.begin(), kPrefixes.end(),
                      [&](const auto& entry) { return entry.first == prefix; })
      ->second;
}

std::vector<ScaledUnit> spell_out(Dimension dimension) {
  std::vector<ScaledUnit> spelled;
  for (const UnitDef& unit : kUnits) {
    if (unit.dimension != dimension) continue;
    const auto small = std::find_if(unit.prefixes.begin(), unit.prefixes.end(),
                                    [](char prefix) { return exponent_of(prefix) < 0; });
    for (auto at = unit.prefixes.begin(); at != small; ++at) {
      const int exponent = exponent_of(*at);
      spelled.push_back({&unit, {*at}, exponent, 0});
      if (unit.binary) {
        const char big = *at == 'k' ? 'K' : *at;
        spelled.push_back({&unit, {big, 'i'}, 0, exponent / 3 * 10});
      }
    }
    spelled.push_back({&unit, {}, 0, 0});
    for (auto at = small; at != unit.prefixes.end(); ++at) {
      spelled.push_back({&unit, {*at}, exponent_of(*at), 0});
    }
  }
  return spelled;
}

// What people write instead, where the nearest spelling would not tell them why.
struct Mistake {
  Dimension dimension;
  std::string_view written;
  std::string_view hint;
};
constexpr std::array kMistakes = {
    Mistake{time, "m", "write `min` for minutes or `ms` for milliseconds"},
    Mistake{time, "M", "write `min` for minutes or `ms` for milliseconds"},
    Mistake{time, "sec", "write `s`"},
    Mistake{time, "secs", "write `s`"},
    Mistake{time, "second", "write `s`"},
    Mistake{time, "seconds", "write `s`"},
    Mistake{time, "minutes", "write `min`"},
    Mistake{time, "mins", "write `min`"},
    Mistake{time, "hour", "write `h`"},
    Mistake{time, "hours", "write `h`"},
    Mistake{time, "hr", "write `h`"},
    Mistake{time, "day", "write `d`"},
    Mistake{time, "days", "write `d`"},
    Mistake{time, "years", "write `y`, which is 365 days"},
    Mistake{time, "\xC2\xB5s", "write `us`"},
    Mistake{time, "\xCE\xBCs", "write `us`"},
    Mistake{bytes, "KB", "write `kB` for 1000 bytes or `KiB` for 1024"},
    Mistake{bytes, "K", "write `kB` for 1000 bytes or `KiB` for 1024"},
    Mistake{bytes, "k", "write `kB` for 1000 bytes or `KiB` for 1024"},
    Mistake{bytes, "M", "write `MB` for 10^6 bytes or `MiB` for 2^20"},
    Mistake{bytes, "G", "write `GB` for 10^9 bytes or `GiB` for 2^30"},
    Mistake{bytes, "T", "write `TB` for 10^12 bytes or `TiB` for 2^40"},
    Mistake{bandwidth, "KB/s", "write `kB/s` for 1000 bytes a second or `KiB/s` for 1024"},
    Mistake{tokens, "K", "write `k` for 1000 or `Ki` for 1024"},
    Mistake{tokens, "m", "write `M` for a million"},
    Mistake{tokens, "tokens", "leave the word away: tokens are plain numbers"},
    Mistake{rate, "IOPS", "write operations a second as `/s`, e.g. 1.5M/s"},
    Mistake{rate, "Hz", "write events a second as `/s`"},
    Mistake{rate, "rps", "write requests a second as `/s`"},
    Mistake{rate, "qps", "write requests a second as `/s`"},
    Mistake{flops_rate, "FLOPS", "write `FLOP/s`"},
    Mistake{flops_rate, "GFLOPS", "write `GFLOP/s`"},
    Mistake{flops_rate, "TFLOPS", "write `TFLOP/s`"},
    Mistake{flops_rate, "PFLOPS", "write `PFLOP/s`"},
    Mistake{flops_rate, "TFLOPs", "write `TFLOP/s`"},
    Mistake{flops_rate, "PFLOPs", "write `PFLOP/s`"},
    Mistake{money, "$", "write `USD` after the number"},
    Mistake{money_rate, "$/h", "write `USD/h`"},
    Mistake{money_per_energy, "$/kWh", "write `USD/kWh`"},
};

bool ends_in_bits(std::string_view unit) {
  for (std::string_view tail : {"b", "bit", "bits", "b/s", "bps", "bits/s"}) {
    if (unit.size() == tail.size() + 1 && unit.ends_with(tail) &&
        std::string_view("kKMmGgTtPp").find(unit.front()) != std::string_view::npos) {
      return true;
    }
  }
  return false;
}

std::string bits_hint(std::string_view number, std::string_view unit, Dimension dimension) {
  const char letter = unit.front() >= 'a' && unit.front() != 'k'
                          ? static_cast<char>(unit.front() - 'a' + 'A')
                          : unit.front();
  const std::string prefix(1, letter == 'K' ? 'k' : letter);
  const std::string value(number);
  if (dimension == bandwidth) {
    return "write " + value + prefix + "B/s for bytes or " + value + prefix + "bit/s for bits";
  }
  return "write " + value + prefix + "B for bytes; eight bits are one byte";
}

std::string near_spelling(std::string_view number, std::string_view unit, Dimension dimension) {
  const std::vector<std::string> spellings = unit_names(dimension);
  // Case alone first: `GHZ` is nearer to `GHz` than an equally short edit is.
  for (const std::string& spelling : spellings) {
    if (equal_ignoring_case(unit, spelling)) {
      return "write " + std::string(number) + spelling + " (upper and lower case differ)";
    }
  }
  const std::string near = nearest_name(unit, spellings);
  return near.empty() ? near : "did you mean " + std::string(number) + near + "?";
}

}  // namespace

std::span<const UnitDef> unit_defs() { return kUnits; }

std::span<const ScaledUnit> units_of(Dimension dimension) {
  static const auto all = [] {
    std::array<std::vector<ScaledUnit>, kDimensions.size()> spelled;
    for (std::size_t i = 0; i < spelled.size(); ++i) {
      spelled[i] = spell_out(static_cast<Dimension>(i));
    }
    return spelled;
  }();
  return all[static_cast<std::size_t>(dimension)];
}

std::optional<ScaledUnit> find_unit(std::string_view text, Dimension dimension) {
  for (const ScaledUnit& unit : units_of(dimension)) {
    if (text.size() == unit.prefix.size() + unit.unit->text.size() &&
        text.starts_with(unit.prefix) && text.ends_with(unit.unit->text)) {
      return unit;
    }
  }
  return std::nullopt;
}

double size_of(const ScaledUnit& unit) {
  // Through text, because std::pow need not give the nearest double.
  const std::string decimal = "1e" + std::to_string(unit.unit->exponent + unit.prefix_exponent);
  double size = 0;
  std::from_chars(decimal.data(), decimal.data() + decimal.size(), size);
  return std::ldexp(size, unit.prefix_bits) * static_cast<double>(unit.unit->multiplier) /
         static_cast<double>(unit.unit->divisor);
}

std::string unit_hint(std::string_view number, std::string_view unit, Dimension dimension,
                      bool guess) {
  for (const Mistake& mistake : kMistakes) {
    if (mistake.dimension == dimension && mistake.written == unit) {
      return std::string(mistake.hint);
    }
  }
  const bool counts_bytes = dimension == bytes || dimension == bandwidth;
  if (counts_bytes && ends_in_bits(unit)) return bits_hint(number, unit, dimension);
  if (guess) {
    std::string near = near_spelling(number, unit, dimension);
    if (!near.empty()) return near;
  }
  return "write it like " + std::string(example_of(dimension));
}

}  // namespace detail

std::vector<std::string> unit_names(Dimension dimension) {
  std::vector<std::string> names;
  for (const detail::ScaledUnit& unit : detail::units_of(dimension)) names.push_back(unit.text());
  return names;
}

}  // namespace tiercast
