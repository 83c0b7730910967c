#include "sim/base/node.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace tiercast {

std::string_view name_of(Origin origin) {
  switch (origin) {
    case Origin::scenario:
      return "scenario";
    case Origin::set_flag:
      return "--set";
    case Origin::catalogue:
      return "catalogue";
    case Origin::default_value:
      return "default";
  }
  return "";
}

Node Node::scalar(std::string text, Place place, Origin origin) {
  Node node;
  node.kind = NodeKind::scalar;
  node.text = std::move(text);
  node.place = std::move(place);
  node.origin = origin;
  return node;
}

Node Node::map(Place place, Origin origin) {
  Node node;
  node.kind = NodeKind::map;
  node.place = std::move(place);
  node.origin = origin;
  return node;
}

Node Node::list(Place place, Origin origin) {
  Node node = map(std::move(place), origin);
  node.kind = NodeKind::list;
  return node;
}

const Node* Node::find(std::string_view key) const {
  const auto at = std::find_if(entries.begin(), entries.end(),
                               [&](const NodeEntry& entry) { return entry.key == key; });
  return at != entries.end() ? &at->value : nullptr;
}

Node* Node::find(std::string_view key) { return const_cast<Node*>(std::as_const(*this).find(key)); }

Node& Node::set(std::string key, Node value) {
  if (Node* present = find(key)) return *present = std::move(value);
  Place key_place = value.place;
  entries.push_back({std::move(key), std::move(key_place), std::move(value)});
  return entries.back().value;
}

void Node::erase(std::string_view key) {
  std::erase_if(entries, [&](const NodeEntry& entry) { return entry.key == key; });
}

const Node* at_path(const Node& root, std::string_view path) {
  const Node* node = &root;
  if (path.empty()) return node;
  for (const std::string& part : split_path(path)) {
    if (node->is_list()) {
      std::size_t index = 0;
      const auto [end, fault] = std::from_chars(part.data(), part.data() + part.size(), index);
      const bool whole = fault == std::errc() && end == part.data() + part.size();
      if (!whole || index >= node->items.size()) return nullptr;
      node = &node->items[index];
    } else {
      node = node->find(part);
      if (node == nullptr) return nullptr;
    }
  }
  return node;
}

std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t dot = path.find('.');
    parts.emplace_back(path.substr(0, dot));
    if (dot == std::string_view::npos) return parts;
    path.remove_prefix(dot + 1);
  }
}

}  // namespace tiercast
