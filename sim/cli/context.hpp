#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "models/scenario/load.hpp"
#include "sim/base/diagnostics.hpp"
#include "sim/cli/arguments.hpp"

/// What the subcommands share.
namespace tiercast::cli {

/// Folder of the catalogue: as the settings say, else beside the sources this program was built
/// from, else where it is installed (../share/tiercast/configs from the program).
std::string configs_folder(const Arguments& arguments);

scenario::LoadOptions load_options(const Arguments& arguments);

/// Whether to colour what goes to the stream of file descriptor `fd`.
bool use_color(const Arguments& arguments, int fd);

/// Prints everything found to stderr (errors always, warnings unless quiet).
void print(const Diagnostics& found, const Arguments& arguments);

/// Writes a result to stdout, all of it or throws.
void write_stdout(const std::string& text);

/// Writes a file anew, all of it or throws.
void write_file(const std::string& path, std::string_view text);

}  // namespace tiercast::cli
