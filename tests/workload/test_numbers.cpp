#include <cmath>
#include <cstdint>
#include <ctime>
#include <string>

#include <catch2/catch.hpp>

#include "models/workload/numbers.hpp"
#include "sim/base/random.hpp"

using namespace tiercast::workload;
using tiercast::Purpose;
using tiercast::Stream;

namespace {

constexpr Purpose kDraws{"test.numbers"};

std::int64_t ns(std::string_view seconds) {
  const Number number = parse_number(seconds, 9, kArrivalNsMax, false);
  REQUIRE(number.error == NumberError::none);
  return number.value;
}

NumberError count_error(std::string_view text) {
  return parse_number(text, 0, kTokensMax, true).error;
}

}  // namespace

TEST_CASE("Decimal seconds become nanoseconds exactly", "[numbers]") {
  CHECK(ns("0") == 0);
  CHECK(ns("4.314579") == 4'314'579'000);
  CHECK(ns("0.000000001") == 1);
  CHECK(ns(".5") == 500'000'000);
  CHECK(ns("5.") == 5'000'000'000);
  CHECK(ns(" 1.5\t") == 1'500'000'000);
  CHECK(ns("1e-05") == 10'000);
  CHECK(ns("1.25E+2") == 125'000'000'000);
  CHECK(ns("-0.0") == 0);
  CHECK(ns("4611686018.427387904") == kArrivalNsMax);
  // A double would have lost the last digits.
  CHECK(ns("1700000000.123456789") == 1'700'000'000'123'456'789);
}

TEST_CASE("Digits beyond the last whole unit round halves up", "[numbers]") {
  CHECK(ns("0.0000000004999999999999999999999999999999") == 0);
  CHECK(ns("0.0000000005") == 1);
  CHECK(ns("0.00000000149999") == 1);
  CHECK(ns("0.0000000015") == 2);
  CHECK(ns("1e-10") == 0);
  CHECK(ns("1e-999999999999") == 0);
  CHECK(ns("0." + std::string(1000, '0') + "1") == 0);
  CHECK(ns("123456789012345678901234567890e-29") == 1'234'567'890);
}

TEST_CASE("What is no number of the wanted kind is told apart", "[numbers]") {
  CHECK(count_error("12") == NumberError::none);
  CHECK(count_error("12.0") == NumberError::none);
  CHECK(count_error("1.2e1") == NumberError::none);
  CHECK(count_error("12.5") == NumberError::not_whole);
  CHECK(count_error("12.0000000000000000000000000000000000001") == NumberError::not_whole);
  CHECK(count_error("1e-30") == NumberError::not_whole);
  CHECK(count_error("-3") == NumberError::negative);
  CHECK(count_error("") == NumberError::empty);
  CHECK(count_error("  ") == NumberError::empty);
  for (const char* text : {"nan", "NaN", "inf", "Infinity", "+5", "--5", "0x10", "1,000", "1e",
                           "1e+", "e5", ".", "-", "5 6", "1_000", "12a", "1.2.3"}) {
    CHECK(count_error(text) == NumberError::not_a_number);
  }
  CHECK(count_error("1000000000") == NumberError::none);
  CHECK(count_error("1000000001") == NumberError::too_large);
  CHECK(count_error("1e400") == NumberError::too_large);
  CHECK(count_error(std::string(5000, '9')) == NumberError::too_large);
  CHECK(parse_number("4611686018.4273879045", 9, kArrivalNsMax, false).error ==
        NumberError::too_large);
}

TEST_CASE("Wall clocks count days as the C library does", "[numbers][oracle]") {
  Stream stream(1, kDraws);
  for (int i = 0; i < 2000; ++i) {
    const std::int64_t second = stream.between(315'532'800, 4'102'444'799);  // 1980 .. 2099
    const std::time_t time = second;
    std::tm parts{};
    REQUIRE(gmtime_r(&time, &parts) != nullptr);
    char text[64];
    REQUIRE(std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts) == 19);
    const Number number = parse_wall_clock(std::string(text) + ".0000001");
    REQUIRE(number.error == NumberError::none);
    REQUIRE(number.value == second * 1'000'000'000 + 100);
  }
}

TEST_CASE("Wall clocks take what the Azure traces write, and no impossible date", "[numbers]") {
  const std::int64_t base = parse_wall_clock("2023-11-16 18:15:46.6805900").value;
  CHECK(parse_wall_clock("2023-11-16 18:15:50.9951690").value - base == 4'314'579'000);
  CHECK(parse_wall_clock("2023-11-16T18:15:46.68059Z").value == base);
  CHECK(parse_wall_clock("2023-11-16 18:15:46.680590+00:00").value == base);
  CHECK(parse_wall_clock("2024-02-29 00:00:00").error == NumberError::none);
  CHECK(parse_wall_clock("2000-02-29 00:00:00").error == NumberError::none);
  for (const char* text :
       {"2023-02-29 00:00:00", "2100-02-29 00:00:00", "2023-04-31 00:00:00", "2023-13-01 00:00:00",
        "2023-00-01 00:00:00", "2023-01-00 00:00:00", "2023-01-01 24:00:00", "2023-01-01 00:60:00",
        "2023-01-01 00:00:60", "2023-01-01", "2023/01/01 00:00:00", "2023-01-01 00:00:00.",
        "2023-01-01 00:00:00.1e5", "2023-01-01 00:00:00.1-", "2023-01-01 00:00:00+01:00",
        "1899-01-01 00:00:00", "not a date at all!!"}) {
    CHECK(parse_wall_clock(text).error == NumberError::not_a_number);
  }
}

TEST_CASE("Times scale by any factor to the nearest nanosecond", "[numbers][oracle]") {
  CHECK(scale_time(7, 0.5) == 4);
  CHECK(scale_time(5, 0.5) == 3);
  CHECK(scale_time(6, 0.5) == 3);
  CHECK(scale_time(10, 1) == 10);
  CHECK(scale_time(kArrivalNsMax, 1) == kArrivalNsMax);
  CHECK(scale_time(kArrivalNsMax, 2) == kArrivalNsMax);
  CHECK(scale_time(3, 1e30) == kArrivalNsMax);
  CHECK(scale_time(kArrivalNsMax, 1e-300) == 0);
  CHECK(scale_time(0, 5) == 0);
  Stream stream(2, kDraws);
  for (int i = 0; i < 5000; ++i) {
    const std::int64_t time = stream.between(0, std::int64_t{1} << 40);
    const double scale = std::ldexp(0.5 + 0.5 * stream.uniform(), static_cast<int>(i % 20) - 10);
    // 80-bit doubles hold 41 + 22 bits: exact when the scale is cut to 22 bits.
    const double short_scale = std::ldexp(std::floor(std::ldexp(scale, 30)), -30);
    const auto exact = static_cast<long double>(time) * short_scale;
    REQUIRE(scale_time(time, short_scale) == static_cast<std::int64_t>(std::floor(exact + 0.5L)));
  }
}

TEST_CASE("Order survives scaling", "[numbers][property]") {
  Stream stream(3, kDraws);
  for (int i = 0; i < 2000; ++i) {
    const std::int64_t early = stream.between(0, kArrivalNsMax);
    const std::int64_t late = stream.between(early, kArrivalNsMax);
    const double scale = stream.exponential(1);
    REQUIRE(scale_time(early, scale) <= scale_time(late, scale));
  }
}
