// A result as JSON, schema `tiercast.result/1`.
#pragma once

#include <string>

#include "reports/fields.hpp"
#include "reports/result.hpp"

namespace tiercast::reports {

/// Keys in the order of the schema, two spaces of indentation, a newline at the end. Numbers are
/// written by integer arithmetic, so that they read back to the same double and equal results give
/// equal bytes on every platform. Infinite numbers and NaN, which JSON lacks, become null.
std::string to_json(const Result& result, Parts parts = Parts::all);

}  // namespace tiercast::reports
