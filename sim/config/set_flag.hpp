#pragma once

#include <string_view>

#include "sim/base/diagnostics.hpp"
#include "sim/base/field_info.hpp"
#include "sim/base/node.hpp"

namespace tiercast::config {

/// Applies one `--set path.to.key=value` to a document that `table` will read. The value is YAML:
/// a scalar, `[a, b]` or `{k: v}`. List entries are named by index, counted from 0; the index after
/// the last appends. Only what the path names changes: objects on the way are made where they are
/// missing (from their default, if they have one), a scalar on the way stands for its object.
/// A path that the table does not know is reported with the nearest name. False when refused.
bool apply_set_flag(Node& root, const Table& table, std::string_view flag, Diagnostics& found);

}  // namespace tiercast::config
