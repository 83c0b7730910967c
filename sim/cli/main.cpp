#include <cstdio>
#include <exception>
#include <map>
#include <new>
#include <string_view>

#include "sim/cli/arguments.hpp"
#include "sim/cli/commands.hpp"

namespace {

using tiercast::cli::Arguments;

int dispatch(const Arguments& arguments) {
  using Command = int (*)(const Arguments&);
  // clang-format off
  static const std::map<std::string_view, Command> commands{
      {"run", tiercast::cli::run_command},
      {"validate", tiercast::cli::validate_command},
      {"explain", tiercast::cli::explain_command},
      {"cache", tiercast::cli::cache_command},
      {"tape", tiercast::cli::tape_command},
      {"calibrate", tiercast::cli::calibrate_command},
      {"report", tiercast::cli::report_command},
      {"import", tiercast::cli::import_command},
      {"policies", tiercast::cli::policies_command},
      {"configs", tiercast::cli::configs_command},
      {"schema", tiercast::cli::schema_command},
      {"version", tiercast::cli::version_command},
  };
  // clang-format on
  return commands.at(arguments.command)(arguments);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const tiercast::cli::Parsed parsed = tiercast::cli::parse_arguments(argc, argv);
    if (!parsed.arguments) {
      std::fputs(parsed.text.c_str(), parsed.exit_code == 0 ? stdout : stderr);
      return parsed.exit_code;
    }
    return dispatch(*parsed.arguments);
  } catch (const std::bad_alloc&) {
    std::fputs(
        "tiercast: not enough memory for this scenario\n"
        "fewer instances (cluster.nodes, engine.instances) or KV blocks need less\n",
        stderr);
    return tiercast::cli::exit_error;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tiercast: %s\n", error.what());
    return tiercast::cli::exit_error;
  }
}
