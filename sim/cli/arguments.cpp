#include "sim/cli/arguments.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <map>
#include <sstream>

#include <CLI/CLI.hpp>

#include "sim/base/field_table.hpp"
#include "sim/base/text.hpp"
#include "sim/cli/build_info.hpp"
#include "sim/cli/unknown_words.hpp"
#include "sim/config/settings.hpp"

namespace tiercast::cli {

namespace {

const std::map<std::string, Format> kFormats{{"text", Format::text}, {"json", Format::json}};
const std::map<std::string, ColorWhen> kColors{
    {"auto", ColorWhen::automatic}, {"always", ColorWhen::always}, {"never", ColorWhen::never}};

// The values of a map by name; CLI11's own transformer cannot print them when refusing a word.
template <class E>
void add_choice(CLI::App& command, const std::string& flag, E& target,
                const std::map<std::string, E>& named, const std::string& meaning) {
  std::vector<std::string> names;
  for (const auto& entry : named) names.push_back(entry.first);
  command
      .add_option_function<std::string>(
          flag, [&target, &named](const std::string& name) { target = named.at(name); }, meaning)
      ->transform(CLI::IsMember(names, CLI::ignore_case));
}

// CLI11's own numbers saturate where they overflow.
std::string seed_fault(const std::string& text) {
  int64_t seed = 0;
  const char* end = text.data() + text.size();
  const auto [stop, fault] = std::from_chars(text.data(), end, seed);
  if (fault == std::errc{} && stop == end && seed >= 0) return "";
  return "`" + text + "` is not a whole number from 0 to 9223372036854775807";
}

void add_seed(CLI::App& command, Arguments& arguments, const std::string& meaning) {
  command.add_option("--seed", arguments.seed, meaning)
      ->check(CLI::Validator(seed_fault, ""))
      ->type_name("N");
}

// A flag that may be given again, each with one value: a list would swallow what follows it.
template <class T>
CLI::Option* add_repeatable(CLI::App& command, const std::string& flag, std::vector<T>& target,
                            const std::string& meaning) {
  return command.add_option(flag, target, meaning)->take_all()->allow_extra_args(false);
}

void add_scenario_flags(CLI::App& command, Arguments& arguments) {
  add_repeatable(command, "--set", arguments.sets,
                 "Override a scenario value: path.to.key=value; may be given again")
      ->type_name("PATH=VALUE");
  add_seed(command, arguments, "Seed of every random draw (run.seed)");
}

void add_bad_line_flag(CLI::App& command, Arguments& arguments) {
  command
      .add_option("--on-bad-line", arguments.on_bad_line,
                  "Bad lines of a trace: fail (default) or skip and count")
      ->check(CLI::IsMember({"fail", "skip"}))
      ->type_name("WHAT");
}

void add_output_flags(CLI::App& command, Arguments& arguments) {
  add_choice(command, "--format", arguments.format, kFormats, "How the result is written");
  add_choice(command, "--color", arguments.color, kColors, "NO_COLOR is honoured");
  command.add_flag("--quiet", arguments.quiet, "No warnings and no progress on stderr");
}

// The one input of a command that takes another positional after it, which a list would swallow.
CLI::Option* add_single(CLI::App& command, const std::string& name, Arguments& arguments,
                        const std::string& meaning) {
  return command
      .add_option_function<std::string>(
          name, [&arguments](const std::string& input) { arguments.inputs = {input}; }, meaning)
      ->type_name("");
}

void add_call_limit(CLI::App& app, Arguments& arguments) {
  app.add_option("--call-limit", arguments.call_limit_s,
                 "Wall time after which a call into a plug-in has failed (1; 0: never)")
      ->check(CLI::Range(0.0, 3600.0))
      ->type_name("SECONDS");
}

void add_isolate_flag(CLI::App& command, Arguments& arguments) {
  command.add_flag("--isolate-plugins", arguments.isolate_plugins,
                   "Run plug-ins in processes of their own: the same results, and an error that "
                   "names the call where one crashes");
}

void add_plugin_flags(CLI::App& command, Arguments& arguments) {
  add_isolate_flag(command, arguments);
  command.add_flag("--check-policies", arguments.check_policies,
                   "Check too that asking policies for victims changes nothing");
}

void add_run(CLI::App& app, Arguments& arguments) {
  CLI::App* run = app.add_subcommand("run", "Forecast a scenario");
  run->add_option("SCENARIO", arguments.inputs, "Scenario file")
      ->required()
      ->expected(1)
      ->type_name("");
  add_scenario_flags(*run, arguments);
  add_output_flags(*run, arguments);
  run->add_option("--out", arguments.out,
                  "Also write result.json, requests.csv, timeseries.csv here")
      ->type_name("DIR");
  add_bad_line_flag(*run, arguments);
  add_plugin_flags(*run, arguments);
  run->add_option(
         "--tape", arguments.tapes,
         "Record the decisions of every pool's cache policy, and of placement, here, a file each")
      ->type_name("DIR");
  run->add_flag("--dry-run", arguments.dry_run, "Check and derive, but do not simulate");
  run->add_flag("--reproducible", arguments.without_effort,
                "Leave out of the JSON what may differ between equal runs (build, run)");
}

void add_validate(CLI::App& app, Arguments& arguments) {
  CLI::App* validate = app.add_subcommand("validate", "Report everything wrong with scenarios");
  validate->add_option("FILE", arguments.inputs, "Scenario files")
      ->required()
      ->expected(1, -1)
      ->type_name("");
  add_scenario_flags(*validate, arguments);
  add_bad_line_flag(*validate, arguments);
  add_output_flags(*validate, arguments);
}

void add_explain(CLI::App& app, Arguments& arguments) {
  CLI::App* explain = app.add_subcommand(
      "explain", "The resolved scenario, where each figure comes from, and what follows");
  add_single(*explain, "SCENARIO", arguments, "Scenario file")->required();
  explain->add_option("PATH", arguments.detail, "One value or section: a dotted path")
      ->type_name("");
  add_scenario_flags(*explain, arguments);
  add_output_flags(*explain, arguments);
}

void add_cache(CLI::App& app, Arguments& arguments) {
  CLI::App* cache = app.add_subcommand("cache", "Replay a trace's blocks against one cache pool");
  cache
      ->add_option("TRACE", arguments.inputs, "Trace with content ids: Mooncake JSONL, or sessions")
      ->required()
      ->expected(1)
      ->type_name("");
  add_repeatable(*cache, "--policy", arguments.policies,
                 "Eviction policies: names, `all`, or files of plug-ins such as ./mine.so")
      ->required()
      ->delimiter(',')
      ->type_name("NAME[,NAME...]");
  add_repeatable(*cache, "--capacity", arguments.capacities,
                 "Blocks, or a share of the distinct ones (1,2,5,10,20,50,100%)")
      ->delimiter(',')
      ->type_name("N|N%[,...]");
  cache->add_flag("--bound", arguments.bound, "Add what no policy can beat");
  cache->add_option("--jobs", arguments.jobs, "Threads (as many as the machine has)")
      ->check(CLI::Range(uint32_t{1}, uint32_t{4096}))
      ->type_name("N");
  cache
      ->add_option("--concurrent", arguments.concurrent,
                   "Of a trace of sessions, how many run at a time (1)")
      ->check(CLI::Range(uint32_t{1}, uint32_t{1} << 20))
      ->type_name("N");
  add_repeatable(*cache, "--parameter", arguments.parameters,
                 "Parameter of every policy, or of one; may be given again")
      ->type_name("[POLICY.]NAME=VALUE");
  cache->add_option("--block-tokens", arguments.block_tokens, "Tokens of one id (512)")
      ->check(CLI::Range(uint32_t{1}, uint32_t{1} << 20))
      ->type_name("N");
  add_plugin_flags(*cache, arguments);
  add_call_limit(*cache, arguments);
  cache->add_flag("--prefix", arguments.prefix_rule, "A request's hits end at its first miss");
  add_bad_line_flag(*cache, arguments);
  add_seed(*cache, arguments, "Seed of policies that draw");
  add_output_flags(*cache, arguments);
}

void add_tape(CLI::App& app, Arguments& arguments) {
  CLI::App* tape = app.add_subcommand("tape", "Decision tapes of cache and placement policies");
  tape->require_subcommand(1);
  CLI::App* verify = tape->add_subcommand(
      "verify", "Give a policy a tape's calls again: does it answer the same?");
  verify->add_option("FILE", arguments.inputs, "Tapes")->required()->expected(1, -1)->type_name("");
  verify
      ->add_option("--policy", arguments.policies,
                   "Replay against this one, not its own: of the library, or a plug-in's file")
      ->expected(1)
      ->type_name("NAME");
  add_isolate_flag(*verify, arguments);
  add_call_limit(*verify, arguments);
  verify->add_flag("--unfinished", arguments.unfinished,
                   "A tape may end without its end mark, as one does whose host was killed");
  add_output_flags(*verify, arguments);
}

void add_calibrate(CLI::App& app, Arguments& arguments) {
  CLI::App* calibrate = app.add_subcommand(
      "calibrate", "Fit the catalogue's figures to measurements; write an entry with its errors");
  calibrate
      ->add_option("KIND", arguments.kind,
                   "operators (kernel tables), served (runs of engines), fio (a drive), copies (a "
                   "software stack)")
      ->required()
      ->check(CLI::IsMember({"operators", "served", "fio", "copies"}))
      ->type_name("");
  calibrate
      ->add_option("FILE", arguments.inputs,
                   "Measurements: CSV, of fio its JSON, of served runs YAML")
      ->required()
      ->expected(1, -1)
      ->type_name("");
  calibrate->add_option("--gpu", arguments.gpu, "operators, copies: GPU of the catalogue")
      ->type_name("NAME");
  calibrate
      ->add_option("--base", arguments.base,
                   "Entry of the catalogue to start from; operators: that of the GPU")
      ->type_name("NAME");
  calibrate
      ->add_option("--link", arguments.link,
                   "copies: raw bandwidth of the link, one way (the GPU's host_link)")
      ->type_name("RATE");
  add_repeatable(*calibrate, "--where", arguments.where,
                 "Only rows whose column holds the text; may be given again")
      ->type_name("COLUMN=TEXT");
  calibrate->add_option("-o,--output", arguments.output, "Write the entry here")->type_name("FILE");
  calibrate->add_option("--report", arguments.report, "served: write every case as markdown here")
      ->type_name("FILE");
  calibrate->add_flag("!--no-leave-out", arguments.leave_out,
                      "Do not fit again with each group of measurements left out");
  add_output_flags(*calibrate, arguments);
}

void add_report(CLI::App& app, Arguments& arguments) {
  CLI::App* report = app.add_subcommand("report", "A result beside what was measured");
  add_single(*report, "RESULT", arguments, "What `run --format json` wrote")->required();
  report
      ->add_option("--measured", arguments.measured,
                   "What `vllm bench serve` or AIPerf wrote of the same demand")
      ->required()
      ->type_name("FILE");
  add_output_flags(*report, arguments);
}

void add_import(CLI::App& app, Arguments& arguments) {
  CLI::App* import = app.add_subcommand(
      "import", "A model's config.json, or an engine's launch line, as a piece of a scenario");
  import->add_option("KIND", arguments.kind, "hf, vllm or sglang")
      ->required()
      ->check(CLI::IsMember({"hf", "vllm", "sglang"}))
      ->type_name("");
  add_single(*import, "INPUT", arguments,
             "hf: a config.json; vllm, sglang: the launch line in quotes, or @FILE; - for stdin")
      ->required();
  import->add_option("-o,--output", arguments.output, "Write it here, not to stdout")
      ->type_name("FILE");
  import->add_flag("--catalogue", arguments.catalogue_entry,
                   "hf: an entry for configs/models, not a scenario's section");
  import
      ->add_option("--assume", arguments.assume,
                   "hf: read an unknown model_type as this one, where all its fields fit")
      ->check(CLI::IsMember({"llama"}))
      ->type_name("TYPE");
  import
      ->add_option("--gpu", arguments.gpu,
                   "Whose defaults count, and how many KV blocks follow (tiercast configs gpus)")
      ->type_name("NAME");
  import->add_option("--node", arguments.node, "The same for a node (tiercast configs nodes)")
      ->type_name("NAME");
  add_choice(*import, "--color", arguments.color, kColors, "NO_COLOR is honoured");
  import->add_flag("--quiet", arguments.quiet, "No warnings on stderr");
}

void add_listings(CLI::App& app, Arguments& arguments) {
  CLI::App* policies =
      app.add_subcommand("policies", "The policy library: names, parameters, sources");
  policies->add_option("NAME", arguments.inputs, "One policy")->expected(0, 1)->type_name("");
  policies
      ->add_option("--plugin", arguments.plugin, "What a plug-in offers instead, all or NAME of it")
      ->type_name("FILE");
  add_output_flags(*policies, arguments);
  CLI::App* configs = app.add_subcommand("configs", "The catalogue: kinds, entries, one entry");
  add_single(*configs, "KIND", arguments, "A kind: its entries");
  configs->add_option("NAME", arguments.detail, "One entry, whole")->type_name("");
  add_output_flags(*configs, arguments);
  CLI::App* schema = app.add_subcommand("schema", "JSON Schema of scenario files, for editors");
  schema->add_flag("--quiet", arguments.quiet, "No effect; accepted everywhere");
  CLI::App* version = app.add_subcommand("version", "Version, revision, compiler");
  add_output_flags(*version, arguments);
}

// A launch line without its program begins like a flag. With a blank before it, it is an input.
std::vector<std::string> words_of(int argc, const char* const* argv) {
  std::vector<std::string> words(argv, argv + argc);
  if (words.size() < 2 || words[1] != "import") return words;
  for (std::string& word : words) {
    if (word.starts_with('-') && word.find_first_of(" \n") != std::string::npos)
      word.insert(0, " ");
  }
  return words;
}

// Settings are the flags' values until a flag says otherwise.
void apply_settings(const config::Settings& settings, Arguments& arguments, Diagnostics& found) {
  const Place place{"settings", 0, 0};
  if (settings.seeds) found.error(place, "`seeds`: this version runs one seed at a time");
  if (settings.jobs) arguments.jobs = settings.jobs;
  if (settings.seed) arguments.seed = settings.seed;
  if (settings.out) arguments.out = settings.out;
  if (settings.quiet) arguments.quiet = *settings.quiet;
  if (settings.configs) arguments.configs = settings.configs;
  if (settings.format == config::OutputFormat::text) arguments.format = Format::text;
  if (settings.format == config::OutputFormat::json) arguments.format = Format::json;
  if (settings.format && *settings.format != config::OutputFormat::text &&
      *settings.format != config::OutputFormat::json) {
    found.error(place, "`format`: this version prints text or json");
  }
  if (settings.color == config::ColorMode::always) arguments.color = ColorWhen::always;
  if (settings.color == config::ColorMode::never) arguments.color = ColorWhen::never;
}

}  // namespace

Parsed parse_arguments(int argc, const char* const* given) {
  const std::vector<std::string> words = words_of(argc, given);
  std::vector<const char*> pointers;
  for (const std::string& word : words) pointers.push_back(word.c_str());
  const char* const* argv = pointers.data();
  Arguments arguments;
  Diagnostics found;
  apply_settings(config::read_settings(found), arguments, found);
  if (found.has_errors()) return {std::nullopt, found.render(), exit_bad_input};
  CLI::App app{"tiercast: forecast what a tiered KV cache does for an LLM inference cluster"};
  app.name("tiercast");
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string(build_info().version));
  app.footer(
      "Settings also come from TIERCAST_SEED, _OUT, _FORMAT, _COLOR, _QUIET, _CONFIGS and from\n"
      "~/.config/tiercast/config.ini (name = value); flags win, then environment, then file.");
  add_run(app, arguments);
  add_validate(app, arguments);
  add_explain(app, arguments);
  add_cache(app, arguments);
  add_tape(app, arguments);
  add_calibrate(app, arguments);
  add_report(app, arguments);
  add_import(app, arguments);
  add_listings(app, arguments);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::ostringstream out;
    std::ostringstream complaint;
    const int code = app.exit(error, out, complaint);
    std::string unknown = unknown_command(app, argc, argv);
    if (code == 0 && unknown.empty()) return {std::nullopt, out.str(), exit_ok};
    if (unknown.empty()) unknown = unknown_flag(app, argc, argv);
    return {std::nullopt, "tiercast: " + (unknown.empty() ? complaint.str() : unknown),
            exit_bad_input};
  }
  arguments.command = app.get_subcommands().front()->get_name();
  return {std::move(arguments), "", exit_ok};
}

}  // namespace tiercast::cli
