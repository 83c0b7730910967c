#pragma once

#include <concepts>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sim/base/field_info.hpp"
#include "sim/base/field_type.hpp"
#include "sim/base/reader.hpp"

// clang-format off
/// Field tables: each room owns its spec struct and one table, a line a field, and everything that
/// needs to know about a field reads that line (parser, JSON Schema, explain, reference,
/// did-you-mean).
///
///     enum class Routing { hash, adaptive };
///     inline std::vector<Choice<Routing>> choices(Routing) {  // beside the enum
///       return {{"hash", Routing::hash, "a flow keeps one path"},
///               {"adaptive", Routing::adaptive, "packets spread over all paths"}};
///     }
///
///     struct LinkSpec {  // in the room's header
///       std::string use;
///       Figure<BytesPerSecond> bandwidth;
///       Nanoseconds latency;
///       Routing routing{};
///       std::optional<Bytes> buffer;
///       std::vector<std::string> ports;
///       static const FieldTable<LinkSpec>& fields();  // `template <class> class FieldTable;`
///     };
///
///     const FieldTable<LinkSpec>& LinkSpec::fields() {  // in the room's .cpp
///       using namespace table;
///       using S = LinkSpec;
///       static const auto table = FieldTable<S>("link", "A link between two ports.", {
///           field("use", &S::use, by_default(""), "Catalogue entry to start from."),
///           field("bandwidth", &S::bandwidth, required, above(0), "Bytes a second, each way."),
///           field("latency", &S::latency, by_default("500ns"), at_least(0), "Propagation, one way."),
///           field("routing", &S::routing, by_default("hash"), "How flows choose a path."),
///           field("buffer", &S::buffer, absent_means("unbounded"), at_least("1kB"), "Queue."),
///           field("ports", &S::ports, by_default("[]"), "Names of the ports."),
///       }).catalogue("links").shorthand("use");
///       return table;
///     }
///
/// The C++ type of the member decides how it is read:
///   bool, integers, double (dimensionless, percent allowed), std::string; unit types; enums with
///   `choices`; Figure<Unit> and Figure<double> (catalogue figures); specs with `fields()`
///   (nested objects); std::optional<T> (absent or null); std::vector<T> (lists);
///   std::map<std::string, T> (free names); std::variant<A, B> of specs (a map with one key, the
///   name of A's or B's table; that name alone; or a scalar for the first with a shorthand);
///   ParameterValues (see `rest`).
/// Every field says whether it is `required`, has a default (`by_default`, any text a user could
/// write; `[]`, `[a, b]` and `{}` too) or may be left out (`absent_means`, optionals and figures of
/// them only). Figures have no default: the catalogue states them.
// clang-format on
namespace tiercast {

/// The words of a table's lines: `using namespace table;` where tables are declared.
namespace table {

struct Required {};
inline constexpr Required required{};
struct ByDefault {
  std::string text;
};
inline ByDefault by_default(std::string text) { return {std::move(text)}; }
struct AbsentMeans {
  std::string text;
};
inline AbsentMeans absent_means(std::string text) { return {std::move(text)}; }

struct Low {
  Bound bound;
};
struct High {
  Bound bound;
};
struct Between {
  Bound low;
  Bound high;
};
/// Bounds are numbers in the base unit (seconds, bytes, watts) or texts with a unit; they hold for
/// each element of a list.
inline Bound bound(double value, bool open) { return {value, open, {}}; }
inline Bound bound(std::string text, bool open) { return {0, open, std::move(text)}; }
template <class T>
Low above(T value) {
  return {bound(value, true)};
}
template <class T>
Low at_least(T value) {
  return {bound(value, false)};
}
template <class T>
High below(T value) {
  return {bound(value, true)};
}
template <class T>
High at_most(T value) {
  return {bound(value, false)};
}
template <class T>
Between between(T low, T high) {
  return {bound(low, false), bound(high, false)};
}
struct Fewest {
  std::size_t count;
};
/// Lists and maps of free names: at least so many entries.
inline Fewest fewest(std::size_t count) { return {count}; }
struct NamesFrom {
  std::function<std::vector<std::string>()> names;
};
/// Text: must be one of the names that `names` gives when asked (a registry, say).
inline NamesFrom names_from(std::function<std::vector<std::string>()> names) {
  return {std::move(names)};
}

/// Text with names: others that exist as well, `why` they are not allowed, as a predicate that
/// follows the name, and the way out.
inline UnfitNames unfit(std::function<std::vector<std::string>()> names, std::string why,
                        std::string hint) {
  return {std::move(names), std::move(why), std::move(hint)};
}

/// Another product's name for the field, or another section's; `here` where it is not this field but one below it.
inline Alias also_called(std::string name, std::string here = {}) {
  return {std::move(name), std::move(here)};
}

namespace words {
inline void apply(FieldInfo& info, Required) { info.presence = Presence::required; }
inline void apply(FieldInfo& info, ByDefault word) {
  info.presence = Presence::defaulted;
  info.fallback = std::move(word.text);
}
inline void apply(FieldInfo& info, AbsentMeans word) {
  info.presence = Presence::optional;
  info.fallback = std::move(word.text);
}
inline void apply(FieldInfo& info, Low word) { info.low = std::move(word.bound); }
inline void apply(FieldInfo& info, High word) { info.high = std::move(word.bound); }
inline void apply(FieldInfo& info, Between word) {
  info.low = std::move(word.low);
  info.high = std::move(word.high);
}
inline void apply(FieldInfo& info, Fewest word) { info.fewest = word.count; }
inline void apply(FieldInfo& info, NamesFrom word) {
  ValueType* type = &info.type;
  while (!type->element.empty()) type = &type->element.front();
  type->names = std::move(word.names);
}
inline void apply(FieldInfo& info, UnfitNames word) { info.type.unfit = std::move(word); }
inline void apply(FieldInfo& info, Alias word) {
  if (word.here.empty()) word.here = info.name;
  info.aliases.push_back(std::move(word));
}
inline void apply(FieldInfo& info, const char* meaning) { info.meaning = meaning; }
}  // namespace words

template <class S>
struct Field {
  FieldInfo info;
  std::function<bool(S& spec, const ReadSite& site)> read;
};

/// A line of a table: name, member, then presence, range and meaning in any order.
template <class S, class T, class... Words>
Field<S> field(const char* name, T S::*member, Words... words) {
  Field<S> result;
  result.info.name = name;
  result.info.type = detail::FieldType<T>::describe();
  (words::apply(result.info, std::move(words)), ...);
  static_assert(detail::kNullable<T> || !(std::same_as<Words, AbsentMeans> || ...),
                "only std::optional members may be left out");
  static_assert(!detail::kNullable<T> || (std::same_as<Words, AbsentMeans> || ...),
                "a std::optional member says what absence means");
  result.read = [member](S& spec, const ReadSite& site) {
    return detail::FieldType<T>::read(site, spec.*member);
  };
  return result;
}

/// Takes all keys that no other field takes, as parameters of what the spec names.
/// `infos(spec)` gives their descriptions once the other fields are read, or nullopt when the spec
/// is too wrong to tell.
template <class S, class Infos>
Field<S> rest(ParameterValues S::*member, Infos infos, const char* meaning) {
  Field<S> result;
  result.info = {.name = "*", .meaning = meaning, .type = {.shape = Shape::parameters}};
  result.info.presence = Presence::optional;
  result.read = [member, infos](S& spec, const ReadSite& site) {
    const std::optional<std::vector<FieldInfo>> known = infos(std::as_const(spec));
    return known && site.reader.parameters(site, *known, spec.*member);
  };
  return result;
}

/// A parameter for `rest`: `parameter<double>("small", by_default("0.1"), between(0, 1), "...")`.
template <class T, class... Words>
FieldInfo parameter(std::string name, Words... words) {
  FieldInfo info;
  info.name = std::move(name);
  info.type = detail::FieldType<T>::describe();
  (words::apply(info, std::move(words)), ...);
  complete_field(info);
  return info;
}

}  // namespace table

template <class S>
class FieldTable : public Table {
 public:
  FieldTable(std::string name, std::string meaning, std::vector<table::Field<S>> fields)
      : Table(std::move(name), std::move(meaning)) {
    for (auto& field : fields) {
      add_field(std::move(field.info),
                [read = std::move(field.read)](void* spec, const ReadSite& site) {
                  return read(*static_cast<S*>(spec), site);
                });
    }
  }

