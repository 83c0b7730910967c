#include "sim/cli/plugin_argument.hpp"

namespace tiercast::cli {

bool names_file(const std::string& name) {
  return name.find('/') != std::string::npos || name.ends_with(".so");
}

int64_t call_limit_ns(const Arguments& arguments) {
  return static_cast<int64_t>(arguments.call_limit_s * 1e9);
}

std::shared_ptr<const tiering::Plugin> load_plugin(const std::string& file,
                                                   const Arguments& arguments, std::string& error) {
  return tiering::Plugin::load(file, {arguments.isolate_plugins, call_limit_ns(arguments)}, error);
}

}  // namespace tiercast::cli
