#include "models/serving/policy_fields.hpp"

#include "sim/base/field_table.hpp"

namespace tiercast::serving {

namespace {

FieldInfo info_of(const policy::Parameter& parameter) {
  const bool whole = parameter.kind == policy::ParameterKind::integer;
  const std::string fallback = policy::number_text(parameter.default_value);
  const std::string meaning(parameter.meaning);
  const std::string name(parameter.name);
  const auto fallback_word = table::by_default(fallback);
  const auto range = table::between(parameter.min, parameter.max);
  return whole ? table::parameter<int64_t>(name, fallback_word, range, meaning.c_str())
               : table::parameter<double>(name, fallback_word, range, meaning.c_str());
}

}  // namespace

std::vector<FieldInfo> parameter_fields(std::span<const policy::Parameter> parameters) {
  std::vector<FieldInfo> infos;
  for (const policy::Parameter& parameter : parameters) infos.push_back(info_of(parameter));
  return infos;
}

std::string config_lines(const ParameterValues& parameters) {
  std::string lines;
  for (const ParameterValue& parameter : parameters.values) {
    lines += parameter.name + "=";
    if (const auto* whole = std::get_if<int64_t>(&parameter.value)) {
      lines += std::to_string(*whole);
    } else if (const auto* real = std::get_if<double>(&parameter.value)) {
      lines += policy::number_text(*real);
    } else if (const auto* text = std::get_if<std::string>(&parameter.value)) {
      lines += *text;
    } else {
      lines += std::get<bool>(parameter.value) ? "1" : "0";
    }
    lines += "\n";
  }
  return lines;
}

std::string plugin_lines(const std::optional<PluginConfig>& config) {
  std::string lines;
  if (!config) return lines;
  for (const auto& [name, value] : *config) lines.append(name).append("=").append(value) += "\n";
  return lines;
}

}  // namespace tiercast::serving
