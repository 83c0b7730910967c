#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "models/policy/placement.hpp"
#include "models/policy/registry.hpp"
#include "models/policy/router.hpp"
#include "models/scenario/catalogue.hpp"
#include "models/scenario/spec.hpp"
#include "models/tiering/plugin.hpp"
#include "sim/base/field_table.hpp"
#include "sim/base/text.hpp"
#include "sim/cli/as_json.hpp"
#include "sim/cli/build_info.hpp"
#include "sim/cli/commands.hpp"
#include "sim/cli/context.hpp"
#include "sim/config/table_docs.hpp"

namespace tiercast::cli {

namespace {

nlohmann::ordered_json to_json(const policy::Parameter& parameter) {
  if (parameter.kind == policy::ParameterKind::choice) {
    return {{"name", parameter.name},
            {"default", policy::value_text(parameter, parameter.default_value)},
            {"choices", parameter.choices},
            {"meaning", parameter.meaning}};
  }
  return {{"name", parameter.name}, {"unit", parameter.unit}, {"default", parameter.default_value},
          {"min", parameter.min},   {"max", parameter.max},   {"meaning", parameter.meaning}};
}

template <class Entry>
nlohmann::ordered_json to_json(const Entry& entry, const char* kind) {
  nlohmann::ordered_json parameters = nlohmann::ordered_json::array();
  for (const policy::Parameter& parameter : entry.parameters) {
    parameters.push_back(to_json(parameter));
  }
  return {{"name", entry.name},
          {"kind", kind},
          {"description", entry.description},
          {"source", entry.source},
          {"parameters", parameters}};
}

template <class Entry>
std::string to_text(const Entry& entry, const char* kind) {
  std::string text = fmt::format("{} ({})\n  {}\n  source: {}\n", entry.name, kind,
                                 entry.description, entry.source);
  for (const policy::Parameter& parameter : entry.parameters) {
    text += fmt::format("  {}\n", policy::describe(parameter));
  }
  return text;
}

int unknown(const std::string& what, const std::string& name, const std::string& hint) {
  fmt::print(stderr, "tiercast: no {} `{}`\n{}", what, name, hint.empty() ? "" : hint + "\n");
  return exit_bad_input;
}

std::string did_you_mean(const std::string& name, const std::vector<std::string>& known,
                         const std::string& lister) {
  const std::string near = nearest_name(name, known);
  return near.empty() ? "`" + lister + "` lists what there is" : "did you mean `" + near + "`?";
}

/// The catalogue, whose faults are told where they are met.
struct Entries {
  explicit Entries(const Arguments& given)
      : arguments(given), catalogue(configs_folder(given), found) {}

  const Node* read(const std::string& kind, const std::string& name) {
    const Node* entry = catalogue.find(kind, name, {"configs", 0, 0});
    if (entry == nullptr) print(found, arguments);
    return entry;
  }

