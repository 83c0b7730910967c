#pragma once

#include <compare>
#include <concepts>
#include <cstdint>

/// Strong physical units. Each type holds one number in the unit its name says (Watts in watts,
/// Bytes in bytes); algebra exists only where it means something.
///
///     Seconds t = gigabytes(80) / terabytes_per_second(2.0);
///     Joules e = watts(700) * t;
namespace tiercast {

/// A number with a unit. `Rep` is int64 for what is counted and double for what is measured.
/// Integer arithmetic is plain: keeping sums below 2^63 is the caller's contract.
template <class Tag, class Rep>
class Amount {
 public:
  using rep = Rep;

  constexpr Amount() = default;
  constexpr explicit Amount(Rep value) : value_(value) {}
  constexpr Rep value() const { return value_; }

  constexpr Amount& operator+=(Amount other) { return value_ += other.value_, *this; }
  constexpr Amount& operator-=(Amount other) { return value_ -= other.value_, *this; }

  friend constexpr auto operator<=>(Amount, Amount) = default;
  friend constexpr Amount operator+(Amount a, Amount b) { return Amount{a.value_ + b.value_}; }
  friend constexpr Amount operator-(Amount a, Amount b) { return Amount{a.value_ - b.value_}; }
  friend constexpr Amount operator-(Amount a) { return Amount{-a.value_}; }

  /// Scaling by a pure number; counted units take whole numbers only.
  template <class N>
  requires(std::integral<N> ||
           (std::floating_point<Rep> && std::floating_point<N>)) friend constexpr Amount
  operator*(Amount a, N n) {
    return Amount{a.value_ * static_cast<Rep>(n)};
  }
  template <class N>
  requires(std::integral<N> ||
           (std::floating_point<Rep> && std::floating_point<N>)) friend constexpr Amount
  operator*(N n, Amount a) {
    return a * n;
  }
  template <class N>
  requires(std::integral<N> ||
           (std::floating_point<Rep> && std::floating_point<N>)) friend constexpr Amount
  operator/(Amount a, N n) {
    return Amount{a.value_ / static_cast<Rep>(n)};
  }

  /// How many of `b` fit in `a`: a whole number (truncated) for counted units.
  friend constexpr Rep operator/(Amount a, Amount b) { return a.value_ / b.value_; }
  friend constexpr Amount operator%(Amount a, Amount b) requires std::integral<Rep> {
    return Amount{a.value_ % b.value_};
  }

