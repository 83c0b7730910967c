#pragma once

#include "tests/serving/random_scenario.hpp"

namespace tiercast::tests {

/// Gives a random cluster up to five tiers below GPU memory, too small for its demand, over links
/// shared in odd ways: every load mode, write policy and fetch policy, engines on one node or many,
/// metadata stations, fifo links, tails, prefill instances of their own.
void add_random_tiers(RandomScenario& scenario);

}  // namespace tiercast::tests
