#include "sim/config/set_flag.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "sim/base/table_tree.hpp"
#include "sim/base/text.hpp"
#include "sim/config/document.hpp"

namespace tiercast::config {
namespace {

constexpr std::size_t kLongestPatch = 1000;
constexpr const char* kQuoteHint =
    "a shell ends the flag at a blank: put quotes round it, e.g. --set 'path={key: value}'";

/// One flag under way: the path's parts left to follow, and what to put at its end.
struct Assignment {
  Place place;
  Node value;
  std::string path;
  Diagnostics& found;

  bool refuse(const std::string& message, std::string hint = {}) const {
    found.error(place, message, std::move(hint));
    return false;
  }

  bool put(const ValueType& type, Node& at, std::span<const std::string> parts) {
    if (parts.empty()) {
      at = value;
      return true;
    }
    switch (type.shape) {
      case Shape::object:
        return into_object(type.tables.front()(), at, parts);
      case Shape::list:
        return into_list(type, at, parts);
      case Shape::one_of:
        return into_one_of(type, at, parts);
      default:
        return into_map(type, at, parts);
    }
  }

  void become_map(Node& at) const {
    if (at.is_map()) return;
    at = Node::map(place, Origin::set_flag);
  }

  Node& entry(Node& map, const std::string& key) const {
    if (Node* present = map.find(key)) return *present;
    Node fresh;
    fresh.place = place;
    fresh.origin = Origin::set_flag;
    return map.set(key, std::move(fresh));
  }

  bool into_object(const Table& table, Node& at, std::span<const std::string> parts) {
    at = spelled_out(table, at);
    become_map(at);
    const std::string& key = parts.front();
    erase_rivals(table, key, at);
    const FieldInfo* field = table.find(key);
    const bool missing = at.find(key) == nullptr;
    Node& child = entry(at, key);
    if (field == nullptr) return put({.shape = Shape::parameters}, child, parts.subspan(1));
    // An empty list may still be given by a catalogue entry: see into_list.
    const bool defaulted = field->presence == Presence::defaulted && field->fallback != "[]";
    if (missing && parts.size() > 1 && defaulted) {
      child = default_node(field->fallback, place);
    }
    return put(field->type, child, parts.subspan(1));
  }

  bool into_list(const ValueType& type, Node& at, std::span<const std::string> parts) {
    const std::string& part = parts.front();
    std::size_t index = 0;
    std::from_chars(part.data(), part.data() + part.size(), index);
    if (!at.is_list()) {
      // The list itself may come from a catalogue entry, which is read later.
      at = Node::list(place, Origin::set_flag);
      at.patch = true;
    }
    if (at.patch && index <= kLongestPatch) {
      Node absent;
      absent.place = place;
      absent.origin = Origin::set_flag;
      at.items.resize(std::max(at.items.size(), index), absent);
    }
    if (index > at.items.size()) {
      return refuse("index " + part + " is beyond the end of the list in " + quote(path),
                    "it has " + std::to_string(at.items.size()) + " entries, counted from 0");
    }
    if (index == at.items.size()) at.items.emplace_back();
    return put(type.element.front(), at.items[index], parts.subspan(1));
  }

  bool into_one_of(const ValueType& type, Node& at, std::span<const std::string> parts) {
    const std::string& name = parts.front();
    if (!at.is_map() || at.find(name) == nullptr) at = Node::map(place, Origin::set_flag);
    for (const TableRef alternative : type.tables) {
      if (alternative().name() != name) continue;
      Node& child = entry(at, name);
      if (parts.size() == 1) return put({}, child, {});
      return into_object(alternative(), child, parts.subspan(1));
    }
    return refuse("unknown key " + quote(name));
  }

  /// Free names, figures and parameters.
  bool into_map(const ValueType& type, Node& at, std::span<const std::string> parts) {
    become_map(at);
    const ValueType& inner = type.shape == Shape::named ? type.element.front() : type;
    return put(inner, entry(at, parts.front()), parts.subspan(1));
  }
};

std::optional<Node> parse_value(const std::string& text, const std::string& file,
                                Diagnostics& found) {
  Diagnostics wrong;
  wrong.add_source(file, text);
  std::optional<Node> parsed = parse_document(text, file, Origin::set_flag, wrong);
  const char first = text[text.find_first_not_of(' ')];
  for (Diagnostic one : wrong.sorted()) {
    if (first == '{' || first == '[') one.hints.emplace_back(kQuoteHint);
    found.add(std::move(one));
  }
  return wrong.has_errors() ? std::nullopt : parsed;
}

}  // namespace

bool apply_set_flag(Node& root, const Table& table, std::string_view flag, Diagnostics& found) {
  const std::string file = "--set " + printable(flag);
  const Place whole{file, 0, 0};
  const std::size_t equals = flag.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    const bool rest = flag.ends_with('}') || flag.ends_with(']');
    found.error(whole, "expected path.to.key=value",
                rest ? kQuoteHint : "e.g. --set cluster.nodes=4");
    return false;
  }
  const std::string path(flag.substr(0, equals));
  const FieldLookup lookup = find_field(table, path);
  if (lookup.field == nullptr) {
    found.error(whole, lookup.error, lookup.hint);
    return false;
  }
  // Blanks in place of the path keep the columns of the value as they are in the flag.
  found.add_source(file, std::string(flag));
  const std::string text = std::string(equals + 1, ' ') + std::string(flag.substr(equals + 1));
  Node value;
  if (text.find_first_not_of(' ') != std::string::npos) {
    std::optional<Node> parsed = parse_value(text, file, found);
    if (!parsed) return false;
    value = std::move(*parsed);
  }
  value.origin = Origin::set_flag;
  if (value.is_null()) value.place = whole;
  Assignment assignment{whole, std::move(value), path, found};
  const std::vector<std::string> parts = split_path(path);
  return assignment.into_object(table, root, parts);
}

}  // namespace tiercast::config