 private:
  Rep value_ = 0;
};

/// The exact quotient as a double, for counted and measured units alike.
template <class Tag, class Rep>
constexpr double ratio(Amount<Tag, Rep> a, Amount<Tag, Rep> b) {
  return static_cast<double>(a.value()) / static_cast<double>(b.value());
}

using Nanoseconds = Amount<struct NanosecondTag, std::int64_t>;  ///< time the outside sees
using Bytes = Amount<struct ByteTag, std::int64_t>;
using Tokens = Amount<struct TokenTag, std::int64_t>;
using Seconds = Amount<struct SecondTag, double>;  ///< before rounding to Nanoseconds
using BytesPerSecond = Amount<struct BytesPerSecondTag, double>;
using Flops = Amount<struct FlopTag, double>;  ///< floating point operations, an amount
using FlopsPerSecond = Amount<struct FlopsPerSecondTag, double>;
using Watts = Amount<struct WattTag, double>;
using Joules = Amount<struct JouleTag, double>;
using PerSecond = Amount<struct PerSecondTag, double>;  ///< events a second, also IOPS
using Hertz = Amount<struct HertzTag, double>;
using Usd = Amount<struct UsdTag, double>;
using UsdPerHour = Amount<struct UsdPerHourTag, double>;
using UsdPerKwh = Amount<struct UsdPerKwhTag, double>;
using JoulesPerByte = Amount<struct JoulesPerByteTag, double>;
using JoulesPerFlop = Amount<struct JoulesPerFlopTag, double>;
using Kilograms = Amount<struct KilogramTag, double>;  ///< of CO2 equivalent
using KgPerKwh = Amount<struct KgPerKwhTag, double>;   ///< carbon intensity of electricity

/// The algebra: `A * B = C`, with c = a * b / divisor; the quotients that are needed follow below.
template <class A, class B>
struct ProductOf;

template <class C>
struct ProductIs {
  using type = C;
  static constexpr double divisor = 1.0;
};
inline constexpr double kSecondsPerHour = 3600.0;
inline constexpr double kJoulesPerKwh = 3.6e6;

// clang-format off
template <> struct ProductOf<BytesPerSecond, Seconds> : ProductIs<Bytes> {};
template <> struct ProductOf<FlopsPerSecond, Seconds> : ProductIs<Flops> {};
template <> struct ProductOf<Watts, Seconds> : ProductIs<Joules> {};
template <> struct ProductOf<JoulesPerByte, Bytes> : ProductIs<Joules> {};
template <> struct ProductOf<JoulesPerFlop, Flops> : ProductIs<Joules> {};
template <> struct ProductOf<UsdPerHour, Seconds> : ProductIs<Usd> { static constexpr double divisor = kSecondsPerHour; };
template <> struct ProductOf<UsdPerKwh, Joules> : ProductIs<Usd> { static constexpr double divisor = kJoulesPerKwh; };
template <> struct ProductOf<KgPerKwh, Joules> : ProductIs<Kilograms> { static constexpr double divisor = kJoulesPerKwh; };
// clang-format on

template <class A, class B>
concept Multipliable = requires {
  typename ProductOf<A, B>::type;
};

/// Products with a measured result; a counted one (bytes) would hide a rounding, so it has none.
template <class A, class B>
requires(
    Multipliable<A, B>&& std::floating_point<typename ProductOf<A, B>::type::rep>) constexpr auto
operator*(A a, B b) {
  using Product = ProductOf<A, B>;
  const double product = static_cast<double>(a.value()) * static_cast<double>(b.value());
  return typename Product::type{product / Product::divisor};
}
template <class A, class B>
requires(
    Multipliable<A, B>&& std::floating_point<typename ProductOf<A, B>::type::rep>) constexpr auto
operator*(B b, A a) {
  return a * b;
}

namespace detail {
template <class B, class A, class C>
constexpr B divide(C c, A a, double divisor) {
  return B{static_cast<double>(c.value()) * divisor / static_cast<double>(a.value())};
}
}  // namespace detail

/// Quotients of the table above.
constexpr Seconds operator/(Bytes c, BytesPerSecond a) {
  return detail::divide<Seconds>(c, a, 1.0);
}
constexpr BytesPerSecond operator/(Bytes c, Seconds b) {
  return detail::divide<BytesPerSecond>(c, b, 1.0);
}
constexpr Seconds operator/(Flops c, FlopsPerSecond a) {
  return detail::divide<Seconds>(c, a, 1.0);
}
constexpr FlopsPerSecond operator/(Flops c, Seconds b) {
  return detail::divide<FlopsPerSecond>(c, b, 1.0);
}
constexpr Seconds operator/(Joules c, Watts a) { return detail::divide<Seconds>(c, a, 1.0); }
constexpr Watts operator/(Joules c, Seconds b) { return detail::divide<Watts>(c, b, 1.0); }
constexpr JoulesPerByte operator/(Joules c, Bytes b) {
  return detail::divide<JoulesPerByte>(c, b, 1.0);
}
constexpr JoulesPerFlop operator/(Joules c, Flops b) {
  return detail::divide<JoulesPerFlop>(c, b, 1.0);
}
constexpr UsdPerHour operator/(Usd c, Seconds b) {
  return detail::divide<UsdPerHour>(c, b, kSecondsPerHour);
}

/// Expected number of events in a while, and the mean time between two.
constexpr double operator*(PerSecond rate, Seconds t) { return rate.value() * t.value(); }
constexpr Seconds period(PerSecond rate) { return Seconds{1.0 / rate.value()}; }

// Factories, named by unit.
constexpr Nanoseconds nanoseconds(std::int64_t n) { return Nanoseconds{n}; }
constexpr Nanoseconds microseconds(std::int64_t n) { return Nanoseconds{n * 1'000}; }
constexpr Nanoseconds milliseconds(std::int64_t n) { return Nanoseconds{n * 1'000'000}; }
constexpr Nanoseconds whole_seconds(std::int64_t n) { return Nanoseconds{n * 1'000'000'000}; }
constexpr Seconds seconds(double s) { return Seconds{s}; }
constexpr Bytes bytes(std::int64_t n) { return Bytes{n}; }
constexpr Bytes kilobytes(std::int64_t n) { return Bytes{n * 1'000}; }
constexpr Bytes megabytes(std::int64_t n) { return Bytes{n * 1'000'000}; }
constexpr Bytes gigabytes(std::int64_t n) { return Bytes{n * 1'000'000'000}; }
constexpr Bytes kibibytes(std::int64_t n) { return Bytes{n * 1'024}; }
constexpr Bytes mebibytes(std::int64_t n) { return Bytes{n * 1'048'576}; }
constexpr Bytes gibibytes(std::int64_t n) { return Bytes{n * 1'073'741'824}; }
constexpr Tokens tokens(std::int64_t n) { return Tokens{n}; }
constexpr BytesPerSecond bytes_per_second(double r) { return BytesPerSecond{r}; }
constexpr BytesPerSecond gigabytes_per_second(double r) { return BytesPerSecond{r * 1e9}; }
constexpr BytesPerSecond terabytes_per_second(double r) { return BytesPerSecond{r * 1e12}; }
constexpr Flops flops(double n) { return Flops{n}; }
constexpr FlopsPerSecond flops_per_second(double r) { return FlopsPerSecond{r}; }
constexpr FlopsPerSecond teraflops_per_second(double r) { return FlopsPerSecond{r * 1e12}; }
constexpr Watts watts(double p) { return Watts{p}; }
constexpr Joules joules(double e) { return Joules{e}; }
constexpr Joules kilowatt_hours(double e) { return Joules{e * kJoulesPerKwh}; }
constexpr PerSecond per_second(double r) { return PerSecond{r}; }
constexpr Usd usd(double m) { return Usd{m}; }
constexpr UsdPerHour usd_per_hour(double m) { return UsdPerHour{m}; }
constexpr UsdPerKwh usd_per_kwh(double m) { return UsdPerKwh{m}; }
constexpr JoulesPerByte joules_per_byte(double e) { return JoulesPerByte{e}; }
constexpr Kilograms kilograms(double m) { return Kilograms{m}; }
constexpr KgPerKwh kg_per_kwh(double c) { return KgPerKwh{c}; }

constexpr Seconds to_seconds(Nanoseconds t) {
  return Seconds{static_cast<double>(t.value()) / 1e9};
}

/// The first whole nanosecond at or after `t`; exact for products below 2^53 ns (104 days).
/// Saturates at the int64 limits.
constexpr Nanoseconds ceil_to_ns(Seconds t) {
  const double ns = t.value() * 1e9;
  if (!(ns < 9.2e18)) return Nanoseconds{INT64_MAX};
  if (ns < -9.2e18) return Nanoseconds{INT64_MIN};
  const auto whole = static_cast<std::int64_t>(ns);
  return Nanoseconds{whole + (static_cast<double>(whole) < ns ? 1 : 0)};
}

}  // namespace tiercast
