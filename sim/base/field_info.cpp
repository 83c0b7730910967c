#include "sim/base/field_info.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>

#include "sim/base/check.hpp"
#include "sim/base/text.hpp"

namespace tiercast {
namespace {

Dimension bound_dimension(const ValueType& type) {
  const bool container = type.shape == Shape::list || type.shape == Shape::named;
  return container ? bound_dimension(type.element.front()) : type.dimension;
}

/// Gives a bound both its number and its text.
void complete(Bound& bound, const FieldInfo& field) {
  const Dimension dimension = bound_dimension(field.type);
  if (!bound.text.empty()) {
    const QuantityResult parsed = parse_quantity(bound.text, dimension);
    TIERCAST_CHECK(parsed, "bound {} of field {}: {}", bound.text, field.name, parsed.error);
    bound.value = parsed.quantity->si;
    return;
  }
  Quantity quantity{.dimension = dimension, .si = bound.value};
  if (is_counted(dimension)) {
    const double scale = dimension == Dimension::time ? 1e9 : 1.0;
    quantity.count = static_cast<std::int64_t>(bound.value * scale);
  }
  // format_quantity would write 100000 as 1e+05.
  const bool plain = dimension == Dimension::dimensionless && std::abs(bound.value) < 1e15 &&
                     bound.value == std::trunc(bound.value);
  bound.text =
      plain ? std::to_string(static_cast<std::int64_t>(bound.value)) : format_quantity(quantity);
}

constexpr std::array kFigureKeys = {"value", "kind", "source", "range"};

}  // namespace

std::string_view name_of(FigureKind kind) {
  switch (kind) {
    case FigureKind::measured:
      return "measured";
    case FigureKind::datasheet:
      return "datasheet";
    case FigureKind::derived:
      return "derived";
    case FigureKind::estimate:
      return "estimate";
    case FigureKind::scenario:
      return "scenario";
  }
  return "";
}

const ParameterValue* ParameterValues::find(std::string_view name) const {
  const auto at = std::find_if(values.begin(), values.end(),
                               [&](const ParameterValue& value) { return value.name == name; });
  return at != values.end() ? &*at : nullptr;
}

void complete_field(FieldInfo& info) {
  TIERCAST_CHECK(info.presence != Presence::unset,
                 "field {} must say required, by_default or absent_means", info.name);
  TIERCAST_CHECK(!info.meaning.empty(), "field {} has no meaning", info.name);
  TIERCAST_CHECK(info.presence != Presence::defaulted || info.type.shape != Shape::figure,
                 "figure {} cannot have a default: it needs a source", info.name);
  if (info.low) complete(*info.low, info);
  if (info.high) complete(*info.high, info);
}

void Table::add_field(FieldInfo info, ReadField read) {
  TIERCAST_CHECK(find(info.name) == nullptr, "table {} declares {} twice", name_, info.name);
  complete_field(info);
  infos_.push_back(std::move(info));
  reads_.push_back(std::move(read));
}

const FieldInfo* Table::find(std::string_view field) const {
  const auto at = std::find_if(infos_.begin(), infos_.end(),
                               [&](const FieldInfo& info) { return info.name == field; });
  return at != infos_.end() ? &*at : nullptr;
}

bool Table::has_rest() const {
  return std::any_of(infos_.begin(), infos_.end(),
                     [](const FieldInfo& info) { return info.type.shape == Shape::parameters; });
}

std::vector<std::string> Table::field_names() const {
  std::vector<std::string> names;
  for (const FieldInfo& info : infos_) {
    if (info.type.shape != Shape::parameters) names.push_back(info.name);
  }
  return names;
}

std::vector<std::string> Table::rule_messages() const {
  std::vector<std::string> messages;
  for (const Rule& rule : rules_) messages.push_back(rule.message);
  return messages;
}

std::vector<std::string> ValueType::allowed_names() const {
  std::vector<std::string> allowed;
  if (shape == Shape::choice) {
    for (const ChoiceInfo& choice : choices) allowed.push_back(choice.name);
  } else if (shape == Shape::one_of) {
    for (const TableRef table : tables) allowed.push_back(table().name());
  } else if (names) {
    allowed = names();
  }
  return allowed;
}

namespace {

/// Walks a dotted path; `type` is what has been reached.
struct Walk {
  FieldLookup found;
  const ValueType* type = nullptr;
  const Table* table = nullptr;  // set while standing on an object
  std::string path;

