#pragma once

#include <string>

#include "sim/base/field_info.hpp"

/// What a field table says to tools and people who never see the C++.
namespace tiercast::config {

/// JSON Schema (draft-07) of the documents that `table` reads, for editors. As strict as the parser
/// about keys, kinds of values and units; rules between fields and ranges of quantities with units
/// are left to the parser.
std::string emit_json_schema(const Table& table, const std::string& title);

/// Reference in Markdown: a section for each table reachable from `table`, a row for each field.
std::string emit_reference(const Table& table);

}  // namespace tiercast::config
