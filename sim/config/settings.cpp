#include "sim/config/settings.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string_view>
#include <utility>

#include <boost/program_options/options_description.hpp>
#include <boost/program_options/parsers.hpp>

#include "sim/base/field_table.hpp"
#include "sim/base/text.hpp"

namespace po = boost::program_options;

namespace tiercast::config {
namespace {

constexpr std::string_view kPrefix = "TIERCAST_";
/// Variables of the test harness and the front door, which the program itself never reads.
constexpr std::array kNotSettings = {"BIN"};
constexpr std::size_t kLargestFile = 65'536;

struct Given {
  std::string name;
  std::string value;
  Place place;
};

/// Variables say 1 and 0 for true and false.
std::string in_words(const Given& given) {
  const FieldLookup known = find_field(Settings::fields(), given.name);
  if (known.field == nullptr || known.field->type.shape != Shape::boolean) return given.value;
  return given.value == "1" ? "true" : given.value == "0" ? "false" : given.value;
}

/// Reads what was given by the one table; values are checked there.
Settings read(const std::vector<Given>& given, Diagnostics& found) {
  Node document = Node::map();
  for (const Given& one : given) {
    if (document.find(one.name) != nullptr) {
      found.error(one.place, quote(one.name) + " is given twice");
      continue;
    }
    document.set(one.name, Node::scalar(in_words(one), one.place));
  }
  Settings settings;
  Node resolved;
  Reader(found).read(document, settings, resolved);
  return settings;
}

std::string variable_of(const std::string& name) {
  std::string variable(kPrefix);
  for (const char c : name) {
    variable += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return variable;
}

std::string lower(std::string_view text) {
  std::string result;
  for (const char c : text) {
    result += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return result;
}

/// The option that a variable sets, or empty when it is none of ours.
std::string option_of(const std::string& variable) {
  if (!variable.starts_with(kPrefix)) return {};
  const std::string_view rest = std::string_view(variable).substr(kPrefix.size());
  const bool other =
      std::find(kNotSettings.begin(), kNotSettings.end(), rest) != kNotSettings.end();
  return other ? std::string() : lower(rest);
}

/// Program_options gives no line numbers: the line on which `name` is set for the `nth` time.
int line_of(const std::string& text, const std::string& name, int nth) {
  std::istringstream lines(text);
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    const std::size_t first = line.find_first_not_of(" \t");
    if (first == std::string::npos || line.compare(first, name.size(), name) != 0) continue;
    const std::size_t after = line.find_first_not_of(" \t", first + name.size());
    if (after != std::string::npos && line[after] == '=' && nth-- == 0) return number;
  }
  return 0;
}

std::vector<Given> parse_file(const std::string& path, const std::string& text,
                              Diagnostics& found) {
  std::vector<Given> given;
  try {
    std::istringstream stream(text);
    // Any name passes here: the table refuses unknown ones, with the nearest.
    const auto parsed = po::parse_config_file(stream, po::options_description(), true);
    for (const auto& option : parsed.options) {
      const auto before = std::count_if(given.begin(), given.end(), [&](const Given& one) {
        return one.name == option.string_key;
      });
      const int line = line_of(text, option.string_key, static_cast<int>(before));
      given.push_back({option.string_key, option.value.empty() ? "" : option.value.front(),
                       Place{path, line, line > 0 ? 1 : 0}});
    }
  } catch (const std::exception& fault) {
    found.error({path, 0, 0}, std::string("not a defaults file: ") + fault.what(),
                "write lines like: seed = 7");
  }
  return given;
}

}  // namespace

std::vector<Choice<OutputFormat>> choices(OutputFormat) {
  return {{"text", OutputFormat::text, "for people"},
          {"json", OutputFormat::json, "for scripts"},
          {"csv", OutputFormat::csv, "for tables"},
          {"markdown", OutputFormat::markdown, "for summaries"},
          {"junit", OutputFormat::junit, "for test reports"},
          {"github", OutputFormat::github, "annotations of a workflow"}};
}

std::vector<Choice<ColorMode>> choices(ColorMode) {
  return {{"auto", ColorMode::automatic, "when a terminal reads it"},
          {"always", ColorMode::always, "even into files"},
          {"never", ColorMode::never, "plain text"}};
}

const FieldTable<Settings>& Settings::fields() {
  using namespace table;
  using S = Settings;
  static const auto table = FieldTable<S>(
      "settings", "What a user sets once for all commands.",
      {
          field("seed", &S::seed, absent_means("the scenario's"), at_least(0), "Of all streams."),
          field("seeds", &S::seeds, absent_means("the scenario's"), at_least(1), "Repetitions."),
          field("jobs", &S::jobs, absent_means("one a core"), between(1, 4096), "Runs at a time."),
          field("out", &S::out, absent_means("no files"), "Folder for result files."),
          field("format", &S::format, absent_means("text"), "Of the result on stdout."),
          field("color", &S::color, absent_means("auto"), "Of text on terminals."),
          field("quiet", &S::quiet, absent_means("false"), "No progress, no warnings."),
          field("configs", &S::configs, absent_means("the installed one"), "Catalogue folder."),
          field("shared", &S::shared, absent_means("beside the repository"),
                "Folder of traces and oracles."),
      });
  return table;
}

Settings environment_settings(Diagnostics& found) {
  std::vector<Given> given;
  for (const auto& option : po::parse_environment(po::options_description(), option_of).options) {
    const std::string value = option.value.empty() ? "" : option.value.front();
    if (value.empty()) continue;
    given.push_back({option.string_key, value, Place{variable_of(option.string_key), 0, 0}});
  }
  return read(given, found);
}

Settings file_settings(const std::string& path, Diagnostics& found) {
  std::error_code fault;
  if (path.empty() || !std::filesystem::exists(path, fault)) return {};
  std::ifstream file(path, std::ios::binary);
  std::string text(kLargestFile + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file.is_open() || file.bad()) {
    found.error({path, 0, 0}, "cannot read the file", "check its permissions");
    return {};
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kLargestFile) {
    found.error({path, 0, 0}, "too large for a defaults file");
    return {};
  }
  found.add_source(path, text);
  return read(parse_file(path, text, found), found);
}

std::string settings_path() {
  const auto variable = [](const char* name) -> std::string {
    const char* value = std::getenv(name);
    return value != nullptr ? value : "";
  };
  if (const std::string xdg = variable("XDG_CONFIG_HOME"); !xdg.empty()) {
    return xdg + "/tiercast/config.ini";
  }
  const std::string home = variable("HOME");
  return home.empty() ? home : home + "/.config/tiercast/config.ini";
}

Settings overlay(const Settings& first, const Settings& second) {
  Settings result = first;
  const auto fall_back = [](auto& value, const auto& other) {
    if (!value) value = other;
  };
  fall_back(result.seed, second.seed);
  fall_back(result.seeds, second.seeds);
  fall_back(result.jobs, second.jobs);
  fall_back(result.out, second.out);
  fall_back(result.format, second.format);
  fall_back(result.color, second.color);
  fall_back(result.quiet, second.quiet);
  fall_back(result.configs, second.configs);
  fall_back(result.shared, second.shared);
  return result;
}

Settings read_settings(Diagnostics& found) {
  const Settings environment = environment_settings(found);
  return overlay(environment, file_settings(settings_path(), found));
}

}  // namespace tiercast::config
