// Scenarios from text, with the shipped catalogue.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "models/scenario/load.hpp"
#include "models/scenario/world.hpp"

namespace tiercast::tests {

/// The catalogue's folder.
std::string configs();

/// As if `text` were the file, with options laid over it; nothing where anything is wrong.
std::optional<scenario::Scenario> load(const std::string& text, Diagnostics& found,
                                       const std::vector<std::string>& sets = {},
                                       const std::string& file = "folder/s.yaml");
/// The same of a scenario that must be good.
scenario::Scenario good(const std::string& text, const std::vector<std::string>& sets = {},
                        const std::string& file = "folder/s.yaml");
scenario::World world_of(const scenario::Scenario& scenario);

}  // namespace tiercast::tests
