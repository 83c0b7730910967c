#include "sim/base/quantity.hpp"

#include <charconv>
#include <cmath>
#include <limits>

#include "sim/base/text.hpp"
#include "sim/base/unit_table.hpp"

namespace tiercast {
namespace {

__extension__ using Wide = unsigned __int128;

constexpr std::size_t kLongestNumber = 64;
constexpr std::size_t kMostDigits = 30;  // 10^30 fits in 128 bits with room for a unit's multiplier

/// A decimal number as written: value = digits * 10^exponent.
struct Decimal {
  bool negative = false;
  std::string digits;  // without leading zeros; empty for zero
  int exponent = 0;
};

QuantityResult refuse(std::string error, std::string hint = {}) {
  return {std::nullopt, std::move(error), std::move(hint)};
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

void skip_spaces(std::string_view& text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
}

/// Takes `1e-3` style exponents; `E` before a letter is the prefix exa.
void take_exponent(std::string_view& text, Decimal& number) {
  if (text.empty() || (text.front() != 'e' && text.front() != 'E')) return;
  std::size_t at = 1;
  const bool negative = at < text.size() && text[at] == '-';
  if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
  if (at >= text.size() || !is_digit(text[at])) return;
  int exponent = 0;
  for (; at < text.size() && is_digit(text[at]); ++at) {
    if (exponent < 100'000) exponent = exponent * 10 + (text[at] - '0');
  }
  number.exponent += negative ? -exponent : exponent;
  text.remove_prefix(at);
}

/// Takes the number at the start of `text`; false when there is none.
bool take_number(std::string_view& text, Decimal& number) {
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) {
    number.negative = text.front() == '-';
    text.remove_prefix(1);
  }
  bool any = false;
  bool point = false;
  while (!text.empty() && (is_digit(text.front()) || (text.front() == '.' && !point))) {
    const char c = text.front();
    text.remove_prefix(1);
    if (c == '.') {
      point = true;
      continue;
    }
    any = true;
    if (point) --number.exponent;
    if (c != '0' || !number.digits.empty()) number.digits += c;
  }
  if (!any) return false;
  take_exponent(text, number);
  while (number.digits.ends_with('0')) {
    number.digits.pop_back();
    ++number.exponent;
  }
  if (number.digits.empty()) number = {};
  return true;
}

/// value * 10^exponent when it is whole and fits, `value` otherwise undefined.
enum class Scaling { whole, fraction, overflow };
Scaling scale(Wide& value, int exponent) {
  for (; exponent > 0; --exponent) {
    if (__builtin_mul_overflow(value, Wide{10}, &value)) return Scaling::overflow;
  }
  for (; exponent < 0; ++exponent) {
    if (value % 10 != 0) return Scaling::fraction;
    value /= 10;
  }
  return Scaling::whole;
}

Scaling count_of(const Decimal& number, const detail::ScaledUnit& unit, std::int64_t& count) {
  if (number.digits.empty()) return count = 0, Scaling::whole;
  Wide value = 0;
  for (const char digit : number.digits) value = value * 10 + static_cast<unsigned>(digit - '0');
  const Wide multiplier = static_cast<Wide>(unit.unit->multiplier) << unit.prefix_bits;
  if (__builtin_mul_overflow(value, multiplier, &value)) return Scaling::overflow;
  const int exponent = number.exponent + unit.unit->exponent + unit.prefix_exponent;
  const Scaling scaling = scale(value, exponent);
  if (scaling != Scaling::whole) return scaling;
  if (value > static_cast<Wide>(std::numeric_limits<std::int64_t>::max())) {
    return Scaling::overflow;
  }
  count = static_cast<std::int64_t>(value);
  if (number.negative) count = -count;
  return Scaling::whole;
}

/// Decimal scaling happens in the text, so that 3.35TB/s is the double nearest to 3.35e12.
bool measure_of(const Decimal& number, const detail::ScaledUnit& unit, double& value) {
  if (number.digits.empty()) return value = 0, true;
  const int exponent = number.exponent + unit.unit->exponent + unit.prefix_exponent;
  const std::string text = number.digits + 'e' + std::to_string(exponent);
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc()) return false;
  value = std::ldexp(value, unit.prefix_bits) * static_cast<double>(unit.unit->multiplier) /
          static_cast<double>(unit.unit->divisor);
  if (number.negative) value = -value;
  return std::isfinite(value);
}

std::string_view base_of(Dimension dimension) {
  if (dimension == Dimension::time) return "nanoseconds";
  return dimension == Dimension::bytes ? "bytes" : "tokens";
}

QuantityResult convert(const Decimal& number, const detail::ScaledUnit& unit,
                       std::string_view text) {
  Quantity quantity{.dimension = unit.unit->dimension};
  const std::string out_of_range = quote(text) + " is out of range";
  if (!is_counted(quantity.dimension)) {
    if (!measure_of(number, unit, quantity.si)) return refuse(out_of_range);
    return {quantity, {}, {}};
  }
  switch (count_of(number, unit, quantity.count)) {
    case Scaling::overflow:
      return refuse(out_of_range,
                    "the most is 9.2 * 10^18 " + std::string(base_of(quantity.dimension)));
    case Scaling::fraction:
      return refuse(quote(text) + " is not a whole number of " +
                    std::string(base_of(quantity.dimension)));
    case Scaling::whole:
      break;
  }
  quantity.si =
      static_cast<double>(quantity.count) / (quantity.dimension == Dimension::time ? 1e9 : 1.0);
  return {quantity, {}, {}};
}

QuantityResult not_a_number(std::string_view text, Dimension dimension) {
  const std::string example = "write a number like " + std::string(example_of(dimension));
  std::string_view word = text;
  while (!word.empty() && (word.front() == '-' || word.front() == '+' || word.front() == '.')) {
    word.remove_prefix(1);
  }
  for (std::string_view special : {"nan", "inf", "infinity"}) {
    if (equal_ignoring_case(word, special)) return refuse(quote(text) + " is not finite", example);
  }
  if (text.starts_with('$')) {
    return refuse(quote(text) + " does not begin with a number", "write `USD` after the number");
  }
  return refuse(quote(text) + " is not a number", example);
}

QuantityResult wrong_unit(std::string_view text, std::string_view unit, Dimension dimension) {
  const std::string_view number =
      text.substr(0, text.size() - unit.size()).substr(0, text.find(' '));
  if (unit.empty()) {
    return refuse(quote(text) + " has no unit",
                  "give a unit, e.g. " + std::string(example_of(dimension)));
  }
  if (unit.front() == ',' || unit.front() == '_' || unit.front() == '\'') {
    return refuse(quote(text) + " is not a number",
                  "write digits without separators, and `.` before fractions");
  }
  if (is_digit(unit.front()) || unit.front() == '.' || unit.front() == '-') {
    return refuse(quote(text) + " is more than one number");
  }
  for (const detail::UnitDef& other : detail::unit_defs()) {
    const bool measures = other.dimension != Dimension::dimensionless &&
                          other.dimension != Dimension::tokens && other.dimension != dimension;
    if (measures && detail::find_unit(unit, other.dimension)) {
      const bool plain = dimension == Dimension::dimensionless || dimension == Dimension::tokens;
      return refuse(quote(text) + " has a unit of " + std::string(name_of(other.dimension)) +
                        (plain ? " where a " : " where one of ") + std::string(name_of(dimension)) +
                        " is needed",
                    detail::unit_hint(number, unit, dimension, false));
    }
  }
  return refuse(quote(text) + " has an unknown unit " + quote(unit),
                detail::unit_hint(number, unit, dimension, true));
}

}  // namespace

QuantityResult parse_quantity(std::string_view text, Dimension dimension) {
  while (text.ends_with(' ')) text.remove_suffix(1);
  skip_spaces(text);
  if (text.empty()) {
    return refuse("no value", "write a number like " + std::string(example_of(dimension)));
  }
  if (text.size() > kLongestNumber) return refuse(quote(text) + " is too long for a number");
  std::string_view rest = text;
  Decimal number;
  if (!take_number(rest, number)) return not_a_number(text, dimension);
  if (number.digits.size() > kMostDigits) {
    return refuse(quote(text) + " has too many digits", "30 significant digits are enough");
  }
  skip_spaces(rest);
  if (const auto unit = detail::find_unit(rest, dimension)) return convert(number, *unit, text);
  return wrong_unit(text, rest, dimension);
}

}  // namespace tiercast