  /// A bare scalar stands for an object with just this field. An override that gives it replaces
  /// the whole object, because the other fields belong to what it named before; where there is a
  /// catalogue, one that names another entry does.
  FieldTable shorthand(std::string field) && {
    shorthand_ = std::move(field);
    return std::move(*this);
  }
  /// The text field `key` names an entry of this catalogue to start from; what the object gives
  /// besides goes over the entry's.
  FieldTable catalogue(std::string kind, std::string key = "use") && {
    catalogue_ = std::move(kind);
    catalogue_key_ = std::move(key);
    return std::move(*this);
  }
  /// Of these optional fields exactly one is given.
  FieldTable exactly_one(std::vector<std::string> names) && {
    groups_.push_back({std::move(names), true});
    return std::move(*this);
  }
  FieldTable at_most_one(std::vector<std::string> names) && {
    groups_.push_back({std::move(names), false});
    return std::move(*this);
  }
  /// A rule between fields, checked when each by itself is right: the message says what must hold,
  /// `found` what was found instead ("30 drives, 24 slots").
  FieldTable must(std::string message, std::function<bool(const S&)> holds,
                  std::function<std::string(const S&)> found = {}) && {
    Rule rule{std::move(message),
              [holds = std::move(holds)](const void* spec) {
                return holds(*static_cast<const S*>(spec));
              },
              {}};
    if (found) {
      rule.found = [found = std::move(found)](const void* spec) {
        return found(*static_cast<const S*>(spec));
      };
    }
    rules_.push_back(std::move(rule));
    return std::move(*this);
  }
};

}  // namespace tiercast
