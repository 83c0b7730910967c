#pragma once

#include <concepts>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "sim/base/check.hpp"
#include "sim/base/field_info.hpp"
#include "sim/base/reader.hpp"

/// How the C++ type of a spec's member decides the way it is described and read; see
/// field_table.hpp for the list.
namespace tiercast {

/// A number of the catalogue with where it comes from. In a scenario a bare `3.0TB/s` stands for a
/// figure of kind `scenario`.
template <class T>
struct Figure {
  T value{};
  FigureKind kind = FigureKind::scenario;
  std::string source;
  std::optional<std::pair<T, T>> range;  ///< lowest and highest plausible; always with `estimate`
};

/// A name of an enum in documents.
template <class E>
struct Choice {
  std::string name;
  E value;
  std::string meaning;
};

/// The name that `value` has in documents.
template <class E>
std::string name_of_choice(E value) {
  for (const Choice<E>& choice : choices(E{})) {
    if (choice.value == value) return choice.name;
  }
  TIERCAST_CHECK(false, "a value without a name in its choices");
}

template <class S>
class FieldTable;

namespace detail {

template <class T>
concept Spec = requires {
  { T::fields() } -> std::same_as<const FieldTable<T>&>;
};
template <class T>
const Table& table_of() {
  return T::fields();
}

/// How a C++ type is described and read; `nullable` types may be left out.
template <class T>
struct FieldType;

template <class T>
requires(std::integral<T> && !std::same_as<T, bool>) struct FieldType<T> {
  static ValueType describe() {
    constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
    ValueType type{.shape = Shape::integer};
    type.lowest = static_cast<std::int64_t>(std::numeric_limits<T>::min());
    type.highest = std::in_range<std::int64_t>(std::numeric_limits<T>::max())
                       ? static_cast<std::int64_t>(std::numeric_limits<T>::max())
                       : kMost;
    return type;
  }
  static bool read(const ReadSite& site, T& out) {
    std::int64_t value = 0;
    if (!site.reader.integer(site, value)) return false;
    out = static_cast<T>(value);
    return true;
  }
};

template <>
struct FieldType<bool> {
  static ValueType describe() { return {.shape = Shape::boolean}; }
  static bool read(const ReadSite& site, bool& out) { return site.reader.boolean(site, out); }
};

template <>
struct FieldType<std::string> {
  static ValueType describe() { return {.shape = Shape::text}; }
  static bool read(const ReadSite& site, std::string& out) { return site.reader.text(site, out); }
};

template <>
struct FieldType<double> {
  static ValueType describe() { return {.shape = Shape::quantity}; }
  static bool read(const ReadSite& site, double& out) {
    Quantity quantity;
    if (!site.reader.quantity(site, quantity)) return false;
    out = quantity.si;
    return true;
  }
};

template <Unit T>
struct FieldType<T> {
  static ValueType describe() {
    return {.shape = Shape::quantity, .dimension = UnitTraits<T>::dimension};
  }
  static bool read(const ReadSite& site, T& out) {
    Quantity quantity;
    if (!site.reader.quantity(site, quantity)) return false;
    out = to_unit<T>(quantity);
    return true;
  }
};

template <class E>
requires std::is_enum_v<E>
struct FieldType<E> {
  static ValueType describe() {
    ValueType type{.shape = Shape::choice};
    for (const auto& choice : choices(E{})) type.choices.push_back({choice.name, choice.meaning});
    return type;
  }
  static bool read(const ReadSite& site, E& out) {
    std::size_t index = 0;
    if (!site.reader.choice(site, index)) return false;
    out = choices(E{})[index].value;
    return true;
  }
};

template <class T>
struct FieldType<Figure<T>> {
  static T convert(const Quantity& quantity) {
    if constexpr (Unit<T>) {
      return to_unit<T>(quantity);
    } else {
      return quantity.si;
    }
  }
  static ValueType describe() {
    ValueType type = FieldType<T>::describe();
    type.shape = Shape::figure;
    return type;
  }
  static bool read(const ReadSite& site, Figure<T>& out) {
    Reader::FigureParts parts;
    if (!site.reader.figure(site, parts)) return false;
    out = {convert(parts.value), parts.kind, std::move(parts.source), std::nullopt};
    if (parts.range) out.range = {convert(parts.range->first), convert(parts.range->second)};
    return true;
  }
};

template <Spec S>
struct FieldType<S> {
  static ValueType describe() { return {.shape = Shape::object, .tables = {&table_of<S>}}; }
  static bool read(const ReadSite& site, S& out) {
    return site.reader.object(S::fields(), site.given, site.resolved, &out);
  }
};

template <class T>
struct FieldType<std::optional<T>> {
  static ValueType describe() { return FieldType<T>::describe(); }
  static bool read(const ReadSite& site, std::optional<T>& out) {
    return FieldType<T>::read(site, out.emplace());
  }
};

template <class T>
struct FieldType<std::vector<T>> {
  static ValueType describe() {
    return {.shape = Shape::list, .element = {FieldType<T>::describe()}};
  }
  static bool read(const ReadSite& site, std::vector<T>& out) {
    if (!site.reader.begin_list(site)) return false;
    bool good = true;
    for (std::size_t i = 0; i < site.given.items.size(); ++i) {
      const Reader::Step step(site.reader, std::to_string(i));
      Node& resolved = site.resolved.items.emplace_back();
      T value{};
      good &= FieldType<T>::read(
          {site.reader, site.field, site.type.element.front(), site.given.items[i], resolved},
          value);
      out.push_back(std::move(value));
    }
    return good;
  }
};

template <class T>
struct FieldType<std::map<std::string, T>> {
  static ValueType describe() {
    return {.shape = Shape::named, .element = {FieldType<T>::describe()}};
  }
  static bool read(const ReadSite& site, std::map<std::string, T>& out) {
    if (!site.reader.begin_named(site)) return false;
    bool good = true;
    for (const NodeEntry& entry : site.given.entries) {
      const Reader::Step step(site.reader, entry.key);
      Node& resolved = site.resolved.set(entry.key, {});
      good &= FieldType<T>::read(
          {site.reader, site.field, site.type.element.front(), entry.value, resolved},
          out[entry.key]);
    }
    return good;
  }
};

template <Spec... S>
struct FieldType<std::variant<S...>> {
  static ValueType describe() { return {.shape = Shape::one_of, .tables = {&table_of<S>...}}; }
  static bool read(const ReadSite& site, std::variant<S...>& out) {
    std::size_t index = 0;
    Node inner;
    if (!site.reader.begin_one_of(site, index, inner)) return false;
    return read_alternative<0, S...>(site, index, inner, out);
  }

 private:
  template <std::size_t I, class First, class... Others>
  static bool read_alternative(const ReadSite& site, std::size_t index, const Node& inner,
                               std::variant<S...>& out) {
    if (index == I) {
      const std::string& name = First::fields().name();
      const Reader::Step step(site.reader, name);
      return site.reader.object(First::fields(), inner, site.resolved.set(name, {}),
                                &out.template emplace<I>());
    }
    if constexpr (sizeof...(Others) > 0) {
      return read_alternative<I + 1, Others...>(site, index, inner, out);
    } else {
      return false;
    }
  }
};

template <class T>
inline constexpr bool kNullable = false;
template <class T>
inline constexpr bool kNullable<std::optional<T>> = true;

}  // namespace detail

}  // namespace tiercast
