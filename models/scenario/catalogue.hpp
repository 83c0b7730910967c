#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sim/base/diagnostics.hpp"
#include "sim/base/node.hpp"
#include "sim/base/reader.hpp"

namespace tiercast::scenario {

/// The folder of real things: `<root>/<kind>/<name>.yaml`. Only the files named are read, once
/// each.
class Catalogue {
 public:
  Catalogue(std::string root, Diagnostics& found) : root_(std::move(root)), found_(&found) {}

  /// Kinds that have entries, and the entries of one kind, by name.
  std::vector<std::string> kinds() const;
  std::vector<std::string> names(std::string_view kind) const;
  std::string path(std::string_view kind, std::string_view name) const;

  /// The entry's document; null after reporting at `where` when there is none, or it cannot be
  /// read.
  const Node* find(std::string_view kind, std::string_view name, const Place& where);
  CatalogueLookup lookup() {
    return [this](std::string_view kind, std::string_view name, const Place& where) {
      return find(kind, name, where);
    };
  }

 private:
  std::string root_;
  Diagnostics* found_;
  std::map<std::string, Node> read_;  // by path; null: could not be read
};

}  // namespace tiercast::scenario
