#pragma once

#include <string>

#include "sim/base/field_info.hpp"
#include "sim/base/node.hpp"

/// Trees changed with knowledge of the table that will read them.
namespace tiercast {

/// A default as a user would have written it: `[]`, `[a, b]`, `{}` or a scalar.
Node default_node(const std::string& text, const Place& place);

/// The mapping that a scalar stands for, where the table has a shorthand; else `node` itself.
Node spelled_out(const Table& table, const Node& node);

/// Removes from `object` what cannot stand beside `key`, by the table's groups.
void erase_rivals(const Table& table, const std::string& key, Node& object);

/// `base` with everything that `overlay` gives in its place. Objects and named maps merge by
/// `table`, a list that is a patch goes over single items; other lists, scalars, figures and
/// one-ofs are replaced whole, and so is an object whose shorthand field the overlay gives.
Node merge_by_table(const Table& table, const Node& base, const Node& overlay);

}  // namespace tiercast
