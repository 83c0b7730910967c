#pragma once

#include "sim/cli/arguments.hpp"

/// One function a subcommand; each returns the exit code, prints its result to stdout and
/// everything else to stderr.
namespace tiercast::cli {

int run_command(const Arguments& arguments);
int validate_command(const Arguments& arguments);
int explain_command(const Arguments& arguments);
int cache_command(const Arguments& arguments);
int tape_command(const Arguments& arguments);
int calibrate_command(const Arguments& arguments);
int report_command(const Arguments& arguments);
int import_command(const Arguments& arguments);
int policies_command(const Arguments& arguments);
int configs_command(const Arguments& arguments);
int schema_command(const Arguments& arguments);
int version_command(const Arguments& arguments);

}  // namespace tiercast::cli
