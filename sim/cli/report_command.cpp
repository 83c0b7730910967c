#include <optional>

#include "models/calibration/measured_compare.hpp"
#include "sim/cli/commands.hpp"
#include "sim/cli/context.hpp"

namespace tiercast::cli {

int report_command(const Arguments& arguments) {
  Diagnostics found;
  const auto forecast = calibration::JsonFile::read(arguments.inputs.front(), found);
  const auto measured = calibration::read_measured_result(*arguments.measured, found);
  const auto comparison =
      forecast && measured ? calibration::compare(*forecast, *measured, found) : std::nullopt;
  print(found, arguments);
  if (!comparison) return exit_bad_input;
  write_stdout(arguments.format == Format::json ? calibration::to_json(*comparison, *measured)
                                                : calibration::to_text(*comparison, *measured));
  return exit_ok;
}

}  // namespace tiercast::cli
