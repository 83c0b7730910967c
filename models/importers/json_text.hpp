#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "sim/base/diagnostics.hpp"
#include "sim/base/node.hpp"

namespace tiercast::importers {

/// Input beyond these is refused, so that hostile text costs neither memory nor stack.
struct JsonLimits {
  std::size_t bytes = 4'000'000;
  std::size_t depth = 64;
};

/// One JSON document as a tree, with the place of every key; a value's place is that of its key.
/// Numbers and booleans are scalars without quotes, texts quoted ones. Refused, with place:
/// whatever is no JSON, keys given twice, input beyond the limits. Total: any bytes may come in.
std::optional<Node> parse_json(std::string_view text, const std::string& file, Diagnostics& found,
                               const JsonLimits& limits = {});

}  // namespace tiercast::importers
