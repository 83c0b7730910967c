#pragma once

#include <string>

#include "models/serving/outcome.hpp"

namespace tiercast::tests {

/// Names the first fact in which two outcomes differ, with both values; empty when all are equal.
/// What describes the simulator's work (effort, advances) does not count.
std::string difference(const serving::Outcome& a, const serving::Outcome& b);

/// Decimal text of a wide integer.
std::string to_text(llm::Int128 value);

}  // namespace tiercast::tests
