#include "models/calibration/calibration.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "models/calibration/labels.hpp"
#include "sim/base/text.hpp"
#include "sim/config/emit_yaml.hpp"

namespace tiercast::calibration {
namespace {

using Json = nlohmann::ordered_json;

std::string state_text(const FittedParameter& parameter) {
  switch (parameter.state) {
    case FitState::free:
      return parameter.relative_error ? "+- " + percent_text(*parameter.relative_error)
                                      : "cannot be told from the others";
    case FitState::lowest:
      return "at its lower bound";
    case FitState::highest:
      return "at its upper bound";
    case FitState::unused:
      break;
  }
  return "no row depends on it: as it was";
}

const char* state_name(FitState state) {
  switch (state) {
    case FitState::free:
      return "free";
    case FitState::lowest:
      return "at lower bound";
    case FitState::highest:
      return "at upper bound";
    case FitState::unused:
      break;
  }
  return "unused";
}

std::string error_line(const std::string& label, const ErrorSummary& errors) {
  return fmt::format("    {:<40} {:>7} {:>8} {:>8} {:>+7.1f}%\n", label, errors.rows,
                     percent_text(errors.median), percent_text(errors.p90), 100 * errors.bias);
}

std::string error_head(const std::string& label) {
  return fmt::format("  {:<42} {:>7} {:>8} {:>8} {:>8}\n", label, "rows", "median", "p90",
                     "signed");
}

std::string part_text(const PartFit& part) {
  std::string text = part.name + " (" + part.table + ")\n";
  for (const FittedParameter& parameter : part.parameters) {
    const std::string state = part.errors.rows == 0 ? "" : state_text(parameter);
    std::string line =
        fmt::format("  {:<32} {:>12}  {}", parameter.path, format_rounded(parameter.value), state);
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  if (part.errors.rows == 0) return text;
  text += error_head(part.rows_fitted == 0 ? "errors, nothing fitted"
                     : part.rows_fitted < part.errors.rows
                         ? fmt::format("errors, {} rows fitted", part.rows_fitted)
                         : "errors");
  text += error_line("all", part.errors);
  for (const GroupErrors& group : part.groups) {
    text += error_line(group.grouping + " " + group.label, group.errors);
  }
  if (!part.left_out) return text;
  const std::string& grouping = part.left_out_groups.front().grouping;
  text += error_head("each " + grouping + " by a fit without it");
  text += error_line("all", *part.left_out);
  for (const GroupErrors& group : part.left_out_groups) {
    text += error_line(group.grouping + " " + group.label, group.errors);
  }
  return text;
}

Json errors_json(const ErrorSummary& errors) {
  return {{"rows", errors.rows},
          {"median", errors.median},
          {"p90", errors.p90},
          {"median_signed", errors.bias}};
}

Json groups_json(const std::vector<GroupErrors>& groups) {
  Json json = Json::array();
  for (const GroupErrors& group : groups) {
    Json entry{{"grouping", group.grouping}, {"label", group.label}};
    entry.update(errors_json(group.errors));
    json.push_back(std::move(entry));
  }
  return json;
}

Json part_json(const PartFit& part) {
  Json parameters = Json::array();
  for (const FittedParameter& parameter : part.parameters) {
    Json entry{{"path", parameter.path},
               {"value", format_quantity(parameter.value)},
               {"value_si", parameter.value.si}};
    if (part.errors.rows > 0) entry["state"] = state_name(parameter.state);
    if (parameter.relative_error) entry["relative_standard_error"] = *parameter.relative_error;
    parameters.push_back(std::move(entry));
  }
  Json json{{"part", part.name}, {"table", part.table}, {"parameters", std::move(parameters)}};
  if (part.errors.rows == 0) return json;
  json["rows_fitted"] = part.rows_fitted;
  json["errors"] = errors_json(part.errors);
  json["groups"] = groups_json(part.groups);
  if (part.left_out) {
    json["left_out"] = errors_json(*part.left_out);
    json["left_out_groups"] = groups_json(part.left_out_groups);
  }
  return json;
}

}  // namespace

MeasuredFile described(const MeasuredTable& table) {
  return {base_name(table.file()), table.rows(), table.content_hash()};
}

std::string source_text(const std::vector<MeasuredFile>& files) {
  std::vector<std::string> parts;
  for (const MeasuredFile& file : files) {
    parts.push_back(fmt::format("{} ({} {}{}, XXH64 {:016x})", printable(file.name), file.count,
                                file.what, file.count == 1 ? "" : "s", file.content_hash));
  }
  return join(parts);
}

void set_path(Node& root, const std::string& path, const std::string& text) {
  Node* at = &root;
  const std::vector<std::string> parts = split_path(path);
  for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
    Node* below = at->find(parts[i]);
    at = below != nullptr ? below : &at->set(parts[i], Node::map());
  }
  at->set(parts.back(), Node::scalar(text));
}

void set_figure(Node& root, const std::string& name, const Quantity& value, FigureKind kind,
                const std::string& source,
                const std::optional<std::pair<Quantity, Quantity>>& range) {
  Node figure = Node::map();
  figure.set("value", Node::scalar(format_quantity(value)));
  figure.set("kind", Node::scalar(std::string(name_of(kind))));
  if (range) {
    Node ends = Node::list();
    ends.items.push_back(Node::scalar(format_quantity(range->first)));
    ends.items.push_back(Node::scalar(format_quantity(range->second)));
    figure.set("range", std::move(ends));
  }
  figure.set("source", Node::scalar(source));
  root.set(name, std::move(figure));
}

std::string percent_text(double share) { return fmt::format("{:.1f}%", 100 * share); }

std::string to_text(const Calibration& calibration) {
  std::string text = "measured in " + source_text(calibration.files) + "\n";
  for (const PartFit& part : calibration.parts) text += "\n" + part_text(part);
  if (!calibration.notes.empty()) text += "\n";
  for (const std::string& note : calibration.notes) text += note + "\n";
  return text;
}

std::string to_json(const Calibration& calibration) {
  Json files = Json::array();
  for (const MeasuredFile& file : calibration.files) {
    files.push_back({{"file", file.name},
                     {std::string(file.what) + "s", file.count},
                     {"xxh64", fmt::format("{:016x}", file.content_hash)}});
  }
  Json parts = Json::array();
  for (const PartFit& part : calibration.parts) parts.push_back(part_json(part));
  const Json json{{"kind", calibration.kind},
                  {"files", std::move(files)},
                  {"parts", std::move(parts)},
                  {"notes", calibration.notes}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string to_yaml(const Calibration& calibration) {
  std::string text = "# Written by `tiercast calibrate " + calibration.kind + "`.\n";
  for (const std::string& note : calibration.notes) text += "# " + note + "\n";
  return text + config::to_yaml(calibration.entry);
}

}  // namespace tiercast::calibration
