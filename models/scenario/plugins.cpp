#include "models/scenario/plugins.hpp"

#include <algorithm>
#include <filesystem>

#include "models/policy/placement.hpp"
#include "models/policy/registry.hpp"
#include "models/policy/router.hpp"
#include "models/tiering/tier_manager.hpp"
#include "sim/base/check.hpp"

namespace tiercast::scenario {

namespace {

namespace fs = std::filesystem;

enum class Kind : uint8_t { eviction, placement, router };

/// One section that may name a plug-in.
struct Site {
  std::string place;
  const std::optional<std::string>* plugin;
  const std::optional<PluginConfig>* config;
  Kind kind = Kind::eviction;
};

std::vector<Site> sites_of(const ScenarioSpec& spec) {
  const PolicySection& policy = spec.policy;
  std::vector<Site> sites{
      {"policy.eviction", &policy.eviction.plugin, &policy.eviction.config},
      {"policy.placement", &policy.placement.plugin, &policy.placement.config, Kind::placement}};
  if (const auto& lower = policy.lower_eviction) {
    sites.push_back({"policy.lower_eviction", &lower->plugin, &lower->config});
  }
  for (std::size_t i = 0; i < spec.tiers.size(); ++i) {
    const auto& eviction = spec.tiers[i].eviction;
    if (!eviction) continue;
    sites.push_back(
        {"tiers." + std::to_string(i) + ".eviction", &eviction->plugin, &eviction->config});
  }
  sites.push_back({"router", &spec.router.plugin, &spec.router.config, Kind::router});
  return sites;
}

Node* find_place(Node& root, const std::string& place) {
  Node* node = &root;
  for (const std::string& part : split_path(place)) {
    node = node->is_list() ? &node->items.at(std::stoul(part)) : node->find(part);
    if (node == nullptr) break;
  }
  return node;
}

/// Whether a key of such a section is about a policy of the library.
bool is_of_library(const NodeEntry& entry) {
  const auto& keys = {"plugin", "config", "index_delay"};
  return std::find(std::begin(keys), std::end(keys), entry.key) == std::end(keys);
}

bool is_void(const NodeEntry& entry) {
  return is_of_library(entry) &&
         (entry.value.origin == Origin::default_value || entry.value.origin == Origin::catalogue);
}

/// Whether the key is there without a value, as a template leaves it whose variable is not set.
bool is_blank(const Node& resolved, const std::string& path) {
  const Node* given = at_path(resolved, path);
  return given != nullptr && given->is_null() && given->origin != Origin::default_value;
}

void check_neighbours(const Site& site, const Node& resolved, Problems& problems) {
  const Node* section = at_path(resolved, site.place);
  if (section == nullptr) return;
  for (const NodeEntry& entry : section->entries) {
    if (!is_of_library(entry) || entry.value.is_null()) continue;
    if (is_void(entry)) continue;
    problems.add(site.place + "." + entry.key, "belongs to the policies of the library",
                 "leave it out; what the plug-in shall know goes into `config`");
  }
}

// Lines of text are how a policy gets them.
void check_config(const Site& site, Problems& problems) {
  for (const auto& [name, value] : **site.config) {
    const std::string path = site.place + ".config." + name;
    if (name.find_first_of("=\n") != std::string::npos) {
      problems.add(path, "a parameter's name has no `=` and is one line");
    }
    if (value.find('\n') != std::string::npos) problems.add(path, "is more than one line");
  }
}

const tp_info* info_of(const tiering::Plugin& plugin, Kind kind) {
  const auto info = [](const auto* table) { return table != nullptr ? table->info() : nullptr; };
  if (kind == Kind::router) return info(plugin.router());
  return kind == Kind::placement ? info(plugin.placement()) : info(plugin.cache());
}

std::string lacking(Kind kind) {
  if (kind == Kind::router) return "no router";
  return kind == Kind::placement ? "no placement policy" : "no cache policy";
}

const tiering::Plugin& loaded(const std::string& file, const UsedPlugins& plugins) {
  const auto used = std::find_if(plugins.begin(), plugins.end(),
                                 [&](const UsedPlugin& u) { return u.plugin->file() == file; });
  TIERCAST_CHECK(used != plugins.end(), "plug-in {} is not loaded", file);
  return *used->plugin;
}

}  // namespace

bool trusts_plugins(const ScenarioSpec& spec) {
  const std::vector<Site> sites = sites_of(spec);
  return !spec.policy.isolate_plugins &&
         std::any_of(sites.begin(), sites.end(),
                     [](const Site& site) { return site.plugin->has_value(); });
}

void settle_plugins(ScenarioSpec& spec, Node& resolved, const std::string& scenario_file) {
  const auto settle = [&](const std::string& place, std::optional<std::string>& plugin) {
    Node* section = find_place(resolved, place);
    if (!plugin || section == nullptr) return;
    std::erase_if(section->entries, is_void);
    const Node* given = section->find("plugin");
    const bool by_flag = given != nullptr && given->origin == Origin::set_flag;
    if (by_flag || fs::path(*plugin).is_absolute()) return;
    plugin = (fs::path(scenario_file).parent_path() / *plugin).lexically_normal().string();
  };
  settle("policy.eviction", spec.policy.eviction.plugin);
  settle("policy.placement", spec.policy.placement.plugin);
  if (auto& lower = spec.policy.lower_eviction) settle("policy.lower_eviction", lower->plugin);
  settle("router", spec.router.plugin);
  for (std::size_t i = 0; i < spec.tiers.size(); ++i) {
    auto& eviction = spec.tiers[i].eviction;
    if (eviction) settle("tiers." + std::to_string(i) + ".eviction", eviction->plugin);
  }
}

std::vector<std::string> plugin_hashes(const ScenarioSpec& spec) {
  std::vector<std::string> hashes;
  for (const Site& site : sites_of(spec)) {
    if (*site.plugin) hashes.push_back(tiering::file_hash(**site.plugin));
  }
  return hashes;
}

UsedPlugins load_plugins(const ScenarioSpec& spec, const Node& resolved, Problems& problems) {
  const tiering::PluginUse use{spec.policy.isolate_plugins, spec.policy.call_limit.value()};
  UsedPlugins plugins;
  for (const Site& site : sites_of(spec)) {
    if (!*site.plugin) {
      if (is_blank(resolved, site.place + ".plugin")) {
        problems.add(
            site.place + ".plugin", "has no value",
            "name the plug-in's file, or leave the key away to get a policy of the library");
      } else if (*site.config) {
        problems.add(site.place + ".config", "belongs to a plug-in, and none is named",
                     "parameters of the library's policies stand beside `config`");
      }
      continue;
    }
    check_neighbours(site, resolved, problems);
    if (*site.config) check_config(site, problems);
    std::string error;
    UsedPlugin used{site.place, "", "", tiering::Plugin::load(**site.plugin, use, error)};
    if (used.plugin == nullptr) {
      problems.add(site.place + ".plugin", error);
      continue;
    }
    const tp_info* info = info_of(*used.plugin, site.kind);
    if (info == nullptr) {
      problems.add(site.place + ".plugin", **site.plugin + " has " + lacking(site.kind));
      continue;
    }
    used.name = info->name;
    used.version = info->version;
    plugins.push_back(std::move(used));
  }
  return plugins;
}

const tp_cache_table* cache_table(const EvictionSection& section, const UsedPlugins& plugins) {
  if (section.plugin) return loaded(*section.plugin, plugins).cache();
  const policy::CacheEntry* entry = policy::find_cache_policy(section.name);
  TIERCAST_CHECK(entry != nullptr, "unchecked policy {}", section.name);
  return entry->table;
}

const tp_placement_table* placement_table(const PlacementSection& section,
                                          const UsedPlugins& plugins) {
  if (section.plugin) return loaded(*section.plugin, plugins).placement();
  const policy::PlacementEntry* entry = policy::find_placement_policy(section.policy_name());
  TIERCAST_CHECK(entry != nullptr, "unchecked policy {}", section.policy_name());
  return entry->table;
}

const tp_router_table* router_table(const serving::RouterSettings& section,
                                    const UsedPlugins& plugins) {
  if (section.plugin) return loaded(*section.plugin, plugins).router();
  const policy::RouterEntry* entry = policy::find_router_policy(section.policy);
  TIERCAST_CHECK(entry != nullptr, "unchecked router {}", section.policy);
  return entry->table;
}

void try_plugins(const ScenarioSpec& spec, const serving::ClusterSpec& cluster,
                 Problems& problems) {
  const auto report = [&](const std::string& place, const std::string& error) {
    if (!error.empty()) problems.add(place + ".plugin", error);
  };
  if (spec.policy.eviction.plugin) report("policy.eviction", serving::why_no_pool(cluster));
  if (spec.router.plugin) {
    report("router", serving::why_no_router(cluster));
    const bool looks_at_blocks = (cluster.router->info()->capabilities & TP_CAP_READS_MATCHES) != 0;
    if (spec.router.index_delay.value() > 0 && !looks_at_blocks) {
      problems.add("router.index_delay",
                   "needs a router that looks at blocks, which the plug-in's does not",
                   "leave it out, or have the router declare TP_CAP_READS_MATCHES");
    }
  }
  if (!cluster.tiers) return;
  if (spec.policy.placement.plugin) {
    report("policy.placement", tiering::why_no_placement(*cluster.tiers, cluster.seed));
  }
  for (std::size_t i = 1; i < spec.tiers.size(); ++i) {  // the first is GPU memory
    if (!eviction_of(spec, i).plugin || spec.tiers[i].kind == TierName::peer) continue;
    report(eviction_place(spec, i), tiering::why_no_pool(*cluster.tiers, i - 1, cluster.seed));
  }
}

}  // namespace tiercast::scenario
