#include "sim/base/table_tree.hpp"

#include <algorithm>
#include <string_view>

namespace tiercast {
namespace {

bool given(const Node* node) { return node != nullptr && !node->is_null(); }

Node merge_values(const ValueType& type, const Node& base, const Node& overlay);

Node merge_named(const ValueType& element, const Node& base, const Node& overlay) {
  Node merged = base;
  merged.place = overlay.place;
  merged.origin = overlay.origin;
  for (const NodeEntry& entry : overlay.entries) {
    if (Node* present = merged.find(entry.key)) {
      *present = merge_values(element, *present, entry.value);
    } else {
      merged.entries.push_back(entry);
    }
  }
  return merged;
}

Node patch_list(const ValueType& element, const Node& base, const Node& overlay) {
  Node merged = base;
  merged.patch = overlay.items.size() > base.items.size();  // then there may be gaps
  for (std::size_t i = 0; i < overlay.items.size(); ++i) {
    const Node& item = overlay.items[i];
    if (i >= merged.items.size()) {
      merged.items.push_back(item);
    } else if (!item.is_null()) {
      merged.items[i] = merge_values(element, merged.items[i], item);
    }
  }
  return merged;
}

Node merge_values(const ValueType& type, const Node& base, const Node& overlay) {
  if (overlay.patch && base.is_list()) return patch_list(type.element.front(), base, overlay);
  if (type.shape == Shape::object) return merge_by_table(type.tables.front()(), base, overlay);
  const bool maps = base.is_map() && overlay.is_map();
  if (type.shape == Shape::named && maps) return merge_named(type.element.front(), base, overlay);
  return overlay;
}

}  // namespace

Node default_node(const std::string& text, const Place& place) {
  if (text == "{}") return Node::map(place, Origin::default_value);
  if (!text.starts_with('[')) return Node::scalar(text, place, Origin::default_value);
  Node list = Node::list(place, Origin::default_value);
  std::string_view rest = std::string_view(text).substr(1, text.size() - 2);
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    std::string_view item = rest.substr(0, comma);
    rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    while (item.starts_with(' ')) item.remove_prefix(1);
    list.items.push_back(Node::scalar(std::string(item), place, Origin::default_value));
  }
  return list;
}

Node spelled_out(const Table& table, const Node& node) {
  if (!node.is_scalar() || table.shorthand().empty()) return node;
  Node map = Node::map(node.place, node.origin);
  map.set(table.shorthand(), node);
  return map;
}

void erase_rivals(const Table& table, const std::string& key, Node& object) {
  for (const Table::Group& group : table.groups()) {
    if (std::find(group.names.begin(), group.names.end(), key) == group.names.end()) continue;
    for (const std::string& rival : group.names) {
      if (rival != key) object.erase(rival);
    }
  }
}

Node merge_by_table(const Table& table, const Node& base_given, const Node& overlay_given) {
  const Node base = spelled_out(table, base_given);
  const Node overlay = spelled_out(table, overlay_given);
  // The field that says what the object is at all: with another one, the base's others mean
  // nothing.
  const std::string& naming = table.catalogue().empty() ? table.shorthand() : table.catalogue_key();
  const bool renamed = !naming.empty() && given(overlay.find(naming));
  if (!base.is_map() || !overlay.is_map() || renamed) return overlay;
  Node merged = base;
  merged.place = overlay.place;
  merged.origin = overlay.origin;
  // First of all, so that rivals given both in the overlay are still seen together.
  for (const NodeEntry& entry : overlay.entries) {
    if (given(&entry.value)) erase_rivals(table, entry.key, merged);
  }
  for (const NodeEntry& entry : overlay.entries) {
    const FieldInfo* field = table.find(entry.key);
    const Node* present = merged.find(entry.key);
    NodeEntry chosen = entry;
    if (field != nullptr && present != nullptr) {
      chosen.value = merge_values(field->type, *present, entry.value);
    }
    merged.erase(entry.key);
    merged.entries.push_back(std::move(chosen));
  }
  return merged;
}

}  // namespace tiercast
