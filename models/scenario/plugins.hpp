// A scenario's plug-ins: policies of the user's own, in the place of one of the library.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "models/policy/tierpolicy.h"
#include "models/scenario/load.hpp"
#include "models/scenario/problems.hpp"
#include "models/scenario/spec.hpp"
#include "models/serving/cluster.hpp"
#include "models/tiering/plugin.hpp"

namespace tiercast::scenario {

struct UsedPlugin {
  std::string
      place;  ///< of the policy in the scenario: `policy.eviction`, `tiers.1.eviction`, `router`
  std::string name;
  std::string version;
  std::shared_ptr<const tiering::Plugin> plugin;
};
using UsedPlugins = std::vector<UsedPlugin>;

/// Whether one runs in this process, where nothing ends a call that does not come back.
bool trusts_plugins(const ScenarioSpec& spec);

/// Takes relative paths as from the scenario's folder, those of flags as from the working folder,
/// and takes the library's parameters out of the resolved tree where a plug-in makes them void.
void settle_plugins(ScenarioSpec& spec, Node& resolved, const std::string& scenario_file);

/// Digests of the plug-ins' files, since these decide a result.
std::vector<std::string> plugin_hashes(const ScenarioSpec& spec);

/// Loads them in the order of their places. What is wrong with them, or with what stands beside
/// them, is reported.
UsedPlugins load_plugins(const ScenarioSpec& spec, const Node& resolved, Problems& problems);

/// The section's policy; the plug-ins must have been loaded well.
const tp_cache_table* cache_table(const EvictionSection& section, const UsedPlugins& plugins);
const tp_placement_table* placement_table(const PlacementSection& section,
                                          const UsedPlugins& plugins);
const tp_router_table* router_table(const serving::RouterSettings& section,
                                    const UsedPlugins& plugins);

/// Makes an instance of each plug-in, as a run will: only it can check its config.
void try_plugins(const ScenarioSpec& spec, const serving::ClusterSpec& cluster, Problems& problems);

}  // namespace tiercast::scenario
