#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "sim/config/table_docs.hpp"
#include "sim/config/table_walk.hpp"

namespace tiercast::config {
namespace {

using Json = nlohmann::ordered_json;

std::string escaped(const std::string& unit) {
  std::string result;
  for (const char c : unit) {
    if (c == '/') result += '\\';
    result += c;
  }
  return result;
}

/// A regular expression for numbers with the dimension's units.
std::string pattern_of(Dimension dimension) {
  std::string units;
  bool bare = false;
  for (const std::string& unit : unit_names(dimension)) {
    bare |= unit.empty();
    if (!unit.empty()) units += (units.empty() ? "" : "|") + escaped(unit);
  }
  return "^ *[-+]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][-+]?[0-9]+)? *(" + units + ")" +
         (bare ? "?" : "") + " *$";
}

class SchemaWriter {
 public:
  explicit SchemaWriter(const Table& root) : walk_(root) {}

  Json write(const std::string& title) {
    Json schema = {{"$schema", "http://json-schema.org/draft-07/schema#"}, {"title", title}};
    schema.update(reference(*walk_.entries().front().table));
    for (const TableWalk::Entry& entry : walk_.entries()) {
      schema["definitions"][entry.name] = definition(*entry.table);
    }
    return schema;
  }

 private:
  Json reference(const Table& table) const {
    // allOf, because draft-07 ignores whatever stands beside a $ref.
    return {{"allOf", Json::array({{{"$ref", "#/definitions/" + walk_.name_of(table)}}})}};
  }

  Json definition(const Table& table) const {
    Json object = {{"type", "object"}, {"description", table.meaning()}};
    Json required = Json::array();
    for (const FieldInfo& field : table.fields()) {
      if (field.type.shape == Shape::parameters) continue;
      object["properties"][field.name] = property(field);
      // What a catalogue entry gives need not be given again.
      if (field.presence == Presence::required && table.catalogue().empty()) {
        required.push_back(field.name);
      }
    }
    if (!required.empty()) object["required"] = required;
    object["additionalProperties"] = table.has_rest();
    add_groups(table, object);
    if (table.shorthand().empty()) return object;
    Json scalar = schema_of(table.find(table.shorthand())->type, *table.find(table.shorthand()));
    return {{"anyOf", Json::array({std::move(object), std::move(scalar)})}};
  }

  static void add_groups(const Table& table, Json& object) {
    Json rules = Json::array();
    for (const Table::Group& group : table.groups()) {
      const bool needed = group.exactly_one && table.catalogue().empty();
      Json choices = Json::array();
      for (const std::string& name : group.names) {
        choices.push_back({{"required", Json::array({name})}});
      }
      if (!needed) choices.push_back({{"not", {{"anyOf", choices}}}});
      rules.push_back({{"oneOf", std::move(choices)}});
    }
    if (!rules.empty()) object["allOf"] = std::move(rules);
  }

  Json property(const FieldInfo& field) const {
    Json schema = schema_of(field.type, field);
    if (field.presence == Presence::optional) {
      schema = {{"anyOf", Json::array({std::move(schema), {{"type", "null"}}})}};
    }
    std::string description = field.meaning;
    if (const std::string range = describe_range(field); !range.empty()) {
      description += " Must be " + range + '.';
    }
    if (field.presence == Presence::optional)
      description += " When absent: " + field.fallback + '.';
    if (field.presence == Presence::defaulted) schema["default"] = field.fallback;
    schema["description"] = std::move(description);
    return schema;
  }

  static void add_range(const FieldInfo& field, Json& schema) {
    if (field.low) schema[field.low->open ? "exclusiveMinimum" : "minimum"] = field.low->value;
    if (field.high) schema[field.high->open ? "exclusiveMaximum" : "maximum"] = field.high->value;
  }

