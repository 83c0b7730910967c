// Parameters of the policy library's policies as fields of a scenario.
#pragma once

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

}  // namespace tiercast::serving
