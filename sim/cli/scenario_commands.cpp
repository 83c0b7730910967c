#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "sim/base/field_table.hpp"
#include "sim/cli/as_json.hpp"
#include "sim/cli/commands.hpp"
#include "sim/cli/context.hpp"
#include "sim/cli/describe.hpp"
#include "sim/cli/forecast.hpp"
#include "sim/config/emit_yaml.hpp"

namespace tiercast::cli {

namespace {

/// Why there is nothing to explain at `path`.
std::string no_value(const std::string& path, const FieldLookup& known) {
  if (known.field != nullptr) return "`" + path + "` is not set: " + known.field->fallback + "\n";
  return known.error + "\n" + (known.hint.empty() ? "" : known.hint + "\n");
}

std::string type_of(const FieldInfo& field) {
  const std::string range = describe_range(field);
  return describe(field.type) + (range.empty() ? "" : ", " + range);
}

/// Places in the catalogue as they are called there: `nodes/dgx-h100.yaml`.
void shorten_places(const std::string& folder, Node& node) {
  if (node.place.file.starts_with(folder)) node.place.file.erase(0, folder.size());
  for (NodeEntry& entry : node.entries) shorten_places(folder, entry.value);
  for (Node& item : node.items) shorten_places(folder, item);
}

std::string yaml_of(Node tree, const std::string& configs) {
  shorten_places((std::filesystem::path(configs) / "").string(), tree);
  return config::to_yaml(tree, config::Comments::origins);
}

/// A value with where it came from; figures with their kind and source.
std::string value_text(const std::string& path, const Node& value, const std::string& meaning,
                       const std::string& type, const std::string& configs) {
  std::string text;
  if (!meaning.empty()) text = fmt::format("# {}\n# {}\n", meaning, type);
  Node root = Node::map(value.place, value.origin);
  root.set(path, value);
  return text + yaml_of(std::move(root), configs);
}

int explain_derived(const Prepared& prepared, Format format) {
  write_stdout(format == Format::json ? derived_json(prepared, Values::without)
                                      : derived_text(prepared));
  return exit_ok;
}

int explain_path(const Prepared& prepared, const Arguments& arguments) {
  const std::string& path = *arguments.detail;
  const bool as_json = arguments.format == Format::json;
  if (path == "derived") return explain_derived(prepared, arguments.format);
  if (path == "tiers" && !as_json) {
    write_stdout(tiers_text(prepared));
    return exit_ok;
  }
  const Node* node = at_path(prepared.scenario.resolved, path);
  const FieldLookup known = find_field(scenario::ScenarioSpec::fields(), path);
  if (node == nullptr) {
    fmt::print(stderr, "tiercast: {}", no_value(path, known));
    return exit_bad_input;
  }
  const std::string meaning = known.field == nullptr ? "" : known.field->meaning;
  const std::string type = known.field == nullptr ? "" : type_of(*known.field);
  write_stdout(as_json ? value_json(prepared, path, meaning, type)
                       : value_text(path, *node, meaning, type, configs_folder(arguments)));
  return exit_ok;
}

}  // namespace

int validate_command(const Arguments& arguments) {
  std::vector<Validated> files;
  bool good = true;
  for (const std::string& file : arguments.inputs) {
    Validated& next = files.emplace_back();
    next.file = file;
    next.fine =
        prepare(file, load_options(arguments), Checks::scenario_and_trace, next.found).has_value();
    good = good && next.fine;
  }
  if (arguments.format == Format::json) {
    write_stdout(validation_json(files));
    return good ? exit_ok : exit_bad_input;
  }
  std::string text;
  for (const Validated& file : files) {
    print(file.found, arguments);
    if (file.fine && !arguments.quiet) text += file.file + ": fine\n";
  }
  write_stdout(text);
  return good ? exit_ok : exit_bad_input;
}

int explain_command(const Arguments& arguments) {
  Diagnostics found;
  const std::optional<Prepared> prepared =
      prepare(arguments.inputs.front(), load_options(arguments), Checks::scenario, found);
  print(found, arguments);
  if (!prepared) return exit_bad_input;
  if (arguments.detail) return explain_path(*prepared, arguments);
  if (arguments.format == Format::json) {
    write_stdout(derived_json(*prepared, Values::with));
  } else {
    const std::string configs = configs_folder(arguments);
    write_stdout(fmt::format("{}\n{}\nvalues, and where each comes from (the catalogue is {}):\n{}",
                             derived_text(*prepared), tiers_text(*prepared), configs,
                             yaml_of(prepared->scenario.resolved, configs)));
  }
  return exit_ok;
}

}  // namespace tiercast::cli