  bool fail(const std::string& word, std::vector<std::string> names) {
    found.field = nullptr;
    found.error = "unknown key " + quote(word) + (path.empty() ? "" : " in " + quote(path));
    found.hint = name_hint(word, names);
    return false;
  }

  void reach(const ValueType& reached) {
    type = &reached;
    table = reached.shape == Shape::object ? &reached.tables.front()() : nullptr;
  }

  bool into_table(const std::string& part) {
    const FieldInfo* field = table->find(part);
    if (field == nullptr && !table->has_rest()) return fail(part, table->field_names());
    if (field == nullptr) {
      // Any name may be a parameter; what it means is known when the scenario is read.
      field = &*std::find_if(
          table->fields().begin(), table->fields().end(),
          [](const FieldInfo& info) { return info.type.shape == Shape::parameters; });
    }
    found.field = field;
    reach(field->type);
    return true;
  }

  bool into(const std::string& part) {
    if (table != nullptr) return into_table(part);
    switch (type->shape) {
      case Shape::list: {
        std::size_t index = 0;
        const auto [end, fault] = std::from_chars(part.data(), part.data() + part.size(), index);
        if (fault != std::errc() || end != part.data() + part.size()) {
          found.error = quote(path) + " is a list: " + quote(part) + " is not an index";
          found.hint = "entries are counted from 0, e.g. " + path + ".0";
          found.field = nullptr;
          return false;
        }
        reach(type->element.front());
        return true;
      }
      case Shape::named:
        reach(type->element.front());
        return true;
      case Shape::one_of:
        for (const TableRef alternative : type->tables) {
          if (alternative().name() == part) return table = &alternative(), true;
        }
        return fail(part, type->allowed_names());
      case Shape::figure:
        for (const char* key : kFigureKeys) {
          if (part == key) return true;
        }
        return fail(part, {kFigureKeys.begin(), kFigureKeys.end()});
      default:
        found.error = quote(path) + " has no keys below it";
        found.hint = "it is " + describe(*type);
        found.field = nullptr;
        return false;
    }
  }
};

}  // namespace

FieldLookup find_field(const Table& table, std::string_view path) {
  Walk walk;
  walk.table = &table;
  for (const std::string& part : split_path(path)) {
    if (!walk.into(part)) break;
    walk.path += (walk.path.empty() ? "" : ".") + part;
  }
  return walk.found;
}

std::string describe(const ValueType& type) {
  switch (type.shape) {
    case Shape::integer:
      return "a whole number";
    case Shape::quantity:
      return std::string(name_of(type.dimension)) + " (like " +
             std::string(example_of(type.dimension)) + ")";
    case Shape::boolean:
      return "true or false";
    case Shape::text:
      return type.names ? "one of " + join(type.allowed_names()) : std::string("text");
    case Shape::choice:
      return "one of " + join(type.allowed_names());
    case Shape::list:
      return "list of " + describe(type.element.front());
    case Shape::named:
      return "names, each with " + describe(type.element.front());
    case Shape::object:
      return "keys of `" + type.tables.front()().name() + "`";
    case Shape::one_of:
      return "exactly one of the keys " + join(type.allowed_names());
    case Shape::figure:
      return std::string(name_of(type.dimension)) +
             " with kind and source (like {value: " + std::string(example_of(type.dimension)) +
             ", kind: datasheet, source: ...})";
    case Shape::parameters:
      return "parameters of what is named";
  }
  return "";
}

std::string describe_range(const FieldInfo& field) {
  std::vector<std::string> limits;
  if (field.low) limits.push_back((field.low->open ? "above " : "at least ") + field.low->text);
  if (field.high) limits.push_back((field.high->open ? "below " : "at most ") + field.high->text);
  return join(limits, " and ");
}

}  // namespace tiercast
