#include "tests/config/schema_validator.hpp"

#include <algorithm>
#include <regex>
#include <set>
#include <stdexcept>

namespace tiercast::tests {
namespace {

using nlohmann::json;

bool has_type(const json& value, const std::string& type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "integer") return value.is_number_integer();
  if (type == "number") return value.is_number();
  if (type == "boolean") return value.is_boolean();
  if (type == "null") return value.is_null();
  throw std::runtime_error("unknown type " + type);
}

long count_valid(const json& value, const json& schemas, const json& root) {
  return std::count_if(schemas.begin(), schemas.end(),
                       [&](const json& one) { return is_valid(value, one, root); });
}

bool check_object(const json& value, const json& schema, const json& root) {
  if (!value.is_object()) return true;
  const json properties = schema.value("properties", json::object());
  const json others = schema.value("additionalProperties", json(true));
  for (const auto& [key, member] : value.items()) {
    if (properties.contains(key)) {
      if (!is_valid(member, properties.at(key), root)) return false;
    } else if (others.is_boolean() ? !others.get<bool>() : !is_valid(member, others, root)) {
      return false;
    }
  }
  for (const json& name : schema.value("required", json::array())) {
    if (!value.contains(name.get<std::string>())) return false;
  }
  return value.size() >= schema.value("minProperties", std::size_t{0});
}

bool check_array(const json& value, const json& schema, const json& root) {
  if (!value.is_array()) return true;
  if (value.size() < schema.value("minItems", std::size_t{0})) return false;
  if (value.size() > schema.value("maxItems", value.size())) return false;
  return !schema.contains("items") ||
         std::all_of(value.begin(), value.end(),
                     [&](const json& item) { return is_valid(item, schema.at("items"), root); });
}

bool check_number(const json& value, const json& schema) {
  if (!value.is_number()) return true;
  const double number = value.get<double>();
  return !(schema.contains("minimum") && number < schema.at("minimum")) &&
         !(schema.contains("maximum") && number > schema.at("maximum")) &&
         !(schema.contains("exclusiveMinimum") && number <= schema.at("exclusiveMinimum")) &&
         !(schema.contains("exclusiveMaximum") && number >= schema.at("exclusiveMaximum"));
}

bool check_string(const json& value, const json& schema) {
  if (!value.is_string()) return true;
  const std::string text = value.get<std::string>();
  if (text.size() < schema.value("minLength", std::size_t{0})) return false;
  return !schema.contains("pattern") ||
         std::regex_search(text, std::regex(schema.at("pattern").get<std::string>()));
}

bool check_type(const json& value, const json& schema) {
  if (!schema.contains("type")) return true;
  const json& type = schema.at("type");
  if (type.is_string()) return has_type(value, type);
  return std::any_of(type.begin(), type.end(),
                     [&](const json& one) { return has_type(value, one); });
}

bool check_combinations(const json& value, const json& schema, const json& root) {
  const auto size = [&](const char* word) { return static_cast<long>(schema.at(word).size()); };
  if (schema.contains("allOf") && count_valid(value, schema.at("allOf"), root) != size("allOf")) {
    return false;
  }
  if (schema.contains("anyOf") && count_valid(value, schema.at("anyOf"), root) == 0) return false;
  if (schema.contains("oneOf") && count_valid(value, schema.at("oneOf"), root) != 1) return false;
  if (schema.contains("not") && is_valid(value, schema.at("not"), root)) return false;
  return !(schema.contains("if") && is_valid(value, schema.at("if"), root)) ||
         is_valid(value, schema.at("then"), root);
}

void refuse_unknown_words(const json& schema) {
  static const std::set<std::string> known = {"$schema",
                                              "$ref",
                                              "title",
                                              "description",
                                              "default",
                                              "definitions",
                                              "type",
                                              "properties",
                                              "required",
                                              "additionalProperties",
                                              "minProperties",
                                              "items",
                                              "minItems",
                                              "maxItems",
                                              "minimum",
                                              "maximum",
                                              "exclusiveMinimum",
                                              "exclusiveMaximum",
                                              "pattern",
                                              "minLength",
                                              "enum",
                                              "const",
                                              "allOf",
                                              "anyOf",
                                              "oneOf",
                                              "not",
                                              "if",
                                              "then"};
  for (const auto& [word, ignored] : schema.items()) {
    if (!known.contains(word)) throw std::runtime_error("unknown word " + word);
  }
}

}  // namespace

json to_json(const Node& node) {
  static const std::regex integer("[-+]?[0-9]+");
  static const std::regex number("[-+]?(\\.[0-9]+|[0-9]+(\\.[0-9]*)?)([eE][-+]?[0-9]+)?");
  json result;
  switch (node.kind) {
    case NodeKind::null:
      return nullptr;
    case NodeKind::scalar:
      if (node.quoted) return node.text;
      if (node.text == "true" || node.text == "false") return node.text == "true";
      if (std::regex_match(node.text, integer)) return std::stoll(node.text);
      if (std::regex_match(node.text, number)) return std::stod(node.text);
      return node.text;
    case NodeKind::list:
      result = json::array();
      for (const Node& item : node.items) result.push_back(to_json(item));
      return result;
    case NodeKind::map:
      result = json::object();
      for (const NodeEntry& entry : node.entries) result[entry.key] = to_json(entry.value);
      return result;
  }
  return result;
}

bool is_valid(const json& value, const json& schema, const json& root) {
  refuse_unknown_words(schema);
  if (schema.contains("$ref")) {
    const std::string path = schema.at("$ref").get<std::string>().substr(1);
    return is_valid(value, root.at(json::json_pointer(path)), root);
  }
  if (schema.contains("const") && value != schema.at("const")) return false;
  if (schema.contains("enum")) {
    const json& allowed = schema.at("enum");
    if (std::find(allowed.begin(), allowed.end(), value) == allowed.end()) return false;
  }
  return check_type(value, schema) && check_object(value, schema, root) &&
         check_array(value, schema, root) && check_number(value, schema) &&
         check_string(value, schema) && check_combinations(value, schema, root);
}

}  // namespace tiercast::tests
