// Policies whose instances write tapes into memory.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/policy/tape_reader.hpp"
#include "models/policy/tierpolicy.h"

namespace tiercast::tests {

using Tape = std::vector<uint8_t>;

/// A table like the policy's own; what it creates writes to `tape`, which is whole once the
/// instance is destroyed. One such table at a time can create.
tp_cache_table taped(const tp_cache_table& policy, Tape& tape, uint32_t checkpoint_calls);

policy::TapeReader::Source source_of(const Tape& tape);

}  // namespace tiercast::tests
