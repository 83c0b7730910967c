#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "sim/base/diagnostics.hpp"
#include "sim/base/node.hpp"

namespace tiercast::scenario {

/// Reports against the scenario's own places.
class Problems {
 public:
  Problems(const Node& resolved, Diagnostics& found) : resolved_(resolved), found_(found) {}

  /// At the value of `path` or the section it is in; where the scenario leaves both to their
  /// defaults, at that of `cause`.
  void add(std::string_view path, std::string message, std::string hint = {},
           std::string_view cause = "") {
    found_.error(place(path, cause), "`" + std::string(path) + "`: " + std::move(message),
                 std::move(hint));
    any_ = true;
  }
  /// What can run, but not as its author may think.
  void warn(std::string_view path, std::string message, std::string hint) {
    found_.warning(place(path, ""), "`" + std::string(path) + "`: " + std::move(message),
                   std::move(hint));
  }
  bool any() const { return any_; }

 private:
  const Place& place(std::string_view path, std::string_view cause) const {
    const Node* node = given(path);
    if (node == nullptr) node = given(path.substr(0, path.rfind('.')));
    if (node == nullptr) node = given(cause);
    return node == nullptr ? resolved_.place : node->place;
  }

  const Node* given(std::string_view path) const {
    const Node* node = at_path(resolved_, path);
    return node == nullptr || node->origin == Origin::default_value ? nullptr : node;
  }

  const Node& resolved_;
  Diagnostics& found_;
  bool any_ = false;
};

}  // namespace tiercast::scenario
