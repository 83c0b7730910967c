#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sim/base/diagnostics.hpp"

namespace tiercast {

enum class NodeKind { null, scalar, list, map };

/// Where a value was given.
enum class Origin { scenario, set_flag, catalogue, default_value };
std::string_view name_of(Origin origin);

struct NodeEntry;

/// A value of a configuration document as a plain tree, with the place of every key and value.
/// Scalars stay text until a field table reads them. Keys of a map are unique.
struct Node {
  NodeKind kind = NodeKind::null;
  std::string text;     ///< scalar
  bool quoted = false;  ///< scalar: was written in quotes or as a block
  bool patch = false;   ///< list: goes item by item over the one below it; null items leave that's
  std::vector<Node> items;
  std::vector<NodeEntry> entries;
  Place place;
  Origin origin = Origin::scenario;
  std::string note;  ///< resolved trees: source of a figure, or what absence means

  static Node scalar(std::string text, Place place = {}, Origin origin = Origin::scenario);
  static Node map(Place place = {}, Origin origin = Origin::scenario);
  static Node list(Place place = {}, Origin origin = Origin::scenario);

  bool is_null() const { return kind == NodeKind::null; }
  bool is_scalar() const { return kind == NodeKind::scalar; }
  bool is_list() const { return kind == NodeKind::list; }
  bool is_map() const { return kind == NodeKind::map; }

  /// The value under `key` of a map, or null.
  const Node* find(std::string_view key) const;
  Node* find(std::string_view key);
  /// Replaces or appends.
  Node& set(std::string key, Node value);
  void erase(std::string_view key);
};

struct NodeEntry {
  std::string key;
  Place key_place;
  Node value;
};

/// The value at a dotted path (`cluster.node.gpus`, `tiers.0.capacity`), or null.
const Node* at_path(const Node& root, std::string_view path);

/// The parts of a dotted path.
std::vector<std::string> split_path(std::string_view path);

}  // namespace tiercast
