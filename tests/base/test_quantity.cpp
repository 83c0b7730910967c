#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "sim/base/quantity.hpp"
#include "sim/base/random.hpp"

using namespace tiercast;

namespace {

std::int64_t count(const std::string& text, Dimension dimension) {
  const QuantityResult result = parse_quantity(text, dimension);
  INFO(text << ": " << result.error);
  REQUIRE(result);
  return result.quantity->count;
}

double measure(const std::string& text, Dimension dimension) {
  const QuantityResult result = parse_quantity(text, dimension);
  INFO(text << ": " << result.error);
  REQUIRE(result);
  return result.quantity->si;
}

/// Error and hint of a text that must be refused, in one line.
std::string refusal(const std::string& text, Dimension dimension) {
  const QuantityResult result = parse_quantity(text, dimension);
  INFO(text);
  REQUIRE_FALSE(result);
  REQUIRE_FALSE(result.error.empty());
  return result.error + "; " + result.hint;
}

using Catch::Contains;

}  // namespace

TEST_CASE("decimal and binary prefixes differ, and both are exact", "[quantity]") {
  CHECK(count("80GB", Dimension::bytes) == 80'000'000'000);
  CHECK(count("80GiB", Dimension::bytes) == 80LL << 30);
  CHECK(count("1.5TB", Dimension::bytes) == 1'500'000'000'000);
  CHECK(count("1.5 TiB", Dimension::bytes) == 3LL << 39);
  CHECK(count("9223372036854775807B", Dimension::bytes) == INT64_MAX);
  CHECK(count("-9223372036854775807B", Dimension::bytes) == -INT64_MAX);
  CHECK(count("4503599627370497B", Dimension::bytes) == 4503599627370497);
  CHECK(count("0.000000001GB", Dimension::bytes) == 1);
  CHECK(count("1e3B", Dimension::bytes) == 1000);
  CHECK(count("1EB", Dimension::bytes) == 1'000'000'000'000'000'000);
  CHECK(count("0kB", Dimension::bytes) == 0);
}

TEST_CASE("time is whole nanoseconds", "[quantity]") {
  CHECK(count("1.25us", Dimension::time) == 1250);
  CHECK(count("0.5min", Dimension::time) == 30'000'000'000);
  CHECK(count("30min", Dimension::time) == 1'800'000'000'000);
  CHECK(count("6h", Dimension::time) == 21'600'000'000'000);
  CHECK(count("5y", Dimension::time) == 5LL * 365 * 86'400'000'000'000);
  CHECK(measure("250ms", Dimension::time) == 0.25);
  CHECK_THAT(refusal("1.5ns", Dimension::time), Contains("not a whole number of nanoseconds"));
  CHECK_THAT(refusal("300y", Dimension::time), Contains("out of range"));
}

TEST_CASE("tokens are plain numbers with decimal k and M", "[quantity]") {
  CHECK(count("8192", Dimension::tokens) == 8192);
  CHECK(count("128k", Dimension::tokens) == 128'000);
  CHECK(count("128Ki", Dimension::tokens) == 131'072);
  CHECK(count("1.5M", Dimension::tokens) == 1'500'000);
  CHECK_THAT(refusal("1.5", Dimension::tokens), Contains("whole number of tokens"));
  CHECK_THAT(refusal("128K", Dimension::tokens), Contains("Ki"));
}

TEST_CASE("measured quantities are the nearest double of what was written", "[quantity]") {
  CHECK(measure("3.35TB/s", Dimension::bandwidth) == 3.35e12);
  CHECK(measure("400Gbit/s", Dimension::bandwidth) == 50e9);
  CHECK(measure("1GiB/s", Dimension::bandwidth) == 1073741824.0);
  CHECK(measure("989.4TFLOP/s", Dimension::flops_rate) == 989.4e12);
  CHECK(measure("700W", Dimension::power) == 700.0);
  CHECK(measure("40kJ", Dimension::energy) == 40e3);
  CHECK(measure("2kWh", Dimension::energy) == 7.2e6);
  CHECK(measure("60pJ/B", Dimension::energy_per_byte) == 60e-12);
  CHECK(measure("5pJ/bit", Dimension::energy_per_byte) == 40e-12);
  CHECK(measure("0.08USD/kWh", Dimension::money_per_energy) == 0.08);
  CHECK(measure("380g/kWh", Dimension::carbon_intensity) == 0.38);
  CHECK(measure("50%", Dimension::dimensionless) == 0.5);
  CHECK(measure("1e-3", Dimension::dimensionless) == 1e-3);
}

TEST_CASE("rates are per second, minute, hour or day", "[quantity]") {
  CHECK(measure("4/s", Dimension::rate) == 4.0);
  CHECK(measure("120/min", Dimension::rate) == 2.0);
  CHECK(measure("0.5/h", Dimension::rate) == 0.5 / 3600);
  CHECK(measure("1.5M/s", Dimension::rate) == 1.5e6);
}

TEST_CASE("each mistake is named with a way out", "[quantity]") {
  CHECK_THAT(refusal("80", Dimension::bytes), Contains("no unit") && Contains("80GB or 80GiB"));
  CHECK_THAT(refusal("80gb", Dimension::bytes), Contains("80GB for bytes"));
  CHECK_THAT(refusal("80Gb", Dimension::bytes), Contains("eight bits"));
  CHECK_THAT(refusal("80Gib", Dimension::bytes), Contains("80GiB"));
  CHECK_THAT(refusal("4KB", Dimension::bytes), Contains("kB") && Contains("KiB"));
  CHECK_THAT(refusal("80G", Dimension::bytes), Contains("GB"));
  CHECK_THAT(refusal("400Gb/s", Dimension::bandwidth), Contains("GB/s") && Contains("Gbit/s"));
  CHECK_THAT(refusal("400Gbps", Dimension::bandwidth), Contains("400Gbit/s"));
  CHECK_THAT(refusal("3GB", Dimension::bandwidth), Contains("unit of size in bytes"));
  CHECK_THAT(refusal("80W", Dimension::bytes), Contains("unit of power"));
  CHECK_THAT(refusal("5m", Dimension::time), Contains("min") && Contains("ms"));
  CHECK_THAT(refusal("5 sec", Dimension::time), Contains("`s`"));
  CHECK_THAT(refusal("5\xC2\xB5s", Dimension::time), Contains("`us`"));
  CHECK_THAT(refusal("5MS", Dimension::time), Contains("5ms"));
  CHECK_THAT(refusal("989TFLOPS", Dimension::flops_rate), Contains("TFLOP/s"));
  CHECK_THAT(refusal("$5", Dimension::money), Contains("USD"));
  CHECK_THAT(refusal("5EUR", Dimension::money), Contains("unknown unit") && Contains("USD"));
  CHECK_THAT(refusal("100kIOPS", Dimension::rate), Contains("unknown unit"));
  CHECK_THAT(refusal("3s", Dimension::dimensionless), Contains("plain number is needed"));
}

TEST_CASE("what is no number is refused", "[quantity]") {
  for (const char* text : {"nan", "inf", "-inf", ".inf", "NaN"}) {
    CHECK_THAT(refusal(text, Dimension::dimensionless), Contains("not finite"));
  }
  CHECK_THAT(refusal("", Dimension::bytes), Contains("no value"));
  CHECK_THAT(refusal("   ", Dimension::bytes), Contains("no value"));
  CHECK_THAT(refusal("GB", Dimension::bytes), Contains("not a number"));
  CHECK_THAT(refusal(".", Dimension::dimensionless), Contains("not a number"));
  CHECK_THAT(refusal("0x10", Dimension::dimensionless), Contains("unit"));
  CHECK_THAT(refusal("1,000B", Dimension::bytes), Contains("separators"));
  CHECK_THAT(refusal("1_000B", Dimension::bytes), Contains("separators"));
  CHECK_THAT(refusal("80GB GB", Dimension::bytes), Contains("unknown unit"));
  CHECK_THAT(refusal("1.2.3GB", Dimension::bytes), Contains("more than one number"));
  CHECK_THAT(refusal("10EB", Dimension::bytes), Contains("out of range"));
  CHECK_THAT(refusal("1e999W", Dimension::power), Contains("out of range"));
  CHECK_THAT(refusal("1e999999999999W", Dimension::power), Contains("out of range"));
  CHECK_THAT(refusal("1e-999W", Dimension::power), Contains("out of range"));
  CHECK_THAT(refusal(std::string(31, '9') + "B", Dimension::bytes), Contains("digits"));
  CHECK_THAT(refusal(std::string(100, '1'), Dimension::bytes), Contains("too long"));
  CHECK_THAT(refusal(std::string("1\0GB", 4), Dimension::bytes), Contains("unknown unit"));
  CHECK_THAT(refusal("0.1B", Dimension::bytes), Contains("whole number of bytes"));
}

TEST_CASE("numbers are formatted as people write them", "[quantity]") {
  const auto round_trip = [](const std::string& text, Dimension dimension) {
    return format_quantity(*parse_quantity(text, dimension).quantity);
  };
  CHECK(round_trip("1500 GB", Dimension::bytes) == "1.5TB");
  CHECK(round_trip("80GiB", Dimension::bytes) == "80GiB");
  CHECK(round_trip("3350GB/s", Dimension::bandwidth) == "3.35TB/s");
  CHECK(round_trip("1800s", Dimension::time) == "30min");
  CHECK(round_trip("250us", Dimension::time) == "250us");
  CHECK(round_trip("128000", Dimension::tokens) == "128k");
  CHECK(round_trip("131072", Dimension::tokens) == "131072");
  CHECK(round_trip("0.5/h", Dimension::rate) == "0.5/h");
  CHECK(round_trip("0.25", Dimension::dimensionless) == "0.25");
  CHECK(round_trip("0B", Dimension::bytes) == "0B");
  CHECK(format_rounded(to_quantity(bytes(85'520'809'984))) == "85.52GB");
  CHECK(format_rounded(to_quantity(nanoseconds(1'234'567'891))) == "1.235s");
  CHECK(format_rounded(to_quantity(watts(712.3456789))) == "712.3W");
  CHECK(format_rounded(to_quantity(per_second(0.000277777))) == "1/h");
  CHECK(format_rounded(to_quantity(joules(5.0001e6))) == "5MJ");
  CHECK(format_rounded(to_quantity(watts(-1.23456e-9))) == "-0.001235uW");
}

TEST_CASE("whatever is formatted parses back to the same", "[quantity][property]") {
  std::vector<Dimension> all;
  for (int i = 0; i <= static_cast<int>(Dimension::carbon_intensity); ++i) {
    all.push_back(static_cast<Dimension>(i));
  }
  Stream stream(1, Purpose{"quantities"}, 3);
  for (int round = 0; round < 300; ++round) {
    for (const Dimension dimension : all) {
      Quantity quantity{.dimension = dimension};
      const std::uint64_t bits = stream.bits64() >> (stream.bits64() % 63 + 1);
      const bool negative = stream.bits64() % 4 == 0;
      if (is_counted(dimension)) {
        quantity.count = static_cast<std::int64_t>(bits) * (negative ? -1 : 1);
        quantity.si =
            static_cast<double>(quantity.count) / (dimension == Dimension::time ? 1e9 : 1);
      } else {
        const int power = static_cast<int>(stream.bits64() % 60) - 50;
        quantity.si = std::ldexp(static_cast<double>(bits), power) * (negative ? -1 : 1);
      }
      const std::string text = format_quantity(quantity);
      const QuantityResult back = parse_quantity(text, dimension);
      INFO(text << ": " << back.error);
      REQUIRE(back);
      CHECK(*back.quantity == quantity);
    }
  }
}
