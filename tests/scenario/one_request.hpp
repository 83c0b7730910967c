// One request whose prefix lies in a tier below GPU memory, run in time.
#pragma once

#include <string>
#include <vector>

#include "models/scenario/world.hpp"
#include "models/serving/outcome.hpp"
#include "tests/scenario/small_scenario.hpp"

namespace tiercast::tests {

/// Tokens of the prefix, in whole blocks, and behind it.
inline constexpr uint32_t kPrefixTokens = 8192;
inline constexpr uint32_t kOwnTokens = 16;

struct OneRequest {
  scenario::Scenario scenario;
  scenario::World world;
  serving::Outcome outcome;  ///< of three warmed requests and one in time
};

/// With the tiers as a YAML list, each behind GPU memory holding all that three prompts leave.
/// Drives have no tails.
OneRequest run_one_request(const std::string& tiers, const std::vector<std::string>& sets = {});

}  // namespace tiercast::tests
