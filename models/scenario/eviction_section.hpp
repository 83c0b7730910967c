#pragma once

#include <optional>
#include <string>

#include "models/serving/policy_fields.hpp"
#include "sim/base/field_info.hpp"

namespace tiercast {
template <class S>
class FieldTable;
}

namespace tiercast::scenario {

using serving::PluginConfig;

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

}  // namespace tiercast::scenario
