#include <fmt/format.h>

#include <string>

#include "models/workload/demand_source.hpp"
#include "sim/base/field_table.hpp"
#include "sim/cli/commands.hpp"
#include "sim/cli/context.hpp"
#include "sim/cli/describe.hpp"
#include "sim/cli/forecast.hpp"
#include "sim/config/emit_yaml.hpp"

namespace tiercast::cli {

namespace {

/// A value with where it came from; figures with their kind and source.
std::string explain_path(const Prepared& prepared, const std::string& path, bool& good) {
  const Node* node = at_path(prepared.scenario.resolved, path);
  if (node == nullptr) {
    const FieldLookup known = find_field(scenario::ScenarioSpec::fields(), path);
    good = false;
    if (known.field != nullptr) return "`" + path + "` is not set: " + known.field->fallback + "\n";
    return known.error + "\n" + (known.hint.empty() ? "" : known.hint + "\n");
  }
  std::string text;
  const FieldLookup known = find_field(scenario::ScenarioSpec::fields(), path);
  if (known.field != nullptr) {
    const std::string range = describe_range(*known.field);
    text += fmt::format("# {}\n# {}{}{}\n", known.field->meaning, describe(known.field->type),
                        range.empty() ? "" : ", ", range);
  }
  Node root = Node::map(node->place, node->origin);
  root.set(path, *node);
  return text + config::to_yaml(root, config::Comments::origins);
}

}  // namespace

int validate_command(const Arguments& arguments) {
  bool good = true;
  std::string text;
  for (const std::string& file : arguments.inputs) {
    Diagnostics found;
    const std::optional<Prepared> prepared = prepare(file, load_options(arguments), found);
    bool fine = prepared.has_value();
    if (prepared) {
      const auto* trace = std::get_if<workload::TraceSpec>(&prepared->scenario.spec.workload);
      if (trace != nullptr) fine = workload::check_trace(*trace, found);
    }
    print(found, arguments);
    if (fine) text += file + ": fine\n";
    good = good && fine;
  }
  if (!arguments.quiet) write_stdout(text);
  return good ? exit_ok : exit_bad_input;
}

int explain_command(const Arguments& arguments) {
  Diagnostics found;
  const std::optional<Prepared> prepared =
      prepare(arguments.inputs.front(), load_options(arguments), found);
  print(found, arguments);
  if (!prepared) return exit_bad_input;
  if (arguments.inputs.size() > 1) {
    bool good = true;
    const std::string text = explain_path(*prepared, arguments.inputs[1], good);
    if (good) {
      write_stdout(text);
      return exit_ok;
    }
    fmt::print(stderr, "tiercast: {}", text);
    return exit_bad_input;
  }
  if (arguments.format == Format::json) {
    write_stdout(derived_json(*prepared));
  } else {
    write_stdout(config::to_yaml(prepared->scenario.resolved, config::Comments::origins) + "\n" +
                 derived_text(*prepared));
  }
  return exit_ok;
}

}  // namespace tiercast::cli
