#include <cmath>
#include <unordered_set>

#include <catch2/catch.hpp>

#include "sim/base/ids.hpp"
#include "sim/base/units.hpp"

using namespace tiercast;

namespace {

template <class A, class B>
concept Addable = requires(A a, B b) {
  a + b;
};
template <class A, class B>
concept Dividable = requires(A a, B b) {
  a / b;
};
template <class A, class B>
concept Comparable = requires(A a, B b) {
  a < b;
};

}  // namespace

TEST_CASE("only meaningful algebra compiles", "[units]") {
  STATIC_REQUIRE(Addable<Bytes, Bytes>);
  STATIC_REQUIRE_FALSE(Addable<Bytes, Tokens>);
  STATIC_REQUIRE_FALSE(Addable<Watts, Joules>);
  STATIC_REQUIRE_FALSE(Addable<Nanoseconds, Seconds>);
  STATIC_REQUIRE_FALSE(Comparable<Bytes, int>);
  STATIC_REQUIRE(Dividable<Bytes, BytesPerSecond>);
  STATIC_REQUIRE_FALSE(Dividable<Bytes, FlopsPerSecond>);
  STATIC_REQUIRE_FALSE(Dividable<Bytes, double>);  // would hide a rounding
  STATIC_REQUIRE_FALSE(std::is_convertible_v<double, Watts>);
}

TEST_CASE("products and quotients undo each other", "[units]") {
  const Seconds move = gigabytes(80) / gigabytes_per_second(40);
  CHECK(move.value() == 2.0);
  CHECK((watts(700) * move).value() == 1400.0);
  CHECK((joules(1400) / move).value() == 700.0);
  CHECK((joules(1400) / watts(700)).value() == 2.0);
  CHECK((joules_per_byte(3e-12) * gigabytes(1000)).value() == Approx(3.0));
  CHECK((flops(2e15) / teraflops_per_second(500)).value() == 4.0);
}

TEST_CASE("money and carbon follow energy in kilowatt-hours", "[units]") {
  const Joules day = watts(1000) * seconds(86400);  // 24 kWh
  CHECK(day == kilowatt_hours(24));
  CHECK((usd_per_kwh(0.1) * day).value() == Approx(2.4));
  CHECK((kg_per_kwh(0.4) * day).value() == Approx(9.6));
  CHECK((usd_per_hour(2.5) * seconds(7200)).value() == 5.0);
}

TEST_CASE("counted units divide like integers and compare exactly", "[units]") {
  CHECK(gigabytes(1) / mebibytes(1) == 953);
  CHECK((gigabytes(1) % mebibytes(1)).value() == 1'000'000'000 - 953LL * 1'048'576);
  CHECK(ratio(bytes(1), bytes(4)) == 0.25);
  CHECK(bytes((1LL << 53) + 1) > bytes(1LL << 53));
}

TEST_CASE("rounding seconds up never loses a nanosecond", "[units]") {
  CHECK(ceil_to_ns(seconds(1e-9)) == nanoseconds(1));
  CHECK(ceil_to_ns(seconds(1.5e-9)) == nanoseconds(2));
  CHECK(ceil_to_ns(seconds(-1.5e-9)) == nanoseconds(-1));
  CHECK(ceil_to_ns(seconds(0)) == nanoseconds(0));
  CHECK(ceil_to_ns(seconds(1e300)).value() == INT64_MAX);
  CHECK(ceil_to_ns(seconds(std::nan(""))).value() == INT64_MAX);
}

TEST_CASE("ids are explicit, ordered and hashable", "[ids]") {
  using PoolId = Id<struct PoolTag>;
  STATIC_REQUIRE_FALSE(std::is_convertible_v<std::uint32_t, PoolId>);
  CHECK_FALSE(PoolId{}.valid());
  CHECK(PoolId{3} < PoolId{4});
  CHECK(PoolId{4} < PoolId::none());
  const std::unordered_set<PoolId> set{PoolId{1}, PoolId{1}, PoolId{2}};
  CHECK(set.size() == 2);
}
