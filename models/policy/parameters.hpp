#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tiercast::policy {

/// choice: one of some names; the value is the name's place in their list.
enum class ParameterKind : uint8_t { integer, real, choice };

/// One parameter of a policy, declared once: parser, help, reference pages and error messages all
/// read this.
struct Parameter {
  std::string_view name;
  std::string_view unit;  ///< "share of capacity", "hits"; "" for a bare number
  ParameterKind kind;
  double default_value;
  double min;
  double max;
  std::string_view meaning;
  std::span<const std::string_view> choices = {};  ///< of a choice
};

/// "a, b or c".
inline std::string join_names(std::span<const std::string_view> names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    text += i == 0 ? "" : i + 1 == names.size() ? " or " : ", ";
    text += names[i];
  }
  return text;
}

/// A parameter that takes one of these names, the first where none is given.
constexpr Parameter choice_of(std::string_view name, std::span<const std::string_view> choices,
                              std::string_view meaning) {
  return {name,    "",     ParameterKind::choice, 0, 0, static_cast<double>(choices.size() - 1),
          meaning, choices};
}

/// The values of a policy's parameters, in the order of their declaration.
class ParameterValues {
 public:
  static constexpr std::size_t count_max = 16;

  explicit ParameterValues(std::span<const Parameter> parameters) : parameters_(parameters) {
    for (std::size_t i = 0; i < parameters.size(); ++i) values_[i] = parameters[i].default_value;
  }

  std::span<const Parameter> parameters() const { return parameters_; }
  double operator[](std::size_t index) const { return values_[index]; }
  void set(std::size_t index, double value) { values_[index] = value; }
  /// By name; the name must be declared.
  double real(std::string_view name) const {
    std::size_t index = 0;
    while (parameters_[index].name != name) ++index;
    return values_[index];
  }
  uint32_t integer(std::string_view name) const { return static_cast<uint32_t>(real(name)); }

 private:
  std::span<const Parameter> parameters_;
  std::array<double, count_max> values_{};
};

inline std::string number_text(double number) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, number).ptr;
  return std::string(text, end);
}

/// The value as it is written in a config: a number, or a choice's name.
inline std::string value_text(const Parameter& parameter, double value) {
  if (parameter.kind != ParameterKind::choice) return number_text(value);
  return std::string(parameter.choices[static_cast<std::size_t>(value)]);
}

/// "small = 0.1 (share of capacity, 0.001 to 0.999): ...", "fetch = a (a, b or c): ..."
inline std::string describe(const Parameter& parameter) {
  std::string text(parameter.name);
  if (parameter.kind == ParameterKind::choice) {
    text += " = " + value_text(parameter, parameter.default_value) + " (" +
            join_names(parameter.choices) + "): ";
    return text += parameter.meaning;
  }
  text += " = " + number_text(parameter.default_value) + " (";
  if (!parameter.unit.empty()) text += std::string(parameter.unit) + ", ";
  text += number_text(parameter.min) + " to " + number_text(parameter.max) + "): ";
  return text += parameter.meaning;
}

/// Insertions, deletions and replacements that lead from one word to the other.
inline std::size_t edit_distance(std::string_view from, std::string_view to) {
  std::vector<std::size_t> row(to.size() + 1);
  for (std::size_t j = 0; j <= to.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= from.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= to.size(); ++j) {
      const std::size_t replaced = diagonal + (from[i - 1] == to[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[to.size()];
}

/// The name meant by a mistyped one; empty where none is near. Items have a member `name`.
template <class Items>
std::string_view nearest_name(const Items& items, std::string_view typed) {
  std::string_view nearest;
  std::size_t best = std::max<std::size_t>(2, typed.size() / 2);
  for (const auto& item : items) {
    const std::size_t distance = edit_distance(typed, item.name);
    if (distance < best || (distance == best && nearest.empty() && distance < item.name.size())) {
      best = distance;
      nearest = item.name;
    }
  }
  return nearest;
}

/// Reads one setting into `values`. Answers what is wrong with it, or nothing.
inline std::string set_parameter(ParameterValues& values, std::string_view name,
                                 std::string_view text) {
  const std::span<const Parameter> parameters = values.parameters();
  const auto found = std::find_if(parameters.begin(), parameters.end(),
                                  [&](const Parameter& known) { return known.name == name; });
  if (found == parameters.end()) {
    std::string error = "unknown parameter '" + std::string(name) + "'";
    const std::string_view nearest = nearest_name(parameters, name);
    if (!nearest.empty()) return error + ", did you mean '" + std::string(nearest) + "'?";
    if (parameters.empty()) return error + ": this policy has none";
    error += ": known are";
    for (const Parameter& known : parameters) error += " '" + std::string(known.name) + "'";
    return error;
  }
  const auto index = static_cast<std::size_t>(found - parameters.begin());
  const auto choice = std::find(found->choices.begin(), found->choices.end(), text);
  if (choice != found->choices.end()) {
    values.set(index, static_cast<double>(choice - found->choices.begin()));
    return {};
  }
  double number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = found->kind != ParameterKind::real;
  const std::string quoted = "parameter '" + std::string(name) + "': '" + std::string(text) + "' ";
  if (found->kind == ParameterKind::choice &&
      (code != std::errc() || end != text.data() + text.size() ||
       !(number >= found->min && number <= found->max))) {
    return quoted + "is not " + join_names(found->choices);
  }
  if (code != std::errc() || end != text.data() + text.size()) return quoted + "is not a number";
  if (!(number >= found->min && number <= found->max)) {
    return quoted + "is out of range, " + number_text(found->min) + " to " +
           number_text(found->max);
  }
  if (whole && number != static_cast<double>(static_cast<int64_t>(number))) {
    return quoted + "is not a whole number";
  }
  values.set(index, number);
  return {};
}

/// Reads `name=value` lines, blank ones and spaces around words allowed, each name at most once.
/// Answers all that is wrong, joined by "; ", or nothing.
inline std::string read_parameters(ParameterValues& values, std::string_view config) {
  const auto trim = [](std::string_view text) {
    const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    return text;
  };
  std::string errors;
  const auto complain = [&](const std::string& error) {
    if (!error.empty()) errors += (errors.empty() ? "" : "; ") + error;
  };
  std::vector<std::string_view> seen;
  while (!config.empty()) {
    const std::size_t length = std::min(config.find('\n'), config.size());
    const std::string_view line = trim(config.substr(0, length));
    config.remove_prefix(std::min(length + 1, config.size()));
    if (line.empty()) continue;
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) {
      complain("'" + std::string(line) + "' is not name=value");
      continue;
    }
    const std::string_view name = trim(line.substr(0, equals));
    if (std::find(seen.begin(), seen.end(), name) != seen.end()) {
      complain("parameter '" + std::string(name) + "' is set twice");
      continue;
    }
    seen.push_back(name);
    complain(set_parameter(values, name, trim(line.substr(equals + 1))));
  }
  return errors;
}

/// Puts a message into the error buffer of a create call and answers the code.
inline int refuse(int code, std::string_view message, char* error, std::size_t error_size) {
  if (error != nullptr && error_size != 0) error[message.copy(error, error_size - 1)] = '\0';
  return code;
}

}  // namespace tiercast::policy
