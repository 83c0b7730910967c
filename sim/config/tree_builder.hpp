#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sim/base/diagnostics.hpp"
#include "sim/base/node.hpp"
#include "sim/config/document.hpp"

namespace tiercast::config {

/// The middle of parse_document: a text that passed check_source to its tree, through yaml-cpp.
/// Returns nullopt where the text has no tree; a duplicate key, a tag or a bad merge is reported
/// and left out of it, so that what else is wrong can be told as well.
std::optional<Node> build_tree(std::string_view text, const std::string& file, Origin origin,
                               Diagnostics& found, const DocumentLimits& limits);

}  // namespace tiercast::config
