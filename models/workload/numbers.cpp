#include "models/workload/numbers.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "sim/base/check.hpp"
#include "sim/base/text.hpp"

namespace tiercast::workload {
namespace {

__extension__ typedef unsigned __int128 Uint128;

constexpr int kDigitsKept = 25;  // more than any value needs; further ones only round
constexpr std::int64_t kNsPerSecond = 1'000'000'000;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_blank(char c) { return c == ' ' || c == '\t'; }

std::string_view without_blanks(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// mantissa * 10^exponent; `more`: nonzero digits were dropped behind the mantissa.
struct Decimal {
  Uint128 mantissa = 0;
  int exponent = 0;
  bool more = false;
};

// Reads digits into `out`; each one behind the point lowers the exponent. Returns how many.
std::size_t read_digits(std::string_view& text, bool fraction, int& kept, Decimal& out) {
  std::size_t count = 0;
  for (; count < text.size() && is_digit(text[count]); ++count) {
    const auto digit = static_cast<unsigned>(text[count] - '0');
    if (kept == 0 && digit == 0) {
      if (fraction) --out.exponent;
    } else if (kept < kDigitsKept) {
      out.mantissa = out.mantissa * 10 + digit;
      ++kept;
      if (fraction) --out.exponent;
    } else {
      out.more = out.more || digit != 0;
      if (!fraction) ++out.exponent;
    }
  }
  text.remove_prefix(count);
  return count;
}

// The `e-05` of a number; false when malformed.
bool read_exponent(std::string_view text, Decimal& out) {
  text.remove_prefix(1);
  const bool down = text.starts_with('-');
  if (down || text.starts_with('+')) text.remove_prefix(1);
  if (text.empty() || !std::all_of(text.begin(), text.end(), is_digit)) return false;
  constexpr int kFarAway = 100'000;
  int exponent = 0;
  for (const char c : text) exponent = std::min(kFarAway, exponent * 10 + (c - '0'));
  out.exponent += down ? -exponent : exponent;
  return true;
}

bool read_decimal(std::string_view text, Decimal& out) {
  if (text.size() > std::size_t{1} << 20) return false;  // keeps exponents in range
  int kept = 0;
  std::size_t digits = read_digits(text, false, kept, out);
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    digits += read_digits(text, true, kept, out);
  }
  if (digits == 0) return false;
  if (text.empty()) return true;
  return (text.front() == 'e' || text.front() == 'E') && read_exponent(text, out);
}

// The nearest integer, halves up, or more than `highest`.
Number to_integer(Decimal decimal, std::int64_t highest, bool whole) {
  const Uint128 limit = static_cast<Uint128>(highest);
  if (decimal.mantissa == 0) return {};
  for (; decimal.exponent > 0; --decimal.exponent) {
    if (decimal.mantissa > limit) return {0, NumberError::too_large};
    decimal.mantissa *= 10;
  }
  unsigned last = 0;         // the highest digit cut off
  bool rest = decimal.more;  // whether anything nonzero lies below it
  for (; decimal.exponent < 0 && (decimal.mantissa != 0 || last != 0); ++decimal.exponent) {
    rest = rest || last != 0;
    last = static_cast<unsigned>(decimal.mantissa % 10);
    decimal.mantissa /= 10;
  }
  if (decimal.exponent < 0) last = 0;
  if (whole && (last != 0 || rest)) return {0, NumberError::not_whole};
  if (last >= 5) ++decimal.mantissa;
  if (decimal.mantissa > limit) return {0, NumberError::too_large};
  return {static_cast<std::int64_t>(decimal.mantissa), NumberError::none};
}

// Days from 1970-01-01 in the Gregorian calendar: whole 400-, 100-, 4-year cycles of years that
// begin in March, so that the leap day is a year's last.
std::int64_t days_since_1970(int year, int month, int day) {
  const int shifted = month <= 2 ? year - 1 : year;
  const int since_march = (month + 9) % 12;
  const std::int64_t leap_days = shifted / 4 - shifted / 100 + shifted / 400;
  const std::int64_t day_of_year = (153 * since_march + 2) / 5 + day - 1;
  constexpr std::int64_t kDaysTo1970 = 719'468;  // from 0000-03-01
  return std::int64_t{365} * shifted + leap_days + day_of_year - kDaysTo1970;
}

int days_in_month(int year, int month) {
  if (month == 2) return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

// Reads the digits of `text` where `pattern` has 0; every other character must agree.
bool matches(std::string_view text, std::string_view pattern) {
  if (text.size() != pattern.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool digit = pattern[i] == '0';
    if (digit ? !is_digit(text[i]) : text[i] != pattern[i]) return false;
  }
  return true;
}

int integer_at(std::string_view text, std::size_t begin, std::size_t size) {
  int value = 0;
  for (const char c : text.substr(begin, size)) value = value * 10 + (c - '0');
  return value;
}

}  // namespace

Number parse_number(std::string_view text, int scale, std::int64_t highest, bool whole) {
  text = without_blanks(text);
  if (text.empty()) return {0, NumberError::empty};
  const bool minus = text.front() == '-';
  if (minus) text.remove_prefix(1);
  Decimal decimal;
  if (!read_decimal(text, decimal)) return {0, NumberError::not_a_number};
  if (minus && decimal.mantissa != 0) return {0, NumberError::negative};
  decimal.exponent += scale;
  return to_integer(decimal, highest, whole);
}

Number parse_wall_clock(std::string_view text) {
  constexpr Number kBad{0, NumberError::not_a_number};
  text = without_blanks(text);
  if (text.empty()) return {0, NumberError::empty};
  constexpr std::string_view kSeconds = "0000-00-00 00:00:00";
  if (text.size() < kSeconds.size()) return kBad;
  const std::string_view date = text.substr(0, 10);
  const std::string_view clock = text.substr(11, 8);
  if (!matches(date, "0000-00-00") || (text[10] != ' ' && text[10] != 'T') ||
      !matches(clock, "00:00:00")) {
    return kBad;
  }
  std::string_view fraction = text.substr(kSeconds.size());
  for (const std::string_view zone : {"Z", "+00:00"}) {
    if (fraction.ends_with(zone)) {
      fraction.remove_suffix(zone.size());
      break;
    }
  }
  const int year = integer_at(date, 0, 4);
  const int month = integer_at(date, 5, 2);
  const int day = integer_at(date, 8, 2);
  const int hour = integer_at(clock, 0, 2);
  const int minute = integer_at(clock, 3, 2);
  const int second = integer_at(clock, 6, 2);
  if (year < 1980 || year > 2100 || month < 1 || month > 12 || day < 1 ||
      day > days_in_month(year, month) || hour > 23 || minute > 59 || second > 59) {
    return kBad;
  }
  Number ns;
  if (!fraction.empty()) {
    if (fraction.size() < 2 || fraction.front() != '.' ||
        !std::all_of(fraction.begin() + 1, fraction.end(), is_digit)) {
      return kBad;
    }
    ns = parse_number(fraction, 9, kNsPerSecond, false);
  }
  const std::int64_t minutes = (days_since_1970(year, month, day) * 24 + hour) * 60 + minute;
  ns.value += (minutes * 60 + second) * kNsPerSecond;
  return ns;
}

std::string explain(NumberError error, std::string_view text, std::string_view limit) {
  switch (error) {
    case NumberError::none:
      break;
    case NumberError::empty:
      return "is empty";
    case NumberError::not_a_number:
      return quote(text) + " is not a number";
    case NumberError::negative:
      return quote(text) + " is negative";
    case NumberError::too_large:
      return quote(text) + " is over the limit of " + std::string(limit);
    case NumberError::not_whole:
      return quote(text) + " is not a whole number";
  }
  return "is fine";
}

std::int64_t scale_time(std::int64_t time_ns, double scale) {
  TIERCAST_CHECK(time_ns >= 0 && time_ns <= kArrivalNsMax && scale >= 0,
                 "times and time scales are not negative: {} ns, {}", time_ns, scale);
  if (scale == 1 || time_ns == 0) return time_ns;
  // scale = fraction * 2^exponent with an integer fraction below 2^53: the product of two integers
  // is exact in 128 bits, and one shift rounds it.
  int exponent = 0;
  const auto fraction = static_cast<std::uint64_t>(std::ldexp(std::frexp(scale, &exponent), 53));
  exponent -= 53;
  const Uint128 product = static_cast<Uint128>(fraction) * static_cast<std::uint64_t>(time_ns);
  const auto limit = static_cast<Uint128>(kArrivalNsMax);
  if (exponent >= 0) {
    const bool over = exponent > 62 || product > (limit >> exponent);
    return over ? kArrivalNsMax : static_cast<std::int64_t>(product << exponent);
  }
  if (exponent < -120) return 0;
  const Uint128 rounded = ((product >> (-exponent - 1)) + 1) >> 1;
  return static_cast<std::int64_t>(std::min(rounded, limit));
}

}  // namespace tiercast::workload
