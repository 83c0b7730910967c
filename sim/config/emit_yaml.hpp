#pragma once

#include <string>

#include "sim/base/node.hpp"

namespace tiercast::config {

enum class Comments {
  none,
  origins,  ///< after each value where it came from: file:line, --set, default
};

/// A tree as YAML in block style, which parse_document reads back to the same tree. Absent values
/// (null with a note) are left out, or with comments shown as comment lines.
std::string to_yaml(const Node& root, Comments comments = Comments::none);

/// The tree's content in one canonical text: keys sorted, absent values, places, origins and quotes
/// left out. Two documents with equal canonical text mean the same.
std::string canonical_text(const Node& root);

/// 128-bit hash of the canonical text as 32 hexadecimal digits.
std::string canonical_hash(const Node& root);

}  // namespace tiercast::config
