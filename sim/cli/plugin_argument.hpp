#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "models/tiering/plugin.hpp"
#include "sim/cli/arguments.hpp"

namespace tiercast::cli {

/// Whether what was given as a policy's name is a plug-in's file.
bool names_file(const std::string& name);

/// Wall time of a call into a plug-in, as --call-limit says; 0: none.
int64_t call_limit_ns(const Arguments& arguments);

/// The plug-in, run as --isolate-plugins and --call-limit say. On failure null, and in `error` a
/// sentence that begins with the file's name.
std::shared_ptr<const tiering::Plugin> load_plugin(const std::string& file,
                                                   const Arguments& arguments, std::string& error);

}  // namespace tiercast::cli
