#pragma once

#include "models/scenario/spec.hpp"
#include "sim/base/node.hpp"

namespace tiercast::scenario {

/// Corrects what a preset tells of its rules' sources where the scenario goes over a rule
/// (`scenario`), and where a rule is a default (`assumption`): because the scenario's part of
/// `placement` replaced it, or because the preset does not speak of tiers below GPU memory, which
/// this scenario has. Sources that the scenario itself tells stay. Nothing without a preset.
void settle_sources(ScenarioSpec& spec, Node& resolved);

}  // namespace tiercast::scenario
