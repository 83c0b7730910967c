// Exact numbers and times out of text: no doubles on the way.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tiercast::workload {

/// Latest arrival a trace may have, in ns: 146 years.
inline constexpr std::int64_t kArrivalNsMax = std::int64_t{1} << 62;
/// Most tokens one input, or one output, may have.
inline constexpr std::int64_t kTokensMax = 1'000'000'000;

enum class NumberError { none, empty, not_a_number, negative, too_large, not_whole };

struct Number {
  std::int64_t value = 0;
  NumberError error = NumberError::none;
};

/// A decimal number (`374`, `4.314579`, `1e-05`) times 10^scale as an integer, at most `highest`.
/// Digits beyond the last whole unit are rounded, halves up; with `whole` they are an error unless
/// zero. Blanks around the number are allowed; signs, `nan` and `inf` are not numbers >= 0.
Number parse_number(std::string_view text, int scale, std::int64_t highest, bool whole);

/// `YYYY-MM-DD hh:mm:ss[.fraction]` as ns since 1970-01-01 on the same clock, whatever its zone; a
/// `T` may part date and time, `Z` or `+00:00` may follow. Years 1980 to 2100.
Number parse_wall_clock(std::string_view text);

/// The clause that a bad-line message ends in: "`12.5` is not a whole number". `limit` in words.
std::string explain(NumberError error, std::string_view text, std::string_view limit);

/// round(time * scale), halves up, exact for every double scale >= 0; at most `kArrivalNsMax`.
std::int64_t scale_time(std::int64_t time_ns, double scale);

}  // namespace tiercast::workload
