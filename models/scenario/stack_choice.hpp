// Which stacks serve which tiers.
#pragma once

#include <string>

#include "models/scenario/catalogue.hpp"
#include "models/scenario/problems.hpp"
#include "models/scenario/spec.hpp"

namespace tiercast::scenario {

/// How clients speak to the storage service of a scenario as it is written; empty where none is
/// named, or not well.
std::string service_protocol(const Node& document, Catalogue& catalogue);

/// Reports stacks that cannot serve the tier, or the hand-off, that names them.
void check_reaches(const ScenarioSpec& spec, Catalogue& catalogue, Problems& problems);

}  // namespace tiercast::scenario
