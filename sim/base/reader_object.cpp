#include <algorithm>
#include <span>
#include <utility>

#include "sim/base/check.hpp"
#include "sim/base/reader.hpp"
#include "sim/base/table_tree.hpp"
#include "sim/base/text.hpp"

namespace tiercast {
namespace {

constexpr int kLongestUseChain = 8;

bool given(const Node* node) { return node != nullptr && !node->is_null(); }

std::string default_hint(const FieldInfo& field) {
  if (field.presence == Presence::defaulted) {
    return "leave the key away to get the default, " + field.fallback;
  }
  return "expected " + describe(field.type);
}

/// Empty where `key` is no other name for a field.
std::string alias_hint(const Table& table, const std::string& key) {
  for (const FieldInfo& field : table.fields()) {
    for (const Alias& alias : field.aliases) {
      if (alias.name == key) return "here it is called `" + alias.here + "`";
    }
  }
  return {};
}

std::string key_hint(const Table& table, const std::string& key) {
  const std::string hint = alias_hint(table, key);
  return hint.empty() ? name_hint(key, table.field_names()) : hint;
}

// Whether an object is the entry that a flag to something in it has added to a list.
bool added_by_flag(const Node& object, std::span<const std::string> path) {
  return object.origin == Origin::set_flag && object.place.line == 0 && path.size() > 1 &&
         path.back().find_first_not_of("0123456789") == std::string::npos;
}

std::string added_hint(const std::string& needed, std::span<const std::string> path) {
  return quote(join(path.first(path.size() - 1), ".")) + " has " + path.back() +
         " entries, counted from 0: a new one needs " + quote(needed);
}

}  // namespace

bool Reader::object(const Table& table, const Node& given_node, Node& resolved, void* spec) {
  Node node = spelled_out(table, given_node);
  if (!node.is_map()) {
    return fail(node.place, node.is_null() ? "has no value" : "expected a mapping",
                "keys of " + table.name() + ": " + join(table.field_names()));
  }
  if (!table.catalogue().empty() && !expand_catalogue(table, node, 0)) return false;
  resolved = Node::map(node.place, node.origin);
  bool good = check_keys(table, node);
  good &= read_fields(table, node, resolved, spec);
  good &= check_groups(table, node);
  if (!good) return false;
  for (const Table::Rule& rule : table.rules_) {
    if (rule.holds(spec)) continue;
    good = fail(node.place, rule.found ? rule.message + ": " + rule.found(spec) : rule.message);
  }
  return good;
}

bool Reader::expand_catalogue(const Table& table, Node& object, int depth) {
  const std::string& key = table.catalogue_key();
  const Node* use = object.find(key);
  if (!catalogue_ || use == nullptr || !use->is_scalar() || use->text.empty()) return true;
  const Node* entry = catalogue_(table.catalogue(), use->text, use->place);
  if (entry == nullptr) return false;
  if (depth >= kLongestUseChain) {
    return fail(use->place, "catalogue entries build on each other in a circle");
  }
  Node base = *entry;
  const Node* next = base.find(key);
  // An entry that states its own name does not build on another one.
  const bool chained = next != nullptr && next->text != use->text;
  if (chained && !expand_catalogue(table, base, depth + 1)) return false;
  if (!base.is_map()) return fail(entry->place, "a catalogue entry must be a mapping");
  const Node name = *use;
  Node overlay = object;
  overlay.erase(key);  // else it would read as naming another entry, which replaces all
  object = merge_by_table(table, base, overlay);
  object.set(key, name);
  return true;
}

bool Reader::check_keys(const Table& table, const Node& object) {
  if (table.has_rest()) return true;
  bool good = true;
  for (const NodeEntry& entry : object.entries) {
    if (table.find(entry.key) != nullptr) continue;
    good = fail(entry.key_place, "unknown key " + quote(entry.key), key_hint(table, entry.key));
  }
  return good;
}

bool Reader::check_groups(const Table& table, const Node& object) {
  bool good = true;
  for (const Table::Group& group : table.groups()) {
    const auto count = std::count_if(group.names.begin(), group.names.end(),
                                     [&](const auto& name) { return given(object.find(name)); });
    if (count == 1 || (count == 0 && !group.exactly_one)) continue;
    good =
        fail(object.place, (group.exactly_one ? "needs exactly one of " : "takes at most one of ") +
                               join(group.names));
  }
  return good;
}

const Node* Reader::value_of(const FieldInfo& field, const Node& object, Node& resolved, Node& made,
                             bool& good) {
  const Node* value = object.find(field.name);
  if (given(value)) return value;
  if (field.presence == Presence::optional) {
    Node absent;
    absent.place = value != nullptr ? value->place : object.place;
    absent.origin = value != nullptr ? value->origin : Origin::default_value;
    absent.note = field.fallback;
    resolved.set(field.name, std::move(absent));
    return nullptr;
  }
  if (value == nullptr && field.presence == Presence::defaulted) {
    made = default_node(field.fallback, object.place);
    return &made;
  }
  const std::string hint = value == nullptr && added_by_flag(object, path_)
                               ? added_hint(field.name, path_)
                               : default_hint(field);
  const Step step(*this, field.name);
  good = value == nullptr ? fail(object.place, "is missing: " + field.meaning, hint)
                          : fail(value->place, "has no value", hint);
  return nullptr;
}

bool Reader::read_fields(const Table& table, const Node& object, Node& resolved, void* spec) {
  bool good = true;
  for (std::size_t i = 0; i < table.infos_.size(); ++i) {
    const FieldInfo& field = table.infos_[i];
    if (field.type.shape == Shape::parameters) {
      good &= read_rest(table, i, object, resolved, spec);
      continue;
    }
    Node made;
    const Node* value = value_of(field, object, resolved, made, good);
    if (value == nullptr) continue;
    const Step step(*this, field.name);
    Node into;
    const bool read = table.reads_[i](spec, {*this, field, field.type, *value, into});
    // A default object may name a catalogue entry, which is input; any other default is ours.
    TIERCAST_CHECK(read || value != &made || field.type.shape == Shape::object,
                   "default {} of {}.{} is not valid", field.fallback, table.name(), field.name);
    good &= read;
    resolved.set(field.name, std::move(into));
  }
  return good;
}

bool Reader::read_rest(const Table& table, std::size_t index, const Node& object, Node& resolved,
                       void* spec) {
  Node rest = Node::map(object.place, object.origin);
  bool good = true;
  for (const NodeEntry& entry : object.entries) {
    if (table.find(entry.key) != nullptr) continue;
    if (const std::string hint = alias_hint(table, entry.key); !hint.empty()) {
      good = fail(entry.key_place, "unknown key " + quote(entry.key), hint);
    } else {
      rest.entries.push_back(entry);
    }
  }
  const FieldInfo& field = table.infos_[index];
  return table.reads_[index](spec, {*this, field, field.type, rest, resolved}) && good;
}

bool Reader::parameters(const ReadSite& site, const std::vector<FieldInfo>& infos,
                        ParameterValues& out) {
  bool good = true;
  std::vector<std::string> names;
  for (const FieldInfo& info : infos) names.push_back(info.name);
  for (const NodeEntry& entry : site.given.entries) {
    if (std::find(names.begin(), names.end(), entry.key) != names.end()) continue;
    good = fail(entry.key_place, "unknown parameter " + quote(entry.key),
                names.empty() ? "it takes no parameters" : name_hint(entry.key, names));
  }
  out.values.clear();
  for (const FieldInfo& info : infos) {
    Node made;
    const Node* value = value_of(info, site.given, site.resolved, made, good);
    if (value == nullptr) continue;
    const Step step(*this, info.name);
    Node into;
    ParameterValue read{info.name, {}};
    if (parameter({*this, info, info.type, *value, into}, read)) {
      out.values.push_back(std::move(read));
    } else {
      good = false;
    }
    site.resolved.set(info.name, std::move(into));
  }
  return good;
}

bool Reader::parameter(const ReadSite& site, ParameterValue& out) {
  switch (site.type.shape) {
    case Shape::integer:
      return integer(site, out.value.emplace<std::int64_t>());
    case Shape::boolean:
      return boolean(site, out.value.emplace<bool>());
    case Shape::text:
      return text(site, out.value.emplace<std::string>());
    case Shape::quantity: {
      Quantity read;
      if (!quantity(site, read)) return false;
      if (is_counted(read.dimension)) {
        out.value = read.count;
      } else {
        out.value = read.si;
      }
      return true;
    }
    case Shape::choice: {
      std::size_t index = 0;
      if (!choice(site, index)) return false;
      out.value = site.type.choices[index].name;
      return true;
    }
    default:
      TIERCAST_CHECK(false, "parameter {} has a shape that parameters cannot have", out.name);
  }
}

}  // namespace tiercast