  const Arguments& arguments;
  Diagnostics found;
  scenario::Catalogue catalogue;
};

int list_kinds(const Arguments& arguments, const std::vector<std::string>& kinds) {
  const bool as_json = arguments.format == Format::json;
  write_stdout((as_json ? nlohmann::ordered_json(kinds).dump(2) : join(kinds, "\n")) + "\n");
  return exit_ok;
}

/// Names with the title that each entry gives itself.
int list_entries(const Arguments& arguments, const std::string& kind, Entries& entries) {
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  std::string text;
  for (const std::string& name : entries.catalogue.names(kind)) {
    const Node* entry = entries.read(kind, name);
    if (entry == nullptr) return exit_bad_input;
    const Node* title = entry->find("title");
    const std::string words = title == nullptr ? "" : title->text;
    json.push_back({{"name", name}, {"title", words}});
    text += fmt::format("{:<22} {}\n", name, printable(words));
  }
  write_stdout(arguments.format == Format::json ? json.dump(2) + "\n" : text);
  return exit_ok;
}

int show_entry(const Arguments& arguments, const std::string& kind, const std::string& name,
               Entries& entries) {
  const Node* entry = entries.read(kind, name);
  if (entry == nullptr) return exit_bad_input;
  const std::string file = entries.catalogue.path(kind, name);
  if (arguments.format == Format::json) {
    write_stdout(entry_json(file, *entry));
    return exit_ok;
  }
  std::ifstream stream(file);
  std::ostringstream text;
  text << stream.rdbuf();
  if (!stream) throw std::runtime_error("cannot read " + file);
  write_stdout(text.str());
  return exit_ok;
}

nlohmann::ordered_json info_json(const tp_info& info, const std::string& kind) {
  return {{"name", info.name},
          {"kind", kind},
          {"version", info.version},
          {"abi", fmt::format("{}.{}", info.abi_major, info.abi_minor)}};
}

/// Whether a listing that may be of one policy has this one.
bool is_asked_for(const Arguments& arguments, std::string_view policy) {
  return arguments.inputs.empty() || arguments.inputs.front() == policy;
}

/// What a plug-in says of itself; it is asked in a process of its own.
int show_plugin(const Arguments& arguments) {
  std::string error;
  const auto plugin = tiering::Plugin::load(*arguments.plugin, {true, 1'000'000'000}, error);
  if (plugin == nullptr) {
    fmt::print(stderr, "tiercast: {}\n", error);
    return exit_bad_input;
  }
  nlohmann::ordered_json policies = nlohmann::ordered_json::array();
  std::vector<std::string> known;
  const auto list = [&](const auto* table, const char* kind) {
    if (table == nullptr) return;
    known.emplace_back(table->info()->name);
    if (!is_asked_for(arguments, known.back())) return;
    policies.push_back(info_json(*table->info(), kind));
  };
  list(plugin->cache(), "eviction");
  list(plugin->placement(), "placement");
  list(plugin->router(), "routing");
  if (policies.empty()) {
    return unknown("policy", arguments.inputs.front(),
                   did_you_mean(arguments.inputs.front(), known,
                                "tiercast policies --plugin " + *arguments.plugin));
  }
  if (arguments.format == Format::json) {
    const nlohmann::ordered_json json{
        {"file", plugin->file()}, {"hash", plugin->hash()}, {"policies", policies}};
    write_stdout(json.dump(2) + "\n");
    return exit_ok;
  }
  std::string text = fmt::format("{}\n  hash: {}\n", plugin->file(), plugin->hash());
  for (const auto& policy : policies) {
    text +=
        fmt::format("  {}: {} {} (version {} of the contract)\n",
                    policy.at("kind").get<std::string>(), policy.at("name").get<std::string>(),
                    policy.at("version").get<std::string>(), policy.at("abi").get<std::string>());
  }
  write_stdout(text);
  return exit_ok;
}

}  // namespace

int policies_command(const Arguments& arguments) {
  if (arguments.plugin) return show_plugin(arguments);
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  std::string text;
  std::vector<std::string> known;
  const auto list = [&](const auto& entries, const char* kind) {
    for (const auto& entry : entries) {
      known.emplace_back(entry.name);
      if (!is_asked_for(arguments, entry.name)) continue;
      json.push_back(to_json(entry, kind));
      text += (text.empty() ? "" : "\n") + to_text(entry, kind);
    }
  };
  list(policy::cache_policies(), "eviction");
  list(policy::placement_policies(), "placement");
  list(policy::router_policies(), "routing");
  if (json.empty()) {
    return unknown("policy", arguments.inputs.front(),
                   did_you_mean(arguments.inputs.front(), known, "tiercast policies"));
  }
  write_stdout(arguments.format == Format::json ? json.dump(2) + "\n" : text);
  return exit_ok;
}

int configs_command(const Arguments& arguments) {
  Entries entries(arguments);
  const std::vector<std::string> kinds = entries.catalogue.kinds();
  if (arguments.inputs.empty()) return list_kinds(arguments, kinds);
  const std::string& kind = arguments.inputs[0];
  const std::vector<std::string> names = entries.catalogue.names(kind);
  if (names.empty()) return unknown("kind", kind, did_you_mean(kind, kinds, "tiercast configs"));
  if (!arguments.detail) return list_entries(arguments, kind, entries);
  const std::string& name = *arguments.detail;
  if (std::find(names.begin(), names.end(), name) == names.end()) {
    return unknown("entry of " + kind, name, did_you_mean(name, names, "tiercast configs " + kind));
  }
  return show_entry(arguments, kind, name, entries);
}

int schema_command(const Arguments&) {
  write_stdout(config::emit_json_schema(scenario::ScenarioSpec::fields(), "tiercast scenario"));
  return exit_ok;
}

int version_command(const Arguments& arguments) {
  const BuildInfo build = build_info();
  if (arguments.format == Format::json) {
    const nlohmann::ordered_json json{{"version", build.version},
                                      {"revision", build.revision},
                                      {"compiler", build.compiler},
                                      {"build_type", build.build_type}};
    write_stdout(json.dump(2) + "\n");
    return exit_ok;
  }
  write_stdout(fmt::format("tiercast {}{} ({}, {})\n", build.version,
                           build.revision.empty() ? "" : fmt::format(" ({})", build.revision),
                           build.compiler, build.build_type));
  return exit_ok;
}

}  // namespace tiercast::cli
