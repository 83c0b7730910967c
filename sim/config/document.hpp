#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "sim/base/diagnostics.hpp"
#include "sim/base/node.hpp"

/// Strict YAML: text to a plain tree in which every key and value knows its place.
namespace tiercast::config {

/// Input beyond these is refused, so that hostile text costs neither memory nor stack.
struct DocumentLimits {
  std::size_t bytes = 1'000'000;
  std::size_t depth = 64;
  /// Of the tree after aliases and merges are expanded: text plus 64 bytes a node.
  std::size_t expanded_bytes = 16'000'000;
};

/// Reads one YAML document. Refused, with place: duplicate keys, keys that are not text, several
/// documents, tags, directives, tabs as indentation, broken UTF-8 and control characters, unclosed
/// quotes, too deep or too large input, and whatever yaml-cpp refuses. Merges (`<<: *a`,
/// `<<: [*a, *b]`) are expanded: explicit keys win, then earlier mappings; merged values keep the
/// place where they were written. Returns nullopt where the text has no tree; what is refused but
/// leaves one (a duplicate key, a tag, a bad merge) is reported and not in it. Total: any bytes.
std::optional<Node> parse_document(std::string_view text, const std::string& file, Origin origin,
                                   Diagnostics& found, const DocumentLimits& limits = {});

/// The same for a file; a file that cannot be read is reported.
std::optional<Node> read_document(const std::string& path, Origin origin, Diagnostics& found,
                                  const DocumentLimits& limits = {});

}  // namespace tiercast::config
