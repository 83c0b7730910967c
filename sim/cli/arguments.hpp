#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tiercast::cli {

enum class Format : uint8_t { text, json };
enum class ColorWhen : uint8_t { automatic, always, never };

/// Exit codes that scripts rely on.
enum Exit : int {
  exit_ok = 0,
  exit_error = 1,  ///< or a run that refused every request
  exit_bad_input = 2,
  exit_threshold = 3,
};

/// The command line as plain data; settings from the environment and the defaults file are already
/// underneath.
struct Arguments {
  std::string command;
  std::vector<std::string> inputs;    ///< positional: files or a name
  std::optional<std::string> detail;  ///< explain: a dotted path; configs: an entry
  std::optional<std::string> kind;    ///< calibrate: of the measurements; import: of the input

  std::vector<std::string> sets;  ///< `path=value`
  std::optional<uint64_t> seed;
  std::optional<std::string> out;
  std::optional<std::string> configs;  ///< folder of the catalogue
  Format format = Format::text;
  ColorWhen color = ColorWhen::automatic;
  std::optional<uint32_t> jobs;  ///< threads; absent: as many as the machine has
  bool quiet = false;
  bool dry_run = false;
  bool isolate_plugins = false;
  bool check_policies = false;
  double call_limit_s = 1;           ///< cache, tape verify: of a call into a plug-in; 0: none
  std::optional<std::string> tapes;  ///< run: folder for decision tapes
  bool unfinished = false;           ///< tape: one without an end is fine
  bool without_effort = false;       ///< leave out what may differ between equal runs

  std::optional<std::string> plugin;  ///< policies: a plug-in's file

  // calibrate (gpu and output: import too)
  std::optional<std::string> gpu;     ///< entry of the catalogue
  std::optional<std::string> base;    ///< entry that the new one starts from
  std::optional<std::string> link;    ///< raw bandwidth that copies had
  std::vector<std::string> where;     ///< `column=text`: rows of a table that count
  std::optional<std::string> output;  ///< file for what is made
  std::optional<std::string> report;  ///< file for a table of every case
  bool leave_out = true;
  std::optional<std::string> measured;  ///< what a load generator wrote

  // import
  bool catalogue_entry = false;       ///< hf: not a scenario's section
  std::optional<std::string> assume;  ///< hf: model_type to read unknown ones as
  std::optional<std::string> node;    ///< entry of the catalogue

  // cache (on_bad_line: run and validate too)
  std::vector<std::string> policies;
  std::vector<std::string> capacities;   ///< blocks, or `N%` of a trace's distinct ones
  bool bound = false;                    ///< add what no policy can beat
  uint32_t concurrent = 1;               ///< sessions at a time, of a trace of sessions
  std::vector<std::string> parameters;   ///< `name=value` or `policy.name=value`
  std::optional<uint32_t> block_tokens;  ///< of the trace's ids
  bool prefix_rule = false;
  std::optional<std::string> on_bad_line;  ///< fail or skip
};

/// What parsing ends in: arguments, or a text to print and an exit code (help, mistakes).
struct Parsed {
  std::optional<Arguments> arguments;
  std::string text;
  int exit_code = 0;
};

Parsed parse_arguments(int argc, const char* const* argv);

}  // namespace tiercast::cli
