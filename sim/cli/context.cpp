#include "sim/cli/context.hpp"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <unistd.h>

namespace tiercast::cli {

namespace fs = std::filesystem;

namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

std::string configs_folder(const Arguments& arguments) {
  if (arguments.configs) return *arguments.configs;
  std::error_code ignored;
  const fs::path sources = fs::path(TIERCAST_SOURCE_DIR) / "configs";
  if (fs::is_directory(sources, ignored)) return sources.string();
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
  return (program.parent_path().parent_path() / "share" / "tiercast" / "configs").string();
}

scenario::LoadOptions load_options(const Arguments& arguments) {
  scenario::LoadOptions options{configs_folder(arguments), arguments.sets, arguments.seed};
  if (arguments.on_bad_line) {
    options.sets.push_back("workload.trace.on_bad_line=" + *arguments.on_bad_line);
  }
  if (arguments.isolate_plugins) options.sets.push_back("policy.isolate_plugins=true");
  if (arguments.check_policies) options.sets.push_back("policy.check_policies=true");
  return options;
}

bool use_color(const Arguments& arguments, int fd) {
  if (arguments.color == ColorWhen::always) return true;
  if (arguments.color == ColorWhen::never || !environment("NO_COLOR").empty()) return false;
  return isatty(fd) == 1;
}

void print(const Diagnostics& found, const Arguments& arguments) {
  const bool silent = arguments.quiet && !found.has_errors();
  if (silent || found.sorted().empty()) return;
  const std::string text = found.render({20, use_color(arguments, STDERR_FILENO)});
  std::fputs(text.c_str(), stderr);
}

void write_stdout(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    throw std::runtime_error("cannot write to standard output");
  }
}

void write_file(const std::string& path, std::string_view text) {
  std::ofstream stream(path, std::ios::binary);
  stream.write(text.data(), static_cast<std::streamsize>(text.size()));
  stream.close();
  if (!stream) throw std::runtime_error("cannot write " + path);
}

}  // namespace tiercast::cli