  static Json quantity(Dimension dimension, const FieldInfo& field) {
    Json schema = {{"type", "string"}, {"pattern", pattern_of(dimension)}};
    // Plain numbers arrive as numbers, to which the pattern does not apply but the range does.
    if (dimension == Dimension::dimensionless) schema["type"] = {"number", "string"};
    if (dimension == Dimension::tokens) schema["type"] = {"integer", "string"};
    if (schema["type"].is_array()) add_range(field, schema);
    return schema;
  }

  static Json figure(Dimension dimension, const FieldInfo& field) {
    const Json value = quantity(dimension, field);
    Json object = {{"type", "object"}, {"additionalProperties", false}};
    object["required"] = {"value", "kind", "source"};
    object["properties"]["value"] = value;
    object["properties"]["kind"]["enum"] = {"measured", "datasheet", "derived", "estimate"};
    object["properties"]["source"] = {{"type", "string"}, {"minLength", 1}};
    object["properties"]["range"] = {
        {"type", {"array", "null"}}, {"items", value}, {"minItems", 2}, {"maxItems", 2}};
    object["if"]["properties"]["kind"]["const"] = "estimate";
    object["then"]["required"] = {"range"};
    return {{"anyOf", Json::array({value, std::move(object)})}};
  }

  static bool needs_nothing(const Table& table) {
    return std::none_of(table.fields().begin(), table.fields().end(), [](const FieldInfo& field) {
      return field.presence == Presence::required;
    });
  }

  Json one_of(const ValueType& type) const {
    Json choices = Json::array();
    Json bare_names = Json::array();
    bool short_form = false;
    for (const TableRef alternative : type.tables) {
      const Table& table = alternative();
      Json object = {{"type", "object"}, {"additionalProperties", false}};
      object["required"] = {table.name()};
      Json inner = Json::array({reference(table)});
      if (needs_nothing(table)) {
        inner.push_back({{"type", "null"}});
        bare_names.push_back(table.name());
      }
      object["properties"][table.name()] = {{"anyOf", std::move(inner)}};
      choices.push_back(std::move(object));
      if (short_form || table.shorthand().empty()) continue;
      const FieldInfo& field = *table.find(table.shorthand());
      choices.push_back(schema_of(field.type, field));
      short_form = true;
    }
    if (!bare_names.empty()) choices.push_back({{"enum", std::move(bare_names)}});
    return {{"anyOf", std::move(choices)}};
  }

  Json schema_of(const ValueType& type, const FieldInfo& field) const {
    switch (type.shape) {
      case Shape::integer: {
        Json schema = {{"type", "integer"}, {"minimum", type.lowest}, {"maximum", type.highest}};
        if (field.low && !field.low->open) schema.erase("minimum");
        if (field.high && !field.high->open) schema.erase("maximum");
        add_range(field, schema);
        return schema;
      }
      case Shape::quantity:
        return quantity(type.dimension, field);
      case Shape::boolean:
        return {{"type", "boolean"}};
      case Shape::text:
        if (type.names) return {{"enum", type.allowed_names()}};
        return {{"type", {"string", "number", "boolean"}}, {"minLength", 1}};
      case Shape::choice:
        return {{"enum", type.allowed_names()}};
      case Shape::list: {
        Json schema = {{"type", "array"}, {"items", schema_of(type.element.front(), field)}};
        if (field.fewest > 0) schema["minItems"] = field.fewest;
        return schema;
      }
      case Shape::named: {
        Json schema = {{"type", "object"}};
        schema["additionalProperties"] = schema_of(type.element.front(), field);
        if (field.fewest > 0) schema["minProperties"] = field.fewest;
        return schema;
      }
      case Shape::object:
        return reference(type.tables.front()());
      case Shape::one_of:
        return one_of(type);
      case Shape::figure:
        return figure(type.dimension, field);
      case Shape::parameters:
        break;
    }
    return Json::object();
  }

  TableWalk walk_;
};

}  // namespace

std::string emit_json_schema(const Table& table, const std::string& title) {
  return SchemaWriter(table).write(title).dump(2) + '\n';
}

}  // namespace tiercast::config
