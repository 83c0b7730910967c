// Parameters of policies, the library's and plug-ins', as fields of a scenario.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "models/policy/parameters.hpp"
#include "sim/base/field_info.hpp"

namespace tiercast::serving {

/// What parser, schema and help read of a policy's parameters.
std::vector<FieldInfo> parameter_fields(std::span<const policy::Parameter> parameters);
/// Their values as `name=value` lines, as policies read them.
std::string config_lines(const ParameterValues& parameters);

/// Parameters of a plug-in, which only itself can check.
using PluginConfig = std::map<std::string, std::string>;
/// The same of them.
std::string plugin_lines(const std::optional<PluginConfig>& config);

inline constexpr const char* kPluginMeaning =
    "A shared library with a policy of your own; a relative path counts from the scenario's "
    "folder.";
inline constexpr const char* kConfigMeaning = "Parameters of the plug-in.";

}  // namespace tiercast::serving
