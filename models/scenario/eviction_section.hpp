#pragma once

#include <map>
#include <optional>
#include <string>

#include "sim/base/field_info.hpp"

namespace tiercast {
template <class S>
class FieldTable;
}

namespace tiercast::scenario {

/// Parameters of a plug-in, which only itself can check.
using PluginConfig = std::map<std::string, std::string>;

/// A policy of the library by name, with its own parameters beside it; or a plug-in.
struct EvictionSection {
  std::string name;
  ParameterValues parameters;
  std::optional<std::string> plugin;  ///< file; once loaded, as this process finds it
  std::optional<PluginConfig> config;

  static const FieldTable<EvictionSection>& fields();

  /// `name=value` lines, as policies read them: of the plug-in where there is one.
  std::string config_lines() const;
};

inline constexpr const char* kPluginMeaning =
    "A shared library with a policy of your own; a relative path counts from the scenario's "
    "folder.";
inline constexpr const char* kConfigMeaning = "Parameters of the plug-in.";

/// `name=value` lines.
std::string plugin_lines(const std::optional<PluginConfig>& config);

}  // namespace tiercast::scenario
