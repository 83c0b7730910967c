#pragma once

#include <string>
#include <utility>

#include "sim/base/field_type.hpp"
#include "sim/base/node.hpp"
#include "sim/base/quantity.hpp"

namespace tiercast::scenario {

/// A figure that has a range as a resolved scenario shows it: for estimates that the scenario
/// leaves to us.
template <class T>
Node figure_node(const Figure<T>& figure) {
  const auto scalar = [](const std::string& text) {
    return Node::scalar(text, {}, Origin::default_value);
  };
  const auto quantity = [&](T value) { return scalar(format_quantity(to_quantity(value))); };
  Node node = Node::map({}, Origin::default_value);
  node.set("value", quantity(figure.value));
  node.set("kind", scalar(std::string(name_of(figure.kind))));
  node.set("source", scalar(figure.source)).quoted = true;
  Node range = Node::list({}, Origin::default_value);
  range.items = {quantity(figure.range->first), quantity(figure.range->second)};
  node.set("range", std::move(range));
  return node;
}

}  // namespace tiercast::scenario
