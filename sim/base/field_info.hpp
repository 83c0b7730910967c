#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "sim/base/node.hpp"
#include "sim/base/quantity.hpp"

/// The untyped half of field tables: what parser, JSON Schema, `explain`, reference docs and
/// did-you-mean all read. Rooms declare tables through field_table.hpp.
namespace tiercast {

class Table;
class Reader;
using TableRef = const Table& (*)();

enum class Shape {
  integer,
  quantity,  ///< a number with its dimension's unit; dimensionless: a plain number or percent
  boolean,
  text,
  choice,      ///< one of fixed names
  list,        ///< of `element`
  named,       ///< a map from free names to `element`
  object,      ///< `tables[0]`
  one_of,      ///< a map with a single key, the name of one of `tables`, or a short form
  figure,      ///< a quantity with kind and source
  parameters,  ///< the keys of an object that no other field takes
};

struct ChoiceInfo {
  std::string name;
  std::string meaning;
};

/// Names that exist but do not fit a field, and what is told to someone who gives one.
struct UnfitNames {
  std::function<std::vector<std::string>()> names = {};
  std::string why = {};  ///< follows the name
  std::string hint = {};
};

struct ValueType {
  Shape shape = Shape::text;
  Dimension dimension = Dimension::dimensionless;
  std::int64_t lowest = 0;  ///< integer: what the C++ type holds
  std::int64_t highest = 0;
  std::vector<ChoiceInfo> choices = {};
  std::vector<ValueType> element = {};  ///< list, named: exactly one
  std::vector<TableRef> tables = {};
  std::function<std::vector<std::string>()> names = {};  ///< text: the names allowed, when not free
  UnfitNames unfit = {};                                 ///< text with names: none of those

  /// The names a choice, a one-of or a text with names may take.
  std::vector<std::string> allowed_names() const;
};

/// A limit in the base unit of the field (seconds, bytes, ...), `text` as shown to people.
struct Bound {
  double value = 0;
  bool open = false;  ///< the bound itself is outside
  std::string text = {};
};

enum class Presence {
  unset,  ///< a table refuses such a field
  required,
  defaulted,  ///< `fallback` is read as if it had been written
  optional,   ///< `fallback` says in words what absence means
};

/// What another product or section calls a field, for the hint to someone who writes that.
struct Alias {
  std::string name;
  std::string here;  ///< the field as it is written here
};

struct FieldInfo {
  std::string name = {};
  std::string meaning = {};
  ValueType type = {};
  Presence presence = Presence::unset;
  std::string fallback = {};
  std::optional<Bound> low = {};
  std::optional<Bound> high = {};
  std::size_t fewest = 0;  ///< list, named: smallest number of entries
  std::vector<Alias> aliases = {};
};

/// Checks that a field is well declared (a bug otherwise) and completes its bounds.
void complete_field(FieldInfo& info);

/// Where a field is read from, where its resolved form goes, and the rules for it.
struct ReadSite {
  Reader& reader;
  const FieldInfo& field;
  const ValueType& type;
  const Node& given;
  Node& resolved;
};

/// How sure a catalogue figure is, most certain first.
enum class FigureKind {
  measured,
  datasheet,
  derived,
  estimate,  ///< carries a range
  scenario,  ///< the user's own, given in place
};
std::string_view name_of(FigureKind kind);

/// A policy's or preset's parameters, checked against FieldInfos that are known at run time only.
/// Counted quantities (time in ns, bytes, tokens) are integers, measured ones doubles.
struct ParameterValue {
  std::string name;
  std::variant<std::int64_t, double, bool, std::string> value;
};
struct ParameterValues {
  std::vector<ParameterValue> values;  ///< in the order of the parameter table

  const ParameterValue* find(std::string_view name) const;
};

/// A field table without its C++ type: a name, a meaning, fields in order, rules between them.
class Table {
 public:
  struct Group {
    std::vector<std::string> names;
    bool exactly_one = true;  ///< otherwise: at most one
  };

  const std::string& name() const { return name_; }
  const std::string& meaning() const { return meaning_; }
  const std::vector<FieldInfo>& fields() const { return infos_; }
  const FieldInfo* find(std::string_view field) const;
  std::vector<std::string> field_names() const;
  /// Takes keys beyond its fields, as parameters.
  bool has_rest() const;
  /// The field that a bare scalar stands for, or empty.
  const std::string& shorthand() const { return shorthand_; }
  /// The catalogue that the field `catalogue_key()` names an entry of, or empty.
  const std::string& catalogue() const { return catalogue_; }
  const std::string& catalogue_key() const { return catalogue_key_; }
  const std::vector<Group>& groups() const { return groups_; }
  std::vector<std::string> rule_messages() const;

 protected:
  using ReadField = std::function<bool(void* spec, const ReadSite& site)>;
  struct Rule {
    std::string message;
    std::function<bool(const void* spec)> holds;
    std::function<std::string(const void* spec)> found;  ///< the numbers at odds; may be empty
  };

  Table(std::string name, std::string meaning)
      : name_(std::move(name)), meaning_(std::move(meaning)) {}
  void add_field(FieldInfo info, ReadField read);

  std::string name_;
  std::string meaning_;
  std::vector<FieldInfo> infos_;
  std::vector<ReadField> reads_;
  std::string shorthand_;
  std::string catalogue_;
  std::string catalogue_key_;
  std::vector<Group> groups_;
  std::vector<Rule> rules_;

  friend class Reader;
};

/// The field at a dotted path below `table` (list indices and free names included), or why there is
/// none. A path may end inside a figure (`.value`).
struct FieldLookup {
  const FieldInfo* field = nullptr;
  std::string error;
  std::string hint;
};
FieldLookup find_field(const Table& table, std::string_view path);

/// `integer`, `time (e.g. 250us)`, `one of hash, adaptive`, ... for documentation and messages.
std::string describe(const ValueType& type);
/// `above 0B/s and at most 10TB/s`, or empty.
std::string describe_range(const FieldInfo& field);

}  // namespace tiercast
