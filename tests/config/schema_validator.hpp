#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "sim/base/node.hpp"

/// A second, independent reader of the schemas that we emit: just the draft-07 words in them.
namespace tiercast::tests {

/// The tree as JSON, with the types that a YAML 1.2 reader gives plain scalars.
nlohmann::json to_json(const Node& node);

/// True when `value` is valid by the schema. Throws on a word it does not know, so that none is
/// ignored.
bool is_valid(const nlohmann::json& value, const nlohmann::json& schema,
              const nlohmann::json& root);

}  // namespace tiercast::tests
