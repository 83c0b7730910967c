#include <optional>
#include <string>
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

/// A value with where it came from; figures with their kind and source.
std::string value_text(const std::string& path, const Node& value, const std::string& meaning,
                       const std::string& type) {
  std::string text;
  if (!meaning.empty()) text = fmt::format("# {}\n# {}\n", meaning, type);
  Node root = Node::map(value.place, value.origin);
  root.set(path, value);
  return text + config::to_yaml(root, config::Comments::origins);
}

int explain_path(const Prepared& prepared, const std::string& path, Format format) {
  const Node* node = at_path(prepared.scenario.resolved, path);
  const FieldLookup known = find_field(scenario::ScenarioSpec::fields(), path);
  if (node == nullptr) {
    fmt::print(stderr, "tiercast: {}", no_value(path, known));
    return exit_bad_input;
  }
  const std::string meaning = known.field == nullptr ? "" : known.field->meaning;
  const std::string type = known.field == nullptr ? "" : type_of(*known.field);
  write_stdout(format == Format::json ? value_json(path, *node, meaning, type)
                                      : value_text(path, *node, meaning, type));
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
  if (arguments.detail) return explain_path(*prepared, *arguments.detail, arguments.format);
  if (arguments.format == Format::json) {
    write_stdout(derived_json(*prepared));
  } else {
    write_stdout(config::to_yaml(prepared->scenario.resolved, config::Comments::origins) + "\n" +
                 derived_text(*prepared));
  }
  return exit_ok;
}

}  // namespace tiercast::cli
